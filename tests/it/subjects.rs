//! The databases that the differential and the model test compare. A new one joins by a line in [`SUBJECTS`].

use std::any::Any;

use async_trait::async_trait;
use futures::TryStreamExt;
use futures::future::BoxFuture;
use thermocline::{Database, MemoryDatabase, Query, Written};

#[cfg(all(feature = "sqlite", feature = "archive", feature = "faults"))]
use crate::archive::Bench;
use crate::router::Tiers;

/// A database under test.
#[async_trait]
pub(crate) trait Subject: Send + Sync {
    fn database(&self) -> &dyn Database;

    /// Does what may happen at any time and changes no answer: an archiver's run, an eviction.
    async fn rearrange(&self) {}
}

/// A name, and how to make an empty one.
pub(crate) type Make = (&'static str, fn() -> BoxFuture<'static, Box<dyn Subject>>);

/// Every database that must answer as every other does.
pub(crate) const SUBJECTS: &[Make] = &[
    ("memory", || plain(async { (MemoryDatabase::new(), ()) })),
    #[cfg(feature = "moka")]
    ("moka", || {
        plain(async { (thermocline::MokaDatabase::with_max_bytes(256 << 20), ()) })
    }),
    #[cfg(feature = "sqlite")]
    ("sqlite", || {
        plain(async {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("records.db");
            (
                thermocline::SqliteDatabase::open(path).await.unwrap(),
                folder,
            )
        })
    }),
    ("tiered over memory", || {
        Box::pin(async { Box::new(Tiers::loose().await) as Box<dyn Subject> })
    }),
    #[cfg(all(feature = "sqlite", feature = "archive"))]
    ("tiered over SQLite and an archive in it", || {
        Box::pin(async { Box::new(Tiers::joined().await) as Box<dyn Subject> })
    }),
    #[cfg(all(feature = "sqlite", feature = "archive"))]
    (
        "tiered over SQLite and an archive, with a mover at work",
        || Box::pin(async { Box::new(Moving(Tiers::joined().await)) as Box<dyn Subject> }),
    ),
    #[cfg(all(feature = "sqlite", feature = "archive", feature = "faults"))]
    ("archive", || {
        Box::pin(async { Box::new(Bench::new().await) as Box<dyn Subject> })
    }),
];

/// The same on servers, which only `scripts/test` starts.
pub(crate) const SERVED: &[Make] = &[
    #[cfg(all(feature = "postgres", feature = "conformance"))]
    ("PostgreSQL", || plain(crate::postgres::open())),
    #[cfg(all(feature = "postgres", feature = "conformance"))]
    ("PostgreSQL behind a pooler", || {
        plain(crate::postgres::open_pooled())
    }),
    #[cfg(all(feature = "postgres", feature = "conformance", feature = "archive"))]
    ("an archive in PostgreSQL", || {
        plain(crate::postgres::archive())
    }),
    #[cfg(all(feature = "postgres", feature = "conformance", feature = "archive"))]
    ("tiered over PostgreSQL and an archive in it", || {
        Box::pin(async { Box::new(Tiers::served().await) as Box<dyn Subject> })
    }),
    #[cfg(all(feature = "postgres", feature = "conformance", feature = "archive"))]
    ("the same behind a pooler", || {
        Box::pin(async { Box::new(Tiers::pooled().await) as Box<dyn Subject> })
    }),
    #[cfg(all(
        feature = "postgres",
        feature = "s3",
        feature = "conformance",
        feature = "cli"
    ))]
    ("an archive in PostgreSQL and S3", || {
        plain(crate::lake::archive())
    }),
    #[cfg(all(
        feature = "postgres",
        feature = "s3",
        feature = "conformance",
        feature = "cli"
    ))]
    ("tiered over PostgreSQL and an archive in S3", || {
        Box::pin(async { Box::new(Tiers::in_bucket().await) as Box<dyn Subject> })
    }),
];

#[cfg(all(feature = "sqlite", feature = "archive", feature = "faults"))]
impl Subject for Bench {
    fn database(&self) -> &dyn Database {
        &self.archive
    }
}

/// Half of the records move, as an archiver would do it.
#[async_trait]
impl Subject for Tiers {
    fn database(&self) -> &dyn Database {
        &self.router
    }

    async fn rearrange(&self) {
        let ids = ids(&*self.primary).await;
        for id in ids.iter().step_by(2) {
            self.move_to_archive(id).await;
        }
    }
}

/// Tiers whose policy is run, as on a day long after everything was written.
#[cfg(all(feature = "sqlite", feature = "archive"))]
struct Moving(Tiers);

#[cfg(all(feature = "sqlite", feature = "archive"))]
#[async_trait]
impl Subject for Moving {
    fn database(&self) -> &dyn Database {
        &self.0.router
    }

    async fn rearrange(&self) {
        let archiver = self.0.router.archiver();
        let later = "2100-01-01T00:00:00Z".parse().unwrap();
        archiver.at(later).run().await.unwrap();
    }
}

async fn ids(db: &dyn Database) -> Vec<String> {
    let records: Vec<_> = db
        .search(Query::all())
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    records
        .iter()
        .map(|record| record.id().to_string())
        .collect()
}

/// How many random cases a test takes: `PROPTEST_CASES`, or a number that takes seconds.
pub(crate) fn cases(few: u32) -> u32 {
    let set = std::env::var("PROPTEST_CASES").ok();
    set.and_then(|cases| cases.parse().ok()).unwrap_or(few)
}

/// A database that needs no more than what must outlive it.
struct Plain<D, K>(D, K);

impl<D: Database, K: Any + Send + Sync> Subject for Plain<D, K> {
    fn database(&self) -> &dyn Database {
        &self.0
    }
}

fn plain<D, K>(
    open: impl Future<Output = (D, K)> + Send + 'static,
) -> BoxFuture<'static, Box<dyn Subject>>
where
    D: Database + 'static,
    K: Any + Send + Sync,
{
    Box::pin(async {
        let (database, keep) = open.await;
        Box::new(Plain(database, keep)) as Box<dyn Subject>
    })
}

/// The name of an outcome.
pub(crate) fn outcome(written: &Written) -> &'static str {
    match written {
        Written::Created(_) => "created",
        Written::Updated(_) => "updated",
        Written::Deleted => "deleted",
        Written::Missing => "missing",
        Written::Exists => "exists",
        Written::Changed => "changed",
        Written::Failed(_) => "failed",
    }
}
