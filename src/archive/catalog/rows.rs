//! Rows to and from the catalog.

use super::dialect::Sql;
use super::schema;
use crate::catalog_host::HostTransaction;
use crate::sql::{SqlRow, SqlValue};
use crate::{Error, Result};

/// The most values that one statement binds: SQLite takes 32,766.
const MOST_VALUES: usize = 30_000;

/// Inserts rows, many to a statement, each with a value for every one of `columns`.
pub(super) async fn insert<const N: usize>(
    tx: &mut dyn HostTransaction,
    sql: Sql,
    table: &str,
    columns: [&str; N],
    rows: &[[SqlValue; N]],
) -> Result<u64> {
    let kinds = columns.map(|column| schema::kind(table, column));
    let names = columns.map(|column| format!("\"{column}\"")).join(", ");
    let head = format!("INSERT INTO {} ({names}) VALUES ", sql.table(table));
    let mut inserted = 0;
    for chunk in rows.chunks((MOST_VALUES / N).max(1)) {
        let mut text = head.clone();
        for row in 0..chunk.len() {
            text.push_str(if row == 0 { "(" } else { ", (" });
            for (column, kind) in kinds.iter().enumerate() {
                let separator = if column == 0 { "" } else { ", " };
                text.push_str(separator);
                text.push_str(&sql.bind(row * N + column + 1, *kind));
            }
            text.push(')');
        }
        let values: Vec<SqlValue> = chunk.iter().flatten().cloned().collect();
        inserted += tx.execute(&text, &values).await?;
    }
    Ok(inserted)
}

/// A count or a size of the catalog's.
pub(super) fn count(row: &SqlRow, column: usize) -> Result<u64> {
    let value = row.int(column)?;
    u64::try_from(value).map_err(|_| {
        Error::corrupt("a count in the archive's catalog is negative").with("value", value)
    })
}

/// A count or a size of the catalog's that may be NULL.
pub(super) fn opt_count(row: &SqlRow, column: usize) -> Result<Option<u64>> {
    match row.opt_int(column)? {
        Some(_) => count(row, column).map(Some),
        None => Ok(None),
    }
}

/// Numbers with commas between.
pub(super) fn list(numbers: impl IntoIterator<Item = i64>) -> String {
    let numbers: Vec<String> = numbers.into_iter().map(|id| id.to_string()).collect();
    numbers.join(",")
}
