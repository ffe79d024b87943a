//! What a move, and a write that meets an archived record, hold to while others are at work on the same server.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use parking_lot::Mutex;
use serde_json::json;
use sqlx::Executor;
use thermocline::{
    Call, Database, DatabaseExt, Error, ErrorKind, Fault, Gate, Op, Query, Record, SkipReason,
    Written,
};

use super::bench::{Bench, old};

/// How long anything here may take that is not stuck.
const LONG: Duration = Duration::from_secs(60);

/// Rows that are changed, replaced or held after they were read stay, and are there once.
#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn a_record_that_changes_during_its_move_stays_and_is_there_once() {
    let bench = Bench::new().await;
    bench.fill(10).await;
    let url = bench.scratch.url.clone();
    let holders = Arc::new(Mutex::new(Vec::new()));
    let held = Arc::clone(&holders);
    bench.blobs.set(move |call, _| {
        let (url, held) = (url.clone(), Arc::clone(&held));
        async move {
            if call == "put" && held.lock().is_empty() {
                let change = "UPDATE records SET data = '{\"value\": 33}' WHERE id = 'r3'; \
                              DELETE FROM records WHERE id = 'r7'; \
                              INSERT INTO records VALUES ('r7', '{\"value\": 77}', NULL, '2025-03-04', '2025-03-04')";
                super::scratch::execute(&url, change).await;
                let holder = super::scratch::hold(&url, "SELECT FROM records WHERE id = 'r5' FOR UPDATE").await;
                held.lock().push(holder);
            }
            Ok(())
        }
        .boxed()
    });
    let report = bench.router.archive_due().await.unwrap().remove(0);
    assert_eq!((report.moved, report.skipped[&SkipReason::Changed]), (7, 3));
    // Foreign readers go by what the catalog says of the whole table: all rows, dead ones too.
    let rows = "SELECT record_count::text FROM thermocline.ducklake_table_stats";
    assert_eq!(bench.scratch.ask(rows).await, ["10"]);
    drop(std::mem::take(&mut *holders.lock()));
    *bench.blobs.hook.lock() = None;
    let ids: Vec<String> = (0..10).map(|n| format!("r{n}")).collect();
    assert_eq!(bench.ids().await, ids);
    assert_eq!(bench.value("r3").await, Some(33));
    assert_eq!(bench.value("r7").await, Some(77));
    assert_eq!(bench.value("r5").await, Some(5));
    assert_eq!(bench.router.archive_due().await.unwrap()[0].moved, 3);
    assert_eq!(bench.ids().await, ids);
}

/// An object that somebody removes before the commit is noticed, and the records stay where they are.
#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn what_is_not_published_stays_in_the_primary() {
    let bench = Bench::new().await;
    bench.fill(5).await;
    let looks = Arc::new(Mutex::new(0));
    let blobs = Arc::clone(&bench.blobs.inner);
    bench.blobs.set(move |call, path| {
        let (looks, blobs) = (Arc::clone(&looks), Arc::clone(&blobs));
        async move {
            if call == "size" {
                *looks.lock() += 1;
                if *looks.lock() == 2 {
                    blobs.delete(&path).await?;
                }
            }
            Ok(())
        }
        .boxed()
    });
    let error = bench.router.archive_due().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
    *bench.blobs.hook.lock() = None;
    assert_eq!(bench.primary.count(&Query::all()).await.unwrap(), 5);
    assert_eq!(bench.ids().await.len(), 5);
}

