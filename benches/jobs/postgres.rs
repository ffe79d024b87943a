//! PostgreSQL: point reads, batches, the whole table, searches; time, since the server's work is half of it.

mod bulk;
mod place;
mod reads;
mod searches;

use thermocline::Database;

use self::place::Place;
use super::runtime;
use crate::common::data;
use crate::common::table::Row;
use crate::{Amount, Failure};

const RECORDS: u64 = 200_000;

/// How many records one batch brings.
const BATCH: u64 = 10_000;

/// A row as one reads it by hand, its JSON as text.
const COLUMNS: &str = "id, data::TEXT, metadata::TEXT, created_at, updated_at";

pub(crate) fn run(amount: Amount) -> Result<Vec<Row>, Failure> {
    let runtime = runtime(2)?;
    let place = runtime.block_on(Place::new())?;
    let records = amount.of(RECORDS);
    let mut rows = bulk::upserts(amount, &runtime, &place)?;
    let ours = runtime.block_on(place.fill("records", records))?;
    rows.extend(reads::lone(amount, &runtime, &place, &ours)?);
    rows.extend(reads::at_once(amount, &runtime, &place, &ours)?);
    rows.extend(bulk::stream(amount, &runtime, &place, &ours)?);
    rows.extend(searches::run(amount, &runtime, &place, &ours)?);
    runtime.block_on(ours.close())?;
    Ok(rows)
}

/// Ids of records that are there.
fn ids(count: u64, records: u64) -> Vec<String> {
    let mut random = fastrand::Rng::with_seed(5);
    (0..count)
        .map(|_| data::id(random.u64(..records)))
        .collect()
}
