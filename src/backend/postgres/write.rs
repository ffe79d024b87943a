//! Applying a batch of writes.
//!
//! A batch of one kind in which no id stands twice is one statement, in one trip, sorted by id so that batches wait for
//! each other instead of dead-locking; a large one of new records is a copy. Any other batch locks its rows, thinks its writes through, and stores the outcome.

mod alike;
mod bulk;
mod mixed;

use std::collections::HashSet;

use foldhash::fast::FixedState;
use jiff::Timestamp;

use self::alike::Kind;
use super::Place;
use super::lease::Lease;
use super::row::Args;
use crate::{Result, Write, Written};

/// The most rows and bytes that one statement carries.
const MOST_ROWS: usize = 10_000;
const MOST_BYTES: usize = 16 << 20;

/// Whether a batch is one statement, which needs no transaction around it.
pub(super) fn is_one_statement(place: &Place, writes: &[Write]) -> bool {
    let is_one = |kind| chunks(writes).len() == 1 && !bulk::pays(kind, place, writes);
    writes.is_empty() || alike(writes).is_some_and(is_one)
}

/// Applies `writes` in order; what became of each.
///
/// # Errors
/// `Invalid`: a record that the layout does not take. Nothing may be committed after an error: a part of the batch may be
/// stored.
pub(super) async fn apply(
    lease: &mut Lease,
    place: &Place,
    now: Timestamp,
    writes: &[Write],
) -> Result<Vec<Written>> {
    let mut written = Vec::with_capacity(writes.len());
    match alike(writes) {
        Some(kind) => {
            for writes in chunks(writes) {
                written.extend(one_kind(kind, lease, place, now, writes).await?);
            }
        }
        None => {
            for writes in chunks(writes) {
                written.extend(mixed::apply(lease, place, now, writes).await?);
            }
        }
    }
    Ok(written)
}

/// Applies what one statement carries.
async fn one_kind(
    kind: Kind,
    lease: &mut Lease,
    place: &Place,
    now: Timestamp,
    writes: &[Write],
) -> Result<Vec<Written>> {
    if lease.is_in_transaction()
        && bulk::pays(kind, place, writes)
        && let Some(written) = bulk::copy(kind, lease, place, now, writes).await?
    {
        return Ok(written);
    }
    let written = kind.apply(lease, place, now, writes).await?;
    bulk::note(kind, place, writes, &written);
    Ok(written)
}

/// Waits for the writers that are at work, and lets no other begin before the transaction ends.
///
/// Those who have only locked rows are writers too: let in, one would wait for us with a row that we wait for.
pub(super) async fn keep_others_out(lease: &mut Lease, place: &Place) -> Result<()> {
    let table = place.table.quoted();
    lease
        .plainly(&format!("LOCK TABLE {table} IN EXCLUSIVE MODE"))
        .await
}

/// Removes every record of the table, within a transaction.
///
/// Writers that are at work are waited for: a batch that is committed meanwhile would go in part.
pub(super) async fn remove_all(lease: &mut Lease, place: &Place) -> Result<()> {
    keep_others_out(lease, place).await?;
    let table = place.table.quoted();
    let sql = format!("DELETE FROM {table}");
    lease.execute(&sql.into(), Args::default().finish()).await?;
    Ok(())
}

/// The kind of a batch that has only one and writes no id twice.
fn alike(writes: &[Write]) -> Option<Kind> {
    let kind = Kind::of(writes.first()?)?;
    let mut ids = HashSet::with_capacity_and_hasher(writes.len(), FixedState::default());
    writes
        .iter()
        .all(|write| Kind::of(write) == Some(kind) && ids.insert(write.id().as_str()))
        .then_some(kind)
}

/// The batch in parts that one statement carries.
fn chunks(writes: &[Write]) -> Vec<&[Write]> {
    let (mut parts, mut rest) = (Vec::new(), writes);
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = rest.iter().take(MOST_ROWS).take_while(|write| {
            let before = bytes;
            bytes += write.op.record().map_or(0, |record| record.bytes());
            before == 0 || bytes <= MOST_BYTES
        });
        let (part, later) = rest.split_at(fits.count().max(1));
        parts.push(part);
        rest = later;
    }
    parts
}
