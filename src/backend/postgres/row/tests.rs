use super::*;

#[test]
fn jsonb_without_its_blanks() {
    for (text, expected) in [
        (r#"{}"#, r#"{}"#),
        (
            r#"{"a": 1, "b": [1, 2, {"c": null}]}"#,
            r#"{"a":1,"b":[1,2,{"c":null}]}"#,
        ),
        (
            r#"{"a b": "c, d: e", "f": " "}"#,
            r#"{"a b":"c, d: e","f":" "}"#,
        ),
        (
            r#"{"a\" b": "\\", "c": "\\\" , "}"#,
            r#"{"a\" b":"\\","c":"\\\" , "}"#,
        ),
        (r#"{"é": "日 本"}"#, r#"{"é":"日 本"}"#),
    ] {
        assert_eq!(&*compact(text), expected);
    }
}
