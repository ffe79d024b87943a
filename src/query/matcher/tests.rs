//! Every operator against every type, as a table.

use jiff::Timestamp;

use crate::{
    Comparison, Filter, Instant, LikePattern, Number, Path, Predicate, Record, RegexPattern, Value,
};

const NOW: &str = "2024-03-01T12:00:00Z";

/// The values of field `v`, one record each; the first has no `v`.
const VALUES: [(&str, &str); 22] = [
    ("missing", r#"{"w":1}"#),
    ("null", r#"{"v":null}"#),
    ("false", r#"{"v":false}"#),
    ("true", r#"{"v":true}"#),
    ("0", r#"{"v":0}"#),
    ("1", r#"{"v":1}"#),
    ("1.0", r#"{"v": 1.0 }"#),
    ("10e-1", r#"{"v":10e-1}"#),
    ("-3.25", r#"{"v":-3.25}"#),
    ("2^53", r#"{"v":9007199254740992}"#),
    ("2^53+1", r#"{"v":9007199254740993}"#),
    ("empty", r#"{"v":""}"#),
    ("'1'", r#"{"v":"1"}"#),
    ("'true'", r#"{"v":"true"}"#),
    ("Alpha", r#"{"v":"Alpha"}"#),
    ("alpha", r#"{"v":"\u0061lpha"}"#),
    ("lines", r#"{"v":"a\nb"}"#),
    ("feb", r#"{"v":"2024-02-29T23:00:00-02:00"}"#),
    ("day", r#"{"v":"2024-03-01"}"#),
    ("list", r#"{"v":[1, {"a": "x", "b": null}]}"#),
    ("[]", r#"{"v":[]}"#),
    ("object", r#"{"v":{"b":[1.0],"a":"\u0078"}}"#),
];

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

/// The names of the values that pass.
fn passing(filter: &Filter) -> String {
    let mut names = Vec::new();
    for (name, fields) in VALUES {
        let record = Record::from_json("r", fields).unwrap();
        if filter.matches(&record, now()).unwrap() {
            names.push(name);
        }
    }
    names.join(" ")
}

fn v(predicate: Predicate) -> Filter {
    Filter::Test(Path::field(["v"]), predicate)
}

fn compare(comparison: Comparison, value: impl Into<Value>) -> Filter {
    v(Predicate::Compare(comparison, value.into()))
}

fn json(text: &str) -> Value {
    Value::from_json(text).unwrap().unwrap()
}

fn time(text: &str) -> Value {
    Value::Instant(Instant::At(text.parse().unwrap()))
}

use Comparison::{Eq, Ge, Gt, Le, Lt, Ne};

#[test]
fn equality_never_mixes_types() {
    assert_eq!(passing(&compare(Eq, 1)), "1 1.0 10e-1");
    assert_eq!(passing(&compare(Eq, "1")), "'1'");
    assert_eq!(passing(&compare(Eq, true)), "true");
    assert_eq!(passing(&compare(Eq, false)), "false");
    assert_eq!(passing(&compare(Eq, "true")), "'true'");
    assert_eq!(passing(&compare(Eq, "")), "empty");
    assert_eq!(passing(&compare(Eq, "alpha")), "alpha");
    let big = Number::new("9007199254740993").unwrap();
    assert_eq!(passing(&compare(Eq, big)), "2^53+1");
}

#[test]
fn equality_is_deep() {
    assert_eq!(
        passing(&compare(Eq, json(r#"[10e-1,{"b":null,"a":"x"}]"#))),
        "list"
    );
    assert_eq!(passing(&compare(Eq, json(r#"[{"b":null,"a":"x"},1]"#))), "");
    assert_eq!(passing(&compare(Eq, json("[1]"))), "");
    assert_eq!(passing(&compare(Eq, json("[]"))), "[]");
    assert_eq!(
        passing(&compare(Eq, json(r#"{"a":"x","b":[1]}"#))),
        "object"
    );
    assert_eq!(passing(&compare(Eq, json(r#"{"a":"x"}"#))), "");
    assert_eq!(
        passing(&compare(Eq, json(r#"{"a":"x","b":[1],"c":null}"#))),
        ""
    );
}

#[test]
fn unequal_needs_a_value_and_not_does_not() {
    let others = "2^53 2^53+1 empty '1' 'true' Alpha alpha lines feb day list [] object";
    assert_eq!(
        passing(&compare(Ne, 1)),
        format!("false true 0 -3.25 {others}")
    );
    assert_eq!(
        passing(&!compare(Eq, 1)),
        format!("missing null false true 0 -3.25 {others}")
    );
    assert_eq!(passing(&!compare(Ne, 1)), "missing null 1 1.0 10e-1");
}

#[test]
fn order_is_within_one_type() {
    assert_eq!(passing(&compare(Lt, 1)), "0 -3.25");
    assert_eq!(passing(&compare(Le, 1)), "0 1 1.0 10e-1 -3.25");
    assert_eq!(
        passing(&compare(Gt, Number::new("9007199254740992").unwrap())),
        "2^53+1"
    );
    assert_eq!(passing(&compare(Ge, 1)), "1 1.0 10e-1 2^53 2^53+1");
    assert_eq!(passing(&compare(Lt, true)), "false");
    assert_eq!(passing(&compare(Ge, false)), "false true");
    assert_eq!(passing(&compare(Lt, "Alpha")), "empty '1' feb day");
    assert_eq!(passing(&compare(Gt, "a")), "'true' alpha lines");
}

#[test]
fn instants_compare_with_times_only() {
    // 2024-02-29T23:00:00-02:00 is an hour into the first of March.
    assert_eq!(passing(&compare(Eq, time("2024-03-01T01:00:00Z"))), "feb");
    assert_eq!(
        passing(&compare(Ge, time("2024-03-01T00:00:00Z"))),
        "feb day"
    );
    assert_eq!(passing(&compare(Gt, time("2024-03-01T00:00:00Z"))), "feb");
    assert_eq!(
        passing(&compare(Lt, time("9999-01-01T00:00:00Z"))),
        "feb day"
    );
    assert_eq!(passing(&compare(Lt, Instant::Now(0))), "feb day");
    assert_eq!(passing(&compare(Lt, Instant::Now(-12 * 3_600_000))), "");
    assert_eq!(passing(&compare(Le, Instant::Now(-12 * 3_600_000))), "day");
    let unequal = passing(&compare(Ne, time("2024-03-01T00:00:00Z")));
    assert!(unequal.starts_with("false true 0"), "{unequal}");
    assert!(
        unequal.contains("feb") && !unequal.contains("day"),
        "{unequal}"
    );
}

#[test]
fn between_has_both_bounds_of_one_type() {
    let between = |low: Value, high: Value, negated| v(Predicate::Between { low, high, negated });
    assert_eq!(
        passing(&between(0.into(), 1.into(), false)),
        "0 1 1.0 10e-1"
    );
    assert_eq!(passing(&between(1.into(), 0.into(), false)), "");
    assert_eq!(passing(&between("A".into(), "B".into(), false)), "Alpha");
    assert_eq!(
        passing(&between(false.into(), true.into(), false)),
        "false true"
    );
    assert_eq!(
        passing(&between(0.into(), 1.into(), true)),
        "false true -3.25 2^53 2^53+1 empty '1' 'true' Alpha alpha lines feb day list [] object"
    );
    for (low, high) in [
        (Value::from(0), Value::from("1")),
        (Value::from("2024-01-01"), Value::from(Instant::Now(0))),
        (json("[]"), json("[]")),
    ] {
        let error =
            between(low, high, false).matches(&Record::from_json("r", "{}").unwrap(), now());
        assert_eq!(error.unwrap_err().kind(), crate::ErrorKind::Invalid);
    }
}

#[test]
fn in_equals_an_element() {
    let any = |items: &[Value], negated| {
        v(Predicate::In {
            items: items.to_vec(),
            negated,
        })
    };
    let mixed = [
        Value::from(1),
        "2".into(),
        "alpha".into(),
        true.into(),
        json("[]"),
        time("2024-03-01T00:00:00Z"),
        Value::Json("null".into()),
        Value::Json("0".into()),
    ];
    assert_eq!(
        passing(&any(&mixed, false)),
        "true 0 1 1.0 10e-1 alpha day []"
    );
    assert_eq!(
        passing(&any(&mixed, true)),
        "false -3.25 2^53 2^53+1 empty '1' 'true' Alpha lines feb list object"
    );
    assert_eq!(passing(&any(&[], false)), "");
    assert_eq!(passing(&any(&[], true)), passing(&v(Predicate::Exists)));
}

#[test]
fn like_takes_whole_strings() {
    let like = |pattern: &str, negated| {
        v(Predicate::Like {
            pattern: LikePattern::like(pattern).unwrap(),
            negated,
        })
    };
    let ilike = |pattern: &str| {
        v(Predicate::Like {
            pattern: LikePattern::ilike(pattern).unwrap(),
            negated: false,
        })
    };
    assert_eq!(passing(&like("alpha", false)), "alpha");
    assert_eq!(passing(&like("lph", false)), "");
    assert_eq!(passing(&like("%lph%", false)), "Alpha alpha");
    assert_eq!(passing(&like("a%", false)), "alpha lines");
    assert_eq!(passing(&like("%a", false)), "Alpha alpha");
    assert_eq!(passing(&like("a_b", false)), "lines");
    assert_eq!(passing(&like("_", false)), "'1'");
    assert_eq!(passing(&like("%", true)), "");
    assert_eq!(passing(&like("", false)), "empty");
    assert_eq!(passing(&like("%a%", true)), "empty '1' 'true' feb day");
    assert_eq!(passing(&ilike("ALP%")), "Alpha alpha");
    assert_eq!(
        passing(&!like("%", false)),
        "missing null false true 0 1 1.0 10e-1 -3.25 2^53 2^53+1 list [] object"
    );
}

#[test]
fn patterns_mean_what_they_say() {
    let like = |pattern, text| LikePattern::like(pattern).unwrap().is_match(text);
    let ilike = |pattern, text| LikePattern::ilike(pattern).unwrap().is_match(text);
    assert!(like(r"100\%", "100%") && !like(r"100\%", "1000"));
    assert!(like(r"\_\\\a", r"_\a") && !like(r"\_", "x"));
    assert!(like("a.c", "a.c") && !like("a.c", "abc"));
    assert!(like("%b%d%", "abcd") && !like("%d%b%", "abcd"));
    assert!(like("_", "\u{1F600}") && !like("__", "\u{1F600}"));
    assert!(like("a%z", "a\n\r\nz"));
    assert!(ilike("straSSe", "STRASSE") && !ilike("stra\u{df}e", "STRASSE"));
    assert!(!ilike("\u{e4}", "\u{c4}") && !ilike("k", "\u{212a}") && !ilike("s", "\u{17f}"));
    assert!(LikePattern::like(r"a\").is_err() && LikePattern::like(r"a\\").is_ok());
    assert!(RegexPattern::new("[").is_err());
}

#[test]
fn regex_and_prefix_look_at_strings_only() {
    let regex = |pattern: &str| v(Predicate::Regex(RegexPattern::new(pattern).unwrap()));
    assert_eq!(passing(&regex("l.h")), "Alpha alpha");
    assert_eq!(passing(&regex("^(?i)a")), "Alpha alpha lines");
    assert_eq!(passing(&regex("^1")), "'1'");
    assert_eq!(
        passing(&v(Predicate::StartsWith("2024-0".into()))),
        "feb day"
    );
    assert_eq!(
        passing(&v(Predicate::StartsWith("".into()))),
        "empty '1' 'true' Alpha alpha lines feb day"
    );
}

#[test]
fn exists_is_a_value_that_is_not_null() {
    assert_eq!(passing(&v(Predicate::NotExists)), "missing null");
    assert_eq!(passing(&!v(Predicate::Exists)), "missing null");
    assert_eq!(
        passing(&v(Predicate::Exists)).split(' ').count(),
        VALUES.len() - 2
    );
}

#[test]
fn trees_are_two_valued() {
    let one = compare(Eq, 1);
    assert_eq!(
        passing(&Filter::And(vec![])).split(' ').count(),
        VALUES.len()
    );
    assert_eq!(passing(&Filter::Or(vec![])), "");
    assert_eq!(passing(&!Filter::And(vec![])), "");
    assert_eq!(passing(&one.clone().and(!one.clone())), "");
    assert_eq!(
        passing(&one.clone().or(!one)).split(' ').count(),
        VALUES.len()
    );
}

#[test]
fn paths_go_through_objects_only() {
    let record = Record::from_json(
        "r1",
        r#"{"n":{"x":{"y":2}},"a.b":3,"l":[{"x":1}],"id":"other","metadata":{"src":"f"},"k\u0065y":4,"0":5}"#,
    )
    .unwrap()
    .with_metadata_json(r#"{"src":"api"}"#)
    .unwrap();
    let is = |path: Path, value: Value| {
        Filter::Test(path, Predicate::Compare(Eq, value))
            .matches(&record, now())
            .unwrap()
    };
    assert!(is(Path::field(["n", "x", "y"]), 2.into()));
    assert!(is(Path::field(["a.b"]), 3.into()));
    assert!(!is(Path::field(["a", "b"]), 3.into()));
    assert!(!is(Path::field(["l", "0", "x"]), 1.into()));
    assert!(!is(Path::field(["l", "x"]), 1.into()));
    assert!(is(Path::field(["key"]), 4.into()));
    assert!(is(Path::field(["0"]), 5.into()));
    assert!(is(Path::of(crate::Root::Id), "r1".into()));
    assert!(is(Path::field(["id"]), "other".into()));
    assert!(is(Path::metadata(["src"]), "api".into()));
    assert!(is(Path::field(["metadata", "src"]), "f".into()));
    assert!(!is(Path::of(crate::Root::CreatedAt), "".into()));
}

#[test]
fn own_times_are_text_and_instants() {
    let record = Record::from_json("r1", "{}")
        .unwrap()
        .with_times(Some(now()), None);
    let created = Path::of(crate::Root::CreatedAt);
    let is = |value: Value| {
        Filter::Test(created.clone(), Predicate::Compare(Eq, value))
            .matches(&record, now())
            .unwrap()
    };
    assert!(is("2024-03-01T12:00:00.000000Z".into()));
    assert!(is(Instant::Now(0).into()));
    let updated = Filter::Test(Path::of(crate::Root::UpdatedAt), Predicate::NotExists);
    assert!(updated.matches(&record, now()).unwrap());
}

#[test]
fn wrong_operands_are_invalid_before_anything_runs() {
    let record = Record::from_json("r", "{}").unwrap();
    for filter in [
        compare(Eq, Value::Json("null".into())),
        compare(Eq, Value::Json("[1".into())),
        compare(Lt, json("[]")),
        compare(Lt, Instant::Now(i64::MAX)),
        compare(Lt, Instant::Now(i64::MIN)),
        Filter::Test(Path::field([""; 0]), Predicate::Exists),
    ] {
        let error = filter.matches(&record, now()).unwrap_err();
        assert_eq!(
            error.kind(),
            crate::ErrorKind::Invalid,
            "{filter:?}: {error}"
        );
    }
    let mut deep = compare(Eq, 1);
    for _ in 0..2_000 {
        deep = !deep;
    }
    assert!(deep.matches(&record, now()).is_err());
}

/// What some values tell is never contradicted by the others, and with all of them everything is told.
#[test]
fn a_judgement_holds_whatever_the_unknown_values_are() {
    let records: Vec<Record> = VALUES
        .iter()
        .flat_map(|(_, v)| {
            VALUES
                .iter()
                .map(move |(_, w)| (v, w.replace("\"v\"", "\"w\"")))
        })
        .map(|(v, w)| {
            let inside = |object: &str| object[1..object.len() - 1].to_owned();
            let (v, w) = (inside(v), inside(&w));
            let fields = if w.starts_with("\"w\"") && v.starts_with("\"v\"") {
                format!("{{{v},{w}}}")
            } else {
                "{}".to_owned()
            };
            Record::from_json("r", &fields).unwrap()
        })
        .collect();
    for text in [
        "v = 1 and w = 'Alpha'",
        "v = 1 or w = 'Alpha'",
        "not (v > 0 and not (w is null))",
        "v is null or not (w like 'a%' or v != true)",
        "not (v between 0 and 1) and not (w = 1)",
    ] {
        let query = crate::Query::filter(text).unwrap().prepare(now()).unwrap();
        for record in &records {
            let value = |path: &Path| {
                let value = crate::query::value_at(record, path);
                Some(value.unwrap_or(crate::json::Json::Null))
            };
            let only = |name: &'static str| {
                move |path: &Path| (path.to_string() == name).then(|| value(path)).flatten()
            };
            let truth = query.matches(record);
            assert_eq!(
                query.judge(value),
                Some(truth),
                "{text}: {}",
                record.fields()
            );
            for judged in [
                query.judge(only("v")),
                query.judge(only("w")),
                query.judge(only("x")),
            ] {
                assert!(
                    judged.is_none_or(|judged| judged == truth),
                    "{text}: {}",
                    record.fields()
                );
            }
        }
    }
}
