//! Searches: their order where times are none.

use futures::TryStreamExt;
use serde_json::json;
use thermocline::{Database, DatabaseExt, Order, PostgresDatabase, Query, Record};

use super::open;

async fn ids(db: &PostgresDatabase, query: Query) -> Vec<String> {
    let found: Vec<_> = db.search(query).await.unwrap().try_collect().await.unwrap();
    found.iter().map(|record| record.id().to_string()).collect()
}

/// A limit makes the server look for the rows with a time apart from those without: nobody can tell from the answer.
#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn a_limit_cuts_the_order_that_all_have() {
    let (db, scratch) = open().await;
    let times = [
        "NULL",
        "'infinity'",
        "'-infinity'",
        "'0044-03-15 BC'",
        "'0001-01-01'",
        "'2024-01-01'",
        "'2024-01-01 00:00:00.000001'",
        "'9999-12-30 22:00:00'",
        "'9999-12-31'",
        "'20000-01-01'",
    ];
    for (n, time) in times.iter().enumerate() {
        let fields = format!(r#"{{"n": {}}}"#, n % 3);
        let insert = format!(
            "INSERT INTO records (id, data, created_at, updated_at) \
             VALUES ('a{n}', '{fields}', {time}, '2024-01-01'), ('b{n}', '{fields}', {time}, {time})"
        );
        scratch.run(&insert).await;
    }
    let all = 2 * times.len();
    for order in [Order::Asc, Order::Desc] {
        for filter in [
            "n < 2",
            "@created_at >= timestamp '2024-01-01'",
            "not @created_at exists",
        ] {
            for sort in [
                &["@created_at"][..],
                &["@updated_at", "n"],
                &["@created_at", "@updated_at", "id"],
            ] {
                let mut query = Query::filter(filter).unwrap();
                for path in sort {
                    query = query.sort(path, order).unwrap();
                }
                let whole = ids(&db, query.clone()).await;
                for (offset, limit) in [(0, 1), (0, 5), (3, 4), (7, all), (all, 1)] {
                    let cut =
                        ids(&db, query.clone().offset(offset as u64).limit(limit as u64)).await;
                    let expected: Vec<_> = whole.iter().skip(offset).take(limit).collect();
                    assert_eq!(
                        cut.iter().collect::<Vec<_>>(),
                        expected,
                        "{filter} {sort:?} {order:?} {offset} {limit}"
                    );
                }
            }
        }
    }
    db.close().await.unwrap();
}

/// What a search leaves behind is ended without its reader, and the next one waits for the connection it had.
#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn one_search_after_the_other_takes_one_connection() {
    let (db, scratch) = open().await;
    for n in 0..50 {
        db.upsert(Record::new(format!("r{n}"), json!({"n": n})).unwrap())
            .await
            .unwrap();
    }
    for _ in 0..5 {
        assert_eq!(ids(&db, Query::all()).await.len(), 50);
        assert_eq!(
            db.count(&Query::filter("n < 20").unwrap()).await.unwrap(),
            20
        );
    }
    assert_eq!(scratch.sessions().await, 1);
    db.close().await.unwrap();
}

/// A connection that is lost on its way back is nobody's: whoever waits for it takes a new one.
#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn nobody_waits_for_a_connection_that_was_lost() {
    let (db, scratch) = open().await;
    let host = db.catalog_host().unwrap();
    for _ in 0..3 {
        let held = host.begin_read().await.unwrap();
        scratch.throw_everybody_out().await;
        drop(held);
        let found = tokio::join!(ids(&db, Query::all()), ids(&db, Query::all()));
        assert_eq!(found, (Vec::new(), Vec::new()));
    }
    db.close().await.unwrap();
    while scratch.sessions().await > 0 {
        tokio::task::yield_now().await;
    }
}
