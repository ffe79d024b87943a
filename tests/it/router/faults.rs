//! Writes of archived records that fail on the way: there is one copy of each record, the old one or the new one.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tempfile::TempDir;
use thermocline::{
    Call, Database, DatabaseExt, Error, ErrorKind, Fault, Faulty, MemoryDatabase, ParquetArchive,
    Query, Script, SqliteDatabase, TieredDatabase,
};
use tokio::time::timeout;

use super::record;
use crate::hooked_blobs::HookedBlobs;

struct World {
    router: TieredDatabase,
    script: Script,
    folder: TempDir,
}

impl World {
    /// `old` is 1 and archived; its segment is not in memory.
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = SqliteDatabase::open(folder.path().join("records.db"))
            .await
            .unwrap();
        let archive = ParquetArchive::in_dir(folder.path().join("archive"));
        let archive = archive
            .catalog(file.catalog_host().unwrap())
            .unwrap()
            .build()
            .await
            .unwrap();
        archive.upsert(record("old", 1)).await.unwrap();
        archive.upsert(record("older", 1)).await.unwrap();

        let primary = Faulty::new(file);
        let script = primary.script();
        let router = TieredDatabase::builder()
            .hot(MemoryDatabase::new())
            .primary(primary)
            .archive(ParquetArchive::in_dir(folder.path().join("archive")))
            .build()
            .await
            .unwrap();
        script.reset();
        Self {
            router,
            script,
            folder,
        }
    }

    async fn value(&self) -> Option<String> {
        let record = self.router.read("old").await.unwrap();
        record.map(|record| record.fields().to_owned())
    }

    /// The copies of `old` that another handle finds, by tier.
    async fn copies(&self) -> (u64, u64) {
        let file = SqliteDatabase::open(self.folder.path().join("records.db"))
            .await
            .unwrap();
        let archive = ParquetArchive::in_dir(self.folder.path().join("archive"));
        let archive = archive
            .catalog(file.catalog_host().unwrap())
            .unwrap()
            .build()
            .await
            .unwrap();
        let old = Query::filter("id = 'old'").unwrap();
        (
            file.count(&old).await.unwrap(),
            archive.count(&old).await.unwrap(),
        )
    }
}

/// The steps of a write that may fail.
const STEPS: [Call; 4] = [
    Call::BeginWrite,
    Call::TransactionApply,
    Call::TransactionExecute,
    Call::TransactionCommit,
];

#[tokio::test]
async fn a_step_that_fails_leaves_the_record_as_it_was() {
    for step in STEPS {
        let world = World::new().await;
        world.router.read("old").await.unwrap().unwrap();
        world
            .script
            .next(step, Fault::Fail(Error::unavailable("the disk is full")));
        let error = world.router.upsert(record("old", 2)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{step:?}");
        assert_eq!(
            world.value().await.as_deref(),
            Some(r#"{"value":1}"#),
            "{step:?}"
        );
        assert_eq!(world.copies().await, (0, 1), "{step:?}");
        world.router.upsert(record("old", 3)).await.unwrap();
        assert_eq!(
            world.value().await.as_deref(),
            Some(r#"{"value":3}"#),
            "{step:?}"
        );
        assert_eq!(world.copies().await, (1, 0), "{step:?}");
    }
}

#[tokio::test]
async fn a_commit_that_reports_failure_may_have_happened() {
    let world = World::new().await;
    assert_eq!(world.value().await.as_deref(), Some(r#"{"value":1}"#));
    let lost = Fault::FailAfter(Error::ambiguous("the answer got lost"));
    world.script.next(Call::TransactionCommit, lost);
    let error = world.router.upsert(record("old", 2)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Ambiguous);
    assert_eq!(world.value().await.as_deref(), Some(r#"{"value":2}"#));
    assert_eq!(world.copies().await, (1, 0));
}

#[tokio::test]
async fn a_caller_that_goes_does_not_stop_the_write() {
    for step in STEPS {
        let world = World::new().await;
        let gate = world.script.hold_before(step);
        let router = world.router.clone();
        let call = tokio::spawn(async move { router.delete("old").await });
        gate.arrived(1).await;
        call.abort();
        assert!(call.await.unwrap_err().is_cancelled());
        gate.open();
        let gone = async {
            while world.value().await.is_some() {
                tokio::task::yield_now().await;
            }
        };
        let waited = timeout(Duration::from_secs(20), gone).await;
        assert!(
            waited.is_ok(),
            "{step:?}: the write never happened, or a stale copy was kept"
        );
        assert_eq!(world.copies().await, (0, 0), "{step:?}");
    }
}

#[tokio::test]
async fn nothing_is_fetched_while_the_lock_is_held() {
    let world = World::new().await;
    let file = SqliteDatabase::open(world.folder.path().join("records.db"))
        .await
        .unwrap();
    let blobs = HookedBlobs::in_directory(world.folder.path().join("archive"));
    let host = file.catalog_host().unwrap();
    blobs.set(move |call, _| {
        let host = Arc::clone(&host);
        async move {
            if call != "get" {
                return Ok(());
            }
            match timeout(Duration::from_secs(2), host.begin_write()).await {
                Ok(begun) => begun.map(drop),
                Err(_) => Err(Error::unexpected(
                    "something is fetched while the lock is held",
                )),
            }
        }
        .boxed()
    });
    let router = TieredDatabase::builder()
        .primary(file)
        .archive(ParquetArchive::with_blobs(blobs))
        .build()
        .await
        .unwrap();
    router.upsert(record("old", 2)).await.unwrap();
    assert!(router.delete("older").await.unwrap());
    assert_eq!(world.copies().await, (1, 0));
}

#[test]
fn fetch_under_lock() {
    let name = "router::faults::nothing_is_fetched_while_the_lock_is_held";
    crate::mutant::assert_caught("fetch_under_lock", name);
}
