//! Reads what the catalog says of one archived table: all of it, or what changed since a state that is known.

mod deletes;
mod files;
mod foreign_row;
mod inlined;
mod table;

use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) use self::deletes::table_name as delete_table;
pub(super) use self::table::Bound;

use super::changes::is_additive;
use super::dialect::{Kind, Sql};
use super::snapshot::{Newest, mark};
use super::state::{ArchivedTable, CatalogState, DataFile, DeadRow, InlinedRow};
use crate::archive::column::{Column, SystemColumn};
use crate::catalog_host::HostTransaction;
use crate::{Error, Result};

/// Where an archived table's catalog is read from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a> {
    pub(super) sql: Sql,
    /// The blob store's root, ending in `/`.
    pub(super) root: &'a str,
    pub(super) collection: &'a str,
}

/// Which rows of the catalog's tables are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Span {
    /// Those that are visible now.
    Live,
    /// Those that began or ended after this snapshot.
    Since(i64),
}

/// The state at the newest snapshot that `tx` sees.
pub(super) async fn load(
    tx: &mut dyn HostTransaction,
    source: Source<'_>,
    known: Option<Arc<CatalogState>>,
) -> Result<Arc<CatalogState>> {
    let newest = Newest::read(tx, source.sql).await?;
    if let Some(known) = known {
        if known.key.is(&newest.key) {
            return Ok(known);
        }
        if follows(tx, source.sql, &known, &newest).await? {
            return go_on(tx, source, &known, newest).await.map(Arc::new);
        }
    }
    from_nothing(tx, source, newest).await.map(Arc::new)
}

/// Whether everything that happened to the table since `known` is found by looking for newer snapshots' rows.
async fn follows(
    tx: &mut dyn HostTransaction,
    sql: Sql,
    known: &CatalogState,
    newest: &Newest,
) -> Result<bool> {
    let Some(table) = known.table.id else {
        return Ok(false);
    };
    if known.key.incarnation != newest.key.incarnation || known.key.id >= newest.key.id {
        return Ok(false);
    }
    if !is_in_history(tx, sql, known).await? {
        return Ok(false);
    }
    let changes = sql.table("ducklake_snapshot_changes");
    let select = format!(
        "SELECT snapshot_id, changes_made, commit_extra_info FROM {changes} \
         WHERE snapshot_id > $1 ORDER BY snapshot_id"
    );
    let rows = tx.query(&select, &[known.key.id.into()]).await?;
    let mut expected = known.key.clone();
    for row in &rows {
        expected.id += 1;
        // One that has expired meanwhile may have done anything.
        if row.int(0)? != expected.id {
            return Ok(false);
        }
        let is_ours = row.opt_text(2)? == Some(&mark(&expected));
        if !is_ours && !is_additive(row.opt_text(1)?.unwrap_or("?"), table) {
            return Ok(false);
        }
    }
    Ok(expected.id == newest.key.id)
}

/// Whether the snapshot of `known` is one of this catalog's: after a restore, its id may belong to another.
async fn is_in_history(
    tx: &mut dyn HostTransaction,
    sql: Sql,
    known: &CatalogState,
) -> Result<bool> {
    let select = format!(
        "SELECT {} FROM {} WHERE snapshot_id = $1",
        sql.read("snapshot_time", Kind::Time),
        sql.table("ducklake_snapshot")
    );
    let rows = tx.query(&select, &[known.key.id.into()]).await?;
    let time = rows.first().map(|row| row.text(0)).transpose()?;
    Ok(time == Some(&*known.key.time))
}

