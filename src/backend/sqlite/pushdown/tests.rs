use super::*;
use crate::backend::sqlite::row::Args;
use crate::{Age, Database, DatabaseExt, Query, Record, SqliteDatabase};

const ALL: Reach = Reach {
    json: true,
    utf8: true,
};

fn pushed(text: &str, reach: Reach) -> Pushdown {
    let query = Query::filter(text).unwrap();
    let prepared = query
        .prepare("2024-01-01T00:00:00Z".parse().unwrap())
        .unwrap();
    Pushdown::of(&prepared.query().filter, reach, 0)
}

#[tokio::test]
async fn the_sqlite_that_is_built_in_can_be_asked_everything() {
    let db = SqliteDatabase::open(":memory:").await.unwrap();
    assert_eq!(db.reach, ALL);
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
        "metadata.a.b = 1",
        "id = 'x'",
        "id < 'x'",
        "@created_at > timestamp '2013-01-01'",
        "@updated_at like '2013%'",
        "s = 'a' and (n > 1 or not b = true)",
    ] {
        let pushed = pushed(text, ALL);
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
        "s like 'a%b'",
        "s ilike 'a'",
        "s not like 'a%'",
        "s = json '[1]'",
        "s regex 'a' and n = 1",
        "s < '\u{FF21}'",
    ] {
        let pushed = pushed(text, ALL);
        assert!(!pushed.is_exact(), "{text}: {pushed:?}");
        assert!(
            matches!(pushed.may, Condition::Sql(_)),
            "{text}: {pushed:?}"
        );
    }
    let required = pushed("s regex '(foo|x)?b(arba)+z'", ALL);
    assert_eq!(required.args, [SqlValue::from("arba")]);
}

#[test]
fn what_is_left_to_the_matcher() {
    let wild = format!("s like '{}'", "%a".repeat(9));
    assert_eq!(pushed(&wild, ALL).must, Condition::Never);
    assert_eq!(pushed("not (s regex 'a')", ALL).may, Condition::Always);
    let blind = Reach {
        json: false,
        utf8: false,
    };
    assert_eq!(pushed("s = 'a' or n = 1", blind).may, Condition::Always);
    assert!(pushed("id = 'a'", blind).is_exact());
    assert!(!pushed("id < 'a'", blind).is_exact());
    assert_eq!(order(&[], blind), None);
}

#[test]
fn large_filters_stay_within_what_sqlite_takes() {
    let list: Vec<String> = (0..10_000).map(|n| n.to_string()).collect();
    let pushed_list = pushed(&format!("n in ({})", list.join(", ")), ALL);
    assert!(pushed_list.is_exact() && pushed_list.args.len() == 10_000);
    let test: Filter = "n = 1".parse().unwrap();
    let many = Filter::Or(vec![test.clone(); 10_000]);
    assert_eq!(Pushdown::of(&many, ALL, 0).may, Condition::Always);
    let deep = (0..2_000).fold(test, |filter, _| {
        Filter::Not(Box::new(Filter::And(vec![filter])))
    });
    assert_eq!(Pushdown::of(&deep, ALL, 0).may, Condition::Always);
    // Dropping a deep tree recurses as deep as it is.
    std::mem::forget(deep);
}

/// SQLite takes what the largest translation makes.
#[tokio::test]
async fn large_filters_run() {
    let db = SqliteDatabase::open(":memory:").await.unwrap();
    db.create(Record::from_json("a", "{\"n\": 499}").unwrap())
        .await
        .unwrap();
    let some: Vec<String> = (0..500).map(|n| format!("n = {n}")).collect();
    let list: Vec<String> = (0..5_000).map(|n| format!("'{n}'")).collect();
    let nested = format!("{}n = 499{}", "not (".repeat(30), ")".repeat(30));
    let filter = format!(
        "({}) and n not in ({}) and {nested}",
        some.join(" or "),
        list.join(", ")
    );
    let query = Query::filter(&filter).unwrap();
    assert_eq!(db.count(&query).await.unwrap(), 1);
}

#[tokio::test]
async fn lookups_and_ages_use_their_indexes() {
    let db = SqliteDatabase::open(":memory:").await.unwrap();
    let age = Age::at("time_hour").unwrap();
    db.catalog_host()
        .unwrap()
        .prepare_to_move(&age)
        .await
        .unwrap();
    let value = Place::of(age.path()).value();
    let mut lease = db.reader().await.unwrap();
    for (condition, args, step) in [
        (
            "id IN ($1)".to_owned(),
            1,
            "SEARCH records USING INDEX sqlite_autoindex_records_1 (id=?)",
        ),
        (
            pushed("id = 'x'", ALL).may.sql().to_owned(),
            1,
            "SEARCH records USING INDEX sqlite_autoindex_records_1 (id=?)",
        ),
        (
            pushed("@created_at < timestamp '2013-01-01'", ALL)
                .may
                .sql()
                .to_owned(),
            1,
            "SEARCH records USING INDEX idx_records_created (created_at>? AND created_at<?)",
        ),
        (
            format!(
                "{value} > $1 AND {value} < $2 AND typeof(id) = 'text' ORDER BY {value}, id LIMIT 10"
            ),
            2,
            "SEARCH records USING INDEX idx_records_age_time_hour (<expr>>? AND <expr><?)",
        ),
        (
            format!("{value} = $1 AND id > $2 AND typeof(id) = 'text' ORDER BY id LIMIT 10"),
            2,
            "SEARCH records USING INDEX idx_records_age_time_hour (<expr>=? AND id>?)",
        ),
    ] {
        let sql = format!("SELECT id, data, metadata FROM records WHERE {condition}");
        let args = vec![SqlValue::from("2013"); args];
        let steps = lease.explain(&sql, Args::of(&args).finish()).await.unwrap();
        assert_eq!(steps, [step], "{sql}");
    }
}
