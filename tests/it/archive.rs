//! The archive alone, as a `Database` over a SQLite file and a directory.

mod mutations;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::{FutureExt, TryStreamExt};
use parking_lot::Mutex;
use serde_json::json;
use thermocline::{
    Age, BlobStore, Call, CatalogHost, Columns, Database, DatabaseExt, Error, ErrorKind, Fault,
    Faulty, Gate, ManualClock, Op, ParquetArchive, Query, Record, RecordId, Script, SqlValue,
    SqliteDatabase, Version, Write, Written,
};

use crate::hooked_blobs::HookedBlobs;

/// An archive, and what it stands on.
pub(crate) struct Bench {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) primary: SqliteDatabase,
    pub(crate) host: Arc<dyn CatalogHost>,
    /// What the calls of the host meet.
    pub(crate) script: Script,
    pub(crate) blobs: Arc<HookedBlobs>,
    pub(crate) clock: ManualClock,
    pub(crate) archive: ParquetArchive,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::with(Columns::Auto).await
    }

    pub(crate) async fn with(columns: Columns) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = ManualClock::at("2026-11-24T14:00:00Z".parse().expect("a time"));
        let database = SqliteDatabase::builder(folder.path().join("t.db")).clock(clock.clone());
        let primary = database.open().await.expect("a database");
        let faulty = Faulty::new(primary.clone());
        let host = faulty.catalog_host().expect("a host");
        let blobs = HookedBlobs::in_directory(folder.path().join("archive"));
        let archive = open(&host, &blobs, &clock, columns).await;
        Self {
            folder,
            primary,
            host,
            script: faulty.script(),
            blobs,
            clock,
            archive,
        }
    }

    /// Another handle, which has nothing in memory.
    pub(crate) async fn fresh(&self) -> ParquetArchive {
        open(&self.host, &self.blobs, &self.clock, Columns::Auto).await
    }

    pub(crate) async fn write(&self, writes: Vec<Write>) -> Vec<Written> {
        self.archive.write(writes).await.expect("a write")
    }

    /// One column of an answer of the catalog's.
    pub(crate) async fn column(&self, sql: &str) -> Vec<SqlValue> {
        let mut tx = self.host.begin_read().await.expect("a snapshot");
        let rows = tx.query(sql, &[]).await.expect("an answer");
        rows.into_iter().map(|row| row.get(0).clone()).collect()
    }

    pub(crate) async fn fields(&self, id: &str) -> Option<String> {
        let record = self.archive.read(id).await.expect("a read");
        record.map(|record| record.fields().to_owned())
    }
}

async fn open(
    host: &Arc<dyn CatalogHost>,
    blobs: &Arc<HookedBlobs>,
    clock: &ManualClock,
    columns: Columns,
) -> ParquetArchive {
    ParquetArchive::with_blobs(Arc::clone(blobs) as Arc<dyn BlobStore>)
        .catalog(Arc::clone(host))
        .expect("one host")
        .table("flights")
        .columns(columns)
        .clock(clock.clone())
        .build()
        .await
        .expect("an archive")
}

/// A record that was created at `time`.
pub(crate) fn record(id: &str, time: &str, n: i64) -> Record {
    let time = time.parse().expect("a time");
    Record::new(id, json!({"n": n, "carrier": "UA"}))
        .expect("a record")
        .with_times(Some(time), Some(time))
}

pub(crate) fn put(id: &str, time: &str, n: i64) -> Write {
    Op::Put(Arc::new(record(id, time, n))).into()
}

#[cfg(feature = "conformance")]
mod conformance {
    use super::*;

    thermocline::conformance_tests!(async || {
        let bench = Bench::new().await;
        (bench.archive.clone(), bench)
    });
}

