//! The catalog: which segments exist, which of their rows are dead, in the tables of DuckLake 1.0.
//!
//! It is SQL over a [`HostTransaction`] and nothing else, so that one transaction of the host carries the records' half
//! and the catalog's. The order within a transaction that changes the catalog is always the same: the journal, the
//! primary's rows, the next snapshot (whose key is the lock), everything else. Foreign writers, DuckDB above all, obey
//! the same key, and the names of a snapshot's changes tell them what they collide with.

mod bounds;
mod change;
mod changes;
mod commit;
mod create;
mod dialect;
mod history;
mod journal;
mod lease;
mod load;
mod meta;
mod rows;
mod scheduled;
mod schema;
mod sightings;
mod snapshot;
mod state;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::Mutex;

pub(crate) use self::change::{Change, NewDataFile, NewDeleteFile, Place};
pub(crate) use self::create::{check_names, is_reserved};
pub use self::history::{ArchiveRun, RunError, RunOutcome};
pub(crate) use self::journal::{Batch, BatchState, new_batch_id};
pub(crate) use self::lease::{Lease, Taken};
pub(crate) use self::scheduled::Scheduled;
pub(crate) use self::snapshot::Newest;
#[cfg(test)]
pub(crate) use self::state::InlinedRow;
pub(crate) use self::state::{
    ArchivedTable, CatalogState, DataFile, DeadRow, DeleteFile, SnapshotKey,
};

use self::commit::Outcome;
use self::create::NewTable;
use self::dialect::Sql;
use self::load::{Bound, Source};
use crate::archive::column::Column;
use crate::catalog_host::HostTransaction;
use crate::fault::mutation;
use crate::sql::{Dialect, SqlRow};
use crate::{Error, Result};

/// The catalog of one collection's archive.
#[derive(Debug)]
pub(crate) struct Catalog {
    sql: Sql,
    root: Box<str>,
    collection: Box<str>,
    newest_sql: Box<str>,
    /// The state that was read last. Everybody compares its key before it counts.
    known: Mutex<Option<Arc<CatalogState>>>,
}

impl Catalog {
    /// The catalog of `collection` in a database that speaks `dialect`, with files below `root`, which ends in `/`.
    pub(crate) fn new(dialect: Dialect, root: &str, collection: &str) -> Self {
        let sql = Sql::of(dialect);
        Self {
            sql,
            root: root.into(),
            collection: collection.into(),
            newest_sql: snapshot::newest_sql(sql).into(),
            known: Mutex::new(None),
        }
    }

    /// Whether [`init`](Self::init) would change nothing.
    ///
    /// # Errors
    /// As `init`.
    pub(crate) async fn is_ready(&self, tx: &mut dyn HostTransaction) -> Result<bool> {
        meta::is_ready(tx, self.sql).await
    }

    /// Makes the catalog's tables where they are missing.
    ///
    /// # Errors
    /// `Unsupported`: a catalog of a version that we do not know.
    pub(crate) async fn init(&self, tx: &mut dyn HostTransaction, now: Timestamp) -> Result<()> {
        meta::init(tx, self.sql, &self.root, now).await
    }

    /// Whether files of any table lie, or once lay, where the catalog says.
    pub(crate) async fn knows_of_files(&self, tx: &mut dyn HostTransaction) -> Result<bool> {
        meta::knows_of_files(tx, self.sql).await
    }

    /// Where foreign readers look for the files, if that is another place than ours.
    pub(crate) async fn foreign_data_path(
        &self,
        tx: &mut dyn HostTransaction,
    ) -> Result<Option<String>> {
        let path = meta::metadata(tx, self.sql, "data_path").await?;
        Ok(path.filter(|path| **path != *self.root))
    }

    /// Tells foreign readers that the files are where we look for them.
    pub(crate) async fn correct_data_path(&self, tx: &mut dyn HostTransaction) -> Result<()> {
        meta::set_data_path(tx, self.sql, &self.root).await
    }

    /// The statement that answers with the newest snapshot: one row, for [`Newest::of`].
    ///
    /// Read in the same snapshot as the primary's records, it tells which state of the archive belongs to them.
    pub(crate) fn newest_sql(&self) -> &str {
        &self.newest_sql
    }

    /// The state that is known already, if it is exactly the one that the answer to [`newest_sql`](Self::newest_sql)
    /// names.
    pub(crate) fn known(&self, newest: &[SqlRow]) -> Result<Option<Arc<CatalogState>>> {
        let newest = Newest::of(newest)?;
        let known = self.known.lock().clone();
        Ok(known.filter(|state| {
            state.key.is(&newest.key)
                || (state.table.id.is_some() && mutation("catalog_from_other_snapshot"))
        }))
    }

