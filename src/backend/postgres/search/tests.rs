//! Which questions the server answers by an index: the plans of the statements that we send.

use serde_json::json;

use super::*;
use crate::{Database, Op, Order, Query};

/// A table of 5,000 rows in a schema of its own, on the server that `scripts/services` started.
async fn filled(schema: &str) -> PostgresDatabase {
    let url = std::env::var("THERMOCLINE_TEST_POSTGRES").expect("run scripts/test");
    let first = PostgresDatabase::builder(&url)
        .table("scratch")
        .open()
        .await
        .unwrap();
    run(
        &first,
        &format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}"),
    )
    .await;
    let db = PostgresDatabase::builder(&url)
        .schema(schema)
        .open()
        .await
        .unwrap();
    let records = (0..5_000).map(|n| {
        let fields =
            json!({"n": n, "s": format!("s{n}"), "o": {"k": n % 1_000}, "even": n % 2 == 0});
        Op::Upsert(Record::new(format!("r{n:05}"), fields).unwrap().into()).into()
    });
    db.write(records.collect()).await.unwrap();
    // With what is still waiting to be put into the GIN index, the server would rather read everything.
    run(&db, &format!("VACUUM (ANALYZE) {schema}.records")).await;
    db
}

async fn run(db: &PostgresDatabase, sql: &str) {
    db.worker().await.unwrap().plainly(sql).await.unwrap();
}

async fn plan(db: &PostgresDatabase, query: Query) -> String {
    let prepared = db.prepare(&query).unwrap();
    let plan = Plan::of_search(&db.place, &prepared);
    let limit = query.limit.map(|limit| format!(" LIMIT {limit}"));
    let order = plan.order.clone().unwrap() + &limit.unwrap_or_default();
    let sql = format!("EXPLAIN (COSTS OFF) {}", plan.select(&order)).into();
    let mut lease = db.worker().await.unwrap();
    let rows = lease.fetch(&sql, plan.args().finish()).await.unwrap();
    let lines: Vec<&str> = rows.iter().map(|row| row::text(row, 0).unwrap()).collect();
    lines.join("\n")
}

async fn plan_of(db: &PostgresDatabase, filter: &str) -> String {
    plan(db, Query::filter(filter).unwrap()).await
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn equality_uses_the_gin_indexes_and_ids_the_key() {
    let db = filled("plans_gin").await;
    for filter in [
        "s = 's77'",
        "n = 77",
        "n = 77.0",
        "o.k = 7 and even = true",
        "s in ('s1', 's2', 's3')",
        "s = 's1' or n = 2",
    ] {
        let plan = plan_of(&db, filter).await;
        assert!(
            plan.contains("Bitmap Index Scan on idx_records_data"),
            "{filter}:\n{plan}"
        );
    }
    let plan = plan_of(&db, "metadata.x = 'y'").await;
    assert!(
        plan.contains("Bitmap Index Scan on idx_records_metadata"),
        "{plan}"
    );
    for filter in ["id = 'r00077'", "id = 'r00077' and n = 77"] {
        let plan = plan_of(&db, filter).await;
        assert!(plan.contains("records_pkey"), "{filter}:\n{plan}");
    }
}

/// An index on the expression that we search by serves ranges and orders: what the documentation tells to make.
#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn ranges_and_orders_use_an_index_on_their_expression() {
    let db = filled("plans_ranges").await;
    run(
        &db,
        "CREATE INDEX by_n ON plans_ranges.records ((data->'n')); \
         CREATE INDEX by_s ON plans_ranges.records (((data->'s') #>> '{}' COLLATE \"C\")); \
         CREATE INDEX by_created ON plans_ranges.records (created_at); \
         CREATE INDEX by_id ON plans_ranges.records (id COLLATE \"C\"); ANALYZE plans_ranges.records",
    )
    .await;
    for (filter, index) in [
        ("n between 100 and 110", "by_n"),
        ("s >= 's4990' and s < 's4995'", "by_s"),
        ("@created_at < timestamp '2001-01-01'", "by_created"),
        ("@created_at < '2001-01-01'", "by_created"),
        (
            "@created_at between '2001-01-01T00:00:00Z' and '2001-02-01'",
            "by_created",
        ),
    ] {
        let plan = plan_of(&db, filter).await;
        assert!(plan.contains(index), "{filter}:\n{plan}");
    }
    let by_id = Query::all().sort("id", Order::Asc).unwrap().limit(10);
    let plan = plan(&db, by_id).await;
    assert!(plan.contains("by_id") && !plan.contains("Sort"), "{plan}");
}

/// The newest of many are found by an index of the column, though none orders all rows as we do.
#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn the_newest_and_the_oldest_use_an_index_of_the_time() {
    let db = filled("plans_newest").await;
    run(
        &db,
        "CREATE INDEX by_created ON plans_newest.records (created_at); \
         UPDATE plans_newest.records SET created_at = TIMESTAMP '2024-01-01' + (data->>'n')::int * INTERVAL '1 s'",
    )
    .await;
    run(&db, "VACUUM (ANALYZE) plans_newest.records").await;
    for order in [Order::Asc, Order::Desc] {
        for filter in [
            "@created_at exists",
            "@created_at < timestamp '2024-01-01T01:00:00Z'",
            "id != 'r1'",
        ] {
            let query = Query::filter(filter)
                .unwrap()
                .sort("@created_at", order)
                .unwrap();
            let plan = plan(&db, query.limit(10)).await;
            assert!(
                plan.contains("by_created") && !plan.contains("Seq Scan"),
                "{filter}:\n{plan}"
            );
        }
    }
}