/// The server throws out one of two transactions that wait for each other. Where that is ours, it is done again.
#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn a_dead_lock_is_no_failure() {
    let bench = Bench::new().await;
    bench.fill(5).await;
    bench.scratch.patience("3s").await;
    // Somebody takes the catalog's lock, and then wants what the publish holds.
    let next = "INSERT INTO thermocline.ducklake_snapshot SELECT snapshot_id + 1, now(), schema_version, next_catalog_id, \
                next_file_id FROM thermocline.ducklake_snapshot ORDER BY 1 DESC LIMIT 1";
    let first = Op::Put(old("first", 0).into()).into();
    bench.primary.write(vec![first]).await.unwrap();
    assert_eq!(bench.router.archive_due().await.unwrap()[0].moved, 6);
    bench.fill(5).await;
    let mut other = bench.scratch.hold(next).await;
    other.execute("SET deadlock_timeout = '60s'").await.unwrap();
    let router = bench.router.clone();
    let run = tokio::spawn(async move { router.archive_due().await });
    bench.scratch.until_waiting(1).await;
    let wants = "UPDATE thermocline.thermocline_journal SET state = state";
    other.execute(wants).await.unwrap();
    drop(other);
    let report = tokio::time::timeout(LONG, run).await.unwrap().unwrap();
    assert_eq!(report.unwrap()[0].moved, 5);

    // The same for a write that takes a record out of the archive.
    let mut other = bench.scratch.hold(next).await;
    other.execute("SET deadlock_timeout = '60s'").await.unwrap();
    let router = bench.router.clone();
    let write = tokio::spawn(async move { router.upsert(old("first", 1)).await });
    bench.scratch.until_waiting(1).await;
    let wants = "INSERT INTO records (id, data) VALUES ('first', '{}')";
    other.execute(wants).await.unwrap();
    drop(other);
    tokio::time::timeout(LONG, write)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert_eq!(bench.value("first").await, Some(1));
    assert_eq!(bench.ids().await.len(), 6);
}

/// Another writer of the catalog that took its lock first gets everything it goes on to change.
#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn who_was_first_at_the_catalog_is_never_thrown_out() {
    let bench = Bench::new().await;
    bench.fill(5).await;
    assert_eq!(bench.router.archive_due().await.unwrap()[0].moved, 5);
    bench.fill(3).await;
    bench.scratch.patience("30s").await;
    let mut other = bench
        .scratch
        .hold(
            "INSERT INTO thermocline.ducklake_snapshot SELECT snapshot_id + 1, now(), schema_version, next_catalog_id, \
             next_file_id FROM thermocline.ducklake_snapshot ORDER BY 1 DESC LIMIT 1; \
             INSERT INTO thermocline.ducklake_snapshot_changes (snapshot_id, changes_made) \
             SELECT max(snapshot_id), 'inserted_into_table:1' FROM thermocline.ducklake_snapshot",
        )
        .await;
    other
        .execute("SET deadlock_timeout = '200ms'")
        .await
        .unwrap();
    let router = bench.router.clone();
    let run = tokio::spawn(async move { router.archive_due().await });
    bench.scratch.until_waiting(1).await;
    let stats = "UPDATE thermocline.ducklake_table_stats SET next_row_id = next_row_id + 1";
    other.execute(stats).await.expect("it was first");
    other.execute("COMMIT").await.unwrap();
    let report = tokio::time::timeout(LONG, run).await.unwrap().unwrap();
    assert_eq!(report.unwrap()[0].moved, 3);
    assert_eq!(bench.ids().await.len(), 5);
}

/// The catalog's lock is not held for ever by one who sleeps, and a publish does not wait for ever for it.
#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn a_publish_waits_only_so_long() {
    let bench = Bench::new().await;
    bench.fill(5).await;
    assert_eq!(bench.router.archive_due().await.unwrap()[0].moved, 5);
    bench.fill(3).await;
    let next = "INSERT INTO thermocline.ducklake_snapshot SELECT snapshot_id + 1, now(), schema_version, next_catalog_id, \
                next_file_id FROM thermocline.ducklake_snapshot ORDER BY 1 DESC LIMIT 1";
    let other = bench.scratch.hold(next).await;
    let run = tokio::time::timeout(LONG, bench.router.archive_due()).await;
    let error = run.expect("it gives up").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    drop(other);
    assert_eq!(bench.router.archive_due().await.unwrap()[0].moved, 3);
    assert_eq!(bench.ids().await.len(), 5);
}

