//! A primary, an archive in it and a router over both, with hands in all of them.

use std::sync::Arc;

use futures::TryStreamExt;
use serde_json::json;
use thermocline::{
    BlobStore, Database, DirectoryStore, Faulty, ManualClock, Op, ParquetArchive, Policy,
    PostgresDatabase, Query, Record, Script, TieredDatabase,
};

use super::Scratch;
use crate::hooked_blobs::HookedBlobs;

/// When the tests take place.
const NOW: &str = "2026-01-01T00:00:00Z";

pub(crate) struct Bench {
    pub(crate) scratch: Scratch,
    pub(crate) primary: PostgresDatabase,
    pub(crate) archive: ParquetArchive,
    pub(crate) router: TieredDatabase,
    /// What the calls of the router's database meet.
    pub(crate) script: Script,
    pub(crate) blobs: Arc<HookedBlobs>,
    pub(crate) clock: ManualClock,
    pub(crate) folder: tempfile::TempDir,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let scratch = Scratch::new().await;
        let folder = tempfile::tempdir().unwrap();
        let store = DirectoryStore::open(folder.path()).unwrap();
        let blobs = HookedBlobs::over(Arc::new(store));
        let clock = ManualClock::at(NOW.parse().unwrap());
        let database = PostgresDatabase::builder(&scratch.url).clock(clock.clone());
        let primary = database.open().await.unwrap();
        let faulty = Faulty::new(primary.clone());
        let script = faulty.script();
        let archive = archive(&faulty, &blobs, &clock).await;
        let router = router(faulty, &archive, &clock).await;
        Self {
            scratch,
            primary,
            archive,
            router,
            script,
            blobs,
            clock,
            folder,
        }
    }

    /// A router of another process: connections and memory of its own, and no faults.
    pub(crate) async fn another(&self) -> TieredDatabase {
        let database = PostgresDatabase::builder(&self.scratch.url).clock(self.clock.clone());
        let primary = database.open().await.unwrap();
        let archive = archive(&primary, &self.blobs, &self.clock).await;
        router(primary, &archive, &self.clock).await
    }

    /// An archive of another process.
    pub(crate) async fn another_archive(&self) -> ParquetArchive {
        let primary = PostgresDatabase::open(&self.scratch.url).await.unwrap();
        archive(&primary, &self.blobs, &self.clock).await
    }

    /// Puts records `r0`, `r1`, .. into the primary that are old enough to move.
    pub(crate) async fn fill(&self, records: usize) {
        let writes = (0..records).map(|n| Op::Put(old(&format!("r{n}"), n).into()).into());
        self.primary.write(writes.collect()).await.unwrap();
    }

    /// The ids that a search finds, in order.
    pub(crate) async fn ids(&self) -> Vec<String> {
        let found: Vec<Arc<Record>> = self
            .router
            .search(Query::all())
            .await
            .unwrap()
            .try_collect()
            .await
            .unwrap();
        let mut ids: Vec<String> = found.iter().map(|record| record.id().to_string()).collect();
        ids.sort_unstable();
        ids
    }

    /// The value of a record, wherever it is.
    pub(crate) async fn value(&self, id: &str) -> Option<i64> {
        let record = self.router.read(id).await.unwrap()?;
        let fields: std::collections::HashMap<String, i64> = record.parse().unwrap();
        Some(fields["value"])
    }
}

async fn archive(
    database: &(impl Database + 'static),
    blobs: &Arc<HookedBlobs>,
    clock: &ManualClock,
) -> ParquetArchive {
    ParquetArchive::with_blobs(Arc::clone(blobs) as Arc<dyn BlobStore>)
        .catalog(database.catalog_host().unwrap())
        .unwrap()
        .clock(clock.clone())
        .build()
        .await
        .unwrap()
}

/// Without a hot tier: what is read is what the tiers say.
async fn router(
    primary: impl Database + 'static,
    archive: &ParquetArchive,
    clock: &ManualClock,
) -> TieredDatabase {
    TieredDatabase::builder()
        .primary(primary)
        .archive(archive.clone())
        .policy(Policy::older_than("90d").unwrap())
        .clock(clock.clone())
        .build()
        .await
        .unwrap()
}

/// A record that is old enough to move.
pub(crate) fn old(id: &str, value: usize) -> Record {
    let time = "2025-03-04T05:06:07Z".parse().unwrap();
    let record = Record::new(id, json!({ "value": value })).unwrap();
    record.with_times(Some(time), Some(time))
}
