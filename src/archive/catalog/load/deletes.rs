//! Dead rows that stand in the catalog's own SQL.

use std::collections::BTreeMap;

use super::Span;
use crate::Result;
use crate::archive::catalog::dialect::Sql;
use crate::archive::catalog::rows::count;
use crate::archive::catalog::state::DeadRow;
use crate::catalog_host::HostTransaction;

/// The table in which a table's inlined deletes stand.
pub(in crate::archive::catalog) fn table_name(table: i64) -> String {
    format!("ducklake_inlined_delete_{table}")
}

/// Dead rows by data file. Rows of files that ended long ago may stand there too: nobody removes them.
pub(super) async fn inlined(
    tx: &mut dyn HostTransaction,
    sql: Sql,
    table: i64,
    span: Span,
) -> Result<BTreeMap<i64, Vec<DeadRow>>> {
    let name = table_name(table);
    let deletes = sql.table(&name);
    let (condition, value) = match span {
        Span::Live => {
            let files = sql.table("ducklake_data_file");
            let live = format!(
                "SELECT data_file_id FROM {files} WHERE table_id = $1 AND end_snapshot IS NULL"
            );
            (format!("file_id IN ({live})"), table)
        }
        Span::Since(snapshot) => ("begin_snapshot > $1".to_owned(), snapshot),
    };
    let select = format!("SELECT file_id, row_id, begin_snapshot FROM {deletes} WHERE {condition}");
    let mut dead: BTreeMap<i64, Vec<DeadRow>> = BTreeMap::new();
    for row in tx.query(&select, &[value.into()]).await? {
        dead.entry(row.int(0)?).or_default().push(DeadRow {
            position: count(&row, 1)?,
            snapshot: row.int(2)?,
        });
    }
    Ok(dead)
}
