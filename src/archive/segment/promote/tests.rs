use proptest::prelude::*;

use super::*;

fn promoted(json: &str, kind: ColumnType) -> (String, bool) {
    let promoted = Promoted::of(Json::view(json), kind);
    let text = match promoted.scalar {
        None => "null".to_owned(),
        Some(Scalar::Text(text)) => format!("{text:?}"),
        Some(Scalar::Integer(value)) => value.to_string(),
        Some(Scalar::Double(value)) => format!("{value:?}"),
        Some(Scalar::Boolean(value)) => value.to_string(),
    };
    (text, promoted.exact)
}

#[test]
fn a_value_fits_its_own_type_only_and_null_fits_all() {
    use ColumnType::{Boolean, Double, Integer, Text};
    let long = format!("\"{}\"", "x".repeat(MAX_TEXT + 1));
    for (json, kind, text, exact) in [
        ("null", Integer, "null", true),
        ("1", Integer, "1", true),
        ("-0", Integer, "0", true),
        ("3.0", Integer, "3", true),
        ("3e2", Integer, "300", true),
        ("3.5", Integer, "null", false),
        ("9223372036854775807", Integer, "9223372036854775807", true),
        ("9223372036854775808", Integer, "null", false),
        ("-1e30", Integer, "null", false),
        ("\"1\"", Integer, "null", false),
        ("1.5", Double, "1.5", true),
        ("7", Double, "7.0", true),
        ("0.1", Double, "0.1", true),
        ("1e-7", Double, "1e-7", true),
        ("9007199254740993", Double, "9007199254740992.0", false),
        ("0.1000000000000000055", Double, "0.1", false),
        ("1e400", Double, "null", false),
        ("true", Double, "null", false),
        ("true", Boolean, "true", true),
        ("0", Boolean, "null", false),
        ("\"a\\u00e9\"", Text, "\"aé\"", true),
        ("\"\"", Text, "\"\"", true),
        (&long, Text, "null", false),
        ("[1]", Text, "null", false),
        ("{}", Text, "null", false),
    ] {
        assert_eq!(
            promoted(json, kind),
            (text.to_owned(), exact),
            "{json} as {kind:?}"
        );
    }
}

proptest! {
    /// What the matcher would see in the column is the number in the record: exactly, or it is not called exact.
    #[test]
    fn an_exact_double_is_the_number(text in "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?") {
        if let Some((value, exact)) = double(&text) {
            let same = compare_numbers(&text, &number_text(value)).is_eq();
            prop_assert_eq!(exact, same, "{} is {}", text, value);
        }
    }

    #[test]
    fn an_integer_is_the_number(text in "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,3})?([eE][+-]?[0-9])?") {
        if let Some(value) = integer(&text) {
            prop_assert!(compare_numbers(&text, &value.to_string()).is_eq(), "{} is {}", text, value);
        }
    }
}
