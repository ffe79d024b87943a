//! The router as a `Database`: the suite that every backend passes, and what only a router does.

mod degradation;
mod loose;
mod model;
mod searching;

use std::sync::Arc;

use serde_json::json;
use thermocline::{Database, DatabaseExt, MemoryDatabase, Op, ReadSource, Record, TieredDatabase};

/// Over memory tiers, all of which the test can look into.
pub(crate) struct Tiers {
    pub(crate) router: TieredDatabase,
    pub(crate) primary: Arc<MemoryDatabase>,
    pub(crate) archive: Arc<MemoryDatabase>,
}

impl Tiers {
    pub(crate) async fn new() -> Self {
        let (primary, archive) = (
            Arc::new(MemoryDatabase::new()),
            Arc::new(MemoryDatabase::new()),
        );
        let router = TieredDatabase::builder()
            .hot(MemoryDatabase::new())
            .primary(Arc::clone(&primary))
            .archive(Arc::clone(&archive))
            .build()
            .await
            .unwrap();
        Self {
            router,
            primary,
            archive,
        }
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

pub(crate) fn record(id: &str, value: i64) -> Record {
    Record::new(id, json!({ "value": value })).unwrap()
}

async fn three_memory_tiers() -> TieredDatabase {
    Tiers::new().await.router
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
    mod over_a_primary_alone {
        thermocline::conformance_tests!(super::super::a_primary_alone);
    }
}

#[tokio::test]
async fn the_source_of_every_answer_is_told() {
    let tiers = Tiers::new().await;
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

#[tokio::test]
async fn a_hot_hit_shares_the_record() {
    let tiers = Tiers::new().await;
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
