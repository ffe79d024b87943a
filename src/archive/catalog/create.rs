//! Creates a collection's table in the DuckLake.

use jiff::Timestamp;
use uuid::Uuid;

use super::bounds::type_name;
use super::changes::of_create;
use super::dialect::Sql;
use super::load::{Bound, delete_table};
use super::rows::insert;
use super::snapshot::{Begun, Newest, Step};
use crate::archive::column::{Column, ColumnSource, ColumnType, SystemColumn};
use crate::catalog_host::HostTransaction;
use crate::sql::{SqlValue, quoted};
use crate::{Error, Result};

/// A table that is to be created.
#[derive(Clone, Copy, Debug)]
pub(super) struct NewTable<'a> {
    pub(super) collection: &'a str,
    /// Every column; ids count up from 1.
    pub(super) columns: &'a [Column],
    pub(super) age: &'a str,
}

/// Creates the table and binds the collection to it; none if another writer of the catalog was faster.
///
/// # Errors
/// `Invalid`: the DuckLake has a table of this name that is not ours.
pub(super) async fn table(
    tx: &mut dyn HostTransaction,
    sql: Sql,
    new: NewTable<'_>,
    now: Timestamp,
) -> Result<Option<Bound>> {
    let newest = Newest::read(tx, sql).await?;
    let step = Step {
        schema_changes: true,
        catalog_ids: 1,
        changes: of_create(new.collection),
        message: "create",
        ..Step::default()
    };
    let Some(begun) = newest.begin_next(tx, sql, now, step).await? else {
        return Ok(None);
    };
    let table = newest.next_catalog_id;
    let version = newest.schema_version + 1;
    insert_table(tx, sql, new.collection, table, &begun).await?;
    insert_columns(tx, sql, new.columns, table, &begun).await?;
    let row = [begun.key.id.into(), version.into(), table.into()];
    let columns = ["begin_snapshot", "schema_version", "table_id"];
    insert(tx, sql, "ducklake_schema_versions", columns, &[row]).await?;
    create_delete_table(tx, sql, table).await?;
    create_data_table(tx, sql, new.columns, table, version).await?;
    let row = [new.collection.into(), table.into(), new.age.into()];
    let columns = ["name", "table_id", "age"];
    insert(tx, sql, "thermocline_collection", columns, &[row]).await?;
    Ok(Some(Bound {
        id: table,
        age: new.age.to_owned(),
    }))
}

async fn insert_table(
    tx: &mut dyn HostTransaction,
    sql: Sql,
    name: &str,
    table: i64,
    begun: &Begun,
) -> Result<()> {
    let select = format!(
        "SELECT schema_id FROM {} WHERE schema_name = 'main' AND end_snapshot IS NULL",
        sql.table("ducklake_schema")
    );
    let rows = tx.query(&select, &[]).await?;
    let Some(schema) = rows.first().map(|row| row.int(0)).transpose()? else {
        return Err(Error::unsupported(
            "the DuckLake in this database has no schema `main`; create it with DuckDB",
        ));
    };
    let select = format!(
        "SELECT count(*) FROM {} \
         WHERE schema_id = $1 AND lower(table_name) = lower($2) AND end_snapshot IS NULL",
        sql.table("ducklake_table")
    );
    let rows = tx.query(&select, &[schema.into(), name.into()]).await?;
    if rows.first().map(|row| row.int(0)).transpose()? != Some(0) {
        return Err(Error::invalid(
            "the DuckLake in this database has a table of this name that is no archive of ours; \
             rename it, or name the archive's table otherwise",
        )
        .with("table", name));
    }
    let row = [
        table.into(),
        Uuid::now_v7().to_string().into(),
        begun.key.id.into(),
        schema.into(),
        name.into(),
        folder(name, table).into(),
        true.into(),
    ];
    let columns = [
        "table_id",
        "table_uuid",
        "begin_snapshot",
        "schema_id",
        "table_name",
        "path",
        "path_is_relative",
    ];
    insert(tx, sql, "ducklake_table", columns, &[row]).await?;
    Ok(())
}

/// The folder of a table, ending in `/`: its name where that is plain, else what is plain of it and its id.
fn folder(name: &str, table: i64) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let plain: String = name.chars().filter(|c| is_plain(*c)).take(64).collect();
    if plain == name {
        format!("{plain}/")
    } else {
        format!("{plain}-{table}/")
    }
}

