//! The archive's segments in S3: a server in this process, and a real one where there is one.
#![expect(
    clippy::single_range_in_vec_init,
    reason = "one range is what is asked for"
)]

mod archive;
mod bad_input;
mod budget;
mod commands;
mod contract;
mod foreign;
mod mutations;
mod parts;
pub(crate) mod place;
pub(crate) mod proxy;
mod table;
mod wire;

use std::sync::Arc;

use serde_json::json;
use thermocline::{
    BlobStore, Database, ManualClock, Op, ParquetArchive, Record, SqliteDatabase, Write,
};

/// An archive over a bucket, its catalog in a file of SQLite's.
pub(crate) struct Shelf {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) primary: SqliteDatabase,
    pub(crate) archive: ParquetArchive,
    blobs: Arc<dyn BlobStore>,
    clock: ManualClock,
}

impl Shelf {
    pub(crate) async fn over(blobs: impl BlobStore + 'static) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = ManualClock::at("2026-11-24T14:00:00Z".parse().unwrap());
        let database = SqliteDatabase::builder(folder.path().join("t.db")).table("flights");
        let primary = database.clock(clock.clone()).open().await.unwrap();
        let blobs: Arc<dyn BlobStore> = Arc::new(blobs);
        let archive = open(&primary, &blobs, &clock).await;
        Self {
            folder,
            primary,
            archive,
            blobs,
            clock,
        }
    }

    /// Another handle, which has nothing in memory.
    pub(crate) async fn fresh(&self) -> ParquetArchive {
        open(&self.primary, &self.blobs, &self.clock).await
    }

    /// Archives so many records of one month.
    pub(crate) async fn fill(&self, records: i64) {
        let writes = (0..records).map(|n| put(&format!("r{n:06}"), n)).collect();
        self.archive.write(writes).await.unwrap();
    }

    /// The paths of all segments.
    pub(crate) async fn segments(&self) -> Vec<String> {
        crate::blob_contract::found(&*self.blobs, "").await
    }
}

async fn open(
    primary: &SqliteDatabase,
    blobs: &Arc<dyn BlobStore>,
    clock: &ManualClock,
) -> ParquetArchive {
    ParquetArchive::with_blobs(Arc::clone(blobs))
        .catalog(primary.catalog_host().unwrap())
        .unwrap()
        .clock(clock.clone())
        .build()
        .await
        .unwrap()
}

pub(crate) fn put(id: &str, n: i64) -> Write {
    let time = "2013-10-05T00:00:00Z".parse().unwrap();
    let record = Record::new(id, json!({"n": n, "carrier": "UA"})).unwrap();
    Op::Put(Arc::new(record.with_times(Some(time), Some(time)))).into()
}
