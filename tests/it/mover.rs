//! What a move does while records change under it, and that broken rules of it are noticed.

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::TryStreamExt;
use futures::stream::BoxStream;
use parking_lot::Mutex;
use serde_json::json;
use thermocline::{
    BlobInfo, BlobStore, Database, DatabaseExt, DirectoryStore, ManualClock, ParquetArchive,
    Policy, Query, Record, Result, SkipReason, SqliteDatabase, TieredDatabase,
};

/// A directory that changes records at the moment when a segment is uploaded: after they were read, before they are
/// deleted.
#[derive(Debug)]
struct Meddler {
    store: DirectoryStore,
    primary: SqliteDatabase,
    changes: Mutex<Option<Vec<Record>>>,
}

#[async_trait]
impl BlobStore for Meddler {
    async fn put(&self, path: &str, bytes: Bytes) -> Result<()> {
        let changes = self.changes.lock().take();
        if let Some(changes) = changes {
            self.primary.upsert_many(changes).await?;
        }
        self.store.put(path, bytes).await
    }

    async fn get_ranges(&self, path: &str, ranges: &[Range<u64>]) -> Result<Option<Vec<Bytes>>> {
        self.store.get_ranges(path, ranges).await
    }

    async fn get_suffix(&self, path: &str, length: u64) -> Result<Option<Bytes>> {
        self.store.get_suffix(path, length).await
    }

    async fn size(&self, path: &str) -> Result<Option<u64>> {
        self.store.size(path).await
    }

    async fn delete(&self, path: &str) -> Result<()> {
        self.store.delete(path).await
    }

    fn list(&self, prefix: &str) -> BoxStream<'static, Result<BlobInfo>> {
        self.store.list(prefix)
    }

    fn root(&self) -> String {
        self.store.root()
    }
}

fn record(number: usize, value: &str) -> Record {
    let day = format!("2013-03-{:02}", 1 + number % 28);
    Record::new(format!("r{number}"), json!({"value": value, "day": day})).unwrap()
}

#[tokio::test]
async fn a_record_that_changes_during_its_move_stays_and_is_there_once() {
    let folder = tempfile::tempdir().unwrap();
    let primary = SqliteDatabase::open(folder.path().join("records.db"))
        .await
        .unwrap();
    let meddler = Meddler {
        store: DirectoryStore::open(folder.path().join("archive")).unwrap(),
        primary: primary.clone(),
        changes: Mutex::new(Some(vec![record(3, "new"), record(7, "new")])),
    };
    let router = TieredDatabase::builder()
        .primary(primary.clone())
        .archive(ParquetArchive::with_blobs(Arc::new(meddler)))
        .age("day")
        .policy(Policy::older_than("90d").unwrap())
        .clock(ManualClock::at("2014-01-01T00:00:00Z".parse().unwrap()))
        .build()
        .await
        .unwrap();
    let records = (0..10).map(|number| record(number, "old")).collect();
    router.upsert_many(records).await.unwrap();

    let first = router.archive_due().await.unwrap().remove(0);
    assert_eq!((first.moved, first.skipped[&SkipReason::Changed]), (8, 2));
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
        (second.moved, second.skipped.len()),
        (2, 0),
        "the next run takes them"
    );
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