async fn insert_columns(
    tx: &mut dyn HostTransaction,
    sql: Sql,
    columns: &[Column],
    table: i64,
    begun: &Begun,
) -> Result<()> {
    let mut rows = Vec::new();
    let mut promoted = Vec::new();
    for column in columns {
        rows.push([
            column.id.into(),
            begun.key.id.into(),
            table.into(),
            column.id.into(),
            column.name.as_ref().into(),
            type_name(column.kind).into(),
            "NULL".into(),
            nulls_allowed(column).into(),
            "literal".into(),
            "duckdb".into(),
        ]);
        if let ColumnSource::Promoted(field) = &column.source {
            promoted.push([table.into(), column.id.into(), field.as_ref().into()]);
        }
    }
    let columns = [
        "column_id",
        "begin_snapshot",
        "table_id",
        "column_order",
        "column_name",
        "column_type",
        "default_value",
        "nulls_allowed",
        "default_value_type",
        "default_value_dialect",
    ];
    insert(tx, sql, "ducklake_column", columns, &rows).await?;
    let columns = ["table_id", "column_id", "field"];
    insert(tx, sql, "thermocline_column", columns, &promoted).await?;
    Ok(())
}

/// Whether somebody else's INSERT may leave the column out: all but the id. A row without `fields` is made of its
/// promoted columns.
fn nulls_allowed(column: &Column) -> bool {
    column.source != ColumnSource::System(SystemColumn::Id)
}

/// DuckDB remembers that a table has no inlined deletes, so theirs is made with it.
async fn create_delete_table(tx: &mut dyn HostTransaction, sql: Sql, table: i64) -> Result<()> {
    let name = delete_table(table);
    let deletes = sql.table(&name);
    let text =
        format!("CREATE TABLE {deletes} (file_id BIGINT, row_id BIGINT, begin_snapshot BIGINT)");
    tx.execute(&text, &[]).await?;
    for (index, columns) in [("row", "file_id, row_id"), ("snapshot", "begin_snapshot")] {
        let text =
            format!("CREATE INDEX thermocline_deleted_{index}_{table} ON {deletes} ({columns})");
        tx.execute(&text, &[]).await?;
    }
    Ok(())
}

/// The table for DuckDB's small inserts, as DuckDB makes it: if it came with the first of them, the version of the
/// columns would move.
async fn create_data_table(
    tx: &mut dyn HostTransaction,
    sql: Sql,
    columns: &[Column],
    table: i64,
    version: i64,
) -> Result<()> {
    let Some(types) = columns
        .iter()
        .map(|column| sql.inlined(column.kind))
        .collect::<Option<Vec<_>>>()
    else {
        return Ok(());
    };
    let name = format!("ducklake_inlined_data_{table}_{version}");
    let mut text = format!(
        "CREATE TABLE {} (row_id BIGINT, begin_snapshot BIGINT, end_snapshot BIGINT",
        sql.table(&name)
    );
    for (column, kind) in columns.iter().zip(types) {
        text.push_str(&format!(", {} {kind}", quoted(&column.name)));
    }
    text.push(')');
    tx.execute(&text, &[]).await?;
    let row: [SqlValue; 3] = [table.into(), name.into(), version.into()];
    let columns = ["table_id", "table_name", "schema_version"];
    insert(tx, sql, "ducklake_inlined_data_tables", columns, &[row]).await?;
    Ok(())
}

/// Refuses names that a table of a DuckLake cannot have beside each other.
///
/// # Errors
/// `Invalid`: a name is reserved, or equal to another without regard to case.
pub(crate) fn check_names(columns: &[Column]) -> Result<()> {
    let mut seen = std::collections::BTreeMap::new();
    for column in columns {
        if is_reserved(&column.name) {
            return Err(Error::invalid(
                "a field of this name cannot be a promoted column: DuckLake keeps the name for itself",
            )
            .with("column", &column.name));
        }
        if let Some(other) = seen.insert(column.name.to_lowercase(), &column.name) {
            return Err(Error::invalid(
                "two columns of the archive's table differ in case only; promote one of the fields",
            )
            .with("column", &column.name)
            .with("other", other));
        }
    }
    Ok(())
}

/// Whether DuckLake keeps a column name for itself: in tables of inlined rows, and in files.
pub(crate) fn is_reserved(name: &str) -> bool {
    let name = name.to_lowercase();
    name.is_empty()
        || name.starts_with("_ducklake_")
        || [
            "row_id",
            "begin_snapshot",
            "end_snapshot",
            "rowid",
            "snapshot_id",
            "filename",
            "file_row_number",
            "file_index",
        ]
        .contains(&&*name)
}

impl Sql {
    /// The type of a column in a table of inlined rows; none where DuckDB has to make the table itself.
    fn inlined(self, kind: ColumnType) -> Option<&'static str> {
        if !self.is_sqlite() {
            return None;
        }
        match kind {
            ColumnType::Text | ColumnType::Json | ColumnType::Time | ColumnType::Double => {
                Some("VARCHAR")
            }
            ColumnType::Integer | ColumnType::Boolean => Some("BIGINT"),
            ColumnType::Other => None,
        }
    }
}
