//! The JSON form against the text form, and what is refused.

use super::*;
use crate::ErrorKind;

fn filter(text: &str) -> Filter {
    Query::from_json(text)
        .unwrap_or_else(|error| panic!("{text}\n{error}"))
        .filter
}

fn one(field: &str, operator: &str, value: &str) -> Result<Filter> {
    let test = format!(
        r#"{{"filters": [{{"field": {field:?}, "operator": {operator:?}, "value": {value}}}]}}"#
    );
    let query = Query::from_json(&test)?;
    let Filter::And(mut tests) = query.filter else {
        panic!("filters are joined by and");
    };
    Ok(tests.remove(0))
}

#[test]
fn every_operator_means_what_its_text_means() {
    for (field, operator, value, text) in [
        ("x", "=", "1", "x = 1"),
        ("x", "==", "9007199254740993", "x = 9007199254740993"),
        ("x", "!=", "\"a\"", "x != 'a'"),
        ("x", "<>", "true", "x != true"),
        ("x", "<", "1.50", "x < 1.5"),
        ("x", "<=", "\"it's\"", "x <= 'it''s'"),
        ("x", ">", "-1", "x > -1"),
        ("x", ">=", "false", "x >= false"),
        ("x", "=", r#"{"a": [1]}"#, r#"x = json '{"a": [1]}'"#),
        ("x", "in", r#"[1, "2", null]"#, "x in (1, '2')"),
        ("x", "in", "[]", "x in ()"),
        ("x", "not_in", "[true]", "x not in (true)"),
        ("x", "between", "[1, 2]", "x between 1 and 2"),
        (
            "x",
            "not_between",
            r#"["a", "b"]"#,
            "x not between 'a' and 'b'",
        ),
        ("x", "like", "\"a%\"", "x like 'a%'"),
        ("x", "not_like", "\"a%\"", "x not like 'a%'"),
        ("x", "ilike", "\"a%\"", "x ilike 'a%'"),
        ("x", "not_ilike", "\"a%\"", "x not ilike 'a%'"),
        ("x", "regex", "\"^a\"", "x regex '^a'"),
        ("x", "starts_with", "\"a\"", "x starts_with 'a'"),
        ("x", "exists", "null", "x exists"),
        ("x", "not_exists", "null", "x not exists"),
        ("x", "<", r#"{"$now": "-90d"}"#, "x < now() - 90d"),
        ("x", "<", r#"{"$now": ""}"#, "x < now()"),
        ("x", "<", r#"{"$now": "-1d + 2h"}"#, "x < now() - 22h"),
        (
            "x",
            "in",
            r#"[{"$timestamp": "2024-01-31"}]"#,
            "x in (date '2024-01-31')",
        ),
        ("a.b", "exists", "null", "a.b exists"),
        (
            "bad-name.not",
            "exists",
            "null",
            "\"bad-name\".\"not\" exists",
        ),
        ("\"a.b\".c", "exists", "null", "\"a.b\".c exists"),
        ("metadata.x", "exists", "null", "metadata.x exists"),
        ("id", "=", "\"a\"", "id = 'a'"),
        ("@created_at", "exists", "null", "@created_at exists"),
    ] {
        let expected: Filter = text.parse().unwrap();
        assert_eq!(one(field, operator, value).unwrap(), expected, "{text}");
    }
    let absent = filter(r#"{"filters": [{"field": "x", "operator": "exists"}]}"#);
    assert_eq!(absent, Filter::And(vec!["x exists".parse().unwrap()]));
}

#[test]
fn the_rest_of_a_query() {
    let query = Query::from_json(
        r#"{"filters": [], "sort": [{"field": "a.b", "order": "desc"}, {"field": "id"}], "limit": 10, "offset": 5,
            "fields": ["a", "x y"]}"#,
    )
    .unwrap();
    let expected = Query::all()
        .sort("a.b", Order::Desc)
        .and_then(|query| query.sort("id", Order::Asc))
        .and_then(|query| query.limit(10).offset(5).fields(["a", "\"x y\""]))
        .unwrap();
    assert_eq!(query, expected);
    assert_eq!(Query::from_json("{}").unwrap(), Query::all());
    let nulls = r#"{"filters": null, "condition": null, "limit": null, "offset": null, "fields": null, "vector_query": null}"#;
    assert_eq!(Query::from_json(nulls).unwrap(), Query::all());
}

#[test]
fn a_tree_of_conditions_keeps_its_shape() {
    let test = |name: &str| {
        format!(
            r#"{{"type": "filter", "filter": {{"field": "{name}", "operator": "exists", "value": null}}}}"#
        )
    };
    let logic = |operator: &str, parts: &[String]| {
        format!(
            r#"{{"type": "logic", "operator": "{operator}", "conditions": [{}]}}"#,
            parts.join(",")
        )
    };
    let read = |condition: &str| filter(&format!(r#"{{"condition": {condition}}}"#));
    let (a, b) = (test("a"), test("b"));
    for (condition, text) in [
        (a.clone(), "a exists"),
        (
            logic("and", &[a.clone(), b.clone()]),
            "a exists and b exists",
        ),
        (
            logic("or", &[a.clone(), logic("and", &[a.clone(), b.clone()])]),
            "a exists or a exists and b exists",
        ),
        (logic("not", std::slice::from_ref(&a)), "not a exists"),
        (logic("not", &[a.clone(), b]), "not (a exists or b exists)"),
    ] {
        assert_eq!(read(&condition), text.parse().unwrap(), "{text}");
    }
    assert_eq!(read(&logic("and", &[])), Filter::And(vec![]));
    assert_eq!(read(&logic("not", &[])), !Filter::Or(vec![]));
}

#[test]
fn what_has_no_meaning_is_refused_by_name() {
    for (text, parts) in [
        ("[]", &["no JSON object"][..]),
        (
            r#"{"filter": []}"#,
            &["unknown field `filter`", "expected one of `filters`"],
        ),
        (
            r#"{"filters": [{"field": "x", "op": "="}]}"#,
            &["unknown field `op`"],
        ),
        (
            r#"{"filters": [{"operator": "="}]}"#,
            &["missing field `field`"],
        ),
        (
            r#"{"filters": [{"field": "x", "operator": "equals", "value": 1}]}"#,
            &["no such operator", "equals", "field: x"],
        ),
        (
            r#"{"filters": [{"field": "x", "operator": "not_regex", "value": "a"}]}"#,
            &["no such operator"],
        ),
        (
            r#"{"filters": [{"field": "x", "operator": "=", "value": null}]}"#,
            &["null", "`exists`"],
        ),
        (
            r#"{"filters": [{"field": "x", "operator": "in", "value": "ab"}]}"#,
            &["takes a list", "\"ab\""],
        ),
        (
            r#"{"filters": [{"field": "x", "operator": "between", "value": [1]}]}"#,
            &["two bounds"],
        ),
        (
            r#"{"filters": [{"field": "x", "operator": "between", "value": [1, "2"]}]}"#,
            &["one type"],
        ),
        (
            r#"{"filters": [{"field": "x", "operator": "like", "value": 5}]}"#,
            &["a string", "5"],
        ),
        (
            r#"{"filters": [{"field": "x", "operator": "regex", "value": "["}]}"#,
            &["regular expression"],
        ),
        (
            r#"{"filters": [{"field": "x", "operator": "exists", "value": true}]}"#,
            &["no value"],
        ),
        (
            r#"{"filters": [{"field": "x", "operator": "<", "value": {"$now": "90d"}}]}"#,
            &["$now"],
        ),
        (
            r#"{"filters": [{"field": "x", "operator": "<", "value": {"$then": "90d"}}]}"#,
            &["point in time"],
        ),
        (
            r#"{"filters": [{"field": "x", "operator": "=", "value": 1e400}]}"#,
            &["64-bit float", "column: 55"],
        ),
        (
            r#"{"filters": [{"field": "", "operator": "exists"}]}"#,
            &["has a name"],
        ),
        (
            r#"{"filters": [{"field": "a..b", "operator": "exists"}]}"#,
            &["has a name", "a..b"],
        ),
        (
            r#"{"condition": {"type": "logic", "operator": "xor"}}"#,
            &["`and`, `or` or `not`", "xor"],
        ),
        (
            r#"{"condition": {"type": "tree"}}"#,
            &["a condition is", "tree"],
        ),
        (
            r#"{"filters": [{"field": "x", "operator": "exists"}], "condition": {"type": "logic", "operator": "and"}}"#,
            &["not both"],
        ),
        (r#"{"limit": -1}"#, &["not negative", "limit", "-1"]),
        (r#"{"offset": -5}"#, &["not negative", "offset", "-5"]),
        (r#"{"limit": 1.5}"#, &["no query"]),
        (
            r#"{"sort": [{"field": "x", "order": "down"}]}"#,
            &["`asc` or `desc`", "down"],
        ),
    ] {
        let error = Query::from_json(text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{text}");
        for part in parts {
            assert!(error.to_string().contains(part), "{text}\n{error}");
        }
    }
    let vector = Query::from_json(r#"{"vector_query": {"vector": [1]}}"#).unwrap_err();
    assert_eq!(vector.kind(), ErrorKind::Unsupported);
}

/// Texts that are almost a query.
fn almost() -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::prelude::*;
    let pieces = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"filters\"",
        "\"field\"",
        "\"operator\"",
        "\"value\"",
        "\"sort\"",
        "\"order\"",
        "\"limit\"",
        "\"condition\"",
        "\"and\"",
        "\"a.b\"",
        "\"=\"",
        "\"in\"",
        "\"regex\"",
        "\"$now\"",
        "\"-90d\"",
        "null",
        "1e400",
        "-1",
        "true",
        "\"(\"",
        " ",
    ]);
    prop::collection::vec(pieces, 0..30).prop_map(|pieces| pieces.concat())
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in proptest::prelude::any::<String>(), almost in almost()) {
        for text in [text, almost] {
            if let Err(error) = Query::from_json(&text) {
                proptest::prop_assert_eq!(error.kind(), ErrorKind::Invalid, "{}", text);
            }
        }
    }
}
