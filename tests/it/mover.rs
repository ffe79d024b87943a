//! What a move does while records change under it, and that broken rules of it are noticed.

use std::sync::Arc;

use futures::{FutureExt, TryStreamExt};
use parking_lot::Mutex;
use serde_json::json;
use thermocline::{
    ArchiveReport, Batch, Database, DatabaseExt, ManualClock, ParquetArchive, Policy, Query,
    Record, SkipReason, SqliteDatabase, TieredDatabase,
};

use crate::directory::files;
use crate::hooked_blobs::HookedBlobs;

fn record(number: usize, value: &str) -> Record {
    let day = format!("2013-03-{:02}", 1 + number % 28);
    Record::new(format!("r{number}"), json!({"value": value, "day": day})).unwrap()
}

#[tokio::test]
async fn a_record_that_changes_during_its_move_stays_and_is_there_once() {
    let policy = Policy::older_than("90d").unwrap();
    let report = move_while_records_change(policy).await;
    assert_eq!((report.moved, report.skipped[&SkipReason::Changed]), (8, 2));
}

/// While a batch is uploaded, the next one was read already.
#[tokio::test]
async fn a_record_that_changes_before_its_batch_has_its_turn_is_there_once() {
    let policy = Policy::older_than("90d").unwrap();
    let small = Batch {
        rows: 4,
        ..Batch::default()
    };
    let report = move_while_records_change(policy.batch(small).unwrap()).await;
    // r3 is of the first batch; whether r7, of the second, was read before it changed, is a matter of time.
    assert!([8, 9].contains(&report.moved), "{report:?}");
}

/// Moves ten records, two of which change meanwhile, and looks at each of them.
async fn move_while_records_change(policy: Policy) -> ArchiveReport {
    let folder = tempfile::tempdir().unwrap();
    let primary = SqliteDatabase::open(folder.path().join("records.db"))
        .await
        .unwrap();
    let blobs = HookedBlobs::in_directory(folder.path().join("archive"));
    // Records change when a segment is uploaded: after they were read, before they are deleted.
    let changes = Mutex::new(Some(vec![record(3, "new"), record(7, "new")]));
    let meddled = primary.clone();
    blobs.set(move |call, _| {
        let changes = (call == "put").then(|| changes.lock().take()).flatten();
        let primary = meddled.clone();
        async move {
            if let Some(changes) = changes {
                primary.upsert_many(changes).await?;
            }
            Ok(())
        }
        .boxed()
    });
    let router = TieredDatabase::builder()
        .primary(primary.clone())
        .archive(ParquetArchive::with_blobs(blobs))
        .age("day")
        .policy(policy)
        .clock(ManualClock::at("2014-01-01T00:00:00Z".parse().unwrap()))
        .build()
        .await
        .unwrap();
    let records = (0..10).map(|number| record(number, "old")).collect();
    router.upsert_many(records).await.unwrap();

    let first = router.archive_due().await.unwrap().remove(0);
    let found: Vec<_> = router
        .search(Query::all())
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(found.len(), 10, "each record once");
    for number in 0..10 {
        let expected = if number == 3 || number == 7 {
            "new"
        } else {
            "old"
        };
        let found = router.read(&format!("r{number}")).await.unwrap().unwrap();
        assert!(
            found.fields().contains(expected),
            "r{number}: {}",
            found.fields()
        );
    }

    let second = router.archive_due().await.unwrap().remove(0);
    assert_eq!(
        (first.moved + second.moved, second.skipped.len()),
        (10, 0),
        "the next run takes what stayed"
    );
    assert_eq!(router.count(&Query::all()).await.unwrap(), 10);
    first
}

#[tokio::test]
async fn what_a_run_that_died_left_behind_goes_with_a_later_one() {
    let folder = tempfile::tempdir().unwrap();
    let primary = SqliteDatabase::open(folder.path().join("records.db"))
        .await
        .unwrap();
    let blobs = HookedBlobs::in_directory(folder.path().join("archive"));
    let clock = ManualClock::at("2014-01-01T00:00:00Z".parse().unwrap());
    let router = TieredDatabase::builder()
        .primary(primary)
        .archive(ParquetArchive::with_blobs(Arc::<HookedBlobs>::clone(
            &blobs,
        )))
        .age("day")
        .policy(Policy::older_than("90d").unwrap())
        .clock(clock.clone())
        .build()
        .await
        .unwrap();
    let records = (0..10).map(|number| record(number, "old")).collect();
    router.upsert_many(records).await.unwrap();

    // It dies when its segment is uploaded and nobody knows of it yet.
    let (uploaded, _gate) = blobs.hold("size");
    let dying = tokio::spawn({
        let router = router.clone();
        async move { router.archive_due().await }
    });
    uploaded.notified().await;
    dying.abort();
    assert!(dying.await.unwrap_err().is_cancelled());
    *blobs.hook.lock() = None;
    let archive = folder.path().join("archive");
    assert_eq!(files(&archive), 1, "an orphan");

    // Soon after, it may still be at work.
    router.archive_due().await.unwrap();
    assert_eq!(files(&archive), 2, "the orphan, and the segment");
    clock.advance(std::time::Duration::from_secs(2 * 3600));
    router.archive_due().await.unwrap();
    assert_eq!(files(&archive), 1, "the segment alone");
    assert_eq!(router.count(&Query::all()).await.unwrap(), 10);
}

/// Breaking a rule of the move makes the test of the rule fail.
#[cfg(feature = "faults")]
mod mutations {
    use crate::mutant::assert_caught;

    const CHANGES: &str = "mover::a_record_that_changes_during_its_move_stays_and_is_there_once";

    #[test]
    fn a_forgotten_exclusion_shows_a_record_twice() {
        assert_caught("excluded_forgotten", CHANGES);
    }

    #[test]
    fn an_unconditional_delete_loses_a_change() {
        assert_caught("unconditional_delete", CHANGES);
    }

    #[test]
    fn two_transactions_lose_records_between_them() {
        assert_caught("two_transactions", "crash::at_the_catalogs_half");
    }

    #[test]
    fn an_unknown_outcome_that_is_not_asked_for_is_noticed() {
        assert_caught("unknown_outcome_no_wait", "crash::at_the_outcome");
    }

    #[test]
    fn a_journal_behind_the_upload_leaves_objects_that_nobody_finds() {
        assert_caught("journal_after_upload", "crash::at_the_journal");
    }
}