#[tokio::test]
async fn a_batch_is_one_segment_for_every_month_of_age() {
    let bench = Bench::new().await;
    let writes = vec![
        put("c", "2013-10-31T23:59:59.999999Z", 3),
        put("a", "2013-10-01T00:00:00Z", 1),
        put("b", "2013-11-01T00:00:00Z", 2),
    ];
    bench.archive.write(writes).await.expect("a write");
    let paths = bench
        .column("SELECT path FROM ducklake_data_file ORDER BY data_file_id")
        .await;
    let months: Vec<_> = paths
        .iter()
        .map(|path| match path {
            SqlValue::Text(path) => path.split('/').next().unwrap_or_default().to_owned(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(months, ["2013-10", "2013-11"]);
    assert_eq!(
        bench.column("SELECT count(*) FROM ducklake_snapshot").await,
        [3.into()]
    );
    assert_eq!(
        bench.archive.count(&Query::all()).await.expect("a count"),
        3
    );
}

#[tokio::test]
async fn a_record_without_an_age_is_as_old_as_its_writing() {
    let bench = Bench::new().await;
    let age = Age::at("when").expect("a path");
    let archive = ParquetArchive::in_dir(bench.folder.path().join("other"))
        .catalog(bench.primary.catalog_host().expect("a host"))
        .expect("one host")
        .table("other")
        .age(age)
        .clock(bench.clock.clone())
        .build()
        .await
        .expect("an archive");
    for (id, fields) in [
        ("a", "{\"when\":\"2001-02-03\"}"),
        ("b", "{}"),
        ("c", "{\"when\":\"soon\"}"),
    ] {
        let record = Record::from_json(id, fields).expect("a record");
        archive.create(record).await.expect("a create");
    }
    let paths =
        bench.column("SELECT substr(path, 1, 7) FROM ducklake_data_file ORDER BY data_file_id");
    assert_eq!(
        paths.await,
        ["2001-02".into(), "2026-11".into(), "2026-11".into()]
    );
}

#[tokio::test]
async fn what_is_replaced_is_dead_in_the_same_snapshot() {
    let bench = Bench::new().await;
    let time = "2013-10-05T00:00:00Z";
    let writes = (0..10).map(|n| put(&format!("r{n}"), time, n)).collect();
    bench.archive.write(writes).await.expect("a write");
    let writes = vec![
        put("r3", time, 33),
        Op::Delete(RecordId::new("r5").expect("an id")).into(),
        Op::Delete(RecordId::new("nobody").expect("an id")).into(),
        put("new", time, 1),
        Op::Delete(RecordId::new("new").expect("an id")).into(),
    ];
    let written = bench.archive.write(writes).await.expect("a write");
    assert!(matches!(
        written[..],
        [
            Written::Updated(_),
            Written::Deleted,
            Written::Missing,
            Written::Created(_),
            Written::Deleted
        ]
    ));
    assert_eq!(
        bench.fields("r3").await.expect("r3"),
        r#"{"carrier":"UA","n":33}"#
    );
    assert_eq!(bench.fields("r5").await, None);
    assert_eq!(bench.fields("new").await, None);
    assert_eq!(
        bench.archive.count(&Query::all()).await.expect("a count"),
        9
    );
    let dead =
        "SELECT row_id FROM ducklake_inlined_delete_1 WHERE begin_snapshot = 3 ORDER BY row_id";
    assert_eq!(bench.column(dead).await, [3.into(), 5.into()]);
    // What changes nothing leaves no trace.
    let nothing = vec![Op::Delete(RecordId::new("nobody").expect("an id")).into()];
    bench.archive.write(nothing).await.expect("a write");
    assert_eq!(
        bench
            .column("SELECT max(snapshot_id) FROM ducklake_snapshot")
            .await,
        [3.into()]
    );
}

#[tokio::test]
async fn two_handles_share_one_archive() {
    let bench = Bench::new().await;
    let other = bench.fresh().await;
    let time = "2013-10-05T00:00:00Z";
    bench.write(vec![put("a", time, 1)]).await;
    other
        .write(vec![put("a", time, 2), put("b", time, 3)])
        .await
        .expect("a write");
    assert_eq!(
        bench.fields("a").await.expect("a"),
        r#"{"carrier":"UA","n":2}"#
    );
    assert!(bench.archive.delete("b").await.expect("a delete"));
    assert!(!other.exists("b").await.expect("an answer"));
    let version: Version = bench
        .archive
        .read("a")
        .await
        .expect("a read")
        .and_then(|a| a.version())
        .expect("one");
    other.write(vec![put("a", time, 4)]).await.expect("a write");
    let late = bench
        .archive
        .write(vec![put("a", time, 5).expecting(version)])
        .await
        .expect("a write");
    assert!(matches!(late[..], [Written::Changed]), "{late:?}");
}

#[tokio::test]
async fn builders_refuse_what_cannot_be() {
    let bench = Bench::new().await;
    let alone = ParquetArchive::in_dir(bench.folder.path().join("x"))
        .build()
        .await;
    assert_eq!(alone.expect_err("no host").kind(), ErrorKind::Invalid);
    let other = SqliteDatabase::open(bench.folder.path().join("other.db"))
        .await
        .expect("a database");
    let two = ParquetArchive::in_dir("x")
        .catalog(bench.primary.catalog_host().expect("a host"))
        .expect("the first")
        .catalog(other.catalog_host().expect("a host"));
    assert_eq!(two.expect_err("two hosts").kind(), ErrorKind::Invalid);
    let parted = ParquetArchive::in_dir("x")
        .catalog(bench.primary.catalog_host().expect("a host"))
        .expect("a host")
        .partition_by(["tenant"])
        .build()
        .await;
    assert_eq!(
        parted.expect_err("not built").kind(),
        ErrorKind::Unsupported
    );
}

#[tokio::test]
async fn an_archive_that_was_begun_with_another_age_is_refused() {
    let bench = Bench::new().await;
    bench.write(vec![put("a", "2013-10-05T00:00:00Z", 1)]).await;
    let other = ParquetArchive::in_dir(bench.folder.path().join("archive"))
        .catalog(bench.primary.catalog_host().expect("a host"))
        .expect("a host")
        .table("flights")
        .age(Age::at("time_hour").expect("a path"))
        .build()
        .await;
    let error = other.expect_err("another age");
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("time_hour"), "{error}");
}

#[tokio::test]
async fn the_journal_knows_a_batch_before_its_first_byte_is_sent() {
    let bench = Bench::new().await;
    let seen = Arc::new(AtomicUsize::new(0));
    let host = Arc::clone(&bench.host);
    let counter = Arc::clone(&seen);
    bench.blobs.set(move |call, path| {
        let (host, counter) = (Arc::clone(&host), Arc::clone(&counter));
        async move {
            if call == "put" {
                let mut tx = host.begin_read().await?;
                let sql = "SELECT state FROM thermocline_journal JOIN thermocline_journal_object USING (batch) \
                           WHERE path = $1";
                let rows = tx.query(sql, &[path.into()]).await?;
                assert_eq!(rows.len(), 1, "the object is in the journal");
                assert_eq!(rows[0].text(0)?, "open");
                counter.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        }
        .boxed()
    });
    bench.write(vec![put("a", "2013-10-05T00:00:00Z", 1)]).await;
    assert_eq!(seen.load(Ordering::Relaxed), 1);
    assert_eq!(
        bench.column("SELECT state FROM thermocline_journal").await,
        ["published".into()]
    );
}

#[tokio::test]
async fn an_object_that_vanished_is_not_published() {
    let bench = Bench::new().await;
    let (gate, script) = (Gate::new(), bench.script.clone());
    let shut = Mutex::new(Some(gate.clone()));
    bench.blobs.set(move |call, _| {
        if call == "size"
            && let Some(gate) = shut.lock().take()
        {
            script.next(Call::BeginWrite, Fault::HoldBefore(gate));
        }
        async { Ok(()) }.boxed()
    });
    let archive = bench.archive.clone();
    let writing = tokio::spawn(async move {
        archive
            .write(vec![put("a", "2013-10-05T00:00:00Z", 1)])
            .await
    });
    gate.arrived(1).await;
    // Somebody cleans up what is not registered yet, just before it is.
    std::fs::remove_dir_all(bench.folder.path().join("archive/main/flights"))
        .expect("the objects go");
    gate.open();
    let error = writing.await.expect("no panic");
    assert_eq!(
        error.expect_err("nothing to publish").kind(),
        ErrorKind::Corrupt
    );
    assert_eq!(
        bench
            .column("SELECT count(*) FROM ducklake_data_file")
            .await,
        [0.into()]
    );
    assert_eq!(
        bench.archive.count(&Query::all()).await.expect("a count"),
        0
    );
    assert_eq!(
        bench
            .column("SELECT count(*) FROM thermocline_journal")
            .await,
        [0.into()]
    );
}

/// A bench in which the commit that publishes meets `fault`, once.
async fn with_commit(fault: Fault) -> Bench {
    let bench = Bench::new().await;
    let (script, fault) = (bench.script.clone(), Mutex::new(Some(fault)));
    bench.blobs.set(move |call, _| {
        if call == "put"
            && let Some(fault) = fault.lock().take()
        {
            script.next(Call::TransactionCommit, fault);
        }
        async { Ok(()) }.boxed()
    });
    bench
}

#[tokio::test]
async fn an_unknown_outcome_is_waited_for_and_found_out() {
    for fault in [Fault::Late, Fault::Fail] {
        let unknown = Error::new(ErrorKind::Ambiguous, "the connection broke");
        let bench = with_commit(fault(unknown)).await;
        let written = bench
            .archive
            .write(vec![put("a", "2013-10-05T00:00:00Z", 1)])
            .await;
        assert!(matches!(
            written.expect("a write")[..],
            [Written::Created(_)]
        ));
        assert_eq!(
            bench.archive.count(&Query::all()).await.expect("a count"),
            1
        );
        assert_eq!(
            bench.fields("a").await.expect("a"),
            r#"{"carrier":"UA","n":1}"#
        );
        assert_eq!(
            bench.column("SELECT state FROM thermocline_journal").await,
            ["published".into()]
        );
        assert_eq!(
            bench
                .column("SELECT count(*) FROM ducklake_data_file")
                .await,
            [1.into()]
        );
    }
}

#[tokio::test]
async fn nothing_is_fetched_while_others_wait_to_write() {
    let bench = Bench::new().await;
    let time = "2013-10-05T00:00:00Z";
    bench.write(vec![put("a", time, 1)]).await;
    let (fetching, gate) = bench.blobs.hold("get");
    let cold = bench.fresh().await;
    let writing = tokio::spawn(async move { cold.write(vec![put("a", time, 2)]).await });
    // Every fetch finds the writer free.
    loop {
        let fetched = tokio::time::timeout(Duration::from_millis(300), fetching.notified()).await;
        if fetched.is_err() && writing.is_finished() {
            break;
        }
        let other = bench.primary.upsert(record("x", time, 1));
        let other = tokio::time::timeout(Duration::from_secs(3), other).await;
        other.expect("nobody holds the lock").expect("a write");
        gate.add_permits(1);
    }
    writing.await.expect("no panic").expect("a write");
}

#[tokio::test]
async fn a_failed_upload_leaves_nothing() {
    let bench = Bench::new().await;
    bench.blobs.set(|call, _| {
        async move {
            match call {
                "put" => Err(Error::unavailable("no room")),
                _ => Ok(()),
            }
        }
        .boxed()
    });
    let error = bench
        .archive
        .write(vec![put("a", "2013-10-05T00:00:00Z", 1)])
        .await;
    assert_eq!(error.expect_err("no room").kind(), ErrorKind::Unavailable);
    assert_eq!(
        bench
            .column("SELECT count(*) FROM thermocline_journal")
            .await,
        [0.into()]
    );
    let orphans = bench
        .archive
        .find_orphans_older_than(Duration::ZERO)
        .await
        .expect("an answer");
    assert_eq!(orphans, thermocline::Orphans::default());
}

#[tokio::test]
async fn dead_rows_stay_inlined_where_readers_would_see_a_flush_half_done() {
    let bench = Bench::new().await;
    bench.write(vec![put("a", "2013-10-05T00:00:00Z", 1)]).await;
    bench.write(vec![put("a", "2013-10-05T00:00:00Z", 2)]).await;
    assert_eq!(bench.archive.flush().await.unwrap(), 0);
    assert_eq!(bench.archive.contents().await.unwrap().inlined_deletes, 1);
}

#[tokio::test]
async fn what_a_crashed_job_left_behind_is_found_and_removed() {
    let bench = Bench::new().await;
    bench
        .write(vec![put("kept", "2013-10-05T00:00:00Z", 1)])
        .await;
    let (sizes, _gate) = bench.blobs.hold("size");
    let archive = bench.archive.clone();
    let job = tokio::spawn(async move {
        archive
            .write(vec![put("a", "2013-10-05T00:00:00Z", 1)])
            .await
    });
    sizes.notified().await;
    job.abort();
    assert!(job.await.is_err());
    *bench.blobs.hook.lock() = None;

    assert!(
        bench
            .archive
            .find_orphans()
            .await
            .expect("an answer")
            .batches
            .is_empty(),
        "it may still be at work"
    );
    bench.clock.advance(Duration::from_secs(2 * 3600));
    let orphans = bench.archive.find_orphans().await.expect("an answer");
    assert_eq!(orphans.batches.len(), 1);
    let object = &orphans.batches[0].objects[0];
    assert!(bench.blobs.size(object).await.expect("an answer").is_some());
    assert_eq!(
        bench
            .archive
            .remove_orphans(&orphans)
            .await
            .expect("an answer"),
        1
    );
    assert_eq!(bench.blobs.size(object).await.expect("an answer"), None);
    assert_eq!(
        bench.column("SELECT state FROM thermocline_journal").await,
        ["published".into()]
    );
    assert!(bench.fields("kept").await.is_some());
    let rest = bench.archive.find_orphans().await.expect("an answer");
    assert_eq!(rest, thermocline::Orphans::default());
}

#[tokio::test]
async fn a_job_that_sleeps_too_long_publishes_nothing() {
    let bench = Bench::new().await;
    let (uploaded, gate) = bench.blobs.hold("size");
    let archive = bench.archive.clone();
    let job = tokio::spawn(async move {
        archive
            .write(vec![put("a", "2013-10-05T00:00:00Z", 1)])
            .await
    });
    uploaded.notified().await;
    bench.clock.advance(Duration::from_secs(2 * 3600));
    let collector = bench.fresh().await;
    let orphans = collector.find_orphans().await.expect("an answer");
    assert_eq!(
        collector.remove_orphans(&orphans).await.expect("an answer"),
        1
    );
    gate.add_permits(100);
    assert!(job.await.expect("no panic").is_err());
    assert_eq!(
        bench.archive.count(&Query::all()).await.expect("a count"),
        0
    );
}

#[tokio::test]
async fn unknown_objects_are_suspected_long_before_they_are_orphans() {
    let bench = Bench::new().await;
    bench
        .write(vec![put("kept", "2013-10-05T00:00:00Z", 1)])
        .await;
    let stray = "main/flights/stray.parquet";
    bench
        .blobs
        .put(stray, Bytes::from_static(b"x"))
        .await
        .expect("an object");
    bench
        .clock
        .set("2100-01-01T00:00:00Z".parse().expect("a time"));
    let first = bench.archive.find_orphans().await.expect("an answer");
    assert_eq!((first.suspected, first.unknown.len()), (1, 0));
    bench.clock.advance(Duration::from_secs(600));
    let again = bench.archive.find_orphans().await.expect("an answer");
    assert_eq!((again.suspected, again.unknown.len()), (1, 0));
    bench.clock.advance(Duration::from_secs(2 * 3600));
    let found = bench.archive.find_orphans().await.expect("an answer");
    assert_eq!(
        (found.suspected, &found.unknown[..]),
        (0, &[stray.to_owned()][..])
    );
    assert_eq!(
        bench
            .archive
            .remove_orphans(&found)
            .await
            .expect("an answer"),
        1
    );
    assert_eq!(bench.blobs.size(stray).await.expect("an answer"), None);
    assert!(bench.fields("kept").await.is_some());
}

#[tokio::test]
async fn opening_what_is_there_takes_no_lock() {
    let bench = Bench::new().await;
    bench.write(vec![put("a", "2013-10-05T00:00:00Z", 1)]).await;
    let writer = bench.host.begin_write().await.expect("the lock");
    let again = tokio::time::timeout(Duration::from_secs(3), bench.fresh()).await;
    let again = again.expect("nobody waits");
    assert_eq!(again.count(&Query::all()).await.expect("a count"), 1);
    assert!(
        again
            .find_orphans()
            .await
            .expect("an answer")
            .batches
            .is_empty()
    );
    drop(writer);
}

#[tokio::test]
async fn a_moved_archive_tells_others_where_it_lies() {
    let bench = Bench::new().await;
    bench.write(vec![put("a", "2013-10-05T00:00:00Z", 1)]).await;
    assert!(
        !bench.archive.adopt_folder().await.expect("an answer"),
        "nobody looks elsewhere"
    );
    let elsewhere = bench.folder.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).expect("a folder");
    let moved = || async {
        ParquetArchive::in_dir(&elsewhere)
            .catalog(bench.primary.catalog_host().expect("a host"))
            .expect("one host")
            .table("flights")
            .build()
            .await
            .expect("an archive")
    };
    let error = moved()
        .await
        .adopt_folder()
        .await
        .expect_err("nothing is there yet");
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("missing"), "{error}");
    std::fs::remove_dir_all(&elsewhere).expect("an empty folder");
    std::fs::rename(bench.folder.path().join("archive"), &elsewhere).expect("a move");
    let moved = moved().await;
    assert!(
        moved.read("a").await.expect("a read").is_some(),
        "our reads follow the configuration"
    );
    assert!(moved.adopt_folder().await.expect("an answer"));
    let told = bench
        .column("SELECT value FROM ducklake_metadata WHERE key = 'data_path'")
        .await;
    let expected = format!("{}/", elsewhere.canonicalize().expect("a folder").display());
    assert_eq!(told, [expected.into()]);
}

#[tokio::test]
async fn a_cleared_archive_goes_on() {
    let bench = Bench::new().await;
    let time = "2013-10-05T00:00:00Z";
    bench
        .archive
        .write((0..5).map(|n| put(&format!("r{n}"), time, n)).collect())
        .await
        .expect("a write");
    bench.archive.clear().await.expect("a clear");
    bench.archive.clear().await.expect("a clear of nothing");
    assert_eq!(
        bench.archive.count(&Query::all()).await.expect("a count"),
        0
    );
    bench.write(vec![put("r1", time, 7)]).await;
    let found: Vec<_> = bench
        .archive
        .search(Query::all())
        .await
        .expect("a search")
        .try_collect()
        .await
        .expect("records");
    assert_eq!(found.len(), 1);
    let rows = bench
        .column("SELECT next_row_id FROM ducklake_table_stats")
        .await;
    assert_eq!(rows, [6.into()], "row ids never come again");
}
