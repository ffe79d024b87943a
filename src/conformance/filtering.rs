//! Filters: every operator means one thing everywhere.

use jiff::Timestamp;

use super::ground::{assert_fails, fill, ids_in_any_order, matching, put, record, upsert, write};
use crate::{Database, ErrorKind};

/// Asks each filter, and compares the ids (sorted, with a space between) and the count.
async fn check(db: &dyn Database, cases: &[(&str, &str)]) {
    for (filter, expected) in cases {
        let expected: Vec<&str> = expected.split_whitespace().collect();
        assert_eq!(
            ids_in_any_order(db, matching(filter)).await,
            expected,
            "{filter}"
        );
        let count = db.count(&matching(filter)).await.expect("a count");
        assert_eq!(count, expected.len() as u64, "count of {filter}");
    }
}

/// One record of each type of value under `v`, and one without.
const TYPES: &[(&str, &str)] = &[
    ("array", r#"{"v":[1,"a"]}"#),
    ("false", r#"{"v":false}"#),
    ("missing", r#"{"w":1}"#),
    ("null", r#"{"v":null}"#),
    ("number", r#"{"v":1}"#),
    ("object", r#"{"v":{"x":1,"y":[2]}}"#),
    ("string", r#"{"v":"1"}"#),
    ("true", r#"{"v":true}"#),
];

/// Types never mix: no value is equal to, or less than, a value of another type.
pub async fn types_never_mix(db: &dyn Database) {
    fill(db, TYPES).await;
    let cases = [
        ("v = 1", "number"),
        ("v = '1'", "string"),
        ("v = true", "true"),
        ("v < true", "false"),
        ("v >= false", "false true"),
        ("v < 99", "number"),
        ("v >= ''", "string"),
        ("v in (1, '1', true)", "number string true"),
        ("v between 0 and 2", "number"),
        ("v between '0' and '2'", "string"),
    ];
    check(db, &cases).await;
}

/// `!=` and the negated operators need a value that is there; `not` is the complement and does not.
pub async fn negations_need_a_value_and_not_does_not(db: &dyn Database) {
    fill(db, TYPES).await;
    let cases = [
        ("v != 1", "array false object string true"),
        ("v not in (1, '1')", "array false object true"),
        ("v not in ()", "array false number object string true"),
        ("v not between 0 and 2", "array false object string true"),
        ("v not like '1'", ""),
        ("v not like 'x'", "string"),
        ("v not ilike 'x'", "string"),
        ("not v = 1", "array false missing null object string true"),
        ("not v != 1", "missing null number"),
        (
            "not v < 1",
            "array false missing null number object string true",
        ),
        (
            "not (v = 1 or v = '1')",
            "array false missing null object true",
        ),
        ("not not v = 1", "number"),
    ];
    check(db, &cases).await;
}

/// `exists` is a value that is not null; `is null` takes null and missing.
pub async fn null_and_missing_are_one(db: &dyn Database) {
    fill(db, TYPES).await;
    let cases = [
        ("v exists", "array false number object string true"),
        ("v not exists", "missing null"),
        ("v is null", "missing null"),
        ("v is not null", "array false number object string true"),
        ("nothing exists", ""),
        ("nothing is null and v is null", "missing null"),
        ("v in ()", ""),
    ];
    check(db, &cases).await;
}

/// Arrays and objects are equal deeply: spaces, key order and the spelling of numbers do not count.
pub async fn arrays_and_objects_are_equal_deeply(db: &dyn Database) {
    fill(db, TYPES).await;
    let cases = [
        (r#"v = json '[1, "a"]'"#, "array"),
        (r#"v = json '[1.0,"\u0061"]'"#, "array"),
        (r#"v = json '["a", 1]'"#, ""),
        (r#"v = json '{"y": [2.0], "x": 1}'"#, "object"),
        (r#"v = json '{"x": 1}'"#, ""),
        (r#"v in (json '[1,"a"]', 1)"#, "array number"),
        (r#"v != json '[1,"a"]'"#, "false number object string true"),
    ];
    check(db, &cases).await;
}

/// Numbers compare by their exact decimal value, far beyond what a float can tell apart.
pub async fn numbers_compare_exactly(db: &dyn Database) {
    let records = [
        ("a", r#"{"v":9007199254740992}"#),
        ("b", r#"{"v":9007199254740993}"#),
        ("c", r#"{"v":9007199254740993.0}"#),
        ("d", r#"{"v":1180591620717411303424}"#),
        ("e", r#"{"v":1180591620717411303425}"#),
        ("f", r#"{"v":0.1}"#),
        ("g", r#"{"v":0.1000000000000000055511151231257827}"#),
        ("h", r#"{"v":-0.0}"#),
        ("i", r#"{"v":1e2}"#),
    ];
    fill(db, &records).await;
    let cases = [
        ("v = 9007199254740993", "b c"),
        ("v > 9007199254740992", "b c d e"),
        ("v > 1180591620717411303424", "e"),
        ("v = 1180591620717411303424.0", "d"),
        ("v = 0.1", "f"),
        ("v > 0.1 and v < 0.2", "g"),
        ("v = 0", "h"),
        ("v in (100.0, 0)", "h i"),
        (
            "v between 9007199254740993 and 1180591620717411303424",
            "b c d",
        ),
        ("v between 2 and 1", ""),
    ];
    check(db, &cases).await;
}

/// Strings compare by code point, without locale, folding or normalization.
pub async fn strings_compare_by_code_point(db: &dyn Database) {
    let records = [
        ("a", r#"{"v":""}"#),
        ("b", r#"{"v":"A"}"#),
        ("c", r#"{"v":"Z"}"#),
        ("d", r#"{"v":"a"}"#),
        ("e", r#"{"v":"a "}"#),
        ("f", r#"{"v":"\u00e9"}"#),
        ("g", "{\"v\":\"e\u{301}\"}"),
        ("h", "{\"v\":\"\u{ff61}\"}"),
        ("i", "{\"v\":\"😀\"}"),
    ];
    fill(db, &records).await;
    let cases = [
        ("v = ''", "a"),
        ("v = 'a'", "d"),
        ("v = 'é'", "f"),
        ("v < 'a'", "a b c"),
        ("v > 'z'", "f h i"),
        ("v > '\u{ff61}'", "i"),
        ("v between 'A' and 'a'", "b c d"),
        ("v in ('A', 'é', 'nothing')", "b f"),
    ];
    check(db, &cases).await;
}

/// `like` takes the whole string and its case; `ilike` folds A-Z and no more; `\` quotes.
pub async fn like_patterns(db: &dyn Database) {
    let records = [
        ("a", r#"{"v":"abc"}"#),
        ("b", r#"{"v":"ABC"}"#),
        ("c", r#"{"v":"a\nc"}"#),
        ("d", r#"{"v":"a%c"}"#),
        ("e", r#"{"v":"Ärger"}"#),
        ("f", r#"{"v":"a*[c]?"}"#),
        ("g", r#"{"v":"a\\c"}"#),
        ("h", r#"{"v":123}"#),
    ];
    fill(db, &records).await;
    let cases = [
        ("v like 'abc'", "a"),
        ("v like 'a_c'", "a c d g"),
        ("v like 'a%c'", "a c d g"),
        (r"v like 'a\%c'", "d"),
        (r"v like 'a\\c'", "g"),
        ("v like '%b%'", "a"),
        ("v like 'b'", ""),
        ("v like 'a*[c]?'", "f"),
        ("v ilike 'aBc'", "a b"),
        ("v ilike 'ärger'", ""),
        ("v ilike 'ÄRGER'", "e"),
        ("v not like 'a%'", "b e"),
        ("v like '%'", "a b c d e f g"),
    ];
    check(db, &cases).await;
}

/// `regex` searches anywhere in a string; `starts_with` takes its operand verbatim.
pub async fn regex_and_prefix(db: &dyn Database) {
    let records = [
        ("a", r#"{"v":"order-17"}"#),
        ("b", r#"{"v":"ORDER-17"}"#),
        ("c", r#"{"v":"an order-x\nline"}"#),
        ("d", r#"{"v":"%_order"}"#),
        ("e", r#"{"v":17}"#),
    ];
    fill(db, &records).await;
    let cases = [
        (r"v regex 'order-\d+'", "a"),
        ("v regex '^order'", "a"),
        ("v regex '(?i)order-'", "a b c"),
        ("v regex '(?m)^line$'", "c"),
        ("v regex ''", "a b c d"),
        ("v starts_with 'order'", "a"),
        ("v starts_with '%_'", "d"),
        ("v starts_with ''", "a b c d"),
        ("not v starts_with 'order'", "b c d e"),
    ];
    check(db, &cases).await;
}

/// Paths go through objects and never into arrays; odd names are quoted; `fields.` and `metadata.` say where.
pub async fn paths_lead_through_objects(db: &dyn Database) {
    let odd = r#"{"a":{"b":{"c":1}},"x.y":2,"":3,"say \"hi\"":4,"id":"field","metadata":{"m":5},"é😀":6,"A":7}"#;
    let odd = record("odd", odd).with_metadata_json(r#"{"m":8,"n":{"o":9}}"#);
    let arrays = record("arrays", r#"{"a":[{"b":{"c":1}}],"x":{"y":2},"0":{"c":1}}"#);
    write(db, vec![upsert(odd.expect("metadata")), upsert(arrays)]).await;
    let cases = [
        ("a.b.c = 1", "odd"),
        (r#"a."0".b.c = 1"#, ""),
        ("a.b exists", "odd"),
        ("a exists", "arrays odd"),
        (r#""x.y" = 2"#, "odd"),
        ("x.y = 2", "arrays"),
        (r#""" = 3"#, "odd"),
        (r#""say ""hi""" = 4"#, "odd"),
        ("id = 'odd'", "odd"),
        ("id > 'a' and id < 'b'", "arrays"),
        ("fields.id = 'field'", "odd"),
        ("fields.metadata.m = 5", "odd"),
        ("metadata.m = 8", "odd"),
        ("metadata.n.o = 9", "odd"),
        ("metadata.m is null", "arrays"),
        (r#""é😀" = 6"#, "odd"),
        ("A = 7", "odd"),
        (r#""0".c = 1"#, "arrays"),
    ];
    check(db, &cases).await;
}

/// `and`, `or` and `not` nest as they are written.
pub async fn connectives_nest(db: &dyn Database) {
    let records = [
        ("a", r#"{"x":1,"y":1}"#),
        ("b", r#"{"x":1,"y":2}"#),
        ("c", r#"{"x":2,"y":1}"#),
        ("d", r#"{"x":2}"#),
    ];
    fill(db, &records).await;
    let cases = [
        ("x = 1 and y = 1", "a"),
        ("x = 1 or y = 1", "a b c"),
        ("x = 1 or y = 1 and x = 2", "a b c"),
        ("(x = 1 or y = 1) and x = 2", "c"),
        ("not x = 1 and y = 1", "c"),
        ("not (x = 1 and y = 1)", "b c d"),
        ("not (y = 1 or y = 2)", "d"),
        ("x = 2 and (y = 1 or (y is null and not id = 'c'))", "c d"),
        ("x = 1 and x = 2", ""),
    ];
    check(db, &cases).await;
    let none = crate::Query::from(crate::Filter::Or(Vec::new()));
    assert!(ids_in_any_order(db, none).await.is_empty());
    assert_eq!(
        ids_in_any_order(db, crate::Query::all()).await,
        ["a", "b", "c", "d"]
    );
}

/// Instants compare with ISO 8601 text by time, whatever its zone, and with nothing else.
pub async fn instants_compare_by_time(db: &dyn Database) {
    let records = [
        ("a", r#"{"v":"2023-01-01T00:00:00Z"}"#),
        ("b", r#"{"v":"2023-01-01T01:00:00+02:00"}"#),
        ("c", r#"{"v":"2023-01-01T00:00:00.000001"}"#),
        ("d", r#"{"v":"2023-01-02"}"#),
        ("e", r#"{"v":"yesterday"}"#),
        ("f", r#"{"v":1672531200}"#),
    ];
    fill(db, &records).await;
    let cases = [
        ("v = timestamp '2023-01-01T00:00:00Z'", "a"),
        ("v < timestamp '2023-01-01T00:00:00Z'", "b"),
        ("v > timestamp '2023-01-01T00:00:00Z'", "c d"),
        ("v >= date '2023-01-01' + 1d", "d"),
        ("v < now()", "a b c d"),
        ("v > now() - 1h", ""),
        ("v between date '2022-12-31' and date '2023-01-01'", "a b"),
    ];
    check(db, &cases).await;
}

/// The record's own times are text under `@created_at` and `@updated_at`, and compare with instants.
pub async fn own_times_can_be_asked_for(db: &dyn Database) {
    let time = |text: &str| text.parse::<Timestamp>().ok();
    let (old, new) = (
        time("1999-12-31T23:59:59.999999Z"),
        time("2001-02-03T04:05:06Z"),
    );
    let dated = |id| record(id, r#"{"created_at":"field"}"#);
    let batch = vec![
        put(dated("a").with_times(old, new)),
        put(dated("b").with_times(new, new)),
        put(dated("c")),
    ];
    write(db, batch).await;
    let cases = [
        ("@created_at < timestamp '2000-01-01T00:00:00Z'", "a"),
        ("@created_at = timestamp '1999-12-31T23:59:59.999999Z'", "a"),
        ("@created_at = '1999-12-31T23:59:59.999999Z'", "a"),
        ("@created_at = '2001-02-03T04:05:06.000000Z'", "b"),
        ("@updated_at <= timestamp '2001-02-03T04:05:06Z'", "a b"),
        ("@created_at starts_with '1999'", "a"),
        ("@created_at is null", "c"),
        ("@updated_at exists", "a b"),
        ("@created_at < now() - 9000d", "a b"),
        ("not @created_at > date '2000-01-01'", "a c"),
        ("created_at = 'field'", "a b c"),
    ];
    check(db, &cases).await;
}

/// A filter by id finds one record among many, and is an answer as any other.
pub async fn ids_can_be_asked_for(db: &dyn Database) {
    let batch = (0..100).map(|n| upsert(record(&format!("r{n}"), &format!(r#"{{"n":{n}}}"#))));
    write(db, batch.collect()).await;
    let cases = [
        ("id = 'r7'", "r7"),
        ("id = 'r7' and n = 7", "r7"),
        ("id = 'r7' and n = 8", ""),
        ("id = 'r7' and id = 'r8'", ""),
        ("id = 'r7' or id = 'r8'", "r7 r8"),
        ("id in ('r7', 'r8', 'r100')", "r7 r8"),
        ("id = 'R7'", ""),
        ("id = 7", ""),
        ("id like 'r1_' and not id = 'r10' and n < 13", "r11 r12"),
        ("id is null", ""),
    ];
    check(db, &cases).await;
}

/// A question that is wrong is refused before it runs, by `search` and by `count`.
pub async fn wrong_questions_are_invalid(db: &dyn Database) {
    use crate::{Filter, Number, Path, Predicate, Query, Value};
    fill(db, TYPES).await;
    let between = Predicate::Between {
        low: Value::Number(Number::new("1").expect("a number")),
        high: Value::String("2".into()),
        negated: false,
    };
    let two_types = Query::from(Filter::Test(Path::field(["v"]), between));
    assert_fails(
        db.search(two_types.clone()).await.map(|_| ()),
        ErrorKind::Invalid,
    );
    assert_fails(db.count(&two_types).await, ErrorKind::Invalid);
    for text in [
        "v = null",
        "v in '1'",
        "v =",
        "v regex '('",
        r"v like 'a\'",
        "v =",
    ] {
        assert_fails(Query::filter(text), ErrorKind::Invalid);
    }
}
