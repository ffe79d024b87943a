//! A transaction that carries records and a catalog's rows.

use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;

use super::lease::{Lease, Sql};
use super::row::{Args, sql_row};
use super::{SqliteDatabase, due, error, read, search, unchanged, undated, write};
use crate::catalog_host::{DuePage, DueScan, HostTransaction, Undated};
use crate::sql::{SqlRow, SqlValue};
use crate::{
    Age, Error, ErrorKind, Query, Record, RecordId, RecordStream, Result, Write, Written, fault,
};

/// How often a commit is tried that finds the lock taken; each try waits as long as the busy timeout says.
const COMMIT_TRIES: usize = 3;

/// A transaction of the writer or of a reader.
#[derive(Debug)]
pub(super) struct SqliteTransaction {
    pub(super) database: SqliteDatabase,
    pub(super) lease: Lease,
}

/// Runs statements that make tables or indexes, in a transaction of their own.
///
/// An index over a large table is sorted in a file: the writer keeps everything else that is temporary in memory. After
/// an error it goes on with files.
pub(super) async fn define(lease: &mut Lease, statements: &[Sql]) -> Result<()> {
    let nothing = || Args::default().finish();
    lease
        .execute(&"PRAGMA temp_store = FILE".into(), nothing())
        .await?;
    lease.begin(&"BEGIN IMMEDIATE".into()).await?;
    for sql in statements {
        lease.execute(sql, nothing()).await?;
    }
    commit(lease).await?;
    lease
        .execute(&"PRAGMA temp_store = MEMORY".into(), nothing())
        .await?;
    Ok(())
}

/// Commits, durably. After an error the transaction is rolled back when the lease is dropped.
///
/// # Errors
/// `Ambiguous`: the disk failed on the way; whether it was committed shows only after the next opening.
pub(super) async fn commit(lease: &mut Lease) -> Result<()> {
    fault::step("sqlite_commit", async {
        let mut tries = 1;
        loop {
            let error = match lease.try_commit().await? {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            if error::is_busy(&error) {
                if fault::mutation("ignore_busy_commit") {
                    return Ok(());
                }
                if tries < COMMIT_TRIES {
                    tries += 1;
                    continue;
                }
            }
            return Err(if error::leaves_outcome_unknown(&error) {
                Error::new(
                    ErrorKind::Ambiguous,
                    "the disk failed during a commit; see whether it is there and has room, and read before you write again",
                )
                .with("file", lease.file().display())
                .with("problem", error::problem(&error))
                .with_source(error)
            } else {
                error::from_driver(lease.file(), error)
            });
        }
    })
    .await
}

#[async_trait]
impl HostTransaction for SqliteTransaction {
    async fn query(&mut self, sql: &str, args: &[SqlValue]) -> Result<Vec<SqlRow>> {
        let rows = self
            .lease
            .fetch(&sql.into(), Args::of(args).finish())
            .await?;
        rows.iter().map(sql_row).collect()
    }

    async fn execute(&mut self, sql: &str, args: &[SqlValue]) -> Result<u64> {
        self.lease
            .execute(&sql.into(), Args::of(args).finish())
            .await
    }

    async fn read_many(&mut self, ids: &[&str]) -> Result<Vec<Option<Arc<Record>>>> {
        read::read_many(&mut self.lease, &self.database.table, ids).await
    }

    async fn apply(&mut self, writes: &[Write]) -> Result<Vec<Written>> {
        self.database.apply(&mut self.lease, writes).await
    }

    async fn delete_unchanged(&mut self, rows: &[Arc<Record>]) -> Result<Vec<RecordId>> {
        unchanged::delete(&mut self.lease, &self.database.table, rows).await
    }

    async fn scan_due(&mut self, scan: &DueScan<'_>) -> Result<DuePage> {
        due::page(
            &mut self.lease,
            &self.database.table,
            self.database.reach,
            scan,
        )
        .await
    }

    async fn count_undated(&mut self, age: &Age) -> Result<Undated> {
        undated::count(&mut self.lease, &self.database.table, age).await
    }

    async fn clear(&mut self) -> Result<()> {
        write::remove_all(&mut self.lease, &self.database.table).await
    }

    async fn count(&mut self, query: &Query) -> Result<u64> {
        let prepared = self.database.prepare(query)?;
        search::count(&self.database, &mut self.lease, &prepared).await
    }

    fn search(self: Box<Self>, query: Query) -> RecordStream {
        let Self { database, lease } = *self;
        match database.prepare(&query) {
            Ok(prepared) => search::stream(database, lease, prepared),
            Err(error) => futures::stream::iter([Err(error)]).boxed(),
        }
    }

    async fn commit(mut self: Box<Self>) -> Result<()> {
        commit(&mut self.lease).await
    }
}

#[cfg(test)]
mod tests;
