//! Deleting rows that are still exactly as they were read.
//!
//! There is no counter of versions in a row, so a row is the same if every column is, storage class included. A row that
//! was changed and changed back is the same row again: what was archived of it is what stands there.

use std::fmt::Write;
use std::sync::Arc;

use super::layout::Table;
use super::lease::Lease;
use super::read::placeholders;
use super::row::{self, Args, COLUMNS, RawRow, sql_row};
use crate::{Error, Record, RecordId, Result, fault};

/// How many rows one statement compares; smaller rests use the next sizes, so that few texts are ever prepared.
const ROWS: [usize; 4] = [256, 32, 4, 1];

/// Deletes those of `rows` that are still as they were read; which ones.
pub(super) async fn delete(
    lease: &mut Lease,
    table: &Table,
    rows: &[Arc<Record>],
) -> Result<Vec<RecordId>> {
    if fault::mutation("unconditional_delete") {
        return delete_all(lease, table, rows).await;
    }
    let mut deleted = Vec::with_capacity(rows.len());
    let mut rest = rows;
    for size in ROWS {
        while rest.len() >= size {
            let (now, later) = rest.split_at(size);
            let mut args = Args::with_capacity(size * COLUMNS.len());
            for record in now {
                let RawRow(columns) = &*as_read(record)?;
                columns.iter().for_each(|column| args.add(column));
            }
            for row in lease.fetch(&sql(table, size).into(), args.finish()).await? {
                deleted.push(RecordId::stored(sql_row(&row)?.text(0)?));
            }
            rest = later;
        }
    }
    Ok(deleted)
}

/// The columns of a record as they were when it was read.
fn as_read(record: &Record) -> Result<Arc<RawRow>> {
    match record.hint() {
        None => row::columns(record).map(Arc::new),
        Some(hint) => Arc::clone(hint).downcast().map_err(|_| {
            Error::invalid(
                "only a record that was read from this database can be deleted unchanged",
            )
            .with("id", record.id())
        }),
    }
}

fn sql(table: &Table, rows: usize) -> String {
    let table = table.quoted();
    let mut sql = format!("DELETE FROM {table} WHERE rowid IN (SELECT now.rowid FROM (VALUES ");
    for row in 0..rows {
        if row > 0 {
            sql.push_str(", ");
        }
        placeholders(&mut sql, COLUMNS.len());
    }
    // Writing to a String cannot fail.
    let _ = write!(
        sql,
        ") AS was CROSS JOIN {table} AS now ON now.id COLLATE BINARY = was.column1 WHERE typeof(now.id) = 'text'"
    );
    for (index, column) in COLUMNS.into_iter().enumerate().skip(1) {
        let was = format!("was.column{}", index + 1);
        let unseen = (fault::mutation("delete_by_id_only"))
            || (fault::mutation("delete_by_updated_at") && column != "updated_at");
        let _ = if unseen {
            Ok(())
        } else if fault::mutation("equals_without_storage_class") {
            write!(
                sql,
                " AND CAST(now.{column} AS TEXT) IS CAST({was} AS TEXT)"
            )
        } else {
            // The sign takes the column's type away: it would turn '1' into 1 before it compares.
            write!(
                sql,
                " AND +now.{column} COLLATE BINARY IS {was} AND typeof(now.{column}) = typeof({was})"
            )
        };
    }
    sql.push_str(") RETURNING id");
    sql
}

/// What a move must not do: the mutation `unconditional_delete`.
async fn delete_all(
    lease: &mut Lease,
    table: &Table,
    rows: &[Arc<Record>],
) -> Result<Vec<RecordId>> {
    let sql: Arc<str> = format!("DELETE FROM {} WHERE id = $1", table.quoted()).into();
    for record in rows {
        let mut args = Args::default();
        args.text(record.id().as_str());
        lease.execute(&sql, args.finish()).await?;
    }
    Ok(rows.iter().map(|record| record.id().clone()).collect())
}
