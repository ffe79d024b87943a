//! Filters and paths read back, and no text makes the parser panic.

use super::*;

#[test]
fn what_has_no_text_is_written_as_what_it_means() {
    let a = Filter::Test(Path::field(["a"]), Predicate::Exists);
    let none = Filter::Or(vec![]);
    assert_eq!(none.to_string(), "id not exists");
    assert_eq!(
        a.clone().and(Filter::ALL).to_string(),
        "a exists and id exists"
    );
    assert_eq!(
        Filter::Or(vec![Filter::And(vec![a.clone()])]).to_string(),
        "a exists"
    );
    assert_eq!((!Filter::And(vec![a])).to_string(), "not a exists");
    assert_eq!(Filter::ALL.to_string(), "");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn filters_read_back_as_equal_trees(filter in arbitrary::filter(2)) {
        let text = filter.to_string();
        let again = text.parse::<Filter>().map_err(|error| TestCaseError::fail(format!("{text}\n{error}")))?;
        prop_assert_eq!(&again, &filter, "{}", text);
        prop_assert_eq!(again.to_string(), text);
    }

    #[test]
    fn paths_read_back(path in arbitrary::path()) {
        prop_assert_eq!(path.to_string().parse::<Path>().unwrap(), path);
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>()) {
        let _ = text.parse::<Filter>();
        let _ = text.parse::<Path>();
    }

    #[test]
    fn no_words_make_the_parser_panic(words in proptest::collection::vec(proptest::sample::select(WORDS.to_vec()), 0..12), glue in proptest::sample::select(vec!["", " ", "\n"])) {
        let text = words.join(glue);
        if let Err(error) = text.parse::<Filter>() {
            prop_assert!(error.to_string().contains('^'), "{}", error);
        }
    }
}

const WORDS: &[&str] = &[
    "a",
    "b.c",
    "\"x\"",
    "'s'",
    "'",
    "\"",
    "1",
    "-1.5",
    "=",
    "!=",
    "<",
    ">=",
    "and",
    "or",
    "not",
    "(",
    ")",
    ",",
    "in",
    "like",
    "ilike",
    "regex",
    "starts_with",
    "between",
    "exists",
    "is",
    "null",
    "true",
    "json",
    "date",
    "timestamp",
    "now()",
    "+",
    "-",
    "1d",
    "'2024-01-01'",
    "@created_at",
    "@",
    ".",
    "&&",
    "\u{201c}",
    "\u{e9}",
    "\\",
];
