//! A hit in the hot tier: 100,000 keys, asked for by a Zipf law, metrics on.

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusBuilder;
use thermocline::{
    Database, HotCache, MemoryDatabase, MokaDatabase, Op, QuickCache, Record, TieredDatabase,
};

use super::runtime;
use crate::common::data::{self, Zipf};
use crate::common::rounds::{Costs, Side, process_cpu, take_turns, thread_cpu};
use crate::common::table::Row;
use crate::{Amount, Failure};

const KEYS: u64 = 100_000;
const ROOM: u64 = 1 << 30;
const NANOS: (&str, f64) = ("ns CPU a read", 1e9);

/// What is asked for.
struct Questions {
    ids: Arc<[String]>,
    order: Arc<[u32]>,
}

impl Questions {
    fn new(count: usize) -> Self {
        let zipf = Zipf::new(usize::try_from(KEYS).unwrap_or_default());
        let mut random = fastrand::Rng::with_seed(1);
        let order = (0..count).map(|_| u32::try_from(zipf.draw(&mut random)).unwrap_or_default());
        Self {
            ids: (0..KEYS).map(data::id).collect(),
            order: order.collect(),
        }
    }

    fn iter(&self) -> impl Iterator<Item = &str> {
        self.order.iter().map(|at| &*self.ids[*at as usize])
    }

    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    fn count(&self) -> f64 {
        self.order.len() as f64
    }
}

/// The caches, all with the same records.
struct Caches {
    moka_future: moka::future::Cache<String, Arc<Record>>,
    moka_sync: moka::sync::Cache<String, Arc<Record>>,
    quick: quick_cache::sync::Cache<String, Arc<Record>>,
    map: HashMap<String, Arc<Record>>,
    ours: TieredDatabase,
    ours_quick: TieredDatabase,
    ours_silent: TieredDatabase,
}

impl Caches {
    /// Only what is built after the recorder was installed is metered.
    async fn new(ids: &[String]) -> Result<Self, Failure> {
        let primary = Arc::new(MemoryDatabase::new());
        let records: Vec<Arc<Record>> = (0..KEYS).map(|n| Arc::new(data::record(n))).collect();
        let puts = records
            .iter()
            .map(|record| Op::Put(Arc::clone(record)).into());
        primary.write(puts.collect()).await?;
        let ours_silent = router(QuickCache::with_max_bytes(ROOM), &primary, ids).await?;
        PrometheusBuilder::new().install_recorder()?;
        let caches = Self {
            moka_future: moka::future::Cache::new(2 * KEYS),
            moka_sync: moka::sync::Cache::new(2 * KEYS),
            quick: quick_cache::sync::Cache::new(2 * ids.len()),
            map: ids.iter().cloned().zip(records.iter().cloned()).collect(),
            ours: router(MokaDatabase::with_max_bytes(ROOM), &primary, ids).await?,
            ours_quick: router(QuickCache::with_max_bytes(ROOM), &primary, ids).await?,
            ours_silent,
        };
        for (id, record) in ids.iter().zip(&records) {
            caches
                .moka_future
                .insert(id.clone(), Arc::clone(record))
                .await;
            caches.moka_sync.insert(id.clone(), Arc::clone(record));
            caches.quick.insert(id.clone(), Arc::clone(record));
        }
        caches.moka_future.run_pending_tasks().await;
        caches.moka_sync.run_pending_tasks();
        Ok(caches)
    }
}

async fn router(
    hot: impl HotCache + 'static,
    primary: &Arc<MemoryDatabase>,
    ids: &[String],
) -> Result<TieredDatabase, Failure> {
    let router = TieredDatabase::builder()
        .hot(hot)
        .primary(Arc::clone(primary))
        .ttl(std::time::Duration::from_secs(24 * 3600))
        .build()
        .await?;
    for id in ids {
        router.read(id).await?.ok_or("a record is missing")?;
    }
    Ok(router)
}

pub(crate) fn run(amount: Amount) -> Result<Vec<Row>, Failure> {
    let questions = Questions::new(usize::try_from(amount.of(400_000))?);
    let caches = runtime(1)?.block_on(Caches::new(&questions.ids))?;
    let mut rows = alone(amount, &questions, &caches)?;
    for tasks in [2, 8] {
        rows.extend(together(amount, tasks, &questions, &caches)?);
    }
    Ok(rows)
}

