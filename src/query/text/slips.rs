//! The frequent slips, each with a sentence of its own.

use std::borrow::Cow;

use super::KEYWORDS;

type Hint = Cow<'static, str>;

/// The operators, for a hint where one is missing.
pub(super) const OPERATORS: &str =
    "= != < <= > >= in between like ilike regex starts_with exists, is null";

/// A sign that other languages have, at the beginning of `rest`.
pub(super) fn sign(rest: &str) -> Option<Hint> {
    let hint = match rest.chars().next()? {
        '&' => "write `and`",
        '|' => "write `or`",
        '!' if !rest.starts_with("!=") => "write `not`",
        '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{b4}' => {
            "strings stand in straight quotes: 'closed'"
        }
        '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{ab}' | '\u{bb}' => {
            "these are curly quotes; strings stand in straight single ones: 'closed'"
        }
        '`' => "names with odd characters stand in double quotes, strings in single ones",
        ';' => "a filter has no `;`",
        '\u{2264}' => "write `<=`",
        '\u{2265}' => "write `>=`",
        '\u{2260}' => "write `!=`",
        '\u{a0}' | '\u{200b}' | '\u{feff}' => "this is an invisible character; take it out",
        _ => return None,
    };
    Some(hint.into())
}

/// What is meant by something that stands in the place of an operator.
pub(super) fn operator(rest: &str, word: Option<&str>) -> Hint {
    for (slip, hint) in [
        ("=~", "write `regex`"),
        ("~", "write `regex`"),
        ("=<", "write `<=`"),
        ("=>", "write `>=`"),
        (":", "write `=`"),
        ("-", "a name with `-` stands in double quotes: \"bad-name\""),
        ("[", "a path goes through objects, never into arrays"),
        (
            "(",
            "there are no functions; the path comes first, then an operator",
        ),
        (".", "a name follows the `.` without a space"),
    ] {
        if rest.starts_with(slip) {
            return hint.into();
        }
    }
    let Some(word) = word else {
        return sign(rest).unwrap_or_else(|| OPERATORS.into());
    };
    let word = word.to_lowercase();
    let meant = match word.as_str() {
        "contains" | "has" | "includes" => "write `like '%text%'`",
        "startswith" | "begins_with" | "prefix" => "write `starts_with 'text'`",
        "endswith" | "ends_with" => "write `like '%text'`",
        "matches" | "match" | "regexp" | "rlike" | "similar" => "write `regex 'pattern'`",
        "equals" | "equal" | "eq" => "write `=`",
        "ne" | "neq" => "write `!=`",
        "lt" => "write `<`",
        "le" | "lte" => "write `<=`",
        "gt" => "write `>`",
        "ge" | "gte" => "write `>=`",
        "isnull" => "write `is null`",
        "notnull" => "write `is not null`",
        _ => {
            return nearest(&word).map_or_else(
                || OPERATORS.into(),
                |near| format!("did you mean `{near}`?").into(),
            );
        }
    };
    meant.into()
}

/// The operator or connective that a word is nearest to, if it is near.
fn nearest(word: &str) -> Option<&'static str> {
    let operators = KEYWORDS
        .into_iter()
        .filter(|word| !matches!(*word, "null" | "true" | "false"));
    let distance = |candidate: &&str| strsim::osa_distance(word, candidate);
    let near = operators
        .chain(["not_in", "not_like", "not_exists"])
        .min_by_key(distance)?;
    (distance(&near) <= near.len().div_ceil(3)).then_some(near)
}

/// What is meant by something that stands in the place of a value.
pub(super) fn value(rest: &str, word: Option<&str>) -> Hint {
    if let Some(name) = rest.strip_prefix('"') {
        let name: String = name.chars().take_while(|c| *c != '"').take(40).collect();
        return format!("a string stands in single quotes: '{name}'").into();
    }
    let Some(word) = word else {
        return sign(rest).unwrap_or_else(|| VALUES.into());
    };
    match word.to_lowercase().as_str() {
        "null" | "none" | "nil" | "undefined" => {
            "nothing equals null; write `is null` or `is not null`".into()
        }
        "nan" | "infinity" | "inf" => "JSON has no such number".into(),
        "now" | "today" | "current_timestamp" | "current_date" => "write `now()`".into(),
        "interval" => "write a span as in `now() - 90d`".into(),
        "date" | "timestamp" | "json" => {
            format!("a string follows `{word}`, in single quotes").into()
        }
        "and" | "or" | "not" | "in" => VALUES.into(),
        _ => {
            let short: String = word.chars().take(40).collect();
            format!("a string stands in single quotes: '{short}'; two fields are never compared")
                .into()
        }
    }
}

/// What a value looks like.
const VALUES: &str = "a value is like 'text', 5, true, date '2024-01-31', now() - 90d, json '[1]'";