/// A commit that was reported lost and is still at work is waited for.
#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn an_unknown_outcome_is_waited_for_and_found_out() {
    for fault in [Fault::Late, Fault::Fail, Fault::FailAfter] {
        let bench = Bench::new().await;
        bench.fill(5).await;
        let broke = Error::new(ErrorKind::Ambiguous, "the connection broke");
        // The lease and the history, the table, the journal; then the publish.
        for _ in 0..3 {
            bench.script.next(Call::TransactionCommit, Fault::Pass);
        }
        bench.script.next(Call::TransactionCommit, fault(broke));
        let report = bench.router.archive_due().await.unwrap().remove(0);
        assert_eq!((report.moved, report.segments), (5, 1), "{report:?}");
        assert_eq!(bench.ids().await.len(), 5);
        let states = "SELECT state FROM thermocline.thermocline_journal";
        assert_eq!(bench.scratch.ask(states).await, ["published"]);
        let files = "SELECT count(*)::text FROM thermocline.ducklake_data_file";
        assert_eq!(bench.scratch.ask(files).await, ["1"]);
    }
}

/// Whoever removes orphans waits for a publish that is about to commit, and then finds nothing to remove.
#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn orphans_are_fenced_off_before_they_are_removed() {
    let bench = Bench::new().await;
    bench.fill(5).await;
    for _ in 0..3 {
        bench.script.next(Call::TransactionCommit, Fault::Pass);
    }
    let gate = bench.script.hold_before(Call::TransactionCommit);
    let router = bench.router.clone();
    let run = tokio::spawn(async move { router.archive_due().await });
    gate.arrived(1).await;
    bench.clock.advance(Duration::from_secs(1));
    let collector = bench.another_archive().await;
    let orphans = collector
        .find_orphans_older_than(Duration::ZERO)
        .await
        .unwrap();
    assert_eq!(
        orphans.batches.len(),
        1,
        "it is at work, and looks like one"
    );
    let removing = tokio::spawn(async move { collector.remove_orphans(&orphans).await });
    loop {
        if bench.scratch.waiting().await == 1 || removing.is_finished() {
            break;
        }
    }
    gate.open();
    removing.await.unwrap().unwrap();
    assert_eq!(run.await.unwrap().unwrap()[0].moved, 5);
    for n in 0..5 {
        assert_eq!(bench.value(&format!("r{n}")).await, Some(n));
    }
}

/// Two processes that create one id in the archive: one did, the other is told so.
#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn a_change_counts_only_on_the_state_that_it_was_decided_on() {
    let bench = Bench::new().await;
    bench.archive.create(old("a", 0)).await.unwrap();
    let other = bench.another_archive().await;
    assert!(bench.archive.exists("a").await.unwrap());
    // The journal asks for the newest snapshot twice, and so does the publish before it looks for the third time.
    for _ in 0..4 {
        bench.script.next(Call::TransactionQuery, Fault::Pass);
    }
    let gate = bench.script.hold_before(Call::TransactionQuery);
    let archive = bench.archive.clone();
    let late = tokio::spawn(async move {
        archive
            .write(vec![Op::Create(old("b", 1).into()).into()])
            .await
    });
    tokio::time::timeout(LONG, gate.arrived(1)).await.unwrap();
    let first = other
        .write(vec![Op::Create(old("b", 2).into()).into()])
        .await;
    assert!(matches!(first.unwrap()[..], [Written::Created(_)]));
    gate.open();
    let late = late.await.unwrap().unwrap();
    assert!(matches!(late[..], [Written::Exists]), "{late:?}");
    assert_eq!(other.count(&Query::all()).await.unwrap(), 2);
}

/// A taken snapshot starts again, whoever took it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn writers_of_one_archive_wait_for_each_other() {
    let bench = Bench::new().await;
    bench.archive.create(old("a", 0)).await.unwrap();
    let work = |writer: usize| {
        let archive = bench.another_archive();
        async move {
            let archive = archive.await;
            for n in 0..5 {
                let id = format!("w{writer}-{n}");
                archive.upsert(old(&id, n)).await.unwrap();
                archive.upsert(old("a", n)).await.unwrap();
            }
        }
    };
    futures::future::join_all((0..4).map(work)).await;
    assert_eq!(bench.archive.count(&Query::all()).await.unwrap(), 21);
    let snapshots =
        "SELECT (count(*) = max(snapshot_id) + 1)::text FROM thermocline.ducklake_snapshot";
    assert_eq!(bench.scratch.ask(snapshots).await, ["true"]);
}