/// One task, on a thread of its own.
fn alone(amount: Amount, questions: &Questions, caches: &Caches) -> Result<Vec<Row>, Failure> {
    let runtime = runtime(1)?;
    let wait = |work: &mut dyn FnMut(&str)| {
        let (_, seconds) = thread_cpu(|| questions.iter().for_each(work));
        seconds / questions.count()
    };
    let read = |database: &TieredDatabase| {
        let reads = async {
            for id in questions.iter() {
                black_box(database.read(id).await.is_ok());
            }
        };
        thread_cpu(|| runtime.block_on(reads)).1 / questions.count()
    };
    let read_dyn = |database: &dyn Database| {
        let database = black_box(database);
        let reads = async {
            for id in questions.iter() {
                black_box(database.read(id).await.is_ok());
            }
        };
        thread_cpu(|| runtime.block_on(reads)).1 / questions.count()
    };
    let sides = vec![
        Side::new("inherent", || read(&caches.ours)),
        Side::new("dyn", || read_dyn(&caches.ours)),
        Side::new("inherent, quick_cache", || read(&caches.ours_quick)),
        Side::new("dyn, quick_cache", || read_dyn(&caches.ours_quick)),
        Side::new("moka::future", || {
            let reads = async {
                for id in questions.iter() {
                    black_box(caches.moka_future.get(id).await);
                }
            };
            thread_cpu(|| runtime.block_on(reads)).1 / questions.count()
        }),
        Side::new("moka::sync", || {
            wait(&mut |id| drop(black_box(caches.moka_sync.get(id))))
        }),
        Side::new("quick_cache", || {
            wait(&mut |id| drop(black_box(caches.quick.get(id))))
        }),
        Side::new("HashMap", || {
            wait(&mut |id| drop(black_box(caches.map.get(id).cloned())))
        }),
    ];
    let costs = take_turns(amount.rounds(), sides);
    let row = |case: &str, ours, peer| Row::of("hot", case, &costs, (ours, peer), NANOS);
    // A few nanoseconds are seen only beside the same reads without them, in turns of their own.
    let metrics = take_turns(
        amount.rounds(),
        vec![
            Side::new("counted", || read(&caches.ours_quick)),
            Side::new("silent", || read(&caches.ours_silent)),
        ],
    )
    .difference("counted", "silent")
        * 1e9;
    Ok(vec![
        row("hit, inherent read", "inherent", "moka::future").goal("G1", 0.95),
        row("hit, &dyn Database", "dyn", "moka::future").goal("G1", 1.05),
        row(
            "hit, over quick_cache",
            "inherent, quick_cache",
            "moka::future",
        )
        .goal("G1", 0.5),
        row(
            "hit, over quick_cache, dyn",
            "dyn, quick_cache",
            "moka::future",
        ),
        row("hit, inherent read", "inherent", "moka::sync"),
        row(
            "hit, over quick_cache",
            "inherent, quick_cache",
            "quick_cache",
        ),
        row("hit, inherent read", "inherent", "HashMap"),
        Row::counted(
            "hot",
            "metrics on a hit",
            metrics,
            ("at most", 10.0),
            "ns CPU a read",
        )
        .goal("G2", 1.0),
    ])
}

/// Several tasks on two threads.
fn together(
    amount: Amount,
    tasks: usize,
    questions: &Questions,
    caches: &Caches,
) -> Result<Vec<Row>, Failure> {
    let runtime = runtime(2)?;
    let share = questions.order.len() / tasks;
    let spread = |ask: &dyn Fn(Arc<[String]>, Vec<u32>) -> tokio::task::JoinHandle<()>| {
        let (_, seconds) = process_cpu(|| {
            runtime.block_on(async {
                let parts = questions.order.chunks(share).take(tasks);
                let asking: Vec<_> = parts
                    .map(|order| ask(Arc::clone(&questions.ids), order.to_vec()))
                    .collect();
                for task in asking {
                    task.await.expect("a task that asks");
                }
            });
        });
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let count = (share * tasks) as f64;
        seconds / count
    };
    let read = |database: &TieredDatabase| {
        spread(&|ids, order| {
            let database = database.clone();
            tokio::spawn(async move {
                for at in order {
                    black_box(database.read(&ids[at as usize]).await.is_ok());
                }
            })
        })
    };
    let sides = vec![
        Side::new("inherent", || read(&caches.ours)),
        Side::new("inherent, quick_cache", || read(&caches.ours_quick)),
        Side::new("moka::future", || {
            spread(&|ids, order| {
                let cache = caches.moka_future.clone();
                tokio::spawn(async move {
                    for at in order {
                        black_box(cache.get(&ids[at as usize]).await);
                    }
                })
            })
        }),
    ];
    let costs: Costs = take_turns(amount.rounds(), sides);
    let row = |case: String, ours| Row::of("hot", case, &costs, (ours, "moka::future"), NANOS);
    Ok(vec![
        row(format!("hit, {tasks} tasks"), "inherent").goal("G1", 0.95),
        row(
            format!("hit, {tasks} tasks, over quick_cache"),
            "inherent, quick_cache",
        )
        .goal("G1", 0.5),
    ])
}
