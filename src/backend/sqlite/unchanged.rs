//! Deleting rows that are still exactly as they were read.
//!
//! There is no counter of versions in a row, so a row is the same if every column is, storage class included. A row that
//! was changed and changed back is the same row again: what was archived of it is what stands there.
//!
//! First the rows are found, then they go by their row ids, both under the write lock that the transaction has taken: a
//! `DELETE .. RETURNING` over the same comparison makes SQLite copy every page that it touches into a temporary file, for
//! the case that the statement fails half way.

use std::fmt::Write;
use std::sync::Arc;

use super::layout::Table;
use super::lease::{Lease, Sql};
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
        if rest.len() < size {
            continue;
        }
        let (which, away) = (
            Sql::from(select(table, size)),
            Sql::from(remove(table, size)),
        );
        while rest.len() >= size {
            let (now, later) = rest.split_at(size);
            let mut args = Args::with_capacity(size * COLUMNS.len());
            for record in now {
                let RawRow(columns) = &*as_read(record)?;
                columns.iter().for_each(|column| args.add(column));
            }
            let found = lease.fetch(&which, args.finish()).await?;
            let mut args = Args::with_capacity(size);
            for row in &found {
                let row = sql_row(row)?;
                args.add(row.get(0));
                deleted.push(RecordId::stored(row.text(1)?));
            }
            (found.len()..size).for_each(|_| args.null());
            let gone = lease.execute(&away, args.finish()).await?;
            if gone != found.len() as u64 {
                return Err(Error::unexpected(
                    "SQLite did not delete the very rows that it had just found; does a trigger keep them?",
                )
                .with("found", found.len())
                .with("deleted", gone));
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

/// Which of `rows` rows are still as they were.
fn select(table: &Table, rows: usize) -> String {
    let table = table.quoted();
    let mut sql = String::from("SELECT now.rowid, now.id FROM (VALUES ");
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
    sql
}

/// Deletes rows by their row ids.
fn remove(table: &Table, rows: usize) -> String {
    let mut sql = format!("DELETE FROM {} WHERE rowid IN ", table.quoted());
    placeholders(&mut sql, rows);
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
