//! Two transactions that wait for each other: the server throws one out. Where that is ours, it is done again.

use std::time::Duration;

use serde_json::json;
use sqlx::{AssertSqlSafe, Executor};
use thermocline::{
    Database, DatabaseExt, Op, ParquetArchive, PostgresDatabase, Query, Record, Written,
};

use super::Scratch;
use super::bench::{Bench, old};

/// How long anything here may take that is not stuck.
const LONG: Duration = Duration::from_secs(60);

/// Does `work` while somebody who did `first` wants `second` too, once `work` waits for him; it is `work` whom the server
/// throws out.
async fn thrown_out<T: Send + 'static>(
    scratch: &Scratch,
    first: &str,
    second: &str,
    work: impl Future<Output = T> + Send + 'static,
) -> T {
    scratch.patience("2s").await;
    let mut other = scratch.hold(first).await;
    other.execute("SET deadlock_timeout = '60s'").await.unwrap();
    let work = tokio::spawn(work);
    scratch.until_waiting(1).await;
    let second = sqlx::raw_sql(AssertSqlSafe(second.to_owned()));
    other.execute(second).await.expect("he is not thrown out");
    drop(other);
    let done = tokio::time::timeout(LONG, work).await;
    done.expect("it goes on").unwrap()
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn a_table_is_made() {
    let scratch = Scratch::new().await;
    let url = scratch.url.clone();
    let opened = thrown_out(
        &scratch,
        "CREATE TABLE records (id INT)",
        r#"SELECT pg_advisory_xact_lock(hashtextextended('thermocline create "public"."records"', 0))"#,
        async move { PostgresDatabase::open(&url).await },
    );
    let db = opened.await.unwrap();
    assert_eq!(db.count(&Query::all()).await.unwrap(), 0);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn a_catalog_is_made() {
    let scratch = Scratch::new().await;
    let folder = tempfile::tempdir().unwrap();
    let database = PostgresDatabase::open(&scratch.url).await.unwrap();
    let archive = ParquetArchive::in_dir(folder.path());
    let archive = archive.catalog_of(database).unwrap();
    let built = thrown_out(
        &scratch,
        "CREATE SCHEMA thermocline",
        "SELECT pg_advisory_xact_lock(hashtextextended('thermocline catalog', 0))",
        archive.build(),
    );
    built.await.unwrap().create(old("a", 1)).await.unwrap();
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn a_run_takes_its_lease_and_begins() {
    let bench = Bench::new().await;
    bench.fill(5).await;
    assert_eq!(bench.router.archive_due().await.unwrap()[0].moved, 5);
    bench.fill(3).await;
    let router = bench.router.clone();
    let run = thrown_out(
        &bench.scratch,
        "LOCK TABLE thermocline.thermocline_run IN SHARE MODE",
        "UPDATE thermocline.thermocline_lease SET epoch = epoch",
        async move { router.archive_due().await },
    );
    assert_eq!(Box::pin(run).await.unwrap()[0].moved, 3);
    let runs = "SELECT count(*)::text FROM thermocline.thermocline_run WHERE outcome = 'done'";
    assert_eq!(bench.scratch.ask(runs).await, ["2"]);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn a_batch_is_noted_in_the_journal() {
    let bench = Bench::new().await;
    bench.archive.create(old("a", 1)).await.unwrap();
    let archive = bench.archive.clone();
    let written = thrown_out(
        &bench.scratch,
        "LOCK TABLE thermocline.thermocline_journal_object IN SHARE MODE",
        "LOCK TABLE thermocline.thermocline_journal IN SHARE MODE",
        async move { archive.create(old("b", 2)).await },
    );
    written.await.unwrap();
    assert_eq!(bench.archive.count(&Query::all()).await.unwrap(), 2);
    let states = "SELECT DISTINCT state FROM thermocline.thermocline_journal";
    assert_eq!(bench.scratch.ask(states).await, ["published"]);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn what_was_left_behind_is_forgotten() {
    let bench = Bench::new().await;
    bench.archive.create(old("a", 1)).await.unwrap();
    bench.clock.advance(Duration::from_secs(30 * 86_400));
    let archive = bench.archive.clone();
    let removed = thrown_out(
        &bench.scratch,
        "LOCK TABLE thermocline.thermocline_journal IN SHARE MODE",
        "LOCK TABLE thermocline.thermocline_journal_object IN SHARE MODE",
        async move {
            archive
                .remove_orphans(&thermocline::Orphans::default())
                .await
        },
    );
    removed.await.unwrap();
    let rows = "SELECT count(*)::text FROM thermocline.thermocline_journal";
    assert_eq!(bench.scratch.ask(rows).await, ["0"]);
}

/// A batch whose rows others want in another order, one after the other: in the end it waits for all of them.
#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn a_batch_is_stored_whoever_else_writes() {
    let scratch = Scratch::new().await;
    let db = PostgresDatabase::open(&scratch.url).await.unwrap();
    let others: Vec<String> = (1..=8).map(|n| format!("other{n}")).collect();
    let record = |id: &str| Record::new(id, json!({})).unwrap();
    db.create(record("a")).await.unwrap();
    for id in &others {
        db.create(record(id)).await.unwrap();
    }
    scratch.patience("2s").await;
    let rewritten = |id: &str| format!("UPDATE records SET data = '{{}}' WHERE id = '{id}'");
    let mut holders = Vec::new();
    for id in &others {
        let mut holder = scratch.hold(&rewritten(id)).await;
        let patient = "SET deadlock_timeout = '60s'";
        holder.execute(patient).await.unwrap();
        holders.push(holder);
    }
    let upserts = others.iter().map(|id| Op::Upsert(record(id).into()).into());
    let delete = Op::Delete(record("a").id().clone()).into();
    let batch = std::iter::once(delete).chain(upserts).collect();
    let batch = tokio::spawn(async move { db.write(batch).await });
    for mut holder in holders {
        while scratch.waiting().await != 1 && !batch.is_finished() {
            tokio::task::yield_now().await;
        }
        let first = sqlx::raw_sql(AssertSqlSafe(rewritten("a")));
        holder.execute(first).await.expect("he is not thrown out");
        holder.execute("COMMIT").await.unwrap();
    }
    let batch = tokio::time::timeout(LONG, batch).await.unwrap().unwrap();
    let written = batch.unwrap();
    assert!(matches!(written[0], Written::Deleted));
    assert!(
        written[1..]
            .iter()
            .all(|written| matches!(written, Written::Updated(_)))
    );
}

/// Two processes whose runs are the first ever of a collection: the slower one finds the lease taken.
#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn a_lease_is_taken_once() {
    let bench = Bench::new().await;
    bench.fill(5).await;
    let mut other = bench
        .scratch
        .hold(
            "INSERT INTO thermocline.thermocline_lease (collection, holder, epoch, expires) \
             VALUES ('records', 'somebody', 1, '2026-01-01T00:00:10Z')",
        )
        .await;
    let router = bench.router.clone();
    let run = tokio::spawn(async move { router.archive_due().await });
    bench.scratch.until_waiting(1).await;
    other.execute("COMMIT").await.unwrap();
    let run = tokio::time::timeout(LONG, run).await.unwrap().unwrap();
    assert_eq!(run.unwrap()[0].held_by.as_ref().unwrap().holder, "somebody");
}