    /// The state at the newest snapshot that `tx` sees; only what changed since the last one is read.
    pub(crate) async fn state(&self, tx: &mut dyn HostTransaction) -> Result<Arc<CatalogState>> {
        loop {
            let known = self.known.lock().clone();
            let state = load::load(tx, self.source(), known).await?;
            // A transaction that writes may see each statement's own moment: what others committed between two of them
            // would be in one half of the state and not in the other.
            if !self.sql.is_sqlite() && Newest::read(tx, self.sql).await?.key != state.key {
                continue;
            }
            *self.known.lock() = Some(Arc::clone(&state));
            return Ok(state);
        }
    }

    /// Creates the collection's table if it has none yet; none if another writer of the catalog was faster: the caller
    /// rolls back and starts again. The state after it has to be read again.
    ///
    /// # Errors
    /// `Invalid`: names that cannot be, or an age other than the one that the archive was begun with.
    pub(crate) async fn ensure_table(
        &self,
        tx: &mut dyn HostTransaction,
        columns: &[Column],
        age: &str,
        now: Timestamp,
    ) -> Result<Option<()>> {
        if let Some(bound) = Bound::read(tx, self.source()).await? {
            return self.check_age(&bound.age, age).map(Some);
        }
        check_names(columns)?;
        let new = NewTable {
            collection: &self.collection,
            columns,
            age,
        };
        Ok(create::table(tx, self.sql, new, now).await?.map(|_| ()))
    }

    /// The age that the archive was begun with, if it was.
    pub(crate) async fn bound_age(&self, tx: &mut dyn HostTransaction) -> Result<Option<String>> {
        let bound = Bound::read(tx, self.source()).await?;
        Ok(bound.map(|bound| bound.age))
    }

    /// Refuses an age other than the one that the archive was begun with.
    pub(crate) async fn check_bound_age(
        &self,
        tx: &mut dyn HostTransaction,
        age: &str,
    ) -> Result<()> {
        match Bound::read(tx, self.source()).await? {
            Some(bound) => self.check_age(&bound.age, age),
            None => Ok(()),
        }
    }

    fn check_age(&self, bound: &str, age: &str) -> Result<()> {
        if bound == age {
            return Ok(());
        }
        Err(Error::invalid(
            "the archive of this collection was begun with another age, and its segments are cut by that one; \
             set the age back, or begin another archive",
        )
        .with("collection", &self.collection)
        .with("age", age)
        .with("archived_by", bound))
    }

    /// Commits `change` on top of `base`, within `tx`; none if the catalog has changed since: the caller rolls back,
    /// reads everything again and decides again.
    pub(crate) async fn commit(
        &self,
        tx: &mut dyn HostTransaction,
        base: &CatalogState,
        change: &Change,
        now: Timestamp,
        message: &'static str,
    ) -> Result<Option<SnapshotKey>> {
        match commit::commit(tx, self.sql, base, change, now, message).await? {
            Outcome::At(key) => Ok(Some(key)),
            Outcome::Late => Ok(None),
            Outcome::Untrue => {
                // No newer snapshot would ever tell: the next one to ask reads all of it.
                *self.known.lock() = None;
                Ok(None)
            }
        }
    }

    /// Of each data file that had another delete file before, the snapshot at which the last of those ended.
    pub(crate) async fn former_delete_files(
        &self,
        tx: &mut dyn HostTransaction,
        table: i64,
    ) -> Result<BTreeMap<i64, i64>> {
        commit::former_delete_files(tx, self.sql, table).await
    }

    /// When a snapshot was made, or the oldest after it that has not expired.
    pub(crate) async fn time_since(
        &self,
        tx: &mut dyn HostTransaction,
        snapshot: i64,
    ) -> Result<Option<Timestamp>> {
        snapshot::time_since(tx, self.sql, snapshot).await
    }

    /// Whether inlined deletes can be flushed: SQLite lets other readers see the two stores apart.
    pub(crate) fn flushes(&self) -> bool {
        !self.sql.is_sqlite() || mutation("flush_on_sqlite")
    }

    /// Opens a batch in the journal; commit it before anything is uploaded.
    pub(crate) async fn open_batch(
        &self,
        tx: &mut dyn HostTransaction,
        batch: &Batch,
        table: i64,
    ) -> Result<()> {
        journal::open(tx, self.sql, batch, table).await
    }

    /// Moves a batch on from `open`; false if it is not open any more.
    pub(crate) async fn settle_batch(
        &self,
        tx: &mut dyn HostTransaction,
        batch: &str,
        state: BatchState,
    ) -> Result<bool> {
        journal::settle(tx, self.sql, batch, state).await
    }

    /// What became of a batch; it waits for a transaction that is at work on it.
    pub(crate) async fn batch_state(
        &self,
        tx: &mut dyn HostTransaction,
        batch: &str,
    ) -> Result<Option<BatchState>> {
        journal::state(tx, self.sql, batch).await
    }

