//! Applying a batch of writes inside a transaction.
//!
//! Three steps, each of few statements: load what the ids hold now, think the writes through in order, store what became
//! of the ids. So an id that stands often in a batch is written once, and every outcome is known before anything is stored.

mod plan;
mod store;

use std::collections::HashMap;

use foldhash::fast::FixedState;
use jiff::Timestamp;

use self::plan::Slot;
use super::layout::Table;
use super::lease::{Lease, Sql};
use super::read::{self, MOST, placeholders, size_for};
use super::row::{Args, sql_row};
use super::times;
use crate::sql::SqlValue;
use crate::{Result, Write, Written};

/// Applies `writes` in order; what became of each.
///
/// # Errors
/// `Invalid`: a record that the layout does not take. Nothing may be committed after an error: a part of the batch may be
/// stored.
pub(super) async fn apply(
    lease: &mut Lease,
    table: &Table,
    now: Timestamp,
    writes: &[Write],
) -> Result<Vec<Written>> {
    let mut ids: Vec<&str> = writes.iter().map(|write| write.id().as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    let places: Places<'_> = ids.iter().enumerate().map(|(at, id)| (*id, at)).collect();
    let mut slots: Vec<Slot<'_>> = ids.iter().map(|_| Slot::default()).collect();
    load(lease, table, writes, &ids, &places, &mut slots).await?;
    let written = writes
        .iter()
        .map(|write| slots[places[write.id().as_str()]].write(write, now))
        .collect();
    store::store(lease, table, &ids, &slots).await?;
    Ok(written)
}

/// Removes every record of the table.
pub(super) async fn remove_all(lease: &mut Lease, table: &Table) -> Result<()> {
    let sql: Sql = format!("DELETE FROM {}", table.quoted()).into();
    lease.execute(&sql, Args::default().finish()).await?;
    Ok(())
}

/// Where an id stands among the sorted ids of a batch.
type Places<'a> = HashMap<&'a str, usize, FixedState>;

/// Fills the slots of the ids that exist; with their version where a write expects one.
async fn load(
    lease: &mut Lease,
    table: &Table,
    writes: &[Write],
    ids: &[&str],
    places: &Places<'_>,
    slots: &mut [Slot<'_>],
) -> Result<()> {
    for write in writes.iter().filter(|write| write.expect.is_some()) {
        slots[places[write.id().as_str()]].needs_version = true;
    }
    let (judged, others): (Vec<&str>, Vec<&str>) =
        ids.iter().partition(|id| slots[places[**id]].needs_version);
    for record in read::read_many(lease, table, &judged)
        .await?
        .into_iter()
        .flatten()
    {
        let version = record.version();
        slots[places[record.id().as_str()]].found(
            record.created_at(),
            record.updated_at(),
            version,
        );
    }
    for ids in others.chunks(MOST) {
        let mut sql = format!(
            "SELECT id, created_at, updated_at FROM {} WHERE id IN ",
            table.quoted()
        );
        placeholders(&mut sql, size_for(ids.len()));
        let mut args = Args::with_capacity(MOST);
        read::add_ids(&mut args, ids);
        for row in lease.fetch(&sql.into(), args.finish()).await? {
            let row = sql_row(&row)?;
            let SqlValue::Text(id) = row.get(0) else {
                continue;
            };
            if let Some(place) = places.get(id.as_ref()) {
                slots[*place].found(time(row.get(1)), time(row.get(2)), None);
            }
        }
    }
    Ok(())
}

fn time(value: &SqlValue) -> Option<Timestamp> {
    match value {
        SqlValue::Text(text) => times::read(text),
        _ => None,
    }
}
