//! Deleting rows that are still exactly as they were read.
//!
//! There is no counter of versions in a row, so a row is the same if every column is, storage class included. A row that
//! was changed and changed back is the same row again: what was archived of it is what stands there.
//!
//! First the rows are found, then they go by their row ids, both under the write lock that the transaction has taken.

use std::fmt::Write;
use std::sync::Arc;

use futures::join;
use sqlx::sqlite::{SqliteArguments, SqliteRow};

use super::layout::Table;
use super::lease::{Lease, Sql};
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
    let remove = Sql::from(format!(
        "DELETE FROM {} WHERE rowid IN (SELECT value FROM json_each($1))",
        table.quoted()
    ));
    let finds = ROWS.map(|rows| (rows, Sql::from(select(table, rows))));
    let mut deleted = Vec::with_capacity(rows.len());
    let mut parts = parts(rows, &finds);
    let mut next = parts.next().transpose()?;
    while let Some(part) = next {
        // While SQLite looks for these rows, the values of the next ones are gathered.
        let (found, after) = join!(lease.fetch(part.find, part.values), async {
            parts.next().transpose()
        });
        let (places, row_ids) = places(&found?, part.rows.len())?;
        let mut args = Args::with_capacity(1);
        args.text(&row_ids);
        let gone = lease.execute(&remove, args.finish()).await?;
        if gone != places.len() as u64 {
            return Err(Error::unexpected(
                "SQLite did not delete the very rows that it had just found; does a trigger keep them?",
            )
            .with("found", places.len())
            .with("deleted", gone));
        }
        deleted.extend(places.iter().map(|place| part.rows[*place].id().clone()));
        next = after?;
    }
    Ok(deleted)
}

/// Cuts rows into parts, each with the statement for so many.
fn parts<'a>(
    mut rows: &'a [Arc<Record>],
    finds: &'a [(usize, Sql)],
) -> impl Iterator<Item = Result<Part<'a>>> {
    std::iter::from_fn(move || {
        let (size, find) = finds.iter().find(|(size, _)| *size <= rows.len())?;
        let part;
        (part, rows) = rows.split_at(*size);
        Some(Part::of(part, find))
    })
}

/// Rows that one statement compares, and the values that it compares them with.
struct Part<'a> {
    rows: &'a [Arc<Record>],
    find: &'a Sql,
    values: SqliteArguments,
}

impl<'a> Part<'a> {
    fn of(rows: &'a [Arc<Record>], find: &'a Sql) -> Result<Self> {
        let mut args = Args::with_capacity(rows.len() * COLUMNS.len());
        for record in rows {
            let RawRow(columns) = &*as_read(record)?;
            columns.iter().for_each(|column| args.add(column));
        }
        Ok(Self {
            rows,
            find,
            values: args.finish(),
        })
    }
}

/// Reads the answer to [`select`]: places below `count`, and row ids as a JSON array.
fn places(answer: &[SqliteRow], count: usize) -> Result<(Vec<usize>, String)> {
    let unreadable = || Error::unexpected("SQLite did not answer which rows it found");
    let answer = sql_row(answer.first().ok_or_else(unreadable)?)?;
    let places: Vec<usize> =
        serde_json::from_str(answer.text(0)?).map_err(|error| unreadable().with_source(error))?;
    match places.iter().all(|place| *place < count) {
        true => Ok((places, answer.text(1)?.to_owned())),
        false => Err(unreadable()),
    }
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

/// Asks which of `rows` rows are still as they were: their places and their row ids, as two arrays.
///
/// It is one row of an answer: each row that the driver hands over wakes a thread.
fn select(table: &Table, rows: usize) -> String {
    let table = table.quoted();
    let mut sql = String::from(
        "SELECT json_group_array(was.column1), json_group_array(now.rowid) FROM (VALUES ",
    );
    for row in 0..rows {
        sql.push_str(if row == 0 { "(" } else { ", (" });
        sql.push_str(&row.to_string());
        sql.push_str(&", ?".repeat(COLUMNS.len()));
        sql.push(')');
    }
    // Writing to a String cannot fail.
    let _ = write!(
        sql,
        ") AS was CROSS JOIN {table} AS now ON now.id COLLATE BINARY = was.column2 WHERE typeof(now.id) = 'text'"
    );
    for (index, column) in COLUMNS.into_iter().enumerate().skip(1) {
        let was = format!("was.column{}", index + 2);
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