    /// The batches of a table in one state that were opened before a time.
    pub(crate) async fn batches(
        &self,
        tx: &mut dyn HostTransaction,
        table: i64,
        state: BatchState,
        before: Timestamp,
    ) -> Result<Vec<Batch>> {
        journal::batches(tx, self.sql, table, state, before).await
    }

    /// Forgets a batch that is settled, once nothing of it is left to be done.
    pub(crate) async fn forget_batch(
        &self,
        tx: &mut dyn HostTransaction,
        batch: &str,
    ) -> Result<()> {
        journal::forget(tx, self.sql, batch).await
    }

    /// Forgets the published batches of a table that were opened before a time: nobody asks for them any more.
    pub(crate) async fn forget_published(
        &self,
        tx: &mut dyn HostTransaction,
        table: i64,
        before: Timestamp,
    ) -> Result<()> {
        journal::forget_published(tx, self.sql, table, before).await
    }

    /// Which of these objects nothing in the catalog refers to.
    pub(crate) async fn unreferenced(
        &self,
        tx: &mut dyn HostTransaction,
        paths: Vec<Box<str>>,
    ) -> Result<Vec<Box<str>>> {
        sightings::unreferenced(tx, self.source(), paths).await
    }

    /// The objects in a folder that were noted as referred to by nothing, and since when.
    pub(crate) async fn noted_orphans(
        &self,
        tx: &mut dyn HostTransaction,
        folder: &str,
    ) -> Result<BTreeMap<Box<str>, Timestamp>> {
        sightings::noted(tx, self.sql, folder).await
    }

    /// Notes objects that nothing refers to, and forgets others.
    pub(crate) async fn note_orphans(
        &self,
        tx: &mut dyn HostTransaction,
        new: &[Box<str>],
        gone: &[Box<str>],
        now: Timestamp,
    ) -> Result<()> {
        sightings::note(tx, self.sql, new, gone, now).await
    }

    /// The objects in a folder that no snapshot needs, and that nobody can be reading any more.
    pub(crate) async fn scheduled(
        &self,
        tx: &mut dyn HostTransaction,
        folder: &str,
        now: Timestamp,
    ) -> Result<Vec<Scheduled>> {
        scheduled::due(tx, self.source(), folder, now).await
    }

    /// Forgets such objects once they are gone.
    pub(crate) async fn forget_scheduled(
        &self,
        tx: &mut dyn HostTransaction,
        scheduled: &[Scheduled],
    ) -> Result<()> {
        scheduled::forget(tx, self.sql, scheduled).await
    }

    /// Takes the collection's lease for `length`, if nobody holds it.
    pub(crate) async fn take_lease(
        &self,
        tx: &mut dyn HostTransaction,
        holder: &str,
        now: Timestamp,
        length: Duration,
    ) -> Result<Taken> {
        lease::take(tx, self.sql, &self.collection, holder, now, length).await
    }

    /// Makes a lease last until `length` from now; none if it is not its holder's any more.
    pub(crate) async fn renew_lease(
        &self,
        tx: &mut dyn HostTransaction,
        lease: &Lease,
        now: Timestamp,
        length: Duration,
    ) -> Result<Option<Lease>> {
        lease::renew(tx, self.sql, &self.collection, lease, now, length).await
    }

    /// Gives a lease back, if it is still its holder's.
    pub(crate) async fn release_lease(
        &self,
        tx: &mut dyn HostTransaction,
        lease: &Lease,
        now: Timestamp,
    ) -> Result<()> {
        lease::release(tx, self.sql, &self.collection, lease, now).await
    }

    /// Notes that a run has begun; its id. `alone` says that it holds the lease.
    pub(crate) async fn begin_run(
        &self,
        tx: &mut dyn HostTransaction,
        run: &ArchiveRun,
        alone: bool,
    ) -> Result<Box<str>> {
        let id = history::new_run_id();
        history::begin(tx, self.sql, &self.collection, &id, run, alone).await?;
        Ok(id)
    }

    /// Notes how a run ended.
    pub(crate) async fn end_run(
        &self,
        tx: &mut dyn HostTransaction,
        id: &str,
        run: &ArchiveRun,
    ) -> Result<()> {
        history::end(tx, self.sql, &self.collection, id, run).await
    }

    /// The last runs of the collection, the newest first; those of one policy, if it is named.
    pub(crate) async fn runs(
        &self,
        tx: &mut dyn HostTransaction,
        policy: Option<&str>,
        most: usize,
    ) -> Result<Vec<ArchiveRun>> {
        history::runs(tx, self.sql, &self.collection, policy, most).await
    }

    fn source(&self) -> Source<'_> {
        Source {
            sql: self.sql,
            root: &self.root,
            collection: &self.collection,
        }
    }
}

#[cfg(test)]
mod tests;
