//! The walker, numbers, strings and validation.

use std::cmp::Ordering;

use proptest::prelude::*;

use super::*;

#[test]
fn values_are_found_without_looking_into_others() {
    let text = r#" { "skip" : {"x":"}\"]","y":[[],{"v":1}]} , "v\u0069a":{"a":[1,2]} ,"b":"t\u00e9\n" , "n":-1.5e3}"#;
    let at = |names: &[&str]| value_at(text, names.iter().copied());
    assert_eq!(at(&["via", "a"]), Some("[1,2]"));
    assert_eq!(at(&["via"]), Some(r#"{"a":[1,2]}"#));
    assert_eq!(at(&["n"]), Some("-1.5e3"));
    assert_eq!(
        at(&["b"]).map(Json::view),
        Some(Json::String("t\u{e9}\n".into()))
    );
    assert_eq!(at(&["v"]), None);
    assert_eq!(at(&["n", "x"]), None);
    assert_eq!(at(&["via", "a", "0"]), None);
    assert_eq!(at(&[]), Some(text));
    let items: Vec<&str> = Items::of(r#"[ 1, "a,]" ,[2] , {"x":3}]"#).collect();
    assert_eq!(items, ["1", "\"a,]\"", "[2]", r#"{"x":3}"#]);
}

#[test]
fn text_that_is_not_json_ends_early() {
    for text in [
        "",
        "{",
        "{\"",
        "{\"a",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":[1",
        "{a:1}",
        "[",
        "\"\\",
        "{\"\\u12\":1}",
    ] {
        assert_eq!(value_at(text, ["b"]), None, "{text}");
        let _ = Json::view(text);
    }
    for foreign in ["NaN", "Infinity", "-Infinity", "None"] {
        assert_eq!(Json::view(foreign), Json::Null);
    }
    assert_eq!(
        Json::view(r#""\ud83d\ude00 \ud83d!""#),
        Json::String("\u{1F600} \u{FFFD}!".into())
    );
}

#[test]
fn numbers_compare_by_exact_value() {
    let ascending = [
        "-1e400",
        "-9007199254740993",
        "-9007199254740992",
        "-1.5",
        "-1",
        "-1e-400",
        "0",
        "1e-400",
        "0.09",
        "0.1",
        "0.10000000000000000001",
        "1",
        "1.0000000000000000000001",
        "2",
        "10",
        "99.9",
        "1e2",
        "9007199254740992",
        "9007199254740993",
        "1e400",
        "1e99999999999999999999",
    ];
    for (i, left) in ascending.iter().enumerate() {
        for (j, right) in ascending.iter().enumerate() {
            assert_eq!(compare_numbers(left, right), i.cmp(&j), "{left} {right}");
        }
    }
    for same in [
        &["1", "1.0", "10e-1", "0.1e1", "1000E-3", "0.0001e+4"][..],
        &["0", "-0", "0.0", "0e5", "-0.000e99999999999999999999"],
        &["120", "1.2e2", "12.0e1"],
        &["1180591620717411303424", "1.180591620717411303424e21"],
    ] {
        for left in same {
            for right in same {
                assert_eq!(
                    compare_numbers(left, right),
                    Ordering::Equal,
                    "{left} {right}"
                );
            }
        }
    }
}

#[test]
fn numbers_are_cut_to_whole_ones_downwards() {
    assert_eq!(floor_scaled("1388534400", 6), Some(1_388_534_400_000_000));
    assert_eq!(floor_scaled("1.3885344e9", 6), Some(1_388_534_400_000_000));
    assert_eq!(floor_scaled("0.0000019", 6), Some(1));
    assert_eq!(floor_scaled("-0.0000011", 6), Some(-2));
    assert_eq!(floor_scaled("-0.0000001", 6), Some(-1));
    assert_eq!(floor_scaled("-1", 6), Some(-1_000_000));
    assert_eq!(floor_scaled("0e99", 6), Some(0));
    assert_eq!(floor_scaled("1e13", 6), None);
    assert_eq!(floor_scaled("1e99999999999999999999", 6), None);
    assert_eq!(floor_scaled("1e-99999999999999999999", 6), Some(0));
}

#[test]
fn equality_is_deep() {
    assert!(equal(
        r#"{"a":1,"b":[true,null]}"#,
        r#"{ "b":[true, null], "\u0061":1.0}"#
    ));
    assert!(!equal(r#"{"a":1}"#, r#"{"a":1,"b":2}"#));
    assert!(!equal(r#"{"a":1,"b":2}"#, r#"{"a":1}"#));
    assert!(!equal("[1,2]", "[1]") && !equal("[1]", "[1,2]"));
    assert!(!equal("null", "false") && !equal("\"1\"", "1") && !equal("[]", "{}"));
}

fn error(text: &str) -> String {
    let error = validate_object(text).unwrap_err();
    assert_eq!(error.kind(), crate::ErrorKind::Invalid);
    error.to_string()
}

#[test]
fn what_no_layout_keeps_is_refused_with_its_place() {
    let near = |text: &str, parts: &[&str]| {
        let error = error(text);
        for part in parts {
            assert!(error.contains(part), "{text}: {error}");
        }
    };
    near("", &["JSON object"]);
    near("[1]", &["no JSON object", "found: ["]);
    near("null", &["no JSON object", "found: null"]);
    near("\u{feff}{}", &["byte order mark"]);
    near("{\"a\":1} x", &["goes on", "column: 9", "found: x"]);
    near("{\"a\":1,}", &["comma", "column: 8"]);
    near("{\"a\":[1,]}", &["comma"]);
    near("{a:1}", &["key in double quotes", "found: a"]);
    near("{'a':1}", &["key in double quotes", "found: '"]);
    near("{\"a\":'x'}", &["double quotes", "near: a"]);
    near("{\"a\" 1}", &["`:`", "column: 6"]);
    near("{\"a\":1 \"b\":2}", &["`,` or `}`", "found: \"b\""]);
    near("{\"a\":[1 2]}", &["`,` or `]`"]);
    near(
        "{\"a\":",
        &["expected a value", "found: the end of the text"],
    );
    near("{\"a\":\"x", &["closing quote"]);
    near(
        "{\n \"a\": 1,\n \"\u{e9}\": tru}",
        &["line: 3", "column: 7", "near: \u{e9}", "found: tru"],
    );
    near("{\"a\":\"x\ty\"}", &["control character", "U+0009"]);
    near("{\"a\":\"x\0y\"}", &["control character", "U+0000"]);
    near(r#"{"a":"\u0000"}"#, &["U+0000"]);
    near(r#"{"a":"\ud800"}"#, &["surrogate"]);
    near(r#"{"a":"\ud800\ud800"}"#, &["surrogate"]);
    near(r#"{"a":"\udc00\ud800"}"#, &["surrogate"]);
    near(r#"{"a":"\x41"}"#, &["backslash"]);
    near(r#"{"a":"\u12g4"}"#, &["four hexadecimal"]);
    for number in ["NaN", "Infinity", "-Infinity"] {
        near(
            &format!("{{\"a\":{number}}}"),
            &["NaN", "write null", &format!("found: {number}")],
        );
    }
    near(
        r#"{"a":{"b":1e400}}"#,
        &["64-bit float", "near: a.b", "found: 1e400", "as a string"],
    );
    near(r#"{"a":-1e309}"#, &["64-bit float"]);
    near(r#"{"a":1e-400}"#, &["64-bit float"]);
    near(
        &format!("{{\"a\":1{}}}", "0".repeat(309)),
        &["64-bit float"],
    );
    near(
        &format!("{{\"a\":0.{}1}}", "0".repeat(400)),
        &["64-bit float"],
    );
    for number in [
        "01", "-", "-x", "1.", ".5", "1e", "1e+", "+1", "0x10", "1_000",
    ] {
        error(&format!("{{\"a\":{number}}}"));
    }
    near(
        r#"{"a":1,"b":2,"a":3}"#,
        &["stands twice", "column: 14", "found: \"a\""],
    );
    near(
        r#"{"o":{"a":1,"\u0061":3}}"#,
        &["stands twice", "near: o.a"],
    );
}

#[test]
fn what_every_layout_keeps_is_taken() {
    let zeros = format!("{{\"a\":0.{}}}", "0".repeat(400));
    for text in [
        "{}",
        " \r\n\t{ } ",
        r#"{"a":1180591620717411303424,"b":3.0,"c":-0,"d":1E+5,"e":0e999999,"f":4.9e-324,"g":1.7976931348623157e308}"#,
        r#"{"a":"\ud83d\ude00\"\\\/\b\f\n\r\t\u00e9","":{"a":{"a":[]}}}"#,
        "{\"a\":\"\u{7f}\u{fffd}\u{10ffff}\"}",
        &zeros,
    ] {
        validate_object(text).unwrap();
        serde_json::from_str::<&serde_json::value::RawValue>(text).unwrap();
    }
}

#[test]
fn nesting_is_bounded_and_never_overflows() {
    let nested = |depth: usize| {
        format!(
            "{{\"a\":{}{}}}",
            "[".repeat(depth - 1),
            "]".repeat(depth - 1)
        )
    };
    validate_object(&nested(MAX_DEPTH)).unwrap();
    for depth in [MAX_DEPTH + 1, 10_000, 1_000_000] {
        assert!(error(&nested(depth)).contains("at most 128"));
    }
    // Deeper text of others is walked, not parsed.
    assert_eq!(value_at(&nested(1_000_000), ["b"]), None);
}

#[test]
fn many_keys_are_told_apart() {
    let object = |keys: usize, twice: Option<usize>| {
        let mut text = String::from("{\"in\":{");
        for key in (0..keys).chain(twice) {
            text.push_str(&format!("\"k{key}\":{{\"a\":1,\"b\":2}},"));
        }
        text.pop();
        text + "},\"a\":1}"
    };
    for keys in [1, 31, 32, 33, 34, 1_000] {
        validate_object(&object(keys, None)).unwrap();
        for twice in [0, keys / 2, keys - 1] {
            let error = error(&object(keys, Some(twice)));
            assert!(error.contains(&format!("found: \"k{twice}\"")), "{error}");
            assert!(error.contains(&format!("near: in.k{twice}")), "{error}");
        }
    }
}

/// A number with its digits written out, as text that sorts: obvious, and useless for large exponents.
fn written_out(number: &str) -> (bool, String) {
    let (negative, rest) = match number.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, number),
    };
    let (mantissa, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
    let exponent: i32 = exponent.parse().unwrap();
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut digits = vec!['0'; 400];
    for (index, digit) in whole.chars().chain(fraction.chars()).enumerate() {
        let place = 200 + i32::try_from(index).unwrap() - i32::try_from(whole.len()).unwrap();
        digits[usize::try_from(place - exponent).unwrap()] = digit;
    }
    let zero = digits.iter().all(|digit| *digit == '0');
    (negative && !zero, digits.into_iter().collect())
}

fn model_order(left: &str, right: &str) -> Ordering {
    match (written_out(left), written_out(right)) {
        ((false, left), (false, right)) => left.cmp(&right),
        ((true, left), (true, right)) => right.cmp(&left),
        ((true, _), (false, _)) => Ordering::Less,
        ((false, _), (true, _)) => Ordering::Greater,
    }
}

const NUMBER: &str = "-?(0|[1-9][0-9]{0,25}|10{0,20}|90{0,3}7199254740992)(\\.[0-9]{1,25}|\\.0{1,5}[1-9]0{1,5})?([eE][+-]?[0-9]{1,2})?";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn numbers_compare_as_the_written_out_ones(left in NUMBER, right in NUMBER) {
        prop_assert_eq!(compare_numbers(&left, &right), model_order(&left, &right));
        prop_assert_eq!(compare_numbers(&right, &left), model_order(&right, &left));
        prop_assert_eq!(compare_numbers(&left, &left), Ordering::Equal);
    }

    #[test]
    fn a_number_equals_its_other_spellings(whole in 0_u64.., fraction in "[0-9]{0,9}", shift in 0_usize..30) {
        let plain = format!("{whole}.{fraction}0");
        let digits = format!("{whole}{fraction}");
        let shifted = format!("{digits}{}e-{}", "0".repeat(shift), fraction.len() + shift);
        prop_assert_eq!(compare_numbers(&plain, &shifted), Ordering::Equal);
        let next = format!("{digits}{}1e-{}", "0".repeat(shift), fraction.len() + shift + 1);
        prop_assert_eq!(compare_numbers(&plain, &next), Ordering::Less);
    }

    /// What serde_json takes and what is taken here differ by the rules of records only.
    #[test]
    fn validation_agrees_with_serde_json(text in "\\{(\"[ab]\":( ?[0-9eE.+-]{1,4}|\"[\\\\ubn01a\"/]{0,6}\"?|[\\[\\]{},: ]{0,5}|true|nul|null),?){0,3}\\}?") {
        let theirs = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&text);
        match (validate_object(&text), theirs) {
            (Ok(()), theirs) => prop_assert!(theirs.is_ok(), "{}", text),
            (Err(ours), Ok(_)) => {
                let ours = ours.to_string();
                prop_assert!(["twice", "U+0000", "64-bit"].iter().any(|rule| ours.contains(rule)), "{}: {}", text, ours);
            }
            (Err(_), Err(_)) => {}
        }
    }

    #[test]
    fn no_text_makes_the_walker_panic(text in "[\\[\\]{}\":,\\\\ua0 \u{e9}]{0,40}") {
        let _ = validate_object(&text);
        let _ = value_at(&text, ["a", "u"]);
        let _ = Tree::of(&text).equals(&Json::view(&text));
        for (key, value) in Entries::of(&text) {
            let _ = (key.decode(), Json::view(value));
        }
        for item in Items::of(&text) {
            let _ = Json::view(item);
        }
    }

    #[test]
    fn strings_read_back(text in any::<String>()) {
        let mut written = String::new();
        write_string(&text, &mut written).unwrap();
        prop_assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text.clone());
        prop_assert_eq!(Json::view(&written), Json::String(text.clone().into()));
        // Every character escaped, as some writers do.
        let escaped: String = text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
        let escaped = format!("\"{escaped}\"");
        prop_assert_eq!(Json::view(&escaped), Json::String(text.into()));
    }
}
