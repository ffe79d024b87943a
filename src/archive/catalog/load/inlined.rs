//! Rows that DuckDB keeps in tables of the catalog: small inserts, and rows that it updated.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::Span;
use crate::archive::catalog::bounds::time_of;
use crate::archive::catalog::dialect::Sql;
use crate::archive::catalog::state::{ArchivedTable, InlinedRow};
use crate::archive::column::SystemColumn;
use crate::catalog_host::HostTransaction;
use crate::record::{HashLayout, Stamp};
use crate::sql::{SqlRow, SqlValue, quoted};
use crate::{Error, Record, RecordId, Result, json};

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
        let columns = columns_at(tx, sql, id, row.int(1)?).await?;
        read_table(tx, sql, &name, &columns, span, &mut changed)
            .await
            .map_err(|error| error.with("table", &table.name))?;
    }
    Ok(changed)
}

/// The names that the system columns had in one version of the table's columns; none for a column that was not there.
async fn columns_at(
    tx: &mut dyn HostTransaction,
    sql: Sql,
    id: i64,
    schema_version: i64,
) -> Result<[Option<String>; 7]> {
    let select = format!(
        "SELECT c.column_id, c.column_name FROM {columns} c WHERE c.table_id = $1 AND c.parent_column IS NULL \
         AND c.begin_snapshot <= v.begin_snapshot AND (c.end_snapshot IS NULL OR c.end_snapshot > v.begin_snapshot)",
        columns = sql.table("ducklake_column"),
    );
    let select = select.replace("v.begin_snapshot", &format!(
        "(SELECT max(v.begin_snapshot) FROM {} v WHERE v.table_id = $1 AND v.schema_version <= $2)",
        sql.table("ducklake_schema_versions")
    ));
    let mut names = [const { None }; 7];
    for row in tx
        .query(&select, &[id.into(), schema_version.into()])
        .await?
    {
        let column = row.int(0)?;
        for (system, name) in SystemColumn::ALL.iter().zip(&mut names) {
            if system.id() == column {
                *name = Some(row.text(1)?.to_owned());
            }
        }
    }
    Ok(names)
}

async fn read_table(
    tx: &mut dyn HostTransaction,
    sql: Sql,
    name: &Arc<str>,
    columns: &[Option<String>; 7],
    span: Span,
    changed: &mut Changed,
) -> Result<()> {
    let columns = columns.each_ref().map(|column| match column {
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
        "SELECT row_id, begin_snapshot, end_snapshot, {} FROM {} WHERE {condition} ORDER BY row_id, begin_snapshot",
        columns.join(", "),
        sql.table(&quoted(name)),
    );
    for row in tx.query(&select, &[]).await? {
        if row.opt_int(2)?.is_some() {
            changed
                .ended
                .insert((Arc::clone(name), row.int(0)?, row.int(1)?));
            continue;
        }
        let record = record(&row).map_err(|error| {
            error
                .with("inlined_table", name)
                .with("row_id", format_args!("{:?}", row.get(0)))
        })?;
        changed.begun.push(InlinedRow {
            table: Arc::clone(name),
            row_id: row.int(0)?,
            begin_snapshot: row.int(1)?,
            record: Arc::new(record),
        });
    }
    Ok(())
}

/// The record in a row whose columns from the fourth on are the system columns, in their order.
fn record(row: &SqlRow) -> Result<Record> {
    let column = |system: SystemColumn| SystemColumn::ALL.iter().position(|known| *known == system);
    let text = |system| match column(system).map(|index| row.get(index + 3)) {
        None | Some(SqlValue::Null) => Ok(None),
        Some(SqlValue::Text(text)) => Ok(Some(&**text)),
        // In PostgreSQL, DuckDB keeps text as bytes.
        Some(SqlValue::Blob(bytes)) => std::str::from_utf8(bytes).map(Some).map_err(|_| {
            Error::corrupt("text in the archive that is not UTF-8").with("column", system)
        }),
        Some(_) => {
            Err(Error::corrupt("a value of the archive that is no text").with("column", system))
        }
    };
    let need = |system| {
        text(system)?.ok_or_else(|| {
            Error::corrupt(
                "a row that another program wrote into the archive lacks what every record needs; \
                 give it a value or delete it",
            )
            .with("column", system)
        })
    };
    let time = |system| -> Result<Option<Timestamp>> { Ok(text(system)?.and_then(time_of)) };
    let id = need(SystemColumn::Id)?;
    let fields = object(need(SystemColumn::Fields)?, id, SystemColumn::Fields)?;
    let metadata = text(SystemColumn::Metadata)?
        .map(|text| object(text, id, SystemColumn::Metadata))
        .transpose()?;
    Ok(Record::stored(
        RecordId::stored(id),
        fields,
        metadata,
        Stamp::Hash(HashLayout::Archive),
    )
    .with_times(
        time(SystemColumn::CreatedAt)?,
        time(SystemColumn::UpdatedAt)?,
    ))
}

fn object(text: &str, id: &str, column: SystemColumn) -> Result<Box<str>> {
    json::validate_object(text).map_err(|error| {
        Error::corrupt(
            "a row that another program wrote into the archive is no record; correct it or delete it",
        )
        .with("id", id)
        .with("column", column)
        .with("problem", error)
    })?;
    Ok(text.into())
}
