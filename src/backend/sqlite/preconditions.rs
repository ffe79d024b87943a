//! What a move needs of a table: checked before the first one, refused with the reason.

use super::layout::Table;
use super::lease::Lease;
use super::pushdown::Place;
use super::row::{Args, COLUMNS, sql_row};
use crate::sql::{SqlRow, SqlValue, quoted};
use crate::{Age, Error, Result};

/// Checks the table, and makes the index on the age if the table is ours.
///
/// # Errors
/// `Unsupported`: records would be lost or torn, or the age has no index.
pub(super) async fn prepare(lease: &mut Lease, table: &Table, age: &Age) -> Result<()> {
    check_file(lease, table).await?;
    check_columns(lease, table).await?;
    check_key(lease, table).await?;
    check_references(lease, table).await?;
    check_triggers(lease, table).await?;
    index_age(lease, table, age).await
}

async fn check_file(lease: &mut Lease, table: &Table) -> Result<()> {
    let rows = query(
        lease,
        "SELECT (SELECT journal_mode FROM pragma_journal_mode), (SELECT encoding FROM pragma_encoding)",
        &[],
    )
    .await?;
    for row in rows {
        if row.text(0)? != "wal" {
            return Err(refuse(
                table,
                "records are moved only in WAL mode; run `PRAGMA journal_mode = WAL`",
            )
            .with("journal_mode", row.text(0)?));
        }
        if row.text(1)? != "UTF-8" {
            return Err(refuse(
                table,
                "records are moved only out of databases in UTF-8; copy them into a new one",
            )
            .with("encoding", row.text(1)?));
        }
    }
    Ok(())
}

async fn check_columns(lease: &mut Lease, table: &Table) -> Result<()> {
    let columns = table.columns(lease).await?;
    let lost: Vec<&str> = columns
        .iter()
        .filter(|column| !column.generated && !COLUMNS.iter().any(|name| column.is(name)))
        .map(|column| &*column.name)
        .collect();
    if !lost.is_empty() {
        return Err(refuse(
            table,
            "the table has columns that an archive does not keep, they would be lost; move them into `data` or drop them",
        )
        .with("columns", lost.join(", ")));
    }
    let key: Vec<&str> = columns
        .iter()
        .filter(|column| column.key.is_some())
        .map(|column| &*column.name)
        .collect();
    if key.len() != 1 || !key[0].eq_ignore_ascii_case("id") {
        return Err(refuse(
            table,
            "the table's primary key is not its id, so that an id may stand twice; make `id` the primary key",
        )
        .with("primary key", key.join(", ")));
    }
    Ok(())
}

/// The key's index tells the order and the equality of ids.
async fn check_key(lease: &mut Lease, table: &Table) -> Result<()> {
    let rows = query(
        lease,
        "SELECT columns.coll FROM pragma_index_list($1) AS keys, pragma_index_xinfo(keys.name) AS columns \
         WHERE keys.origin = 'pk' AND columns.key = 1",
        &[table.name().into()],
    )
    .await?;
    for row in &rows {
        let collation = row.text(0)?;
        if !collation.eq_ignore_ascii_case("BINARY") {
            return Err(refuse(
                table,
                "the id's collation calls different ids equal; make the column `COLLATE BINARY`",
            )
            .with("collation", collation));
        }
    }
    if rows.is_empty() {
        return Err(refuse(
            table,
            "the ids of the table are numbers of SQLite's own; make `id` a text column",
        ));
    }
    Ok(())
}

async fn check_references(lease: &mut Lease, table: &Table) -> Result<()> {
    let rows = query(
        lease,
        "SELECT tables.name, keys.on_delete FROM main.sqlite_schema AS tables, \
         pragma_foreign_key_list(tables.name) AS keys \
         WHERE tables.type = 'table' AND keys.\"table\" = $1 COLLATE NOCASE",
        &[table.name().into()],
    )
    .await?;
    match rows.first() {
        None => Ok(()),
        Some(row) => Err(refuse(
            table,
            "another table refers to these records and would lose its rows or its references; drop the foreign key",
        )
        .with("from", row.text(0)?)
        .with("on delete", row.text(1)?)),
    }
}

async fn check_triggers(lease: &mut Lease, table: &Table) -> Result<()> {
    let rows = query(
        lease,
        "SELECT name, sql FROM main.sqlite_schema WHERE type = 'trigger' AND tbl_name = $1 COLLATE NOCASE",
        &[table.name().into()],
    )
    .await?;
    for row in &rows {
        let head = row.text(1)?.to_ascii_uppercase();
        let head = head.split("BEGIN").next().unwrap_or_default();
        if head.contains("DELETE") {
            return Err(refuse(
                table,
                "a trigger runs when a record is deleted, and a move would look like a deletion; drop the trigger",
            )
            .with("trigger", row.text(0)?));
        }
    }
    Ok(())
}

async fn index_age(lease: &mut Lease, table: &Table, age: &Age) -> Result<()> {
    let place = Place::of(age.path());
    let facts = table.facts(lease).await?;
    if place.is_json() && !facts.json_is_checked {
        return Err(refuse(
            table,
            "the table takes text that is no JSON, so that its age cannot have an index; add `CHECK (json_valid(data))`",
        ));
    }
    let value = place.value();
    let scan = format!(
        "SELECT id FROM {} WHERE {value} > $1 AND {value} < $2 ORDER BY {value}, id",
        table.quoted()
    );
    let steps = lease
        .explain(&scan, Args::of(&["".into(), "9".into()]).finish())
        .await?;
    if steps.len() == 1 && steps[0].starts_with("SEARCH") {
        return Ok(());
    }
    let index = format!(
        "CREATE INDEX IF NOT EXISTS {} ON {} ({value}, id)",
        quoted(&format!("idx_{}_age_{}", table.name(), age.path())),
        table.quoted()
    );
    if !facts.is_ours {
        return Err(refuse(
            table,
            "the age has no index, and this table was made by another program; make the index",
        )
        .with("sql", index));
    }
    super::transaction::define(lease, &[index.into()]).await
}

fn refuse(table: &Table, problem: &'static str) -> Error {
    Error::unsupported(problem).with("table", table.name())
}

async fn query(lease: &mut Lease, sql: &str, args: &[SqlValue]) -> Result<Vec<SqlRow>> {
    let rows = lease.fetch(&sql.into(), Args::of(args).finish()).await?;
    rows.iter().map(sql_row).collect()
}
