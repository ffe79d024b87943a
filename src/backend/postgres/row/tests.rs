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

#[test]
fn the_largest_floats_are_spelled_so_that_every_parser_takes_them() {
    let zeros = |digits: &str| format!("{digits}{}", "0".repeat(309 - digits.len()));
    for before in 0..600 {
        let text = format!(
            r#"{{"text":"{}","largest":{},"all":[-{},1]}}"#,
            "x".repeat(before),
            zeros("17976931348623157"),
            zeros("17976931348623157")
        );
        assert!(number::may_be_long(&text), "{before}");
        let short = number::shortened(&text);
        let tail = r#""largest":17976931348623157e292,"all":[-17976931348623157e292,1]}"#;
        assert!(short.ends_with(tail), "{short}");
        let parsed: serde_json::Value = serde_json::from_str(&short).unwrap();
        assert_eq!(parsed["largest"], f64::MAX);
        assert_eq!(parsed["all"][0], f64::MIN);
    }
    // Whatever else has many zeros stays as it is.
    let string = format!(r#"{{"a":"\\\" {}","b":1}}"#, zeros("1"));
    let fraction = format!(r#"{{"a":0.{}1,"b":{}.5}}"#, zeros("0"), zeros("1"));
    let short = format!(r#"{{"a":{},"b":{}}}"#, &zeros("1")[..308], 0);
    let full = format!(r#"{{"a":{}}}"#, "7".repeat(309));
    for text in [string, fraction, short, full] {
        assert_eq!(&*number::shortened(&text), text);
    }
    assert!(!number::may_be_long(&format!(
        r#"{{"a":"{}"}}"#,
        "x".repeat(5_000)
    )));
}
