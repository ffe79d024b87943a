//! Readers of one cold key, and reads that miss everything.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use thermocline::{
    BlobStore, Capabilities, CatalogHost, CountedBlobs, Database, DirectoryStore, Health,
    MokaDatabase, ParquetArchive, Policy, Query, Record, RecordStream, Result as Done,
    SqliteDatabase, TieredDatabase, Write, Written,
};

use super::{hand, runtime, store};
use crate::common::data;
use crate::common::rounds::{Side, process_cpu, take_turns};
use crate::common::table::Row;
use crate::{Amount, Failure};

const TASKS: usize = 1000;
const RECORDS: u64 = 100_000;

/// Counts the loads that come through to a database.
#[derive(Debug)]
struct Counted {
    database: SqliteDatabase,
    reads: AtomicU64,
}

#[async_trait]
impl Database for Counted {
    async fn read(&self, id: &str) -> Done<Option<Arc<Record>>> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.database.read(id).await
    }

    async fn read_many(&self, ids: &[&str]) -> Done<Vec<Option<Arc<Record>>>> {
        self.database.read_many(ids).await
    }

    async fn write(&self, writes: Vec<Write>) -> Done<Vec<Written>> {
        self.database.write(writes).await
    }

    async fn search(&self, query: Query) -> Done<RecordStream> {
        self.database.search(query).await
    }

    async fn count(&self, query: &Query) -> Done<u64> {
        self.database.count(query).await
    }

    async fn clear(&self) -> Done<()> {
        self.database.clear().await
    }

    async fn health(&self) -> Done<Health> {
        self.database.health().await
    }

    async fn close(&self) -> Done<()> {
        self.database.close().await
    }

    fn capabilities(&self) -> Capabilities {
        self.database.capabilities()
    }

    fn catalog_host(&self) -> Option<Arc<dyn CatalogHost>> {
        None
    }
}

pub(crate) fn run(amount: Amount) -> Result<Vec<Row>, Failure> {
    let runtime = runtime(2)?;
    let folder = store::folder()?;
    let file = runtime.block_on(store::file(&folder, amount.of(RECORDS)))?;
    let mut rows = crowd(amount, &runtime, &file)?;
    rows.extend(absent(amount, &runtime, folder.path(), &file)?);
    Ok(rows)
}

/// A thousand tasks, one key that nobody has read yet.
fn crowd(
    amount: Amount,
    runtime: &tokio::runtime::Runtime,
    file: &Path,
) -> Result<Vec<Row>, Failure> {
    let primary = Arc::new(Counted {
        database: runtime.block_on(SqliteDatabase::open(file))?,
        reads: AtomicU64::new(0),
    });
    let router = runtime.block_on(
        TieredDatabase::builder()
            .hot(MokaDatabase::with_max_bytes(1 << 30))
            .primary(Arc::clone(&primary))
            .build(),
    )?;
    let by_hand = hand::ReadThrough::new(runtime.block_on(hand::pool(file, 4))?);
    let (mut ours, mut theirs, mut asked) = (0, 0, 0);
    let sides = vec![
        Side::new("ours", || {
            ours += 1;
            asked += 1;
            let id: Arc<str> = data::id(ours).into();
            process_cpu(|| {
                runtime.block_on(async {
                    let tasks: Vec<_> = (0..TASKS)
                        .map(|_| {
                            let (router, id) = (router.clone(), Arc::clone(&id));
                            tokio::spawn(async move { router.read(&id).await })
                        })
                        .collect();
                    for task in tasks {
                        let read = task.await.expect("a reader").expect("a read");
                        assert!(read.is_some());
                    }
                });
            })
            .1
        }),
        Side::new("moka::future try_get_with + sqlx", || {
            theirs += 1;
            let id: Arc<str> = data::id(theirs).into();
            process_cpu(|| {
                runtime.block_on(async {
                    let tasks: Vec<_> = (0..TASKS)
                        .map(|_| {
                            let (cache, id) = (by_hand.clone(), Arc::clone(&id));
                            tokio::spawn(async move { cache.read(&id).await })
                        })
                        .collect();
                    for task in tasks {
                        let read = task.await.expect("a reader").expect("a read");
                        assert!(read.is_some());
                    }
                });
            })
            .1
        }),
    ];
    let costs = take_turns(amount.rounds(), sides);
    #[expect(clippy::cast_precision_loss, reason = "few")]
    let loads = primary.reads.load(Ordering::Relaxed) as f64 / f64::from(asked);
    Ok(vec![
        Row::counted(
            "flight",
            "1000 tasks, one cold key",
            loads,
            ("at most", 1.0),
            "loads",
        )
        .goal("G3", 1.0),
        Row::of(
            "flight",
            "1000 tasks, one cold key",
            &costs,
            ("ours", "moka::future try_get_with + sqlx"),
            ("us CPU a task", 1e6 / 1000.0),
        ),
    ])
}

/// Ids that no tier has, none of them asked for twice.
fn absent(
    amount: Amount,
    runtime: &tokio::runtime::Runtime,
    folder: &Path,
    file: &Path,
) -> Result<Vec<Row>, Failure> {
    let blobs = Arc::new(CountedBlobs::new(DirectoryStore::open(
        folder.join("archive"),
    )?));
    let router = runtime.block_on(async {
        let router = TieredDatabase::builder()
            .hot(MokaDatabase::with_max_bytes(1 << 30))
            .primary(SqliteDatabase::open(file).await?)
            .archive(ParquetArchive::with_blobs(
                Arc::clone(&blobs) as Arc<dyn BlobStore>
            ))
            .policy(Policy::older_than("1d")?)
            .build()
            .await?;
        router.archive_due().await?;
        Ok::<_, Failure>(router)
    })?;
    let pool = runtime.block_on(hand::pool(file, 4))?;
    let count = amount.of(2_000);
    let (mut ours, mut theirs) = (1 << 40, 1 << 41);
    // The segments' tails are read once; from then on they are in memory.
    runtime.block_on(router.read("absent"))?;
    let before = blobs.requests();
    #[expect(clippy::cast_precision_loss, reason = "few")]
    let each = count as f64;
    let sides = vec![
        Side::new("ours", || {
            let ids: Vec<String> = (ours..ours + count).map(data::id).collect();
            ours += count;
            process_cpu(|| {
                runtime.block_on(async {
                    for id in &ids {
                        assert!(router.read(id).await.expect("a read").is_none());
                    }
                });
            })
            .1 / each
        }),
        Side::new("sqlx alone", || {
            let ids: Vec<String> = (theirs..theirs + count).map(data::id).collect();
            theirs += count;
            process_cpu(|| {
                runtime.block_on(async {
                    for id in &ids {
                        assert!(hand::read(&pool, id).await.expect("a read").is_none());
                    }
                });
            })
            .1 / each
        }),
    ];
    let costs = take_turns(amount.rounds(), sides);
    let after = blobs.requests();
    #[expect(clippy::cast_precision_loss, reason = "few")]
    let requests = after.since(before).reads as f64 / (each * (amount.rounds() + 1) as f64);
    Ok(vec![
        Row::counted(
            "flight",
            "an id that no tier has: archive",
            requests,
            ("at most", 0.0001),
            "requests a read",
        )
        .goal("G11", 1.0),
        Row::of(
            "flight",
            "an id that no tier has",
            &costs,
            ("ours", "sqlx alone"),
            ("us CPU a read", 1e6),
        ),
    ])
}
