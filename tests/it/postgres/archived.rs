//! An archive whose catalog lives in PostgreSQL, alone and behind the router.

use std::sync::Arc;

use futures::TryStreamExt;
use serde_json::json;
use thermocline::{
    Database, DatabaseExt, ManualClock, MemoryDatabase, Op, ParquetArchive, Policy,
    PostgresDatabase, Query, ReadSource, Record, TieredDatabase,
};

use super::Scratch;
use crate::router::Tiers;

/// An archive alone, with its catalog in a database of its own.
pub(crate) async fn archive() -> (ParquetArchive, (tempfile::TempDir, Scratch)) {
    let folder = tempfile::tempdir().unwrap();
    let scratch = Scratch::lent().await;
    let host = PostgresDatabase::open(&scratch.url)
        .await
        .unwrap()
        .catalog_host()
        .unwrap();
    let archive = ParquetArchive::in_dir(folder.path())
        .catalog(host)
        .unwrap()
        .build()
        .await
        .unwrap();
    (archive, (folder, scratch))
}

/// A router on the system's clock, as the behaviours expect it.
async fn router(url: &str) -> (TieredDatabase, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let router = TieredDatabase::builder()
        .hot(MemoryDatabase::new())
        .primary(PostgresDatabase::open(url).await.unwrap())
        .archive(ParquetArchive::in_dir(folder.path()))
        .build()
        .await
        .unwrap();
    (router, folder)
}

mod alone {
    thermocline::conformance_tests!(
        super::archive,
        #[ignore = "needs PostgreSQL: run scripts/test"]
    );
}

mod tiered {
    thermocline::conformance_tests!(
        async || {
            let scratch = super::Scratch::lent().await;
            let (router, folder) = super::router(&scratch.url).await;
            (router, (folder, scratch))
        },
        #[ignore = "needs PostgreSQL: run scripts/test"]
    );
}

mod tiered_behind_a_pooler {
    thermocline::conformance_tests!(
        async || {
            let scratch = super::Scratch::lent().await;
            let (router, folder) = super::router(&scratch.pooled_url()).await;
            (router, (folder, scratch))
        },
        #[ignore = "needs PostgreSQL: run scripts/test"]
    );
}

/// Old records move by policy, are read where they lie, come back when they are written, and DuckDB sees the same.
#[tokio::test]
#[ignore = "needs PostgreSQL and DuckDB: run scripts/test"]
async fn a_life_in_both_tiers() {
    let scratch = Scratch::new().await;
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap());
    let primary = PostgresDatabase::builder(&scratch.url)
        .table("orders")
        .clock(clock.clone())
        .open()
        .await
        .unwrap();
    let router = TieredDatabase::builder()
        .hot(MemoryDatabase::new())
        .primary(primary.clone())
        .archive(ParquetArchive::in_dir(folder.path()).clock(clock.clone()))
        .policy(
            Policy::older_than("90d")
                .unwrap()
                .filter("status = 'closed'")
                .unwrap(),
        )
        .clock(clock.clone())
        .build()
        .await
        .unwrap();
    let records = (0..500_i64).map(|n| {
        let status = if n % 5 == 0 { "open" } else { "closed" };
        let age = clock_time(n);
        let fields =
            json!({"status": status, "n": n, "total": f64::from(i32::try_from(n).unwrap()) / 4.0});
        let record = Record::new(format!("o{n:03}"), fields)
            .unwrap()
            .with_times(Some(age), Some(age));
        Op::Put(record.into()).into()
    });
    router.write(records.collect()).await.unwrap();
    let report = router.archive_due().await.unwrap();
    let old = |n: i64| n % 5 != 0 && clock_time(n) < clock_time(90);
    let moved = u64::try_from((0..500).filter(|n| old(*n)).count()).unwrap();
    assert_eq!(report.len(), 1);
    assert_eq!(report[0].moved, moved, "{report:?}");
    assert_eq!(primary.count(&Query::all()).await.unwrap(), 500 - moved);
    assert_eq!(router.count(&Query::all()).await.unwrap(), 500);
    assert_eq!(
        router
            .count(&Query::filter("n >= 100 and n < 200").unwrap())
            .await
            .unwrap(),
        100
    );
    assert_eq!(
        router.read_with_source("o499").await.unwrap().1,
        ReadSource::Archive
    );
    // A second run finds nothing, a changed record is one copy again.
    assert_eq!(router.archive_due().await.unwrap()[0].moved, 0);
    router
        .upsert(Record::new("o499", json!({"status": "open"})).unwrap())
        .await
        .unwrap();
    assert!(router.delete("o498").await.unwrap());
    assert_eq!(router.count(&Query::all()).await.unwrap(), 499);
    let ids: Vec<_> = router
        .search(
            Query::filter("n >= 490")
                .unwrap()
                .sort("n", thermocline::Order::Desc)
                .unwrap(),
        )
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    let ids: Vec<&str> = ids
        .iter()
        .map(|record: &Arc<Record>| record.id().as_str())
        .collect();
    assert_eq!(
        ids,
        [
            "o497", "o496", "o495", "o494", "o493", "o492", "o491", "o490"
        ]
    );
    let mut duck = crate::foreign::DuckDb::start();
    duck.attach_postgres(&scratch.url, true).await;
    let live = duck
        .query("SELECT count(*), count(DISTINCT id), min(id), max(id) FROM lake.orders")
        .await;
    let first = (0..500).find(|n| old(*n)).unwrap();
    assert_eq!(
        live,
        [[
            json!(moved - 2),
            json!(moved - 2),
            json!(format!("o{first:03}")),
            json!("o497")
        ]]
    );
}

