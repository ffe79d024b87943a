use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::catalog_host::{CatalogHost, DueCursor};
use crate::{Database, DatabaseExt, Policy, Record, SqliteDatabase};

const BORDER: &str = "2013-10-03T05:00:00Z";

async fn database(age: &Age, records: &[(&str, &str)]) -> SqliteDatabase {
    let database = SqliteDatabase::open(":memory:").await.unwrap();
    for (id, fields) in records {
        let record = Record::from_json(*id, fields).unwrap();
        database.upsert(record).await.unwrap();
    }
    let host = database.catalog_host().unwrap();
    host.prepare_to_move(age).await.unwrap();
    database
}

async fn counted(
    database: &SqliteDatabase,
    age: &Age,
    filter: &Filter,
    before: Timestamp,
    rows: usize,
) -> DueCount {
    let mut all = DueCount::default();
    let mut after = None;
    loop {
        let scan = DueScan {
            age,
            before,
            filter,
            after: after.take(),
            rows,
            bytes: u64::MAX,
        };
        let part = database.count_due(&scan).await.unwrap();
        all.rows += part.rows;
        all.bytes += part.bytes;
        all.oldest = [all.oldest, part.oldest].into_iter().flatten().min();
        let Some(age) = part.next else {
            return all;
        };
        after = Some(DueCursor {
            age,
            id: Box::default(),
        });
    }
}

/// Text of every kind around the border, and whether the policy takes it.
const AGES: [(&str, bool); 16] = [
    ("2013-01-01", true),
    ("2013-10-02", true),
    ("2013-10-02T23:59:59Z", true),
    ("2013-10-03", true),
    ("2013-10-03 04:59:59", true),
    ("2013-10-03T04:59:59.999999Z", true),
    ("2013-10-03T04:59:59.5+00:00", true),
    ("2013-10-03T05:00:00Z", false),
    ("2013-10-03 05:00:00", false),
    ("2013-10-03T05:00:00.000001Z", false),
    ("2013-10-03 06:00:00Z", false),
    ("2013-10-04", false),
    ("2014-01-01T00:00:00Z", false),
    // Far enough from the border every offset is right.
    ("2013-10-01T23:00:00-05:00", true),
    ("2013-10-05T03:00:00+05:00", false),
    ("never", false),
];

#[tokio::test]
async fn the_border_is_where_the_policy_has_it() {
    let records: Vec<(String, String)> = (0..)
        .zip(AGES)
        .map(|(n, (day, _))| (format!("r{n}"), format!(r#"{{"day":"{day}","n":{n}}}"#)))
        .collect();
    let records: Vec<_> = (records.iter())
        .map(|(id, fields)| (id.as_str(), fields.as_str()))
        .collect();
    let age = Age::at("day").unwrap();
    let database = database(&age, &records).await;
    let policy = Policy::older_than("1d").unwrap();
    let now: Timestamp = "2013-10-04T05:00:00Z".parse().unwrap();
    let before = policy.cutoff(now).unwrap();
    assert_eq!(before.to_string(), BORDER);
    for ((day, expected), (id, _)) in AGES.iter().zip(&records) {
        let record = database.read(id).await.unwrap().unwrap();
        let verdict = policy.judge(&record, &age, now).unwrap();
        assert_eq!(
            verdict == crate::Verdict::Due,
            *expected,
            "the policy: {day}"
        );
    }
    let due = AGES.iter().filter(|(_, is_due)| *is_due).count() as u64;
    for rows in [1, 2, 3, 7, 1_000] {
        let found = counted(&database, &age, &Filter::ALL, before, rows).await;
        assert_eq!(found.rows, due, "in parts of {rows}");
        assert_eq!(found.oldest, Some("2013-01-01T00:00:00Z".parse().unwrap()));
        let filter: Filter = "n >= 2".parse().unwrap();
        let found = counted(&database, &age, &filter, before, rows).await;
        assert_eq!(found.rows, due - 2, "with a filter, in parts of {rows}");
    }
    // At midnight a date alone is not before the border.
    let midnight: Timestamp = "2013-10-03T00:00:00Z".parse().unwrap();
    let found = counted(&database, &age, &Filter::ALL, midnight, 1_000).await;
    assert_eq!(found.rows, 4, "{found:?}");
}

#[tokio::test]
async fn numbers_and_own_times() {
    let age = Age::with_form("at", AgeForm::Seconds).unwrap();
    let records = [
        ("a", r#"{"at":1380776399.999}"#),
        ("b", r#"{"at":1380776400}"#),
        ("c", r#"{"at":-5}"#),
        ("d", r#"{"at":"1970"}"#),
        ("e", "{}"),
    ];
    let border: Timestamp = BORDER.parse().unwrap();
    let numbers = database(&age, &records).await;
    let found = counted(&numbers, &age, &Filter::ALL, border, 1).await;
    assert_eq!(found.rows, 2);
    assert_eq!(found.oldest, Some("1969-12-31T23:59:55Z".parse().unwrap()));

    let age = Age::default();
    let own = database(&age, &records).await;
    let later = Timestamp::now() + Duration::from_secs(3600);
    assert_eq!(counted(&own, &age, &Filter::ALL, border, 10).await.rows, 0);
    assert_eq!(counted(&own, &age, &Filter::ALL, later, 2).await.rows, 5);
}

#[tokio::test]
async fn bytes_are_those_of_the_text() {
    let age = Age::at("day").unwrap();
    let text = r#"{"day":"2013-01-01","größe":"✓"}"#;
    let database = database(&age, &[("r-1", text), ("r-2", text)]).await;
    let border: Timestamp = BORDER.parse().unwrap();
    let record = database.read("r-1").await.unwrap().unwrap();
    for filter in ["day exists", "not (day exists)"] {
        let filter: Filter = filter.parse().unwrap();
        let found = counted(&database, &age, &filter, border, 10).await;
        assert_eq!(found.bytes, found.rows * record.bytes() as u64);
    }
    let found = counted(&database, &age, &Filter::ALL, border, 10).await;
    assert_eq!((found.rows, found.bytes), (2, 2 * record.bytes() as u64));
}

#[tokio::test]
async fn without_a_filter_the_index_is_enough() {
    for age in [Age::at("day").unwrap(), Age::default()] {
        let database = database(&age, &[("a", r#"{"day":"2013-01-01"}"#)]).await;
        let place = Place::of(age.path()).value();
        let (edge, edge_args) = edge(&place, &age, BORDER.parse().unwrap());
        let sql = format!(
            "SELECT count(*), min({place}) FROM {} WHERE {place} > $1 AND {place} < $2 AND {edge} AND typeof(id) = 'text'",
            database.table.quoted()
        );
        let mut args = vec!["".into(), "9".into()];
        args.extend(edge_args);
        let mut lease = database.reader().await.unwrap();
        let steps = lease.explain(&sql, Args::of(&args).finish()).await.unwrap();
        assert!(
            steps[0].contains("USING COVERING INDEX"),
            "{age}: {steps:?}"
        );
    }
}
