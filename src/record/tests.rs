//! What may be written, and what is kept of it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::json;

use super::*;
use crate::ErrorKind;

fn problem<T: fmt::Debug>(result: Result<T>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    error.to_string()
}

#[test]
fn ids_that_may_be_written() {
    for id in [
        "a",
        "../x",
        "a/b",
        "UA1545-2013-01-01T10:00:00Z",
        " ",
        "\u{e9}\u{1F600}",
        &"x".repeat(512),
    ] {
        assert_eq!(Record::from_json(id, "{}").unwrap().id().as_str(), id);
    }
    let half = "\u{e9}".repeat(256);
    assert_eq!(
        Record::from_json(half.as_str(), "{}")
            .unwrap()
            .id()
            .as_str(),
        half
    );
}

#[test]
fn ids_that_may_not() {
    assert!(problem(Record::from_json("", "{}")).contains("not empty"));
    let long = problem(Record::from_json("x".repeat(10_000), "{}"));
    assert!(
        long.contains("512 bytes") && long.contains("bytes: 10000") && long.len() < 200,
        "{long}"
    );
    assert!(problem(Record::from_json("\u{e9}".repeat(257), "{}")).contains("bytes: 514"));
    for (id, found) in [
        ("a\0b", "U+0000"),
        ("a\nb", "U+000A"),
        ("a\u{7f}", "U+007F"),
        ("\u{85}", "U+0085"),
    ] {
        let error = problem(Record::from_json(id, "{}"));
        assert!(
            error.contains(found) && !error.contains('\n') && !error.contains('\0'),
            "{error}"
        );
    }
}

#[test]
fn text_is_kept_byte_for_byte() {
    let text = "{ \"n\" : 3.0,\"big\":1180591620717411303424 , \"s\":\"\\u00e9\" }";
    let record = Record::from_json("r", &format!(" \n{text}\t")).unwrap();
    assert_eq!(record.fields(), text);
    let record = record.with_metadata_json(" { } ").unwrap();
    assert_eq!(record.metadata(), None);
    let record = record.with_metadata_json(" {\"a\":1.0} ").unwrap();
    assert_eq!(record.metadata(), Some("{\"a\":1.0}"));
}

#[test]
fn what_cannot_be_kept_is_refused_by_name() {
    let error = problem(Record::from_json("r7", r#"{"a":{"b":1e400}}"#));
    for part in [
        "64-bit float",
        "line: 1",
        "column: 11",
        "near: a.b",
        "found: 1e400",
        "id: r7",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
    let record = Record::from_json("r7", "{}").unwrap();
    let error = problem(record.with_metadata_json(r#"{"a":1,"a":2}"#));
    assert!(
        error.contains("part: metadata") && error.contains("id: r7"),
        "{error}"
    );
    for fields in [
        "",
        "null",
        "[1]",
        "\"x\"",
        "{",
        "\u{a0}{}",
        "{\"a\":NaN}",
        "{\"a\":\"\\u0000\"}",
    ] {
        problem(Record::from_json("r", fields));
    }
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(10_000), "]".repeat(10_000));
    assert!(problem(Record::from_json("r", &deep)).contains("128 deep"));
    assert!(problem(Record::new("r", 5)).contains("object"));
}

#[test]
fn a_record_is_at_most_64_mib() {
    let fields = |bytes: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(bytes - 8));
    let fifty = Record::from_json("r", &fields(50 << 20)).unwrap();
    assert_eq!(fifty.fields().len(), 50 << 20);
    let whole = Record::from_json("r", &fields(64 << 20)).unwrap();
    let error = problem(whole.with_metadata_json("{\"a\":1}"));
    assert!(
        error.contains("64 MiB") && error.contains("bytes: 67108871"),
        "{error}"
    );
    assert!(problem(Record::from_json("r", &fields((64 << 20) + 1))).contains("64 MiB"));
}

#[derive(Serialize)]
struct Sample {
    name: Option<&'static str>,
    values: Vec<Reading>,
}

#[derive(Serialize)]
enum Reading {
    Nothing,
    One(f64),
    Two(f32, f64),
    Named { value: f64 },
    Wrapped(Wrapped),
    Many(BTreeMap<u8, Option<f64>>),
}

#[derive(Serialize)]
struct Wrapped(f32);

#[test]
fn floats_that_json_has_not_are_refused_and_not_made_null() {
    let sample = |reading| Sample {
        name: None,
        values: vec![Reading::Nothing, reading],
    };
    let not_finite = [
        sample(Reading::One(f64::NAN)),
        sample(Reading::Two(f32::INFINITY, 0.0)),
        sample(Reading::Two(0.0, f64::NEG_INFINITY)),
        sample(Reading::Named { value: f64::NAN }),
        sample(Reading::Wrapped(Wrapped(f32::NAN))),
        sample(Reading::Many(BTreeMap::from([
            (1, None),
            (2, Some(f64::NAN)),
        ]))),
    ];
    for value in not_finite {
        let error = problem(Record::new("r", &value));
        assert!(
            error.contains("NaN") && error.contains("found: ") && error.contains("id: r"),
            "{error}"
        );
        problem(Record::from_json("r", "{}").unwrap().with_metadata(&value));
    }
    let finite = [
        sample(Reading::One(f64::MAX)),
        sample(Reading::Many(BTreeMap::from([
            (1, None),
            (2, Some(f64::MIN_POSITIVE)),
        ]))),
    ];
    for value in finite {
        let text = Record::new("r", &value).unwrap();
        assert!(text.fields().contains("null"));
    }
    // A null, a text and a raw value that look like it are none.
    let raw: Box<RawValue> = serde_json::from_str("null").unwrap();
    Record::new("r", json!({"a": null, "b": "null NaN"})).unwrap();
    Record::new("r", BTreeMap::from([("a", raw)])).unwrap();
}
