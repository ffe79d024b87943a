use super::*;
use crate::Query;

fn pushed(text: &str, zone: &str) -> Pushdown {
    let query = Query::filter(text).unwrap();
    let prepared = query
        .prepare("2024-01-01T00:00:00Z".parse().unwrap())
        .unwrap();
    let zone = Zone::named(zone).unwrap();
    Pushdown::of(&prepared.query().filter, &zone, Values::Bound(0))
}

#[test]
fn what_sql_says_exactly() {
    for text in [
        "s = 'a'",
        "s != 'a'",
        "s < 'b'",
        "s in ('a', 'b')",
        "not (s = 'a')",
        "s starts_with 'a'",
        "s like 'a%b_'",
        "s ilike 'a'",
        "s not like 'a%'",
        "n = 1",
        "n > 0.1",
        "n != 1",
        "n in (1, 2.5)",
        "n between 1 and 2",
        "n not between 1 and 2",
        "b = true",
        "b != false",
        "s exists",
        "s is null",
        "j = json '[1, {\"a\": null}]'",
        "metadata.a.b = 1",
        "id = 'x'",
        "id < 'x'",
        "id like 'x%'",
        "@created_at > timestamp '2013-01-01'",
        "@updated_at like '2013%'",
        "s = 'a' and (n > 1 or not b = true)",
    ] {
        let pushed = pushed(text, "UTC");
        assert!(pushed.is_exact(), "{text}: {pushed:?}");
        assert!(
            matches!(pushed.may, Condition::Sql(_)),
            "{text}: {pushed:?}"
        );
    }
}

#[test]
fn what_sql_narrows() {
    for text in [
        "s regex '^a'",
        "s regex 'abc'",
        "d < timestamp '2013-01-01'",
        "d >= now() - 90d",
        "s regex 'a' and n = 1",
        "j = json '[\"\\u0041\"]'",
        "j = json '{\"a\": 1e5}'",
    ] {
        let pushed = pushed(text, "UTC");
        assert!(!pushed.is_exact(), "{text}: {pushed:?}");
        assert!(
            matches!(pushed.may, Condition::Sql(_)),
            "{text}: {pushed:?}"
        );
    }
}

#[test]
fn what_is_left_to_the_matcher() {
    assert_eq!(pushed("not (s regex 'a')", "UTC").may, Condition::Always);
    for text in ["@created_at > timestamp '2013-01-01'", "@created_at exists"] {
        assert_eq!(
            pushed(text, "Europe/Berlin").may,
            Condition::Always,
            "{text}"
        );
    }
    assert_eq!(
        order(&[], &Zone::named("UTC").unwrap()).as_deref(),
        Some("id COLLATE \"C\"")
    );
}

#[test]
fn names_and_values_are_quoted() {
    assert_eq!(literal("a'b"), "'a''b'");
    assert_eq!(literal("a\\'b"), "E'a\\\\''b'");
    let pushed = pushed("\"a'\"\"\\\" = 'x'' or 1=1'", "UTC");
    assert_eq!(pushed.may.sql(), "data @> $1::text::jsonb");
    assert_eq!(
        pushed.args(),
        [SqlValue::from("{\"a'\\\"\\\\\":\"x' or 1=1\"}")]
    );
    let filter: Filter = "id = 'x'' or 1=1' and id < 'a\\b'".parse().unwrap();
    let spelled = Pushdown::of(&filter, &Zone::named("UTC").unwrap(), Values::Spelled);
    assert_eq!(
        spelled.may.sql(),
        "(id = 'x'' or 1=1'::text) AND (id COLLATE \"C\" < E'a\\\\b'::text)"
    );
    assert!(spelled.args().is_empty());
}

/// Only what the text asks for is sent, so that one text always takes the same values.
#[test]
fn values_are_numbered_as_they_stand() {
    let all: Filter = Filter::And(Vec::new());
    let equals: Filter = "id = 'a'".parse().unwrap();
    let utc = Zone::named("UTC").unwrap();
    let pushed = |filter: &Filter| Pushdown::of(filter, &utc, Values::Bound(2));
    let all_of_them = pushed(&Filter::Or(vec![equals.clone(), all]));
    assert_eq!(
        (all_of_them.may.sql(), all_of_them.args()),
        ("TRUE", &[][..])
    );
    let narrowed: Filter = "(s regex 'abc' or id = 'b') and id = 'a'".parse().unwrap();
    let pushed = pushed(&narrowed);
    assert!(pushed.may.sql().ends_with("(id = $5::text)"), "{pushed:?}");
    assert_eq!(pushed.must.sql(), "(id = $4::text) AND (id = $5::text)");
    assert_eq!(pushed.may_args(), ["abc", "b", "a"].map(SqlValue::from));
}

#[test]
fn large_filters_stay_within_what_postgresql_takes() {
    let list: Vec<String> = (0..10_000).map(|n| n.to_string()).collect();
    let pushed_list = pushed(&format!("n in ({})", list.join(", ")), "UTC");
    assert!(pushed_list.is_exact() && pushed_list.args().len() == 1);
    let test: Filter = "n = 1".parse().unwrap();
    let utc = Zone::named("UTC").unwrap();
    let many = Filter::Or(vec![test.clone(); 40_000]);
    let pushed = |filter| Pushdown::of(filter, &utc, Values::Bound(0));
    assert_eq!(pushed(&many).may, Condition::Always);
    let deep = (0..2_000).fold(test, |filter, _| {
        Filter::Not(Box::new(Filter::And(vec![filter])))
    });
    assert_eq!(pushed(&deep).may, Condition::Always);
    // Dropping a deep tree recurses as deep as it is.
    std::mem::forget(deep);
}
