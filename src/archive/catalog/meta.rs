//! Making the catalog's tables, and what they say about the catalog itself.

use jiff::Timestamp;
use uuid::Uuid;

use super::bounds::time_text;
use super::dialect::Sql;
use super::rows::insert;
use super::scheduled::DELETE_OLDER_THAN;
use super::schema::{DUCKLAKE, INDEXES, OURS};
use super::snapshot::{VERSION, check_version};
use crate::catalog_host::HostTransaction;
use crate::sql::SqlValue;
use crate::{Error, Result};

/// The layout of our own tables; a later release that changes them counts it up.
const LAYOUT: &str = "1";

/// Whether there is nothing to make: the catalog and our tables are there, of versions that we know.
///
/// # Errors
/// As [`init`].
pub(super) async fn is_ready(tx: &mut dyn HostTransaction, sql: Sql) -> Result<bool> {
    // A table of ours that came with a later release may be missing beside older ones.
    let ours = OURS.iter().map(|table| table.name);
    for table in std::iter::once("ducklake_metadata").chain(ours) {
        let found = tx.query(sql.table_exists(), &[table.into()]).await?;
        if found.first().map(|row| row.int(0)).transpose()? != Some(1) {
            return Ok(false);
        }
    }
    check_catalog(tx, sql).await?;
    Ok(layout(tx, sql).await?.is_some())
}

/// Makes the catalog where there is none, and our tables beside a catalog that DuckDB made.
///
/// # Errors
/// `Unsupported`: a version of DuckLake or a layout that we do not know, or an encrypted catalog.
pub(super) async fn init(
    tx: &mut dyn HostTransaction,
    sql: Sql,
    root: &str,
    now: Timestamp,
) -> Result<()> {
    for statement in sql.prologue() {
        tx.execute(statement, &[]).await?;
    }
    let found = tx
        .query(sql.table_exists(), &["ducklake_metadata".into()])
        .await?;
    let is_new = found.first().map(|row| row.int(0)).transpose()? != Some(1);
    if !is_new {
        check_catalog(tx, sql).await?;
    }
    for table in DUCKLAKE.iter().chain(&OURS) {
        tx.execute(&table.create(sql), &[]).await?;
    }
    for (name, table, columns) in INDEXES {
        let table = sql.table(table);
        let text = format!("CREATE INDEX IF NOT EXISTS {name} ON {table} ({columns})");
        tx.execute(&text, &[]).await?;
    }
    if is_new {
        first_rows(tx, sql, root, now).await?;
    }
    bind_layout(tx, sql).await
}

/// The rows that every catalog begins with.
async fn first_rows(
    tx: &mut dyn HostTransaction,
    sql: Sql,
    root: &str,
    now: Timestamp,
) -> Result<()> {
    let created_by = concat!("Thermocline ", env!("CARGO_PKG_VERSION"));
    let rows = [
        ("version", VERSION),
        ("created_by", created_by),
        ("data_path", root),
        ("encrypted", "false"),
        // How old an upload must be that other programs take for an orphan.
        ("delete_older_than", DELETE_OLDER_THAN),
    ];
    let rows = rows.map(|(key, value)| [key.into(), value.into()]);
    insert(tx, sql, "ducklake_metadata", ["key", "value"], &rows).await?;
    let time = time_text(now.as_microsecond());
    let row: [SqlValue; 5] = [0.into(), time.into(), 0.into(), 1.into(), 0.into()];
    let columns = [
        "snapshot_id",
        "snapshot_time",
        "schema_version",
        "next_catalog_id",
        "next_file_id",
    ];
    insert(tx, sql, "ducklake_snapshot", columns, &[row]).await?;
    let row = [0.into(), "created_schema:\"main\"".into()];
    let columns = ["snapshot_id", "changes_made"];
    insert(tx, sql, "ducklake_snapshot_changes", columns, &[row]).await?;
    let row = [
        0.into(),
        Uuid::now_v7().to_string().into(),
        0.into(),
        "main".into(),
        "main/".into(),
        true.into(),
    ];
    let columns = [
        "schema_id",
        "schema_uuid",
        "begin_snapshot",
        "schema_name",
        "path",
        "path_is_relative",
    ];
    insert(tx, sql, "ducklake_schema", columns, &[row]).await?;
    Ok(())
}

async fn check_catalog(tx: &mut dyn HostTransaction, sql: Sql) -> Result<()> {
    check_version(metadata(tx, sql, "version").await?.as_deref())?;
    if metadata(tx, sql, "encrypted").await?.as_deref() == Some("true") {
        return Err(Error::unsupported(
            "the DuckLake in this database is encrypted; keep the archive in another database",
        ));
    }
    Ok(())
}

/// The layout of our own tables, if it is written down yet.
///
/// # Errors
/// `Unsupported`: a later release wrote it.
async fn layout(tx: &mut dyn HostTransaction, sql: Sql) -> Result<Option<()>> {
    let select = format!(
        "SELECT value FROM {} WHERE key = 'layout'",
        sql.table("thermocline_meta")
    );
    let rows = tx.query(&select, &[]).await?;
    match rows.first().map(|row| row.text(0)).transpose()? {
        None => Ok(None),
        Some(LAYOUT) => Ok(Some(())),
        Some(other) => Err(Error::unsupported(
            "this archive was written by a later release of thermocline; use that one",
        )
        .with("layout", other)
        .with("known", LAYOUT)),
    }
}

/// Writes the layout and the incarnation, once.
async fn bind_layout(tx: &mut dyn HostTransaction, sql: Sql) -> Result<()> {
    if layout(tx, sql).await?.is_none() {
        let incarnation = Uuid::now_v7().to_string();
        let rows = [
            ["layout".into(), LAYOUT.into()],
            ["incarnation".into(), incarnation.into()],
        ];
        insert(tx, sql, "thermocline_meta", ["key", "value"], &rows).await?;
    }
    Ok(())
}

/// A value that the catalog keeps about itself.
pub(super) async fn metadata(
    tx: &mut dyn HostTransaction,
    sql: Sql,
    key: &str,
) -> Result<Option<String>> {
    let table = sql.table("ducklake_metadata");
    let select = format!("SELECT value FROM {table} WHERE key = $1 AND scope IS NULL");
    let rows = tx.query(&select, &[key.into()]).await?;
    let value = rows.first().map(|row| row.text(0)).transpose()?;
    Ok(value.map(str::to_owned))
}

/// Whether files of any table lie, or once lay, where the catalog says.
pub(super) async fn knows_of_files(tx: &mut dyn HostTransaction, sql: Sql) -> Result<bool> {
    let table = sql.table("ducklake_data_file");
    let select = format!("SELECT data_file_id FROM {table} LIMIT 1");
    Ok(!tx.query(&select, &[]).await?.is_empty())
}

/// Sets where foreign readers look for the files.
pub(super) async fn set_data_path(
    tx: &mut dyn HostTransaction,
    sql: Sql,
    root: &str,
) -> Result<()> {
    let table = sql.table("ducklake_metadata");
    let update = format!("UPDATE {table} SET value = $1 WHERE key = 'data_path' AND scope IS NULL");
    tx.execute(&update, &[root.into()]).await?;
    Ok(())
}
