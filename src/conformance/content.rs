//! What records carry: JSON as it was written, or equal in value.

use super::ground::{create, found, matching, read, record, upsert, write};
use crate::{Database, Record, json};

/// JSON that parsers and databases like to change.
const TEXTS: &[&str] = &[
    r#"{}"#,
    r#"{"a":null,"b":true,"c":false,"d":"","e":[],"f":{}}"#,
    r#"{"z":1,"a":2,"Z":3,"":4}"#,
    r#"{ "spaced" : [ 1 , 2 ] , "tab":	1 }"#,
    r#"{"escapes":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00","\u006bey":1}"#,
    r#"{"unicode":"é e\u0301 日本 😀 \u2028 \ufeff \uffff"}"#,
    r#"{"dollar":"$1 $$ :id ? %s {} '' -- ; \\x00"}"#,
    r#"{"id":"x","fields":{},"metadata":[],"created_at":1,"updated_at":null,"data":0,"version":""}"#,
    r#"{"a.b":1,"a":{"b":2},"$.a":3,"a[0]":4,"__id__":5,"$thermocline":6}"#,
    r#"{"date":"2023-01-01T00:00:00+02:00","nan":"NaN","inf":"Infinity"}"#,
];

/// Numbers that a float or a 64-bit integer would change.
const NUMBERS: &[&str] = &[
    "0",
    "-0",
    "-0.0",
    "1.0",
    "1.50",
    "1e2",
    "1E+2",
    "100",
    "1e-7",
    "0.1",
    "9007199254740993",
    "-9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    "1180591620717411303424",
    "0.1000000000000000055511151231257827",
    "123456789012345678901234567890.123456789",
    "1e308",
    "5e-324",
];

#[track_caller]
fn assert_kept(db: &dyn Database, stored: &str, written: &str) {
    if db.capabilities().exact_json {
        assert_eq!(stored, written);
    } else {
        assert!(json::equal(stored, written), "{stored} for {written}");
    }
}

async fn assert_fields_are_kept(db: &dyn Database, texts: &[String]) {
    let id = |place: usize| format!("r{place}");
    let batch = texts
        .iter()
        .enumerate()
        .map(|(place, text)| create(record(&id(place), text)));
    write(db, batch.collect()).await;
    for (place, text) in texts.iter().enumerate() {
        assert_kept(db, read(db, &id(place)).await.fields(), text);
        let one = matching(&format!("id = '{}'", id(place)));
        assert_kept(db, found(db, one).await[0].fields(), text);
    }
}

/// Fields come back as they were written: text, keys, escapes, spaces (or equal in value).
pub async fn fields_are_kept(db: &dyn Database) {
    let texts: Vec<String> = TEXTS.iter().map(|text| (*text).to_owned()).collect();
    assert_fields_are_kept(db, &texts).await;
}

/// Numbers come back digit by digit (or with their exact decimal value).
pub async fn numbers_are_kept(db: &dyn Database) {
    let texts: Vec<String> = NUMBERS
        .iter()
        .map(|number| format!(r#"{{"n":{number}}}"#))
        .collect();
    assert_fields_are_kept(db, &texts).await;
}

/// Metadata comes back as it was written; an empty object is none.
pub async fn metadata_is_kept(db: &dyn Database) {
    for text in TEXTS {
        let with = record("r", r#"{"n":1}"#)
            .with_metadata_json(text)
            .expect("metadata");
        let expected = with.metadata().map(str::to_owned);
        write(db, vec![upsert(with)]).await;
        let stored = read(db, "r").await;
        match (stored.metadata(), expected) {
            (Some(stored), Some(written)) => assert_kept(db, stored, &written),
            (stored, written) => assert_eq!(stored, written.as_deref()),
        }
        assert_eq!(stored.fields(), r#"{"n":1}"#);
    }
    assert_eq!(
        record("r", "{}")
            .with_metadata_json(" { } ")
            .expect("metadata")
            .metadata(),
        None
    );
}

/// A record of a megabyte is a record as any other.
pub async fn a_large_record_is_kept(db: &dyn Database) {
    let text = "long \u{e9}\u{1F600} ".repeat(90_000);
    let large =
        || Record::new("large", serde_json::json!({"n": 1, "text": text})).expect("a record");
    assert!(large().bytes() > 1 << 20);
    write(
        db,
        vec![create(large()), create(record("small", r#"{"n":2}"#))],
    )
    .await;
    assert_kept(db, read(db, "large").await.fields(), large().fields());
    assert_kept(
        db,
        found(db, matching("n = 1")).await[0].fields(),
        large().fields(),
    );
    write(db, vec![upsert(record("large", r#"{"n":3}"#))]).await;
    assert_eq!(read(db, "large").await.fields(), r#"{"n":3}"#);
}

/// Deep and wide records are kept: a hundred objects in one another, a thousand fields.
pub async fn deep_and_wide_records_are_kept(db: &dyn Database) {
    let deep = format!("{}1{}", r#"{"a":"#.repeat(100), "}".repeat(100));
    let wide: Vec<String> = (0..1_000).map(|n| format!(r#""field {n}":{n}"#)).collect();
    let wide = format!("{{{}}}", wide.join(","));
    assert_fields_are_kept(db, &[deep, wide]).await;
    let path = vec!["a"; 60].join(".");
    assert_eq!(
        found(db, matching(&format!("{path} exists"))).await.len(),
        1
    );
    assert_eq!(found(db, matching(r#""field 999" = 999"#)).await.len(), 1);
}
