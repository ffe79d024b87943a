//! Commits a change: one snapshot, and everything that readers expect to change with it.

mod add;
mod flush;
mod kill;
mod stats;
mod validate;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

pub(super) use self::flush::former_delete_files;

use super::changes::{of_append, of_rewrite};
use super::dialect::Sql;
use super::snapshot::{Newest, Step};
use super::state::{ArchivedTable, CatalogState, SnapshotKey};
use super::{Change, Place};
use crate::catalog_host::HostTransaction;
use crate::fault::mutation;
use crate::{Error, Result};

/// A change, sorted by what it touches.
#[derive(Debug)]
struct Touched<'a> {
    base: &'a CatalogState,
    table: &'a ArchivedTable,
    table_id: i64,
    /// New dead positions by data file.
    dead: BTreeMap<i64, BTreeSet<u64>>,
    /// Inlined rows that end: table and row id.
    inlined: BTreeSet<(&'a str, i64)>,
    ended: BTreeSet<i64>,
    /// Data files whose inlined deletes are flushed.
    flushed: BTreeSet<i64>,
}

/// What became of a change.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It is in, with this snapshot, once the transaction is committed.
    At(SnapshotKey),
    /// Another snapshot came first.
    Late,
    /// The catalog is not what the state says of this very snapshot: somebody wrote to it without one.
    Untrue,
}

/// Commits `change` on top of `base`, within `tx`; where it cannot, the caller rolls back, reads everything again and
/// decides again.
///
/// The rows of the primary are written before, so that a write which waited for another's publish sees its snapshot
/// here, and starts again.
pub(super) async fn commit(
    tx: &mut dyn HostTransaction,
    sql: Sql,
    base: &CatalogState,
    change: &Change,
    now: Timestamp,
    message: &'static str,
) -> Result<Outcome> {
    let touched = Touched::of(base, change)?;
    let newest = Newest::read(tx, sql).await?;
    if newest.key != base.key && !mutation("late_s0") {
        return Ok(Outcome::Late);
    }
    let hides = change.added.iter().any(|file| !file.excluded.is_empty());
    let changes = if hides || touched.takes_away() {
        of_rewrite(touched.table_id)
    } else {
        of_append(touched.table_id)
    };
    let step = Step {
        file_ids: i64::try_from(change.added.len() + change.flushed.len()).unwrap_or(i64::MAX),
        replaces: !change.flushed.is_empty(),
        changes,
        message,
        ..Step::default()
    };
    if mutation("stats_before_snapshot") {
        let stats = sql.table("ducklake_table_stats");
        let early = format!("UPDATE {stats} SET next_row_id = next_row_id WHERE table_id = $1");
        tx.execute(&early, &[touched.table_id.into()]).await?;
    }
    let Some(begun) = newest.begin_next(tx, sql, now, step).await? else {
        return Ok(Outcome::Late);
    };
    let snapshot = begun.key.id;
    if !validate::is_unchanged(tx, sql, &touched).await? {
        return Ok(Outcome::Untrue);
    }
    if !touched.kill(tx, sql, snapshot).await? || !touched.end(tx, sql, snapshot).await? {
        return Ok(Outcome::Untrue);
    }
    let first_id = newest.next_file_id + i64::try_from(change.added.len()).unwrap_or(i64::MAX);
    for (id, file) in (first_id..).zip(&change.flushed) {
        if !flush::file(tx, sql, &touched, file, id, (snapshot, now)).await? {
            return Ok(Outcome::Untrue);
        }
    }
    let totals = stats::Totals::read(tx, sql, touched.table_id).await?;
    add::files(
        tx,
        sql,
        &touched,
        &change.added,
        snapshot,
        newest.next_file_id,
        &totals,
    )
    .await?;
    if !mutation("table_stats_forgotten") {
        totals.roll_up(tx, sql, &touched, &change.added).await?;
    }
    Ok(Outcome::At(begun.key))
}

impl<'a> Touched<'a> {
    fn of(base: &'a CatalogState, change: &'a Change) -> Result<Self> {
        let Some(table_id) = base.table.id else {
            return Err(
                Error::unexpected("a change of an archived table that was never created")
                    .with("table", &base.table.name),
            );
        };
        let mut touched = Self {
            base,
            table: &base.table,
            table_id,
            dead: BTreeMap::new(),
            inlined: BTreeSet::new(),
            ended: change.ended.iter().copied().collect(),
            flushed: change.flushed.iter().map(|file| file.data_file).collect(),
        };
        for place in &change.dead {
            match place {
                Place::File { file, position } => {
                    touched.dead.entry(*file).or_default().insert(*position);
                }
                Place::Inlined { table, row_id } => {
                    touched.inlined.insert((table, *row_id));
                }
            }
        }
        Ok(touched)
    }

    /// Whether rows or files that were visible cease to be.
    fn takes_away(&self) -> bool {
        !(self.dead.is_empty()
            && self.inlined.is_empty()
            && self.ended.is_empty()
            && self.flushed.is_empty())
    }

    /// A file's path from its table's folder, as the catalog keeps it.
    fn within_table<'p>(&self, path: &'p str) -> Result<&'p str> {
        path.strip_prefix(&*self.table.path).ok_or_else(|| {
            Error::unexpected("a file outside of its table's folder").with("path", path)
        })
    }

    /// The data files that were there and are changed.
    fn files(&self) -> BTreeSet<i64> {
        let files = self.dead.keys().chain(&self.ended);
        files.chain(&self.flushed).copied().collect()
    }
}
