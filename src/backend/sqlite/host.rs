//! The file as a host of an archive's catalog.

use std::sync::Arc;

use async_trait::async_trait;

use super::row::Args;
use super::transaction::SqliteTransaction;
use super::{SqliteDatabase, backlog, preconditions, read, storage};
use crate::catalog_host::{CatalogHost, DueCount, DueScan, HostTransaction, Storage};
use crate::sql::{Dialect, SqlRow, SqlValue};
use crate::{Age, Error, Record, Result};

#[async_trait]
impl CatalogHost for SqliteDatabase {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn identity(&self) -> String {
        format!("sqlite:{}", self.shared.file.display())
    }

    fn table(&self) -> &str {
        self.table.name()
    }

    /// Never: writers wait for each other before they begin.
    fn is_collision(&self, _error: &Error) -> bool {
        false
    }

    async fn begin_read(&self) -> Result<Box<dyn HostTransaction>> {
        Ok(Box::new(SqliteTransaction {
            lease: self.begin_reading().await?,
            database: self.clone(),
        }))
    }

    async fn begin_write(&self) -> Result<Box<dyn HostTransaction>> {
        Ok(Box::new(SqliteTransaction {
            lease: self.begin_writing().await?,
            database: self.clone(),
        }))
    }

    async fn read_with(
        &self,
        ids: &[&str],
        sql: &str,
        args: &[SqlValue],
    ) -> Result<(Vec<Option<Arc<Record>>>, Vec<SqlRow>)> {
        let mut lease = self.reader().await?;
        let values = Args::of(args);
        read::read_with(&mut lease, &self.table, ids, sql, values, args.len()).await
    }

    async fn prepare_to_move(&self, age: &Age) -> Result<()> {
        preconditions::prepare(&mut self.shared.writer().await?, &self.table, age).await
    }

    async fn count_due(&self, scan: &DueScan<'_>) -> Result<DueCount> {
        backlog::count(&mut self.reader().await?, &self.table, self.reach, scan).await
    }

    async fn storage(&self) -> Result<Storage> {
        storage::storage(&mut self.reader().await?, self.table.quoted()).await
    }

    async fn release(&self, bytes: u64) -> Result<u64> {
        storage::release(&self.shared.writer, bytes).await
    }
}
