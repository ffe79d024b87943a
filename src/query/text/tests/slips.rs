//! The sentence that each frequent slip has.

use super::*;

/// The text, what the first line says, the column, and what the hint says.
const MISTAKES: &[(&str, &str, usize, &str)] = &[
    // Values.
    (
        "status = \"closed\"",
        "expected a value, found `\"closed\"`",
        10,
        "single quotes: 'closed'",
    ),
    (
        "status = closed",
        "expected a value, found `closed`",
        10,
        "single quotes: 'closed'",
    ),
    (
        "status = null",
        "expected a value, found `null`",
        10,
        "write `is null`",
    ),
    (
        "status != NULL",
        "expected a value, found `NULL`",
        11,
        "`is not null`",
    ),
    (
        "status = None",
        "expected a value, found `None`",
        10,
        "write `is null`",
    ),
    (
        "x =",
        "expected a value, found the end",
        4,
        "a value is like",
    ),
    (
        "x = and y = 1",
        "expected a value, found `and`",
        5,
        "a value is like",
    ),
    (
        "x = \u{2018}a\u{2019}",
        "expected a value",
        5,
        "straight quotes",
    ),
    (
        "x = \u{201c}a\u{201d}",
        "expected a value",
        5,
        "curly quotes",
    ),
    ("x = 'a", "expected a closing '", 5, "doubled"),
    (
        "x = 'it's'",
        "expected a space after a string, found `s`",
        9,
        "doubled: 'it''s'",
    ),
    (
        "x = 1_000",
        "expected a number, found `1_000`",
        5,
        "goes on",
    ),
    (
        "x = 01",
        "expected a number, found `01`",
        5,
        "leading zeros",
    ),
    (
        "x = .5",
        "expected a number, found `.5`",
        5,
        "expected a value",
    ),
    (
        "x = +5",
        "expected a number, found `+5`",
        5,
        "expected a value",
    ),
    (
        "x = 2024-01-31",
        "expected a number, found `2024-01-31`",
        5,
        "date '2024-01-31'",
    ),
    (
        "x = 1e400",
        "expected a number, found `1e400`",
        5,
        "64-bit float",
    ),
    (
        "x = NaN",
        "expected a value, found `NaN`",
        5,
        "no such number",
    ),
    (
        "x = json '[1'",
        "expected JSON: expected `,` or `]`",
        5,
        "json looks like",
    ),
    (
        "x = json 'null'",
        "expected a value, found null",
        5,
        "is null",
    ),
    (
        "x = json",
        "expected a value, found `json`",
        5,
        "a string follows `json`",
    ),
    (
        "x < json '[1]'",
        "expected something that has an order",
        5,
        "not less or greater",
    ),
    // Operators.
    (
        "status",
        "expected an operator, found the end",
        7,
        "starts_with",
    ),
    (
        "status 'closed'",
        "expected an operator, found `'closed'`",
        8,
        "= != <",
    ),
    (
        "status lik 'a%'",
        "expected an operator, found `lik`",
        8,
        "did you mean `like`?",
    ),
    (
        "status stars_with 'a'",
        "expected an operator, found `stars_with`",
        8,
        "did you mean `starts_with`?",
    ),
    (
        "status bewteen 1 and 2",
        "expected an operator, found `bewteen`",
        8,
        "did you mean `between`?",
    ),
    (
        "status contains 'a'",
        "expected an operator, found `contains`",
        8,
        "like '%text%'",
    ),
    (
        "status =~ 'a'",
        "expected an operator, found `=~`",
        8,
        "write `regex`",
    ),
    (
        "status => 1",
        "expected an operator, found `=>`",
        8,
        "write `>=`",
    ),
    (
        "status =< 1",
        "expected an operator, found `=<`",
        8,
        "write `<=`",
    ),
    (
        "status === 1",
        "expected an operator, found `===`",
        8,
        "= != <",
    ),
    (
        "status: 'a'",
        "expected an operator, found `:`",
        7,
        "write `=`",
    ),
    (
        "bad-name = 1",
        "expected an operator, found `-`",
        4,
        "\"bad-name\"",
    ),
    (
        "tags[0] = 1",
        "expected an operator, found `[`",
        5,
        "never into arrays",
    ),
    (
        "lower(name) = 'a'",
        "expected an operator, found `(`",
        6,
        "no functions",
    ),
    (
        "x not = 1",
        "expected `in`, `like`",
        7,
        "in front of a whole test",
    ),
    (
        "x not regex 'a'",
        "expected `in`, `like`",
        7,
        "not (x regex 'a')",
    ),
    (
        "x is 'a'",
        "expected `null`, found `'a'`",
        6,
        "compared by `=`",
    ),
    ("x \u{2265} 1", "expected an operator", 3, "write `>=`"),
    // Connectives.
    (
        "a = 1 && b = 2",
        "expected `and`, `or` or the end, found `&&`",
        7,
        "write `and`",
    ),
    (
        "a = 1 || b = 2",
        "expected `and`, `or` or the end, found `||`",
        7,
        "write `or`",
    ),
    ("!a = 1", "expected a path, found `!`", 1, "write `not`"),
    (
        "a = 1 b = 2",
        "expected `and`, `or` or the end, found `b`",
        7,
        "joined by `and`",
    ),
    ("1 < a", "expected a path, found `1`", 1, "double quotes"),
    (
        "0 < a < 9",
        "expected a path, found `0`",
        1,
        "double quotes",
    ),
    (
        "a > 0 < 9",
        "expected `and`, `or` or the end, found `<`",
        7,
        "one operator",
    ),
    (
        "a = 1 and",
        "expected a path, found the end",
        10,
        "a test looks like",
    ),
    (
        "and a = 1",
        "expected a path, found `and`",
        1,
        "in double quotes",
    ),
    (
        "(a = 1",
        "expected `and`, `or` or `)`, found the end",
        7,
        "joined",
    ),
    (
        "a = 1)",
        "expected `and`, `or` or the end, found `)`",
        6,
        "no bracket",
    ),
    ("()", "expected a path, found `)`", 2, "a test looks like"),
    (
        "a = 1;",
        "expected `and`, `or` or the end, found `;`",
        6,
        "no `;`",
    ),
    (
        "'a' = 1",
        "expected a path, found `'a'`",
        1,
        "double quotes, or in none",
    ),
    (
        "exists a",
        "expected a path, found `exists`",
        1,
        "the path comes first",
    ),
    ("`a` = 1", "expected a path, found ``", 1, "double quotes"),
    (
        "@created = 1",
        "expected `@created_at` or `@updated_at`",
        1,
        "own times",
    ),
    ("\u{feff}a = 1", "expected a path", 1, "invisible"),
    // Lists, bounds, patterns.
    (
        "x in 'a'",
        "expected `(`, found `'a'`",
        6,
        "a list looks like ('a', 'b')",
    ),
    (
        "x in ['a']",
        "expected `(`, found `[`",
        6,
        "a list looks like",
    ),
    (
        "x in ('a' 'b')",
        "expected `,` or `)`, found `'b'`",
        11,
        "a list looks like",
    ),
    (
        "x in ('a',",
        "expected a value, found the end",
        11,
        "a list looks like",
    ),
    (
        "x in (,'a')",
        "expected a value, found `,`",
        7,
        "a list looks like",
    ),
    (
        "x in ('a', null)",
        "expected a value, found `null`",
        12,
        "is null",
    ),
    (
        "x between 1, 2",
        "expected `and`, found `,`",
        12,
        "between 1 and 9",
    ),
    (
        "x between (1, 2)",
        "expected a value, found `(`",
        11,
        "between 1 and 9",
    ),
    (
        "x between 1 and 'b'",
        "expected bounds of one type, found a number and a string",
        17,
        "of one type",
    ),
    (
        "x between now() and '2024'",
        "expected bounds of one type",
        21,
        "of one type",
    ),
    (
        "x like 5",
        "expected a string, found `5`",
        8,
        "a value is like",
    ),
    ("x like a", "expected a string, found `a`", 8, "'a'"),
    (
        "x like 'a\\'",
        "a pattern cannot end in one `\\`",
        8,
        "mend",
    ),
    (
        "x regex '['",
        "this is no regular expression",
        9,
        "unclosed character class",
    ),
    // Times.
    (
        "x < now",
        "expected a value, found `now`",
        5,
        "write `now()`",
    ),
    ("x < now(5)", "expected `)`, found `5`", 9, "write `now()`"),
    (
        "x < now() - 90",
        "expected a unit, found the end",
        15,
        "90d",
    ),
    (
        "x < now() - 90days",
        "expected a unit, found `days`",
        15,
        "ms, s, m, h, d, w",
    ),
    (
        "x < now() - 3 months",
        "expected a unit, found ` `",
        14,
        "90d",
    ),
    (
        "x < now() - 3months",
        "expected a unit, found `months`",
        14,
        "write days",
    ),
    ("x < now() - d", "expected a span, found `d`", 13, "90d"),
    (
        "x < now() - 99999999999999999999d",
        "expected a shorter span",
        13,
        "longer",
    ),
    (
        "x < date '2024-13-01'",
        "expected a date, found `2024-13-01`",
        5,
        "date '2024-01-31'",
    ),
    (
        "x < date '2024-01-01T00:00'",
        "expected a date",
        5,
        "timestamp",
    ),
    (
        "x < timestamp 'yesterday'",
        "expected a time, found `yesterday`",
        5,
        "UTC",
    ),
    (
        "x < date '9999-12-31' + 9d",
        "expected a time between the years 1 and 9999",
        23,
        "leads out",
    ),
    (
        "x < date '0001-01-01' - 1s",
        "expected a time between the years 1 and 9999",
        23,
        "leads out",
    ),
    (
        "x < interval '90 days'",
        "expected a value, found `interval`",
        5,
        "now() - 90d",
    ),
];

#[test]
fn frequent_slips_have_their_own_sentence() {
    for (text, message, column, hint) in MISTAKES {
        let error = match text.parse::<Filter>() {
            Ok(filter) => panic!("{text} is {filter:?}"),
            Err(error) => error.to_string(),
        };
        assert!(error.starts_with(message), "{text}\n{error}");
        assert!(
            error.contains(&format!("line 1, column {column}\n")),
            "{text}\n{error}"
        );
        let last = error.lines().last().unwrap();
        assert!(last.contains(hint), "{text}\n{error}");
        let caret = last.chars().position(|c| c == '^').unwrap();
        assert_eq!(caret, " 1 | ".len() + column - 1, "{text}\n{error}");
    }
}
