//! Reads through the cache, of which most, nearly all or all are hits.

use std::path::Path;

use thermocline::{MokaDatabase, SqliteDatabase, TieredDatabase};
use tokio::runtime::Runtime;

use super::{hand, runtime, store};
use crate::common::data;
use crate::common::rounds::{Side, process_cpu, take_turns};
use crate::common::table::Row;
use crate::{Amount, Failure};

/// What is in the cache before it is measured.
const HOT: u64 = 10_000;
const READS: u64 = 20_000;
const MICROS: (&str, f64) = ("us CPU a read", 1e6);

/// Hands out ids of which a part was never asked for.
struct Mix {
    cold: u64,
    /// Of a hundred reads, so many are hits.
    hits: u64,
    random: fastrand::Rng,
}

impl Mix {
    fn new(hits: u64) -> Self {
        Self {
            cold: HOT,
            hits,
            random: fastrand::Rng::with_seed(hits),
        }
    }

    fn draw(&mut self, count: u64) -> Vec<String> {
        let mut next = || {
            if self.random.u64(..100) < self.hits {
                data::id(self.random.u64(..HOT))
            } else {
                self.cold += 1;
                data::id(self.cold)
            }
        };
        (0..count).map(|_| next()).collect()
    }
}

pub(crate) fn run(amount: Amount) -> Result<Vec<Row>, Failure> {
    let runtime = runtime(2)?;
    let folder = store::folder()?;
    let reads = amount.of(READS);
    // A tenth of the reads of all rounds are cold, and each of those is another record.
    let records = HOT + reads * (amount.rounds() as u64 + 1) / 8;
    let file = runtime.block_on(store::file(&folder, records))?;
    let mut rows = Vec::new();
    for hits in [90, 99, 100] {
        rows.extend(mixed(amount, &runtime, &file, hits, reads)?);
    }
    Ok(rows)
}

fn mixed(
    amount: Amount,
    runtime: &Runtime,
    file: &Path,
    hits: u64,
    reads: u64,
) -> Result<Vec<Row>, Failure> {
    let router = runtime.block_on(async {
        let router = TieredDatabase::builder()
            .hot(MokaDatabase::with_max_bytes(1 << 30))
            .primary(SqliteDatabase::open(file).await?)
            .build()
            .await?;
        for number in 0..HOT {
            router.read(&data::id(number)).await?.ok_or("missing")?;
        }
        Ok::<_, Failure>(router)
    })?;
    let by_hand = runtime.block_on(async {
        let by_hand = hand::ReadThrough::new(hand::pool(file, 4).await?);
        for number in 0..HOT {
            by_hand.read(&data::id(number)).await?.ok_or("missing")?;
        }
        Ok::<_, Failure>(by_hand)
    })?;
    let [mut ours, mut theirs, mut alone] = [Mix::new(hits), Mix::new(hits), Mix::new(hits)];
    #[expect(clippy::cast_precision_loss, reason = "few")]
    let each = reads as f64;
    let sides = vec![
        Side::new("ours", || {
            let ids = ours.draw(reads);
            let all = async {
                for id in &ids {
                    assert!(router.read(id).await.expect("a read").is_some());
                }
            };
            process_cpu(|| runtime.block_on(all)).1 / each
        }),
        Side::new("moka::future try_get_with + sqlx", || {
            let ids = theirs.draw(reads);
            let all = async {
                for id in &ids {
                    assert!(by_hand.read(id).await.expect("a read").is_some());
                }
            };
            process_cpu(|| runtime.block_on(all)).1 / each
        }),
        Side::new("sqlx alone", || {
            // A tenth is enough: each costs the same.
            let ids = alone.draw(reads / 10);
            let all = async {
                for id in &ids {
                    let read = hand::read(&by_hand.pool, id).await;
                    assert!(read.expect("a read").is_some());
                }
            };
            process_cpu(|| runtime.block_on(all)).1 / each * 10.0
        }),
    ];
    let costs = take_turns(amount.rounds(), sides);
    let row = |peer| {
        let case = format!("read-through, {hits} % hits");
        Row::of("readthrough", case, &costs, ("ours", peer), MICROS)
    };
    Ok(vec![
        row("moka::future try_get_with + sqlx"),
        row("sqlx alone"),
    ])
}
