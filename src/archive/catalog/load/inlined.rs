//! Rows that DuckDB keeps in tables of the catalog: small inserts, and rows that it updated.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::Span;
use super::foreign_row::record;
use crate::Result;
use crate::archive::catalog::dialect::Sql;
use crate::archive::catalog::state::{ArchivedTable, InlinedRow};
use crate::archive::column::{Column, ColumnSource};
use crate::catalog_host::HostTransaction;
use crate::sql::quoted;

/// Inlined rows that became visible, and those that ceased to be.
#[derive(Debug, Default)]
pub(super) struct Changed {
    pub(super) begun: Vec<InlinedRow>,
    ended: HashSet<(Arc<str>, i64, i64)>,
}

impl Changed {
    pub(super) fn is_empty(&self) -> bool {
        self.begun.is_empty() && self.ended.is_empty()
    }

    /// Whether this row, with just this beginning, ended: an updated row goes on under the same id.
    pub(super) fn has_ended(&self, row: &InlinedRow) -> bool {
        !self.ended.is_empty()
            && self
                .ended
                .contains(&(Arc::clone(&row.table), row.row_id, row.begin_snapshot))
    }
}

/// The inlined rows of one table, over all versions of its columns.
pub(super) async fn rows(
    tx: &mut dyn HostTransaction,
    sql: Sql,
    id: i64,
    table: &ArchivedTable,
    span: Span,
) -> Result<Changed> {
    let select = format!(
        "SELECT table_name, schema_version FROM {} WHERE table_id = $1",
        sql.table("ducklake_inlined_data_tables")
    );
    let mut changed = Changed::default();
    for row in tx.query(&select, &[id.into()]).await? {
        let name: Arc<str> = row.text(0)?.into();
        let names = names_at(tx, sql, id, row.int(1)?).await?;
        read_table(tx, sql, &name, table, &names, span, &mut changed)
            .await
            .map_err(|error| error.with("table", &table.name))?;
    }
    Ok(changed)
}

/// The names that the columns had in one version of them, by field id.
async fn names_at(
    tx: &mut dyn HostTransaction,
    sql: Sql,
    id: i64,
    schema_version: i64,
) -> Result<HashMap<i64, String>> {
    let begun = format!(
        "SELECT max(v.begin_snapshot) FROM {} v WHERE v.table_id = $1 AND v.schema_version <= $2",
        sql.table("ducklake_schema_versions")
    );
    let select = format!(
        "SELECT c.column_id, c.column_name FROM {columns} c WHERE c.table_id = $1 AND c.parent_column IS NULL \
         AND c.begin_snapshot <= ({begun}) AND (c.end_snapshot IS NULL OR c.end_snapshot > ({begun}))",
        columns = sql.table("ducklake_column"),
    );
    let args = [id.into(), schema_version.into()];
    let mut names = HashMap::new();
    for row in tx.query(&select, &args).await? {
        names.insert(row.int(0)?, row.text(1)?.to_owned());
    }
    Ok(names)
}

async fn read_table(
    tx: &mut dyn HostTransaction,
    sql: Sql,
    name: &Arc<str>,
    table: &ArchivedTable,
    names: &HashMap<i64, String>,
    span: Span,
    changed: &mut Changed,
) -> Result<()> {
    let columns: Vec<&Column> = table
        .columns
        .iter()
        .filter(|column| column.source != ColumnSource::Foreign)
        .collect();
    let select = columns.iter().map(|column| match names.get(&column.id) {
        Some(name) => quoted(name),
        None => "NULL".to_owned(),
    });
    let condition = match span {
        Span::Live => "end_snapshot IS NULL".to_owned(),
        Span::Since(snapshot) => {
            format!("begin_snapshot > {snapshot} OR end_snapshot > {snapshot}")
        }
    };
    let select = format!(
        "SELECT row_id, begin_snapshot, end_snapshot, {} FROM {} WHERE {condition}",
        select.collect::<Vec<_>>().join(", "),
        sql.table(&quoted(name)),
    );
    for row in tx.query(&select, &[]).await? {
        if row.opt_int(2)?.is_some() {
            changed
                .ended
                .insert((Arc::clone(name), row.int(0)?, row.int(1)?));
            continue;
        }
        let record = record(&columns, row.0.get(3..).unwrap_or_default())
            .map_err(|error| error.with("inlined_table", name))?;
        changed.begun.push(InlinedRow {
            table: Arc::clone(name),
            row_id: row.int(0)?,
            begin_snapshot: row.int(1)?,
            record: Arc::new(record),
        });
    }
    Ok(())
}
