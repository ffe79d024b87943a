//! The router as a `Database`: the suite that every backend passes, and what only a router does.

/// Runs each of these functions over fresh tiers of every kind.
macro_rules! over_all_tiers {
    ($($test:ident)*) => {
        mod over_loose_tiers {
            $(#[tokio::test]
            async fn $test() {
                super::$test(crate::router::Tiers::loose().await).await;
            })*
        }

        #[cfg(all(feature = "sqlite", feature = "archive"))]
        mod over_joined_tiers {
            $(#[tokio::test]
            async fn $test() {
                super::$test(crate::router::Tiers::joined().await).await;
            })*
        }
    };
}

mod allocations;
mod archived;
#[cfg(feature = "faults")]
mod degradation;
#[cfg(all(feature = "sqlite", feature = "archive", feature = "faults"))]
mod faults;
#[cfg(all(feature = "sqlite", feature = "archive"))]
mod joined;
#[cfg(feature = "faults")]
mod loose;
mod model;
mod searching;

use std::sync::Arc;

use futures::FutureExt;
use jiff::Timestamp;
use serde_json::json;
use tempfile::TempDir;
use thermocline::{
    Database, DatabaseExt, ManualClock, MemoryDatabase, Op, ReadSource, Record, TieredDatabase,
};

/// A router over a primary and an archive, both of which the test can look into, on a clock that it can turn.
pub(crate) struct Tiers {
    pub(crate) router: TieredDatabase,
    pub(crate) primary: Arc<dyn Database>,
    pub(crate) archive: Arc<dyn Database>,
    pub(crate) clock: ManualClock,
    folder: Option<TempDir>,
    /// What must outlive them.
    _kept: Option<Box<dyn std::any::Any + Send + Sync>>,
}

impl Tiers {
    /// Three tiers in memory, without a database in common.
    pub(crate) async fn loose() -> Self {
        let clock = a_clock();
        let memory = || Arc::new(MemoryDatabase::new().with_clock(clock.clone()));
        let (primary, archive) = (memory(), memory());
        let router = TieredDatabase::builder()
            .hot(MemoryDatabase::new())
            .primary(Arc::clone(&primary))
            .archive(Arc::clone(&archive))
            .clock(clock.clone())
            .build()
            .await
            .unwrap();
        Self {
            router,
            primary,
            archive,
            clock,
            folder: None,
            _kept: None,
        }
    }

    /// A file of SQLite's and a folder of segments, catalogued in it.
    #[cfg(all(feature = "sqlite", feature = "archive"))]
    pub(crate) async fn joined() -> Self {
        use thermocline::{ParquetArchive, SqliteDatabase};
        let clock = a_clock();
        let folder = tempfile::tempdir().unwrap();
        let primary = SqliteDatabase::builder(folder.path().join("records.db"))
            .clock(clock.clone())
            .open()
            .await
            .unwrap();
        let archive = ParquetArchive::in_dir(folder.path().join("archive"))
            .catalog(primary.catalog_host().unwrap())
            .unwrap()
            .clock(clock.clone())
            .build()
            .await
            .unwrap();
        let router = TieredDatabase::builder()
            .hot(MemoryDatabase::new())
            .primary(primary.clone())
            .archive(archive.clone())
            .policy(policy())
            .clock(clock.clone())
            .build()
            .await
            .unwrap();
        Self {
            router,
            primary: Arc::new(primary),
            archive: Arc::new(archive),
            clock,
            folder: Some(folder),
            _kept: None,
        }
    }

    /// A database on a server and a folder of segments, catalogued in it.
    #[cfg(all(feature = "postgres", feature = "archive", feature = "conformance"))]
    pub(crate) async fn served() -> Self {
        let scratch = crate::postgres::Scratch::new().await;
        Self::with_folder(&scratch.url.clone(), scratch).await
    }

    /// The same behind a pooler.
    #[cfg(all(feature = "postgres", feature = "archive", feature = "conformance"))]
    pub(crate) async fn pooled() -> Self {
        let scratch = crate::postgres::Scratch::new().await;
        Self::with_folder(&scratch.pooled_url(), scratch).await
    }

