//! Whether what is touched is still exactly what it was.

use std::collections::{BTreeMap, BTreeSet};

use super::Touched;
use crate::Result;
use crate::archive::catalog::dialect::Sql;
use crate::archive::catalog::load::{delete_table, each_once};
use crate::archive::catalog::rows::{count, list};
use crate::archive::catalog::state::DeadRow;
use crate::catalog_host::HostTransaction;
use crate::fault::mutation;

/// Compares the touched files with the state that the change was decided on: still live, the same delete file, the
/// same dead rows. Sets are compared, never counts: a row that came back and another that died are two changes. A row that
/// is noted twice is dead once, from its first death on, as it was read.
pub(super) async fn is_unchanged(
    tx: &mut dyn HostTransaction,
    sql: Sql,
    touched: &Touched<'_>,
) -> Result<bool> {
    let files = touched.files();
    if files.is_empty() {
        return Ok(true);
    }
    let ids = list(files.iter().copied());
    let select = format!(
        "SELECT data_file_id FROM {} WHERE table_id = $1 AND data_file_id IN ({ids}) AND end_snapshot IS NULL",
        sql.table("ducklake_data_file")
    );
    let mut live = BTreeSet::new();
    for row in tx.query(&select, &[touched.table_id.into()]).await? {
        live.insert(row.int(0)?);
    }
    if live != files {
        return Ok(false);
    }
    let select = format!(
        "SELECT data_file_id, delete_file_id FROM {} \
         WHERE table_id = $1 AND data_file_id IN ({ids}) AND end_snapshot IS NULL",
        sql.table("ducklake_delete_file")
    );
    let mut delete_files = BTreeSet::new();
    for row in tx.query(&select, &[touched.table_id.into()]).await? {
        delete_files.insert((row.int(0)?, row.int(1)?));
    }
    let select = format!(
        "SELECT file_id, row_id, begin_snapshot FROM {} WHERE file_id IN ({ids})",
        sql.table(&delete_table(touched.table_id))
    );
    let mut dead: BTreeMap<i64, Vec<DeadRow>> = BTreeMap::new();
    for row in tx.query(&select, &[]).await? {
        dead.entry(row.int(0)?).or_default().push(DeadRow {
            position: count(&row, 1)?,
            snapshot: row.int(2)?,
        });
    }
    dead.values_mut().for_each(each_once);
    for id in files {
        let Some(file) = touched.base.file(id) else {
            return Ok(false);
        };
        let known = file.delete_file.as_ref().map(|delete| (id, delete.id));
        if delete_files
            .range((id, i64::MIN)..=(id, i64::MAX))
            .copied()
            .collect::<Vec<_>>()
            != known.into_iter().collect::<Vec<_>>()
        {
            return Ok(false);
        }
        let found = dead.remove(&id).unwrap_or_default();
        let is_same = if mutation("validate_by_count") {
            file.dead.len() == found.len()
        } else {
            *file.dead == *found
        };
        if !is_same {
            return Ok(false);
        }
    }
    Ok(true)
}
