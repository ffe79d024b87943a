//! Point reads, point writes and bulk loads of SQLite, all sides with the same durability.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use sqlx::SqlitePool;
use thermocline::{Database, Op, SqliteDatabase};
use tokio::runtime::Runtime;

use super::{hand, runtime, store};
use crate::common::child::Peer;
use crate::common::data::{self, Texts};
use crate::common::rounds::{Side, process_cpu, take_turns};
use crate::common::table::Row;
use crate::{Amount, Failure};

const RECORDS: u64 = 100_000;
const SQLX: &str = "sqlx";
const RUSQLITE: &str = "rusqlite, prepared";
const INSERT: &str =
    "INSERT INTO records (id, data, metadata, created_at, updated_at) VALUES (?, ?, ?, ?, ?)";
const UPSERT: &str = "INSERT INTO records (id, data, metadata, created_at, updated_at) VALUES (?, ?, ?, ?, ?) \
    ON CONFLICT (id) DO UPDATE SET data = excluded.data, metadata = excluded.metadata, updated_at = excluded.updated_at";

pub(crate) fn run(amount: Amount) -> Result<Vec<Row>, Failure> {
    let runtime = runtime(2)?;
    let folder = store::folder()?;
    let file = runtime.block_on(store::file(&folder, amount.of(RECORDS)))?;
    let mut rows = point_reads(amount, &runtime, &file)?;
    rows.extend(point_writes(amount, &runtime, folder.path(), &file)?);
    rows.extend(bulk(amount, &runtime, folder.path())?);
    Ok(rows)
}

fn point_reads(amount: Amount, runtime: &Runtime, file: &Path) -> Result<Vec<Row>, Failure> {
    let ours = runtime.block_on(SqliteDatabase::open(file))?;
    let pool = runtime.block_on(hand::pool(file, 4))?;
    let mut peer = Peer::sqlite(file)?;
    let mut random = fastrand::Rng::with_seed(2);
    let records = amount.of(RECORDS);
    let ids: Vec<String> = (0..amount.of(5_000))
        .map(|_| data::id(random.u64(..records)))
        .collect();
    #[expect(clippy::cast_precision_loss, reason = "few")]
    let each = ids.len() as f64;
    let sides = vec![
        Side::new("ours", || {
            let all = async {
                for id in &ids {
                    assert!(ours.read(id).await.expect("a read").is_some());
                }
            };
            process_cpu(|| runtime.block_on(all)).1 / each
        }),
        Side::new(SQLX, || {
            let all = async {
                for id in &ids {
                    assert!(hand::read(&pool, id).await.expect("a read").is_some());
                }
            };
            process_cpu(|| runtime.block_on(all)).1 / each
        }),
        Side::new(RUSQLITE, || {
            peer.works(&json!({"read": ids})).expect("reads") / each
        }),
    ];
    let costs = take_turns(amount.rounds(), sides);
    let row = |peer| {
        Row::of(
            "sqlite",
            "point read",
            &costs,
            ("ours", peer),
            ("us CPU a read", 1e6),
        )
    };
    Ok(vec![row(SQLX).goal("G6", 1.15), row(RUSQLITE)])
}

/// One upsert, one commit, on the disk before it returns.
fn point_writes(
    amount: Amount,
    runtime: &Runtime,
    folder: &Path,
    file: &Path,
) -> Result<Vec<Row>, Failure> {
    let copies: Vec<PathBuf> = ["ours", "sqlx", "rusqlite"]
        .iter()
        .map(|name| folder.join(format!("{name}.db")))
        .collect();
    for copy in &copies {
        fs::copy(file, copy)?;
    }
    let ours = runtime.block_on(SqliteDatabase::open(&copies[0]))?;
    let pool = runtime.block_on(hand::pool(&copies[1], 1))?;
    let mut peer = Peer::sqlite(&copies[2])?;
    let count = amount.of(500);
    let records = amount.of(RECORDS);
    // Half of them change a record, half are new.
    let texts: Vec<Texts> = (0..count)
        .map(|n| Texts::of(n * 397 % (2 * records)))
        .collect();
    #[expect(clippy::cast_precision_loss, reason = "few")]
    let each = count as f64;
    let sides = vec![
        Side::new("ours", || {
            let all = async {
                for texts in &texts {
                    let put = Op::Upsert(Arc::new(texts.record()));
                    ours.write(vec![put.into()]).await.expect("a write");
                }
            };
            process_cpu(|| runtime.block_on(all)).1 / each
        }),
        Side::new(SQLX, || {
            let all = async {
                for texts in &texts {
                    insert(&pool, UPSERT, texts).await.expect("a write");
                }
            };
            process_cpu(|| runtime.block_on(all)).1 / each
        }),
        Side::new(RUSQLITE, || {
            peer.works(&json!({"write": rows_of(&texts)}))
                .expect("writes")
                / each
        }),
    ];
    let costs = take_turns(amount.rounds(), sides);
    let row = |peer| {
        Row::of(
            "sqlite",
            "point write",
            &costs,
            ("ours", peer),
            ("us CPU a write", 1e6),
        )
    };
    Ok(vec![row(SQLX), row(RUSQLITE)])
}

