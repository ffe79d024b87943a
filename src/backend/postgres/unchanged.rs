//! Deleting rows that are still exactly as they were read.
//!
//! A row is the same if its id and the transaction that wrote it are. Where it stands is a hint: by it rows are found
//! fast, and those that `VACUUM FULL` put elsewhere are looked for by their id. Rows that somebody holds are left alone.

use std::collections::HashSet;
use std::sync::Arc;

use foldhash::fast::FixedState;

use super::Place;
use super::lease::{Lease, Sql};
use super::row::{self, Args};
use crate::record::RowStamp;
use crate::{Error, Record, RecordId, Result, fault};

/// How many rows one statement deletes at most.
const MOST: usize = 10_000;

/// Deletes those of `rows` that are still as they were read; which ones.
pub(super) async fn delete(
    lease: &mut Lease,
    place: &Place,
    rows: &[Arc<Record>],
) -> Result<Vec<RecordId>> {
    let mut deleted = Vec::with_capacity(rows.len());
    for rows in rows.chunks(MOST) {
        let stamped = rows.iter().map(as_read).collect::<Result<Vec<_>>>()?;
        let here = delete_at(lease, &by_place(place.table.quoted()), &stamped).await?;
        let found: HashSet<&str, FixedState> = here.iter().map(RecordId::as_str).collect();
        let rest: Vec<_> = stamped
            .into_iter()
            .filter(|(id, _)| !found.contains(id))
            .collect();
        if !rest.is_empty() && !fault::mutation("ctid_only") {
            deleted.extend(delete_at(lease, &by_id(place.table.quoted()), &rest).await?);
        }
        deleted.extend(here);
    }
    Ok(deleted)
}

fn as_read(record: &Arc<Record>) -> Result<(&str, RowStamp)> {
    match record.row_stamp() {
        Some(stamp) => Ok((record.id().as_str(), stamp)),
        None => Err(Error::invalid(
            "only a record that was read from this database can be deleted unchanged",
        )
        .with("id", record.id())),
    }
}

async fn delete_at(
    lease: &mut Lease,
    sql: &Sql,
    rows: &[(&str, RowStamp)],
) -> Result<Vec<RecordId>> {
    let args = Args::default()
        .texts(rows.iter().map(|(id, _)| *id))
        .xids(rows.iter().map(|(_, stamp)| stamp.xmin))
        .ctids(rows.iter().map(|(_, stamp)| stamp.ctid));
    let rows = lease.fetch(sql, args.finish()).await?;
    rows.iter()
        .map(|row| row::text(row, 0).map(|id| RecordId::stored(id.to_owned())))
        .collect()
}

const ROWS: &str = "unnest($1::text[], $2::xid[], $3::tid[]) AS was(id, xmin, ctid)";

fn by_place(table: &str) -> Sql {
    let same = if fault::mutation("unconditional_delete") {
        "r.id = was.id"
    } else if fault::mutation("ctid_only") {
        "r.xmin = was.xmin"
    } else {
        "r.id = was.id AND r.xmin = was.xmin"
    };
    held(table, &format!("{table} AS r ON r.ctid = was.ctid"), same)
}

fn by_id(table: &str) -> Sql {
    let same = if fault::mutation("unconditional_delete") {
        "true"
    } else {
        "r.xmin = was.xmin"
    };
    held(
        table,
        &format!("{table} AS r ON r.id = was.id AND was.ctid IS NOT NULL"),
        same,
    )
}

/// Rows are taken only where nobody holds them, and checked again as they are once they are taken.
fn held(table: &str, join: &str, same: &str) -> Sql {
    format!(
        "WITH held AS MATERIALIZED (SELECT r.ctid AS place FROM {ROWS} JOIN {join} WHERE {same} \
         FOR UPDATE OF r SKIP LOCKED) \
         DELETE FROM {table} AS gone USING held WHERE gone.ctid = held.place RETURNING gone.id"
    )
    .into()
}
