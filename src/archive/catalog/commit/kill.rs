//! Rows that die, and files that end.

use super::Touched;
use crate::Result;
use crate::archive::catalog::dialect::{Sql, int};
use crate::archive::catalog::load::delete_table;
use crate::archive::catalog::rows::{insert, list};
use crate::catalog_host::HostTransaction;
use crate::sql::{SqlValue, quoted};

/// The columns of a table of inlined deletes.
pub(super) const DELETE_COLUMNS: [&str; 3] = ["file_id", "row_id", "begin_snapshot"];

impl Touched<'_> {
    /// Marks rows dead; false if one of them is no longer what it was.
    pub(super) async fn kill(
        &self,
        tx: &mut dyn HostTransaction,
        sql: Sql,
        snapshot: i64,
    ) -> Result<bool> {
        let mut rows: Vec<[SqlValue; 3]> = Vec::new();
        for (file, positions) in &self.dead {
            rows.extend(
                positions
                    .iter()
                    .map(|at| [(*file).into(), int(*at), snapshot.into()]),
            );
        }
        insert(tx, sql, &delete_table(self.table_id), DELETE_COLUMNS, &rows).await?;
        for (table, row_id) in &self.inlined {
            let update = format!(
                "UPDATE {} SET end_snapshot = $1 WHERE row_id = $2 AND end_snapshot IS NULL",
                sql.table(&quoted(table))
            );
            if tx
                .execute(&update, &[snapshot.into(), (*row_id).into()])
                .await?
                != 1
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Ends whole files; false if one of them is no longer what it was.
    pub(super) async fn end(
        &self,
        tx: &mut dyn HostTransaction,
        sql: Sql,
        snapshot: i64,
    ) -> Result<bool> {
        if self.ended.is_empty() {
            return Ok(true);
        }
        let ids = list(self.ended.iter().copied());
        let args = [snapshot.into(), self.table_id.into()];
        let condition =
            format!("table_id = $2 AND data_file_id IN ({ids}) AND end_snapshot IS NULL");
        let files = sql.table("ducklake_delete_file");
        let update = format!("UPDATE {files} SET end_snapshot = $1 WHERE {condition}");
        tx.execute(&update, &args).await?;
        let files = sql.table("ducklake_data_file");
        let update = format!("UPDATE {files} SET end_snapshot = $1 WHERE {condition}");
        let ended = tx.execute(&update, &args).await?;
        Ok(usize::try_from(ended) == Ok(self.ended.len()))
    }
}