    /// A database on a server, and segments in a bucket.
    #[cfg(all(
        feature = "postgres",
        feature = "s3",
        feature = "conformance",
        feature = "cli"
    ))]
    pub(crate) async fn in_bucket() -> Self {
        let scratch = crate::postgres::Scratch::new().await;
        let (place, alive) = crate::s3::place::real().await;
        let archive = thermocline::ParquetArchive::with_blobs(Arc::new(place.store().await));
        Self::at(&scratch.url.clone(), archive, Box::new((scratch, alive))).await
    }

    #[cfg(all(feature = "postgres", feature = "archive", feature = "conformance"))]
    async fn with_folder(url: &str, scratch: crate::postgres::Scratch) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let archive = thermocline::ParquetArchive::in_dir(folder.path().join("archive"));
        let mut tiers = Self::at(url, archive, Box::new(scratch)).await;
        tiers.folder = Some(folder);
        tiers
    }

    #[cfg(all(feature = "postgres", feature = "archive", feature = "conformance"))]
    async fn at(
        url: &str,
        archive: thermocline::ParquetArchiveBuilder,
        kept: Box<dyn std::any::Any + Send + Sync>,
    ) -> Self {
        let clock = a_clock();
        let primary = thermocline::PostgresDatabase::builder(url)
            .clock(clock.clone())
            .open()
            .await
            .unwrap();
        let archive = archive
            .catalog(primary.catalog_host().unwrap())
            .unwrap()
            .clock(clock.clone())
            .build()
            .await
            .unwrap();
        let router = TieredDatabase::builder()
            .hot(MemoryDatabase::new())
            .primary(primary.clone())
            .archive(archive.clone())
            .clock(clock.clone())
            .build()
            .await
            .unwrap();
        Self {
            router,
            primary: Arc::new(primary),
            archive: Arc::new(archive),
            clock,
            folder: None,
            _kept: Some(kept),
        }
    }

    /// Where the files of joined tiers lie.
    #[cfg(all(feature = "sqlite", feature = "archive"))]
    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.as_ref().unwrap().path()
    }

    /// Moves a record as an archiver would; nobody else is at work.
    pub(crate) async fn move_to_archive(&self, id: &str) {
        if let Some(record) = self.primary.read(id).await.unwrap() {
            self.archive
                .write(vec![Op::Put(record).into()])
                .await
                .unwrap();
            self.primary.delete(id).await.unwrap();
        }
    }
}

/// Takes some of the old records and leaves others.
#[cfg(all(feature = "sqlite", feature = "archive"))]
fn policy() -> thermocline::Policy {
    let policy = thermocline::Policy::older_than("1d").unwrap();
    policy.filter("id < 'c'").unwrap()
}

fn a_clock() -> ManualClock {
    ManualClock::at("2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap())
}

pub(crate) fn record(id: &str, value: i64) -> Record {
    Record::new(id, json!({ "value": value })).unwrap()
}

/// On the system's clock, as the behaviours expect.
async fn three_memory_tiers() -> TieredDatabase {
    TieredDatabase::builder()
        .hot(MemoryDatabase::new())
        .primary(MemoryDatabase::new())
        .archive(MemoryDatabase::new())
        .build()
        .await
        .unwrap()
}

#[cfg(all(feature = "sqlite", feature = "archive"))]
async fn sqlite_and_parquet() -> (TieredDatabase, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("records.db");
    let router = TieredDatabase::builder()
        .hot(MemoryDatabase::new())
        .primary(thermocline::SqliteDatabase::open(file).await.unwrap())
        .archive(thermocline::ParquetArchive::in_dir(
            folder.path().join("archive"),
        ))
        .build()
        .await
        .unwrap();
    (router, folder)
}

async fn a_primary_alone() -> TieredDatabase {
    let primary = MemoryDatabase::new();
    TieredDatabase::builder()
        .primary(primary)
        .build()
        .await
        .unwrap()
}

#[cfg(feature = "conformance")]
mod conformance {
    mod over_three_memory_tiers {
        thermocline::conformance_tests!(super::super::three_memory_tiers);
    }
    #[cfg(all(feature = "sqlite", feature = "archive"))]
    mod over_sqlite_and_parquet {
        thermocline::conformance_tests!(super::super::sqlite_and_parquet);
    }
    mod over_a_primary_alone {
        thermocline::conformance_tests!(super::super::a_primary_alone);
    }
}

over_all_tiers! {
    the_source_of_every_answer_is_told
    a_hot_hit_shares_the_record
}

async fn the_source_of_every_answer_is_told(tiers: Tiers) {
    tiers.router.upsert(record("live", 1)).await.unwrap();
    tiers.router.upsert(record("old", 2)).await.unwrap();
    tiers.move_to_archive("old").await;
    for (id, first, second) in [
        ("live", ReadSource::Primary, ReadSource::Hot),
        ("old", ReadSource::Archive, ReadSource::Hot),
        ("nowhere", ReadSource::Miss, ReadSource::Miss),
    ] {
        for expected in [first, second] {
            let (record, source) = tiers.router.read_with_source(id).await.unwrap();
            assert_eq!(source, expected, "{id}");
            assert_eq!(record.is_some(), expected != ReadSource::Miss);
        }
    }
}

async fn a_hot_hit_shares_the_record(tiers: Tiers) {
    tiers.router.upsert(record("x", 1)).await.unwrap();
    let one = tiers.router.read("x").await.unwrap().unwrap();
    let two = tiers.router.clone().read("x").await.unwrap().unwrap();
    let three = tiers
        .router
        .read_many(&["x"])
        .await
        .unwrap()
        .remove(0)
        .unwrap();
    assert!(Arc::ptr_eq(&one, &two) && Arc::ptr_eq(&one, &three));
    let at_once = tiers.router.read("x").now_or_never();
    assert!(at_once.is_some(), "a hot hit waits for nothing");
    assert_eq!(tiers.router.hot_usage().unwrap().entries, 1);
}

#[tokio::test]
async fn a_router_needs_a_primary() {
    let error = TieredDatabase::builder().build().await.unwrap_err();
    assert!(error.message().contains("primary"), "{error}");
}

#[tokio::test]
async fn an_age_that_is_no_path_is_refused() {
    let builder = TieredDatabase::builder().primary(MemoryDatabase::new());
    let error = builder.age("a..b").build().await.unwrap_err();
    assert_eq!(error.kind(), thermocline::ErrorKind::Invalid);
}
