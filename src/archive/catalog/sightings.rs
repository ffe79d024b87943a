//! Objects that nothing in the catalog refers to.
//!
//! One that nobody knows may be another program's upload that is not registered yet. So it is noted, and counts as an
//! orphan only when it is seen again after longer than any job takes.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;

use super::bounds::{time_of, time_text};
use super::dialect::{Kind, Sql};
use super::load::{Source, resolve};
use super::meta::metadata;
use super::rows::insert;
use crate::Result;
use crate::catalog_host::HostTransaction;
use crate::sql::SqlValue;

/// Those of `paths` that no data file, no delete file, no scheduled deletion and no batch names.
pub(super) async fn unreferenced(
    tx: &mut dyn HostTransaction,
    source: Source<'_>,
    mut paths: Vec<Box<str>>,
) -> Result<Vec<Box<str>>> {
    let sql = source.sql;
    let data_path = metadata(tx, sql, "data_path").await?.unwrap_or_default();
    let mut known = registered(tx, source, &data_path).await?;
    let select = format!(
        "SELECT path, {relative} FROM {scheduled} UNION ALL SELECT path, 1 FROM {journal}",
        relative = sql.read("path_is_relative", Kind::Bool),
        scheduled = sql.table("ducklake_files_scheduled_for_deletion"),
        journal = sql.table("thermocline_journal_object"),
    );
    for row in tx.query(&select, &[]).await? {
        known.extend(resolve(
            row.text(0)?,
            row.int(1)? != 0,
            "",
            &[source.root, &data_path],
        ));
    }
    paths.retain(|path| !known.contains(&**path));
    Ok(paths)
}

/// The objects that are a data file or a delete file of any table, in any snapshot.
pub(super) async fn registered(
    tx: &mut dyn HostTransaction,
    source: Source<'_>,
    data_path: &str,
) -> Result<HashSet<String>> {
    let (sql, roots) = (source.sql, [source.root, data_path]);
    let mut known = HashSet::new();
    for files in ["ducklake_data_file", "ducklake_delete_file"] {
        let select = format!(
            "SELECT f.path, {relative}, t.path, {table_relative}, s.path, {schema_relative} FROM {files} f \
             JOIN {tables} t ON t.table_id = f.table_id JOIN {schemas} s ON s.schema_id = t.schema_id",
            relative = sql.read("f.path_is_relative", Kind::Bool),
            table_relative = sql.read("t.path_is_relative", Kind::Bool),
            schema_relative = sql.read("s.path_is_relative", Kind::Bool),
            files = sql.table(files),
            tables = sql.table("ducklake_table"),
            schemas = sql.table("ducklake_schema"),
        );
        for row in tx.query(&select, &[]).await? {
            let schema = resolve(row.text(4)?, row.int(5)? != 0, "", &roots).unwrap_or_default();
            let table =
                resolve(row.text(2)?, row.int(3)? != 0, &schema, &roots).unwrap_or_default();
            known.extend(resolve(row.text(0)?, row.int(1)? != 0, &table, &roots));
        }
    }
    Ok(known)
}

/// The objects in `folder` that were noted, and since when each is.
pub(super) async fn noted(
    tx: &mut dyn HostTransaction,
    sql: Sql,
    folder: &str,
) -> Result<BTreeMap<Box<str>, Timestamp>> {
    let select = format!(
        "SELECT path, {} FROM {}",
        sql.read("first_seen", Kind::Time),
        sql.table("thermocline_orphan")
    );
    let mut noted = BTreeMap::new();
    for row in tx.query(&select, &[]).await? {
        if let Some(time) = time_of(row.text(1)?)
            && row.text(0)?.starts_with(folder)
        {
            noted.insert(row.text(0)?.into(), time);
        }
    }
    Ok(noted)
}

/// Notes `new` objects as first seen at `now`, and forgets those that are `gone`.
pub(super) async fn note(
    tx: &mut dyn HostTransaction,
    sql: Sql,
    new: &[Box<str>],
    gone: &[Box<str>],
    now: Timestamp,
) -> Result<()> {
    let delete = format!(
        "DELETE FROM {} WHERE path = $1",
        sql.table("thermocline_orphan")
    );
    for path in gone.iter().chain(new) {
        tx.execute(&delete, &[(&**path).into()]).await?;
    }
    let time = time_text(now.as_microsecond());
    let rows: Vec<[SqlValue; 2]> = new
        .iter()
        .map(|path| [(&**path).into(), time.as_str().into()])
        .collect();
    insert(tx, sql, "thermocline_orphan", ["path", "first_seen"], &rows).await?;
    Ok(())
}
