//! A transaction that carries records and a catalog's rows.

use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;

use super::error::of_catalog;
use super::lease::Lease;
use super::row::{Args, sql_row};
use super::{PostgresDatabase, due, read, search, unchanged, undated, write};
use crate::catalog_host::{DuePage, DueScan, HostTransaction, Undated};
use crate::sql::{SqlRow, SqlValue};
use crate::{Age, Query, Record, RecordId, RecordStream, Result, Write, Written, fault};

/// A transaction on a connection of its own; dropping it rolls back.
#[derive(Debug)]
pub(super) struct PostgresTransaction {
    pub(super) database: PostgresDatabase,
    pub(super) lease: Lease,
}

#[async_trait]
impl HostTransaction for PostgresTransaction {
    async fn query(&mut self, sql: &str, args: &[SqlValue]) -> Result<Vec<SqlRow>> {
        let rows = self
            .lease
            .fetch(&sql.into(), Args::of(args).finish())
            .await
            .map_err(of_catalog)?;
        rows.iter().map(sql_row).collect()
    }

    async fn execute(&mut self, sql: &str, args: &[SqlValue]) -> Result<u64> {
        self.lease
            .execute(&sql.into(), Args::of(args).finish())
            .await
            .map_err(of_catalog)
    }

    async fn read_many(&mut self, ids: &[&str]) -> Result<Vec<Option<Arc<Record>>>> {
        read::read_many(&mut self.lease, &self.database.place, ids).await
    }

    async fn apply(&mut self, writes: &[Write]) -> Result<Vec<Written>> {
        self.database.apply(&mut self.lease, writes).await
    }

    async fn delete_unchanged(&mut self, rows: &[Arc<Record>]) -> Result<Vec<RecordId>> {
        unchanged::delete(&mut self.lease, &self.database.place, rows).await
    }

    async fn scan_due(&mut self, scan: &DueScan<'_>) -> Result<DuePage> {
        due::page(&mut self.lease, &self.database.place, scan).await
    }

    async fn count_undated(&mut self, age: &Age) -> Result<Undated> {
        undated::count(&mut self.lease, &self.database.place, age).await
    }

    async fn clear(&mut self) -> Result<()> {
        write::remove_all(&mut self.lease, &self.database.place).await
    }

    async fn count(&mut self, query: &Query) -> Result<u64> {
        let prepared = self.database.prepare(query)?;
        search::count(&self.database.place, &mut self.lease, &prepared).await
    }

    fn search(self: Box<Self>, query: Query) -> RecordStream {
        let Self { database, lease } = *self;
        match database.prepare(&query) {
            Ok(prepared) => search::stream(database, lease, prepared),
            Err(error) => futures::stream::iter([Err(error)]).boxed(),
        }
    }

    async fn commit(mut self: Box<Self>) -> Result<()> {
        fault::step("postgres_commit", self.lease.commit()).await
    }
}