/// So many days before the clock's time.
fn clock_time(days: i64) -> jiff::Timestamp {
    let now: jiff::Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    now.checked_sub(jiff::SignedDuration::from_hours(24 * days))
        .unwrap()
}

/// Rows that changed, vanished or are held between the scan and the publish stay in the primary, and are one copy.
#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn rows_that_changed_are_not_deleted() {
    let (db, scratch) = super::open().await;
    // One transaction writes them all, those too that are not old enough.
    let ids = (0..10).map(|n| format!("r{n}"));
    let records = ids
        .chain(["young".into(), "younger".into()])
        .map(|id| Op::Upsert(Record::new(id, json!({"n": 1})).unwrap().into()).into());
    db.write(records.collect()).await.unwrap();
    let host = db.catalog_host().unwrap();
    let ids: Vec<String> = (0..10).map(|n| format!("r{n}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let read: Vec<Arc<Record>> = db
        .read_many(&ids)
        .await
        .unwrap()
        .into_iter()
        .flatten()
        .collect();
    // One changed, one changed back, one deleted, one deleted and made again, one held, and all moved elsewhere on disk.
    scratch
        .run("UPDATE records SET data = '{\"n\": -1}' WHERE id = 'r1'")
        .await;
    scratch
        .run("UPDATE records SET data = '{\"n\": -1}' WHERE id = 'r2'")
        .await;
    scratch
        .run("UPDATE records SET data = '{\"n\": 2}' WHERE id = 'r2'")
        .await;
    scratch
        .run("DELETE FROM records WHERE id IN ('r3', 'r4')")
        .await;
    scratch
        .run("INSERT INTO records (id, data) VALUES ('r4', '{\"n\": 4}')")
        .await;
    scratch.run("VACUUM FULL records").await;
    let holder = scratch
        .hold("SELECT FROM records WHERE id = 'r5' FOR UPDATE")
        .await;
    let mut tx = host.begin_write().await.unwrap();
    let mut deleted: Vec<String> = tx
        .delete_unchanged(&read)
        .await
        .unwrap()
        .into_iter()
        .map(|id| id.to_string())
        .collect();
    tx.commit().await.unwrap();
    drop(holder);
    deleted.sort_unstable();
    assert_eq!(deleted, ["r0", "r6", "r7", "r8", "r9"]);
    assert_eq!(
        scratch.ask("SELECT id FROM records ORDER BY 1").await,
        ["r1", "r2", "r4", "r5", "young", "younger"]
    );
    // What was not read from here cannot be compared.
    let mut tx = host.begin_write().await.unwrap();
    let made = Arc::new(Record::new("r1", json!({})).unwrap());
    assert_eq!(
        tx.delete_unchanged(&[made]).await.unwrap_err().kind(),
        thermocline::ErrorKind::Invalid
    );
}

/// The transactions of the catalog see what they should: a reader one moment, a writer what is committed.
#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn a_snapshot_stands_from_its_beginning() {
    let (db, _scratch) = super::open().await;
    let host = db.catalog_host().unwrap();
    let mut reader = host.begin_read().await.unwrap();
    let mut writer = host.begin_write().await.unwrap();
    db.upsert(Record::new("a", json!({})).unwrap())
        .await
        .unwrap();
    assert!(reader.read_many(&["a"]).await.unwrap()[0].is_none());
    assert!(writer.read_many(&["a"]).await.unwrap()[0].is_some());
    let limits = writer
        .query(
            "SELECT current_setting('statement_timeout'), current_setting('lock_timeout'), \
             current_setting('idle_in_transaction_session_timeout'), current_setting('synchronous_commit'), \
             current_setting('transaction_isolation')",
            &[],
        )
        .await
        .unwrap();
    let limits: Vec<&str> = (0..5)
        .map(|column| limits[0].text(column).unwrap())
        .collect();
    assert_eq!(limits, ["10s", "10s", "10s", "on", "read committed"]);
    drop(writer);
    // Records and another question, at one moment.
    let (records, rows) = host
        .read_with(
            &["a", "b"],
            "SELECT 1::bigint AS x, NULL::text AS x, 'it''s'::text, $1::text",
            &["y".into()],
        )
        .await
        .unwrap();
    assert_eq!((records[0].is_some(), records[1].is_some()), (true, false));
    assert_eq!(
        format!("{rows:?}"),
        r#"[SqlRow([Integer(1), Null, Text("it's"), Text("y")])]"#
    );
}

/// A delete that finds a record in neither tier because it is being brought back meanwhile looks again.
#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn records_that_change_tiers_under_a_write_are_met() {
    let tiers = Tiers::served().await;
    let router = &tiers.router;
    for round in 0..10 {
        router
            .upsert(crate::router::record("x", round))
            .await
            .unwrap();
        tiers.move_to_archive("x").await;
        let (back, gone) = futures::future::join(
            router.upsert(crate::router::record("x", -round)),
            router.delete("x"),
        )
        .await;
        back.unwrap();
        assert!(gone.unwrap(), "the record was always there");
        let _ = router.delete("x").await.unwrap();
    }
}
