use futures::TryStreamExt;

use super::*;
use crate::backend::sqlite::row::Args;
use crate::backend::sqlite::search::Plan;
use crate::{Database, SqliteDatabase};

/// Times as the layout spells them, among them seconds with two spellings, and what is no time.
const SPELLED: [&str; 16] = [
    "'2024-01-01 00:00:05'",
    "'2024-01-01 00:00:05.000000'",
    "'2024-01-01 00:00:05.000001'",
    "'2024-01-01 00:00:04.999999'",
    "'2024-01-01 00:00:06'",
    "'2024-01-01 00:00:06.000000'",
    "'9998-12-31 23:59:59'",
    "'0001-01-01 00:00:00'",
    "'2024-01-01T00:00:05Z'",
    "'2024-13-01 00:00:05'",
    "'2024-01-01 00:00:05.5'",
    "'now'",
    "''",
    "17",
    "X'3230'",
    "NULL",
];

/// Every spelling in twelve records, whose ids are in no order of theirs.
async fn database() -> SqliteDatabase {
    let database = SqliteDatabase::open(":memory:").await.unwrap();
    let mut lease = database.shared.writer().await.unwrap();
    for n in 0..SPELLED.len() * 12 {
        let spelled = SPELLED[n * 7 % SPELLED.len()];
        let sql = format!(
            "INSERT INTO records (id, data, created_at, updated_at) \
             VALUES ('r{:03}', '{{\"n\": {}}}', {spelled}, {spelled})",
            n * 31 % 192,
            n % 5,
        );
        lease
            .execute(&sql.into(), Args::default().finish())
            .await
            .unwrap();
    }
    drop(lease);
    database
}

fn queries() -> Vec<Query> {
    let mut queries = Vec::new();
    for filter in [
        "id exists",
        "@created_at exists",
        "n = 3",
        "n = 9",
        "id regex '[13579]$'",
        "@created_at >= '2024-01-01T00:00:05' and n < 4",
        "@created_at <= '2024-01-01T00:00:05.000000Z'",
        "@created_at = timestamp '2024-01-01T00:00:05Z' or @created_at not exists",
    ] {
        for path in ["@created_at", "@updated_at"] {
            for order in [Order::Asc, Order::Desc] {
                for (offset, limit) in [(0, 1), (0, 7), (5, 40), (150, 500), (3, 0)] {
                    let query = Query::filter(filter).unwrap().sort(path, order).unwrap();
                    queries.push(query.clone().offset(offset).limit(limit));
                    let query = query.sort("n", Order::Desc).unwrap();
                    queries.push(query.offset(offset).limit(limit));
                }
            }
        }
    }
    queries
}

#[tokio::test]
async fn the_first_few_are_those_of_all() {
    let database = database().await;
    let stream = database.search(Query::all()).await.unwrap();
    let all: Vec<Arc<Record>> = stream.try_collect().await.unwrap();
    let mut walked = 0;
    for query in queries() {
        let prepared = database.prepare(&query).unwrap();
        walked += usize::from(Walk::of(&Plan::of(&database, &prepared), &query).is_some());
        let ids = |records: Vec<Arc<Record>>| -> Vec<String> {
            records
                .iter()
                .map(|record| record.id().to_string())
                .collect()
        };
        let expected = ids(prepared.collect(all.clone()));
        let stream = database.search(query.clone()).await.unwrap();
        let found = ids(stream.try_collect().await.unwrap());
        assert_eq!(found, expected, "{query:?}");
    }
    assert!(walked > 80, "{walked}");
}

/// How the first ten of a query would be found; none where it would not be by a walk.
async fn way(database: &SqliteDatabase, filter: &str, order: Order) -> Option<bool> {
    let query = Query::filter(filter).unwrap();
    let query = query.sort("@created_at", order).unwrap().limit(10);
    let prepared = database.prepare(&query).unwrap();
    let plan = Plan::of(database, &prepared);
    let walk = Walk::of(&plan, &query)?;
    let mut lease = database.reader().await.unwrap();
    Some(walk.is_indexed(&plan, &mut lease).await.unwrap())
}

#[tokio::test]
async fn an_index_finds_the_newest_and_those_that_must_have_a_time() {
    let database = database().await;
    for filter in ["id exists", "n = 3", "@created_at >= '2024-01-01'"] {
        assert_eq!(way(&database, filter, Order::Desc).await, Some(true));
    }
    for filter in [
        "@created_at exists",
        "@created_at < timestamp '2024-01-01T00:00:05Z' and n = 3",
        "@created_at between '2024-01-01' and '2024-02-01'",
    ] {
        assert_eq!(way(&database, filter, Order::Asc).await, Some(true));
    }
    // Those without a time come first, wherever they stand in the index.
    assert_eq!(way(&database, "n = 3", Order::Asc).await, None);
    // Another index finds the rows, which would all have to be put in order.
    let one = "id >= 'r001' and id < 'r002'";
    assert_eq!(way(&database, one, Order::Desc).await, Some(false));
}

/// What compares with the text of a time is found by the column's index too.
#[tokio::test]
async fn texts_have_bounds_that_an_index_answers() {
    let database = database().await;
    for filter in [
        "@created_at >= '2024-01-01T00:00:05Z'",
        "@created_at < '2024-01-01'",
        "@created_at = '2024-01-01T00:00:05.000001Z'",
    ] {
        let prepared = database.prepare(&Query::filter(filter).unwrap()).unwrap();
        let plan = Plan::of(&database, &prepared);
        let mut lease = database.reader().await.unwrap();
        let steps = lease.explain(&plan.select("", ""), plan.args()).await;
        let steps = steps.unwrap().join("\n");
        assert!(
            steps.starts_with("SEARCH") && steps.contains("created"),
            "{filter}: {steps}"
        );
    }
}