async fn from_nothing(
    tx: &mut dyn HostTransaction,
    source: Source<'_>,
    newest: Newest,
) -> Result<CatalogState> {
    let Some(bound) = Bound::read(tx, source).await? else {
        return Ok(CatalogState {
            key: newest.key,
            table: Arc::new(unborn(source.collection)),
            files: Vec::new(),
            inlined: Arc::new([]),
        });
    };
    let table = bound.table(tx, source).await?;
    let reader = files::Reader {
        source,
        table: &table,
        id: bound.id,
        snapshot: newest.key.id,
    };
    let mut files = reader.files(tx, Span::Live).await?.begun;
    let mut dead = deletes::inlined(tx, source.sql, bound.id, Span::Live).await?;
    let mut delete_files = reader.delete_files(tx).await?;
    for (id, file) in &mut files {
        let mut rows = dead.remove(id).unwrap_or_default();
        each_once(&mut rows);
        file.dead = rows.into();
        file.delete_file = delete_files.remove(id).map(Arc::new);
    }
    let inlined = inlined::rows(tx, source.sql, bound.id, &table, Span::Live).await?;
    Ok(CatalogState {
        key: newest.key,
        table: Arc::new(table),
        files: files.into_values().map(Arc::new).collect(),
        inlined: in_order(inlined.begun),
    })
}

/// The state after `known`: only the rows of newer snapshots are read.
async fn go_on(
    tx: &mut dyn HostTransaction,
    source: Source<'_>,
    known: &CatalogState,
    newest: Newest,
) -> Result<CatalogState> {
    let id = known.table.id.unwrap_or_default();
    let since = Span::Since(known.key.id);
    let reader = files::Reader {
        source,
        table: &known.table,
        id,
        snapshot: newest.key.id,
    };
    let changed = reader.files(tx, since).await?;
    let mut files: BTreeMap<i64, Arc<DataFile>> = known
        .files
        .iter()
        .map(|file| (file.id, Arc::clone(file)))
        .collect();
    for (id, file) in changed.begun {
        files.insert(id, Arc::new(file));
    }
    for id in changed.ended {
        files.remove(&id);
    }
    for (id, newly_dead) in deletes::inlined(tx, source.sql, id, since).await? {
        if let Some(file) = files.get_mut(&id) {
            let mut rows: Vec<DeadRow> = file.dead.to_vec();
            rows.extend(newly_dead);
            each_once(&mut rows);
            Arc::make_mut(file).dead = rows.into();
        }
    }
    let changed = inlined::rows(tx, source.sql, id, &known.table, since).await?;
    let inlined = if changed.is_empty() {
        Arc::clone(&known.inlined)
    } else {
        let is_there = |row: &&InlinedRow| !changed.has_ended(row);
        let kept = known.inlined.iter().filter(is_there).cloned();
        in_order(kept.chain(changed.begun.iter().cloned()).collect())
    };
    Ok(CatalogState {
        key: newest.key,
        table: Arc::clone(&known.table),
        files: files.into_values().collect(),
        inlined,
    })
}

/// By position; a position that stands there twice counts once, from its first death on.
pub(super) fn each_once(rows: &mut Vec<DeadRow>) {
    rows.sort_unstable();
    rows.dedup_by_key(|row| row.position);
}

fn in_order(mut rows: Vec<InlinedRow>) -> Arc<[InlinedRow]> {
    rows.sort_by(|a, b| (&a.table, a.row_id).cmp(&(&b.table, b.row_id)));
    rows.into()
}

/// A table before its first segment.
fn unborn(collection: &str) -> ArchivedTable {
    ArchivedTable {
        id: None,
        name: collection.into(),
        path: "".into(),
        columns: SystemColumn::ALL.map(Column::from).into(),
    }
}

/// A path of the catalog's, from the root of the blob store.
///
/// # Errors
/// `Unsupported`: it lies outside. `Corrupt`: it leads to no file.
pub(super) fn resolve(path: &str, is_relative: bool, base: &str, roots: &[&str]) -> Result<String> {
    if path.split('/').any(|part| matches!(part, "." | "..")) {
        return Err(Error::corrupt(
            "the archive's catalog names a file by a path that no file can have; restore the catalog from a backup",
        )
        .with("path", path));
    }
    if is_relative {
        return Ok(format!("{base}{path}"));
    }
    let inside = roots.iter().find_map(|root| path.strip_prefix(root));
    inside.map(str::to_owned).ok_or_else(|| {
        Error::unsupported(
            "another program registered a file outside of the archive's folder; move it inside, or remove it",
        )
        .with("path", path)
    })
}
