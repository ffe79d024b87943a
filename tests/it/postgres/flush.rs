//! Dead rows that become delete files: never twice, never alive again, whoever is at work meanwhile.

use std::sync::Arc;

use futures::FutureExt;
use metrics_exporter_prometheus::PrometheusBuilder;
use parking_lot::Mutex;
use serde_json::json;
use thermocline::{Clock, DatabaseExt, Record};

use super::bench::{Bench, old};
use crate::directory::files;
use crate::foreign::DuckDb;

const INLINED: &str = "SELECT count(*)::text FROM thermocline.ducklake_inlined_delete_1";
const DELETE_FILES: &str = "SELECT concat_ws(' ', delete_count, begin_snapshot, end_snapshot, partial_max) \
                            FROM thermocline.ducklake_delete_file ORDER BY delete_file_id";

/// Ten archived records, and DuckDB beside them.
async fn archived() -> Bench {
    let bench = Bench::new().await;
    bench.fill(10).await;
    assert_eq!(bench.router.archive_due().await.unwrap()[0].moved, 10);
    bench
}

fn all_but(gone: &[usize]) -> Vec<String> {
    let there = (0..10).filter(|n| !gone.contains(n));
    there.map(|n| format!("r{n}")).collect()
}

/// What DuckDB sees, and how many rows it counts; it takes the two from different places.
async fn foreign_ids(bench: &Bench) -> Vec<String> {
    let mut duck = DuckDb::start();
    duck.attach_postgres(&bench.scratch.url, true).await;
    let rows = duck.query("SELECT id FROM lake.records ORDER BY id").await;
    let count = duck.query("SELECT count(*) FROM lake.records").await;
    assert_eq!(count, [[json!(rows.len())]]);
    rows.iter()
        .map(|row| row[0].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
#[ignore = "needs PostgreSQL and DuckDB: run scripts/test"]
async fn dead_rows_move_into_one_delete_file_and_stay_dead() {
    let bench = archived().await;
    bench.router.delete("r1").await.unwrap();
    bench.router.delete("r4").await.unwrap();
    let newest = "SELECT max(snapshot_id)::text FROM thermocline.ducklake_snapshot";
    let before: i64 = bench.scratch.ask(newest).await[0].parse().unwrap();
    assert_eq!(bench.scratch.ask(INLINED).await, ["2"]);
    assert_eq!(bench.archive.flush().await.unwrap(), 2);
    assert_eq!(bench.scratch.ask(INLINED).await, ["0"]);
    let (first, last) = (before - 1, before);
    let files = bench.scratch.ask(DELETE_FILES).await;
    assert_eq!(files, [format!("2 {first} {last}")]);
    assert_eq!(bench.ids().await, all_but(&[1, 4]));
    assert_eq!(foreign_ids(&bench).await, all_but(&[1, 4]));
    assert_eq!(bench.archive.flush().await.unwrap(), 0, "nothing is left");

    // One more: on top of the file until it is flushed, then in the one that takes its place.
    bench.router.delete("r7").await.unwrap();
    assert_eq!(foreign_ids(&bench).await, all_but(&[1, 4, 7]));
    assert_eq!(bench.archive.flush().await.unwrap(), 1);
    let files = bench.scratch.ask(DELETE_FILES).await;
    assert_eq!(files, [format!("3 {first} {}", last + 2)]);
    assert_eq!(bench.ids().await, all_but(&[1, 4, 7]));
    assert_eq!(foreign_ids(&bench).await, all_but(&[1, 4, 7]));
    let scheduled = "SELECT count(*)::text FROM thermocline.ducklake_files_scheduled_for_deletion";
    assert_eq!(bench.scratch.ask(scheduled).await, ["1"]);

    // Whoever looks back sees each row until it died.
    let mut duck = DuckDb::start();
    duck.attach_postgres(&bench.scratch.url, true).await;
    for (version, count) in [
        (first - 1, 10),
        (first, 9),
        (last, 8),
        (last + 1, 8),
        (last + 2, 7),
    ] {
        let at = format!("SELECT count(*) FROM lake.records AT (VERSION => {version})");
        assert_eq!(duck.query(&at).await, [[json!(count)]], "at {version}");
    }

    // A record that died so can live again, and another process sees it all.
    bench.router.create(old("r1", 11)).await.unwrap();
    let other = bench.another().await;
    assert_eq!(other.read("r4").await.unwrap().map(|_| ()), None);
    let again: Option<Arc<Record>> = other.read("r1").await.unwrap();
    assert!(again.is_some());
}

/// Since when others may see what is dead is to be seen, and how much was flushed.
#[tokio::test]
#[ignore = "needs PostgreSQL and DuckDB: run scripts/test"]
async fn what_waits_for_a_flush_is_shown_with_its_age() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let bench = archived().await;
    let shown = async || {
        bench.router.observe().await.unwrap();
        [
            "archive_inlined_deletes",
            "oldest_inlined_delete_timestamp_seconds",
            "flushed_rows_total",
        ]
        .map(|name| {
            let begin = format!("thermocline_{name}{{");
            let text = handle.render();
            let line = text.lines().find(|line| line.starts_with(&begin));
            let value = line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
            value.unwrap_or_else(|| panic!("{name} in\n{text}"))
        })
    };
    assert_eq!(shown().await, [0.0, 0.0, 0.0]);
    let hour = std::time::Duration::from_secs(3600);
    bench.clock.advance(hour);
    let died = bench.clock.now().as_second() as f64;
    bench.router.delete("r1").await.unwrap();
    bench.clock.advance(hour);
    bench.router.delete("r2").await.unwrap();
    assert_eq!(shown().await, [2.0, died, 0.0]);

    // Its snapshot is forgotten: since the next one at least.
    let forget = "DELETE FROM thermocline.ducklake_snapshot WHERE snapshot_id = \
                  (SELECT min(begin_snapshot) FROM thermocline.ducklake_inlined_delete_1)";
    bench.scratch.run(forget).await;
    assert_eq!(shown().await, [2.0, died + 3600.0, 0.0]);

    bench.archive.flush().await.unwrap();
    assert_eq!(shown().await, [0.0, 0.0, 2.0]);
}

/// Every run ends with a flush.
#[tokio::test]
#[ignore = "needs PostgreSQL and DuckDB: run scripts/test"]
async fn a_run_leaves_nothing_inlined() {
    let bench = archived().await;
    bench.router.upsert(old("r3", 33)).await.unwrap();
    assert_eq!(bench.scratch.ask(INLINED).await, ["1"]);
    assert_eq!(bench.router.archive_due().await.unwrap()[0].moved, 1);
    assert_eq!(bench.scratch.ask(INLINED).await, ["0"]);
    assert_eq!(bench.ids().await, all_but(&[]));
    assert_eq!(bench.value("r3").await, Some(33));
    assert_eq!(foreign_ids(&bench).await, all_but(&[]));
}

/// What dies while the delete file is on its way stays where it is noted, for the next flush.
#[tokio::test]
#[ignore = "needs PostgreSQL and DuckDB: run scripts/test"]
async fn what_dies_during_a_flush_waits_for_the_next() {
    let bench = archived().await;
    bench.router.delete("r1").await.unwrap();
    let writer = bench.another().await;
    once_at_put(&bench, move || {
        let writer = writer.clone();
        async move {
            writer.delete("r5").await.unwrap();
        }
        .boxed()
    });
    for left in ["1", "0"] {
        assert_eq!(bench.archive.flush().await.unwrap(), 1);
        assert_eq!(bench.scratch.ask(INLINED).await, [left]);
        assert_eq!(bench.ids().await, all_but(&[1, 5]));
        assert_eq!(foreign_ids(&bench).await, all_but(&[1, 5]));
    }
}

/// Two that flush the same file: the slower one has a file that lacks rows, and throws it away.
#[tokio::test]
#[ignore = "needs PostgreSQL and DuckDB: run scripts/test"]
async fn a_delete_file_that_somebody_replaced_meanwhile_is_thrown_away() {
    let bench = archived().await;
    bench.router.delete("r1").await.unwrap();
    let (writer, flusher) = (bench.another().await, bench.another_archive().await);
    once_at_put(&bench, move || {
        let (writer, flusher) = (writer.clone(), flusher.clone());
        async move {
            writer.delete("r6").await.unwrap();
            assert_eq!(flusher.flush().await.unwrap(), 2);
            writer.delete("r8").await.unwrap();
        }
        .boxed()
    });
    for (rows, left) in [(0, "1"), (1, "0")] {
        assert_eq!(bench.archive.flush().await.unwrap(), rows);
        assert_eq!(bench.scratch.ask(INLINED).await, [left]);
        assert_eq!(bench.ids().await, all_but(&[1, 6, 8]));
        assert_eq!(foreign_ids(&bench).await, all_but(&[1, 6, 8]));
        assert_eq!(bench.scratch.ask(DELETE_FILES).await.len(), 1);
    }
}

/// A flush that dies after its upload changes nothing, and a later run takes away what it left.
#[tokio::test]
#[ignore = "needs PostgreSQL and DuckDB: run scripts/test"]
async fn a_flush_that_died_leaves_an_object_that_a_later_run_removes() {
    let bench = archived().await;
    bench.router.delete("r1").await.unwrap();
    assert_eq!(files(bench.folder.path()), 1);
    let (uploaded, _gate) = bench.blobs.hold("size");
    let archive = bench.archive.clone();
    let dying = tokio::spawn(async move { archive.flush().await });
    uploaded.notified().await;
    dying.abort();
    assert!(dying.await.unwrap_err().is_cancelled());
    *bench.blobs.hook.lock() = None;
    assert_eq!(files(bench.folder.path()), 2, "an orphan");
    assert_eq!(bench.scratch.ask(INLINED).await, ["1"]);
    assert_eq!(foreign_ids(&bench).await, all_but(&[1]));

    bench
        .clock
        .advance(std::time::Duration::from_secs(2 * 3600));
    bench.router.archive_due().await.unwrap();
    assert_eq!(bench.scratch.ask(INLINED).await, ["0"]);
    assert_eq!(
        files(bench.folder.path()),
        2,
        "the segment and its delete file"
    );
    assert_eq!(foreign_ids(&bench).await, all_but(&[1]));
}

/// Rows that were dead before anybody saw them need no snapshot each.
#[tokio::test]
#[ignore = "needs PostgreSQL and DuckDB: run scripts/test"]
async fn what_was_never_alive_is_flushed_without_snapshots() {
    let bench = Bench::new().await;
    bench.fill(10).await;
    let writer = bench.another().await;
    once_at_put(&bench, move || {
        let writer = writer.clone();
        async move {
            writer.update(old("r3", 33)).await.unwrap();
        }
        .boxed()
    });
    assert_eq!(bench.router.archive_due().await.unwrap()[0].moved, 9);
    let born = "SELECT begin_snapshot::text FROM thermocline.ducklake_data_file";
    let born = bench.scratch.ask(born).await;
    assert_eq!(
        bench.scratch.ask(DELETE_FILES).await,
        [format!("1 {}", born[0])]
    );
    assert_eq!(bench.scratch.ask(INLINED).await, ["0"]);
    assert_eq!(bench.ids().await, all_but(&[]));
    assert_eq!(foreign_ids(&bench).await, all_but(&[3]));
}

/// A delete file that another took the place of stays for those who may be reading it, and goes with a later run.
#[tokio::test]
#[ignore = "needs PostgreSQL and DuckDB: run scripts/test"]
async fn a_replaced_delete_file_goes_after_two_days() {
    let bench = archived().await;
    for id in ["r1", "r4"] {
        bench.router.delete(id).await.unwrap();
        assert_eq!(bench.archive.flush().await.unwrap(), 1);
    }
    let scheduled = "SELECT path FROM thermocline.ducklake_files_scheduled_for_deletion";
    let replaced = bench.scratch.ask(scheduled).await;
    assert_eq!(files(bench.folder.path()), 3);
    let hours = |hours: u64| std::time::Duration::from_secs(hours * 3_600);
    let run = async |waits: bool| {
        bench.router.archive_due().await.unwrap();
        assert_eq!(files(bench.folder.path()), if waits { 3 } else { 2 });
        assert_eq!(
            bench.scratch.ask(scheduled).await,
            if waits { &replaced[..] } else { &[] }
        );
        assert_eq!(bench.ids().await, all_but(&[1, 4]));
        assert_eq!(foreign_ids(&bench).await, all_but(&[1, 4]));
    };
    bench.clock.advance(hours(47));
    run(true).await;
    // Whoever sets another time does the work himself.
    let option = |time: &str| {
        format!(
            "UPDATE thermocline.ducklake_metadata SET value = '{time}' WHERE key = 'delete_older_than'"
        )
    };
    bench.scratch.run(&option("1 week")).await;
    bench.clock.advance(hours(2));
    run(true).await;
    bench.scratch.run(&option("2 days")).await;
    run(false).await;
    // A catalog that was edited by hand so that a live segment is to go.
    bench
        .scratch
        .run(
            "INSERT INTO thermocline.ducklake_files_scheduled_for_deletion \
             SELECT data_file_id, 'main/records/' || path, true, '2000-01-01' FROM thermocline.ducklake_data_file",
        )
        .await;
    bench.router.archive_due().await.unwrap();
    assert_eq!(files(bench.folder.path()), 2);
    assert_eq!(bench.ids().await, all_but(&[1, 4]));
}

/// What is being uploaded is not yet in the catalog: DuckDB's clean-up leaves it alone unless it is told otherwise.
#[tokio::test]
#[ignore = "needs PostgreSQL and DuckDB: run scripts/test"]
async fn duckdb_leaves_a_new_upload_alone() {
    let bench = archived().await;
    let upload = bench.folder.path().join("main/records/upload.parquet");
    std::fs::write(&upload, "of a batch that is not published yet").unwrap();
    let mut duck = DuckDb::start();
    duck.attach_postgres(&bench.scratch.url, false).await;
    let clean = "CALL ducklake_delete_orphaned_files('lake')";
    duck.execute(clean).await;
    assert!(upload.exists());
    let option =
        "SELECT value FROM ducklake_options('lake') WHERE option_name = 'delete_older_than'";
    assert_eq!(duck.query(option).await, [[json!("2 days")]]);
    let all = "CALL ducklake_delete_orphaned_files('lake', cleanup_all => true)";
    duck.execute(all).await;
    assert!(!upload.exists());
}

/// Does `work` before the next upload, and not before those that follow.
fn once_at_put(
    bench: &Bench,
    work: impl FnOnce() -> futures::future::BoxFuture<'static, ()> + Send + 'static,
) {
    let work = Arc::new(Mutex::new(Some(work)));
    bench.blobs.set(move |call, _| {
        let work = (call == "put").then(|| work.lock().take()).flatten();
        async move {
            if let Some(work) = work {
                work().await;
            }
            Ok(())
        }
        .boxed()
    });
}

/// DuckDB writes, and tidies up, between our own operations; both sides go on seeing the same.
#[tokio::test]
#[ignore = "needs PostgreSQL and DuckDB: run scripts/test"]
async fn duckdb_writes_and_tidies_between_our_operations() {
    let bench = archived().await;
    let mut duck = DuckDb::start();
    duck.attach_postgres(&bench.scratch.url, false).await;
    let mut gone = vec![1];
    bench.router.delete("r1").await.unwrap();
    bench.archive.flush().await.unwrap();
    for (statement, dies) in [
        ("DELETE FROM lake.records WHERE id = 'r2'", Some(2)),
        (
            "UPDATE lake.records SET fields = '{\"value\": 40}' WHERE id = 'r4'",
            None,
        ),
        ("CALL ducklake_merge_adjacent_files('lake')", None),
        (
            "CALL ducklake_expire_snapshots('lake', older_than => now())",
            None,
        ),
        (
            "CALL ducklake_cleanup_old_files('lake', cleanup_all => true)",
            None,
        ),
        ("DELETE FROM lake.records WHERE id = 'r9'", Some(9)),
    ] {
        duck.execute(statement).await;
        gone.extend(dies);
        let ids = all_but(&gone);
        assert_eq!(bench.ids().await, ids, "after {statement}");
        let flushed = bench.archive.flush().await;
        assert!(flushed.is_ok(), "after {statement}: {flushed:?}");
        assert_eq!(bench.ids().await, ids, "flushed after {statement}");
        assert_eq!(foreign_ids(&bench).await, ids, "flushed after {statement}");
        let next = (0..10).find(|n| !gone.contains(n) && *n != 4).unwrap();
        bench.router.delete(&format!("r{next}")).await.unwrap();
        gone.push(next);
        assert_eq!(
            bench.ids().await,
            all_but(&gone),
            "a delete after {statement}"
        );
        assert_eq!(
            foreign_ids(&bench).await,
            all_but(&gone),
            "a delete after {statement}"
        );
    }
    assert_eq!(bench.value("r4").await, Some(40));
}

/// A rewrite that DuckDB had begun before ours is thrown out: it would bring rows back.
#[tokio::test]
#[ignore = "needs PostgreSQL and DuckDB: run scripts/test"]
async fn what_duckdb_had_begun_before_does_not_undo_a_delete() {
    for theirs in [
        "DELETE FROM lake.records WHERE id = 'r2'",
        "UPDATE lake.records SET created_at = now() WHERE id IN ('r2', 'r3')",
        "CALL ducklake_rewrite_data_files('lake', 'records', delete_threshold => 0)",
    ] {
        let bench = archived().await;
        bench.router.delete("r0").await.unwrap();
        let mut duck = DuckDb::start();
        duck.attach_postgres(&bench.scratch.url, false).await;
        duck.execute("BEGIN").await;
        let begun = duck.try_query(theirs).await;
        bench.router.delete("r5").await.unwrap();
        bench.archive.flush().await.unwrap();
        let committed = duck.try_query("COMMIT").await;
        let said = format!("{theirs}: {begun:?}, {committed:?}");
        drop(duck);
        assert_eq!(bench.value("r5").await, None, "{said}");
        let (ours, theirs) = (bench.ids().await, foreign_ids(&bench).await);
        assert_eq!(ours, theirs, "{said}");
        assert!(
            !ours.contains(&"r5".to_owned()) && !ours.contains(&"r0".to_owned()),
            "{said}"
        );
        assert!(committed.is_err(), "{said}");
    }
}

/// What another program noted twice is dead once, in nobody's way, and gone with the next flush.
#[tokio::test]
#[ignore = "needs PostgreSQL and DuckDB: run scripts/test"]
async fn a_row_that_is_noted_twice_is_dead_once() {
    let bench = archived().await;
    bench.router.delete("r1").await.unwrap();
    bench
        .scratch
        .run(
            "INSERT INTO thermocline.ducklake_inlined_delete_1 SELECT * FROM thermocline.ducklake_inlined_delete_1; \
             INSERT INTO thermocline.ducklake_inlined_delete_1 \
             SELECT file_id, row_id, begin_snapshot - 1 FROM thermocline.ducklake_inlined_delete_1 LIMIT 1",
        )
        .await;
    assert_eq!(bench.scratch.ask(INLINED).await, ["3"]);
    // Whether the process knew the catalog before or reads it now.
    bench.router.delete("r2").await.unwrap();
    let other = bench.another().await;
    other.delete("r3").await.unwrap();
    other.upsert(old("r4", 44)).await.unwrap();
    assert_eq!(other.read("r1").await.unwrap().map(|_| ()), None);
    assert_eq!(bench.ids().await, all_but(&[1, 2, 3]));

    let flusher = bench.another_archive().await;
    assert_eq!(flusher.contents().await.unwrap().inlined_deletes, 4);
    assert_eq!(flusher.contents().await.unwrap().records, 6);
    let keep = "CREATE TABLE public.kept AS SELECT * FROM thermocline.ducklake_inlined_delete_1";
    bench.scratch.run(keep).await;
    assert_eq!(flusher.flush().await.unwrap(), 4);
    assert_eq!(bench.scratch.ask(INLINED).await, ["0"]);
    assert_eq!(bench.ids().await, all_but(&[1, 2, 3]));
    assert_eq!(foreign_ids(&bench).await, all_but(&[1, 2, 3, 4]));

    // In both places, as a flush by DuckDB may leave them: to DuckDB such rows are alive.
    let again = "INSERT INTO thermocline.ducklake_inlined_delete_1 SELECT * FROM public.kept";
    bench.scratch.run(again).await;
    let flusher = bench.another_archive().await;
    assert_eq!(flusher.flush().await.unwrap(), 4);
    assert_eq!(bench.scratch.ask(INLINED).await, ["0"]);
    assert_eq!(bench.scratch.ask(DELETE_FILES).await.len(), 1);
    assert_eq!(bench.ids().await, all_but(&[1, 2, 3]));
    assert_eq!(foreign_ids(&bench).await, all_but(&[1, 2, 3, 4]));
    bench.router.create(old("r1", 11)).await.unwrap();
    assert_eq!(bench.value("r1").await, Some(11));
}

/// Two programs that delete one row at the same time leave it dead, and everybody can go on.
#[tokio::test]
#[ignore = "needs PostgreSQL and DuckDB: run scripts/test"]
async fn others_that_delete_the_same_row_at_once_are_in_nobodys_way() {
    let bench = archived().await;
    let delete = "DELETE FROM lake.records WHERE id = 'r2'";
    let (mut one, mut other) = (DuckDb::start(), DuckDb::start());
    for duck in [&mut one, &mut other] {
        duck.attach_postgres(&bench.scratch.url, false).await;
        duck.execute("BEGIN").await;
        duck.execute(delete).await;
    }
    one.execute("COMMIT").await;
    let late = other.try_query("COMMIT").await;
    let noted = bench.scratch.ask(INLINED).await;
    bench.router.delete("r5").await.unwrap();
    assert_eq!(bench.ids().await, all_but(&[2, 5]), "{late:?}, {noted:?}");
    bench.archive.flush().await.unwrap();
    assert_eq!(bench.scratch.ask(INLINED).await, ["0"], "{late:?}");
    assert_eq!(bench.ids().await, all_but(&[2, 5]));
    assert_eq!(foreign_ids(&bench).await, all_but(&[2, 5]));
    assert!(late.is_err(), "{noted:?}");
}

/// A delete file that another program ended counts for whoever looks back: nothing that died before may count there twice.
#[tokio::test]
#[ignore = "needs PostgreSQL and DuckDB: run scripts/test"]
async fn deaths_from_before_a_delete_file_ended_stay_where_they_are() {
    let bench = archived().await;
    let mut duck = DuckDb::start();
    duck.attach_postgres(&bench.scratch.url, false).await;
    duck.execute("CALL lake.set_option('data_inlining_row_limit', 0)")
        .await;
    bench.router.delete("r1").await.unwrap();
    let newest = "SELECT max(snapshot_id)::text FROM thermocline.ducklake_snapshot";
    let died: i64 = bench.scratch.ask(newest).await[0].parse().unwrap();
    let delete = |id: &str| format!("DELETE FROM lake.records WHERE id = '{id}'");
    duck.execute(&delete("r2")).await;
    let keep = "CREATE TABLE public.kept AS SELECT * FROM thermocline.ducklake_delete_file";
    bench.scratch.run(keep).await;
    duck.execute(&delete("r3")).await;
    // DuckDB put one file in the place of the other; a program may as well end the one and begin the other.
    let end = format!(
        "INSERT INTO thermocline.ducklake_delete_file SELECT * FROM public.kept; \
         UPDATE thermocline.ducklake_delete_file SET end_snapshot = {end} \
         WHERE delete_file_id IN (SELECT delete_file_id FROM public.kept); \
         UPDATE thermocline.ducklake_delete_file SET begin_snapshot = {end} WHERE end_snapshot IS NULL; \
         DELETE FROM thermocline.ducklake_files_scheduled_for_deletion",
        end = died + 2
    );
    bench.scratch.run(&end).await;
    let files = bench.scratch.ask(DELETE_FILES).await;
    assert_eq!(files.len(), 2, "one ended, one is live: {files:?}");
    let bench = Bench {
        archive: bench.another_archive().await,
        router: bench.another().await,
        ..bench
    };
    assert_eq!(bench.archive.flush().await.unwrap(), 0);
    assert_eq!(bench.scratch.ask(INLINED).await, ["1"]);
    assert_eq!(bench.scratch.ask(DELETE_FILES).await, files);
    assert_eq!(bench.ids().await, all_but(&[1, 2, 3]));
    assert_eq!(foreign_ids(&bench).await, all_but(&[1, 2, 3]));
    for (version, count) in [(died - 1, 10), (died, 9), (died + 1, 8), (died + 2, 7)] {
        let at = format!("SELECT count(*) FROM lake.records AT (VERSION => {version})");
        assert_eq!(duck.query(&at).await, [[json!(count)]], "at {version}");
    }

    // Once nobody can look back so far, and the ended file has gone with its snapshots, all of it is flushed.
    let expire = "DELETE FROM thermocline.ducklake_delete_file WHERE end_snapshot IS NOT NULL";
    bench.scratch.run(expire).await;
    assert_eq!(bench.archive.flush().await.unwrap(), 1);
    assert_eq!(bench.scratch.ask(INLINED).await, ["0"]);
    assert_eq!(bench.ids().await, all_but(&[1, 2, 3]));
    assert_eq!(foreign_ids(&bench).await, all_but(&[1, 2, 3]));
}