/// What another process moves is found where it is now, whatever this one knew of the archive.
#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn a_record_that_moves_under_a_reader_is_found() {
    let bench = Bench::new().await;
    bench.fill(1).await;
    let other = bench.another().await;
    assert_eq!(other.archive_due().await.unwrap()[0].moved, 1);
    assert_eq!(bench.value("r0").await, Some(0));
    let moved = Op::Put(old("later", 7).into()).into();
    bench.primary.write(vec![moved]).await.unwrap();
    assert_eq!(bench.value("later").await, Some(7));
    assert_eq!(other.archive_due().await.unwrap()[0].moved, 1);
    assert_eq!(bench.value("later").await, Some(7));
}

/// A database that was restored goes on with snapshots that others were known by.
#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn a_restored_database_is_read_anew() {
    let bench = Bench::new().await;
    bench.archive.create(old("before", 1)).await.unwrap();
    let backup = format!("{}_backup", bench.scratch.name);
    bench.scratch.copy_to(&backup).await;
    bench.archive.create(old("lost", 2)).await.unwrap();
    assert_eq!(bench.value("lost").await, Some(2));
    bench.scratch.restore_from(&backup).await;
    bench.clock.advance(Duration::from_secs(1));
    let other = bench.another_archive().await;
    other.create(old("after", 3)).await.unwrap();
    assert_eq!(bench.value("after").await, Some(3));
    assert_eq!(bench.value("lost").await, None);
    assert_eq!(bench.value("before").await, Some(1));
}

/// An archived id that another program brings back is one record again once it is moved.
#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn a_record_that_somebody_put_back_is_archived_once() {
    let bench = Bench::new().await;
    bench.fill(2).await;
    assert_eq!(bench.router.archive_due().await.unwrap()[0].moved, 2);
    bench
        .scratch
        .run(
            "INSERT INTO records VALUES ('r0', '{\"value\": 9}', NULL, '2025-01-01', '2025-01-01')",
        )
        .await;
    let report = bench.router.archive_due().await.unwrap().remove(0);
    assert_eq!((report.moved, report.repaired), (1, 1));
    assert_eq!(bench.ids().await, ["r0", "r1"]);
    assert_eq!(bench.value("r0").await, Some(9));
}

/// A record that is taken out of the archive between the two looks of a delete is deleted where it is then.
#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn a_delete_that_meets_a_record_in_no_tier_looks_again() {
    let bench = Bench::new().await;
    bench.fill(1).await;
    assert_eq!(bench.router.archive_due().await.unwrap()[0].moved, 1);
    // The first time it learns what the archive holds; the second time nothing else makes it look again.
    bench.script.next(Call::TransactionApply, Fault::Pass);
    let gate: Gate = bench.script.hold_after(Call::TransactionApply);
    let router = bench.router.clone();
    let gone = tokio::spawn(async move { router.delete("r0").await });
    gate.arrived(1).await;
    let other = bench.another().await;
    other
        .upsert(Record::new("r0", json!({"value": 1})).unwrap())
        .await
        .unwrap();
    gate.open();
    assert!(gone.await.unwrap().unwrap(), "it was always there");
    assert_eq!(bench.value("r0").await, None);
    assert_eq!(bench.ids().await.len(), 0);
}

/// Live records are read while the archive's files cannot be.
#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn live_records_need_no_archive() {
    let bench = Bench::new().await;
    bench.fill(2).await;
    assert_eq!(bench.router.archive_due().await.unwrap()[0].moved, 2);
    bench.router.upsert(old("live", 1)).await.unwrap();
    bench
        .blobs
        .set(|_, _| async { Err(Error::unavailable("the bucket cannot be reached")) }.boxed());
    let other = bench.another().await;
    assert!(other.read("live").await.unwrap().is_some());
    let error = other.read("r0").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    let error = other.upsert(old("r00", 1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "never assumed new");
    other.upsert(old("live", 2)).await.unwrap();
}
