//! Inlined deletes that become a delete file.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::Touched;
use crate::Result;
use crate::archive::catalog::bounds::time_text;
use crate::archive::catalog::change::NewDeleteFile;
use crate::archive::catalog::dialect::{Sql, int};
use crate::archive::catalog::load::delete_table;
use crate::archive::catalog::rows::insert;
use crate::catalog_host::HostTransaction;
use crate::fault::mutation;
use crate::sql::SqlValue;

/// Positions that one statement deletes.
const POSITIONS: usize = 5_000;

/// Puts a delete file in the place of the one before and of the inlined deletes in it; false if one of them is gone.
///
/// The row of the one before is deleted, not ended: the new one begins with the first death, and two that overlap are
/// two that count.
pub(super) async fn file(
    tx: &mut dyn HostTransaction,
    sql: Sql,
    touched: &Touched<'_>,
    file: &NewDeleteFile,
    id: i64,
    (snapshot, now): (i64, Timestamp),
) -> Result<bool> {
    if let Some(old) = &file.replaced {
        let files = sql.table("ducklake_delete_file");
        let statement = if mutation("flush_end_snapshot") {
            format!("UPDATE {files} SET end_snapshot = {snapshot} WHERE delete_file_id = $1")
        } else {
            format!("DELETE FROM {files} WHERE delete_file_id = $1")
        };
        if tx.execute(&statement, &[old.id.into()]).await? != 1 {
            return Ok(false);
        }
        let row = [
            old.id.into(),
            (&*old.path).into(),
            true.into(),
            time_text(now.as_microsecond()).into(),
        ];
        let columns = ["data_file_id", "path", "path_is_relative", "schedule_start"];
        let scheduled = "ducklake_files_scheduled_for_deletion";
        insert(tx, sql, scheduled, columns, &[row]).await?;
    }
    if !forget(tx, sql, touched, file).await? {
        return Ok(false);
    }
    let path = touched.within_table(&file.path)?;
    let row = [
        id.into(),
        touched.table_id.into(),
        file.begin_snapshot.into(),
        file.data_file.into(),
        path.into(),
        true.into(),
        "parquet".into(),
        int(file.rows),
        int(file.size),
        int(file.footer_size),
        file.partial_max.map_or(SqlValue::Null, SqlValue::from),
    ];
    insert(tx, sql, "ducklake_delete_file", COLUMNS, &[row]).await?;
    Ok(true)
}

/// Deletes exactly the inlined deletes that the file took over; false if one was not there. A row that is noted twice goes
/// with both: what stayed would be dead in two places, and DuckDB shows such a row.
async fn forget(
    tx: &mut dyn HostTransaction,
    sql: Sql,
    touched: &Touched<'_>,
    file: &NewDeleteFile,
) -> Result<bool> {
    let name = delete_table(touched.table_id);
    let table = sql.table(&name);
    let args = [file.data_file.into()];
    if mutation("flush_deletes_all_inlined") {
        let all = format!("DELETE FROM {table} WHERE file_id = $1");
        tx.execute(&all, &args).await?;
        return Ok(true);
    }
    for rows in file.inlined.chunks(POSITIONS) {
        let positions = rows.iter().map(|dead| dead.position.to_string());
        let delete = format!(
            "DELETE FROM {table} WHERE file_id = $1 AND row_id IN ({}) RETURNING row_id",
            positions.collect::<Vec<_>>().join(",")
        );
        let mut gone = BTreeSet::new();
        for row in tx.query(&delete, &args).await? {
            gone.insert(row.int(0)?);
        }
        if gone.len() != rows.len() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Of each data file that had another delete file before, the snapshot at which the last of those ended.
pub(in crate::archive::catalog) async fn former_delete_files(
    tx: &mut dyn HostTransaction,
    sql: Sql,
    table: i64,
) -> Result<BTreeMap<i64, i64>> {
    let select = format!(
        "SELECT data_file_id, max(end_snapshot) FROM {} \
         WHERE table_id = $1 AND end_snapshot IS NOT NULL GROUP BY data_file_id",
        sql.table("ducklake_delete_file")
    );
    let rows = tx.query(&select, &[table.into()]).await?;
    rows.iter()
        .map(|row| Ok((row.int(0)?, row.int(1)?)))
        .collect()
}

const COLUMNS: [&str; 11] = [
    "delete_file_id",
    "table_id",
    "begin_snapshot",
    "data_file_id",
    "path",
    "path_is_relative",
    "format",
    "delete_count",
    "file_size_bytes",
    "footer_size",
    "partial_max",
];
