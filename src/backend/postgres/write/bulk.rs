//! Large batches of records that are new: a copy, which costs the server least.
//!
//! A copy cannot meet an id that is there already. Whether a table only grows shows by its last large batch, so one that
//! is imported is copied, and one whose records are written again and again is not tried in vain.

use std::sync::atomic::Ordering;

use jiff::Timestamp;

use super::alike::Kind;
use crate::backend::postgres::Place;
use crate::backend::postgres::copy::CopyText;
use crate::backend::postgres::lease::Lease;
use crate::backend::postgres::row::{self, Args};
use crate::record::RowStamp;
use crate::sql::SqlValue;
use crate::{Error, ErrorKind, Result, Write, Written};

/// From how many records on a copy is worth its round trips.
const FEWEST: usize = 1_000;

/// Whether a batch should be tried as a copy, which needs a transaction around it.
pub(super) fn pays(kind: Kind, place: &Place, writes: &[Write]) -> bool {
    is_large(kind, writes) && place.is_growing.load(Ordering::Relaxed)
}

/// Notes what became of a large batch that was no copy.
pub(super) fn note(kind: Kind, place: &Place, writes: &[Write], written: &[Written]) {
    if is_large(kind, writes) {
        let is_new = |written: &Written| matches!(written, Written::Created(_));
        let is_growing = written.iter().all(is_new);
        place.is_growing.store(is_growing, Ordering::Relaxed);
    }
}

fn is_large(kind: Kind, writes: &[Write]) -> bool {
    writes.len() >= FEWEST && matches!(kind, Kind::Create | Kind::Upsert | Kind::Put)
}

/// Whether another statement may do what a copy could not.
fn is_of_copies(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Conflict | ErrorKind::Unsupported)
}

/// Copies records to ids that differ; none if that cannot be, and then nothing was done.
pub(super) async fn copy(
    kind: Kind,
    lease: &mut Lease,
    place: &Place,
    now: Timestamp,
    writes: &[Write],
) -> Result<Option<Vec<Written>>> {
    let mut sorted: Vec<&Write> = writes.iter().collect();
    sorted.sort_unstable_by_key(|write| write.id().as_str());
    let mut text = CopyText::with_capacity(sorted.len());
    let now = place.zone.write(now)?;
    for record in sorted.iter().filter_map(|write| write.op.record()) {
        let (created_at, updated_at) = match kind {
            Kind::Put => (
                place.opt_time(record, record.created_at())?,
                place.opt_time(record, record.updated_at())?,
            ),
            _ => (Some(now), Some(now)),
        };
        text.begin_row(5);
        text.text(record.id().as_str());
        text.json(Some(record.fields()));
        text.json(record.metadata());
        text.time(created_at);
        text.time(updated_at);
    }
    let table = place.table.quoted();
    let copy = format!(
        "COPY {table} (id, data, metadata, created_at, updated_at) FROM STDIN (FORMAT binary)"
    );
    lease.plainly("SAVEPOINT before_copy").await?;
    match lease.copy_in(&copy, &text.finish()).await {
        Ok(rows) if rows == writes.len() as u64 => {}
        Ok(_) => {
            lease.back_to("before_copy").await?;
            return Ok(None);
        }
        // An id that is taken, a table that takes no copies: the other way says what there is to say.
        Err(error) if lease.can_go_back() && is_of_copies(&error) => {
            place.is_growing.store(false, Ordering::Relaxed);
            lease.back_to("before_copy").await?;
            return Ok(None);
        }
        Err(error) => return Err(error),
    }
    // All rows of the copy have the number of its savepoint.
    let select = format!("SELECT xmin FROM {table} WHERE id = $1");
    let first = SqlValue::from(writes[0].id().as_str());
    let rows = lease
        .fetch(&select.into(), Args::of(&[first]).finish())
        .await?;
    let Some(row) = rows.first() else {
        lease.back_to("before_copy").await?;
        return Ok(None);
    };
    let version = RowStamp::version_of(row::xid(row, 0)?);
    Ok(Some(
        writes
            .iter()
            .map(|_| Written::Created(version.clone()))
            .collect(),
    ))
}