async fn insert(
    pool: impl sqlx::Executor<'_, Database = sqlx::Sqlite>,
    sql: &'static str,
    texts: &Texts,
) -> Result<(), sqlx::Error> {
    let at = store::spelled(texts.at);
    sqlx::query(sql)
        .bind(&texts.id)
        .bind(&texts.fields)
        .bind(&texts.metadata)
        .bind(&at)
        .bind(&at)
        .execute(pool)
        .await
        .map(drop)
}

/// The texts of rows, for the peer.
fn rows_of(texts: &[Texts]) -> Value {
    let row = |texts: &Texts| {
        json!([
            texts.id,
            texts.fields,
            texts.metadata,
            store::spelled(texts.at)
        ])
    };
    texts.iter().map(row).collect()
}

/// Batches of 5,000 new records into a table that already has some, each batch one transaction.
fn bulk(amount: Amount, runtime: &Runtime, folder: &Path) -> Result<Vec<Row>, Failure> {
    const BATCH: u64 = 5_000;
    let file = |name: &str| folder.join(format!("bulk-{name}.db"));
    // The table as ours is, on every side.
    let empty = file("empty");
    runtime.block_on(async {
        store::fill(&empty, 0).await?.close().await?;
        Ok::<_, Failure>(())
    })?;
    for name in ["ours", "sqlx", "rusqlite"] {
        fs::copy(&empty, file(name))?;
    }
    let ours = runtime.block_on(SqliteDatabase::open(file("ours")))?;
    let pool: SqlitePool = runtime.block_on(hand::pool(&file("sqlx"), 1))?;
    let mut peer = Peer::sqlite(&file("rusqlite"))?;
    let count = amount.of(20_000);
    let [mut first, mut second, mut third] = [0; 3];
    #[expect(clippy::cast_precision_loss, reason = "few")]
    let each = count as f64;
    let sides = vec![
        Side::new("ours", || {
            let batches = batches(&mut first, count, BATCH);
            let all = async {
                for batch in batches {
                    let puts = batch
                        .iter()
                        .map(|texts| Op::Put(Arc::new(texts.record())).into());
                    ours.write(puts.collect()).await.expect("a batch");
                }
            };
            process_cpu(|| runtime.block_on(all)).1 / each
        }),
        Side::new(SQLX, || {
            let batches = batches(&mut second, count, BATCH);
            let all = async {
                for batch in batches {
                    let mut tx = pool.begin().await.expect("a transaction");
                    for texts in &batch {
                        insert(&mut *tx, INSERT, texts).await.expect("a row");
                    }
                    tx.commit().await.expect("a commit");
                }
            };
            process_cpu(|| runtime.block_on(all)).1 / each
        }),
        Side::new(RUSQLITE, || {
            let batches = batches(&mut third, count, BATCH);
            let batches: Value = batches.iter().map(|batch| rows_of(batch)).collect();
            peer.works(&json!({"insert": batches})).expect("batches") / each
        }),
    ];
    let costs = take_turns(amount.rounds(), sides);
    let row = |peer| {
        Row::of(
            "sqlite",
            "bulk insert",
            &costs,
            ("ours", peer),
            ("us CPU a record", 1e6),
        )
    };
    Ok(vec![row(SQLX).goal("G17", 1.25), row(RUSQLITE)])
}

/// The next records, in batches.
fn batches(next: &mut u64, count: u64, batch: u64) -> Vec<Vec<Texts>> {
    let from = *next;
    *next += count;
    (from..from + count)
        .step_by(usize::try_from(batch).unwrap_or(1))
        .map(|start| {
            (start..(start + batch).min(from + count))
                .map(Texts::of)
                .collect()
        })
        .collect()
}
