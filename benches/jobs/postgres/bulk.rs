//! Much at once: batches of new records, and the whole table as a stream.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Instant;

use futures::{TryStreamExt, future};
use sqlx::PgConnection;
use sqlx::postgres::PgPoolCopyExt;
use thermocline::{Database, Op, PostgresDatabase, Query};
use tokio::runtime::Runtime;

use super::super::store;
use super::place::Place;
use super::{BATCH, RECORDS};
use crate::common::data::Texts;
use crate::common::memory;
use crate::common::rounds::{Side, take_turns};
use crate::common::table::Row;
use crate::{Amount, Failure};

const COPY: &str = "COPY";
const SORTED: &str = "COPY, sorted by id";

/// Batches of records that are new, into tables that grow alike.
#[expect(clippy::cast_precision_loss, reason = "few")]
pub(super) fn upserts(
    amount: Amount,
    runtime: &Runtime,
    place: &Place,
) -> Result<Vec<Row>, Failure> {
    let count = amount.of(50_000);
    let each = count as f64;
    let ours = runtime.block_on(place.ours("bulk_ours"))?;
    for table in ["bulk_copy", "bulk_sorted"] {
        runtime.block_on(async {
            place
                .ours(table)
                .await?
                .close()
                .await
                .map_err(Failure::from)
        })?;
    }
    let mut one = runtime.block_on(place.connection())?;
    let mut other = runtime.block_on(place.connection())?;
    let [mut first, mut second, mut third] = [0; 3];
    let sides = vec![
        Side::new("ours", || {
            timed(next(&mut first, count), |batch| {
                let upserts = batch
                    .iter()
                    .map(|texts| Op::Upsert(Arc::new(texts.record())));
                let upserts = upserts.map(Into::into).collect();
                runtime.block_on(ours.write(upserts)).expect("a batch");
            }) / each
        }),
        Side::new(COPY, || {
            timed(next(&mut second, count), |batch| {
                let copied = copy(&mut one, "bulk_copy", &batch);
                runtime.block_on(copied).expect("a batch");
            }) / each
        }),
        Side::new(SORTED, || {
            timed(next(&mut third, count), |mut batch| {
                batch.sort_by(|one, other| one.id.cmp(&other.id));
                let copied = copy(&mut other, "bulk_sorted", &batch);
                runtime.block_on(copied).expect("a batch");
            }) / each
        }),
    ];
    let costs = take_turns(amount.rounds(), sides);
    runtime.block_on(ours.close())?;
    let row = |peer| {
        let sides = ("ours", peer);
        Row::of(
            "postgres",
            "bulk upsert",
            &costs,
            sides,
            ("us a record", 1e6),
        )
    };
    Ok(vec![row(COPY).goal("G17", 1.25), row(SORTED)])
}

/// The next records, in batches.
fn next(from: &mut u64, count: u64) -> Vec<Vec<Texts>> {
    let numbers = *from..*from + count;
    *from = numbers.end;
    let starts = numbers
        .clone()
        .step_by(usize::try_from(BATCH).expect("few"));
    starts
        .map(|start| {
            (start..numbers.end.min(start + BATCH))
                .map(Texts::of)
                .collect()
        })
        .collect()
}

/// The seconds that all batches take.
fn timed(batches: Vec<Vec<Texts>>, work: impl FnMut(Vec<Texts>)) -> f64 {
    let began = Instant::now();
    batches.into_iter().for_each(work);
    began.elapsed().as_secs_f64()
}

/// A batch into a table, as one statement. Nothing in our texts needs escaping.
async fn copy(
    connection: &mut PgConnection,
    table: &str,
    batch: &[Texts],
) -> Result<u64, sqlx::Error> {
    let mut lines = String::new();
    for Texts {
        id,
        fields,
        metadata,
        at,
    } in batch
    {
        let at = store::spelled(*at);
        writeln!(lines, "{id}\t{fields}\t{metadata}\t{at}\t{at}").expect("memory");
    }
    let sql = format!("COPY {table} (id, data, metadata, created_at, updated_at) FROM STDIN");
    let mut copy = connection.copy_in_raw(&sql).await?;
    copy.send(lines.into_bytes()).await?;
    copy.finish().await
}

/// Every record, as an export would read them.
#[expect(clippy::cast_precision_loss, reason = "few")]
pub(super) fn stream(
    amount: Amount,
    runtime: &Runtime,
    place: &Place,
    ours: &PostgresDatabase,
) -> Result<Vec<Row>, Failure> {
    let records = amount.of(RECORDS);
    let pool = runtime.block_on(place.pool())?;
    let sql = "COPY (SELECT id, data, metadata, created_at, updated_at FROM records) TO STDOUT (FORMAT BINARY)";
    let read = || {
        let began = Instant::now();
        let seen = runtime.block_on(async {
            let found = ours.search(Query::all()).await?;
            found
                .try_fold(0, |seen, record| {
                    std::hint::black_box(record);
                    future::ok(seen + 1)
                })
                .await
        });
        assert_eq!(seen.expect("a stream"), records);
        began.elapsed().as_secs_f64() / records as f64
    };
    // Before the rounds: memory that one has given back may still be held for the next.
    let grown = memory::peak_growth(|| {
        read();
    })?;
    let sides = vec![
        Side::new("ours", read),
        Side::new(COPY, || {
            let began = Instant::now();
            let bytes = runtime.block_on(async {
                let rows = pool.copy_out_raw(sql).await?;
                rows.try_fold(0, |bytes, part| future::ok(bytes + part.len()))
                    .await
            });
            assert!(bytes.expect("a copy") > 0);
            began.elapsed().as_secs_f64() / records as f64
        }),
    ];
    let costs = take_turns(amount.rounds(), sides);
    let took = Row::of(
        "postgres",
        "all records, a stream",
        &costs,
        ("ours", COPY),
        ("us a record", 1e6),
    );
    let memory = Row::counted(
        "postgres",
        "all records, memory",
        grown,
        ("at most", 64.0),
        "MiB",
    );
    Ok(vec![took.goal("G18", 1.1), memory.goal("G18", 1.0)])
}
