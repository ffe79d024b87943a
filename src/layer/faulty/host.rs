//! The same script for the catalog host and its transactions.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Call, Script};
use crate::{
    Age, CatalogHost, Dialect, DueCount, DuePage, DueScan, Error, HostTransaction, Query, Record,
    RecordId, RecordStream, Result, SqlRow, SqlValue, Storage, Undated, Write, Written,
};

#[derive(Debug)]
pub(super) struct FaultyHost {
    pub(super) inner: Arc<dyn CatalogHost>,
    pub(super) script: Script,
}

struct FaultyTransaction {
    inner: Box<dyn HostTransaction>,
    script: Script,
}

impl FaultyHost {
    fn wrap(&self, inner: Box<dyn HostTransaction>) -> Box<dyn HostTransaction> {
        Box::new(FaultyTransaction {
            inner,
            script: self.script.clone(),
        })
    }
}

#[async_trait]
impl CatalogHost for FaultyHost {
    fn dialect(&self) -> Dialect {
        self.inner.dialect()
    }

    fn identity(&self) -> String {
        self.inner.identity()
    }

    fn table(&self) -> &str {
        self.inner.table()
    }

    fn is_collision(&self, error: &Error) -> bool {
        self.inner.is_collision(error)
    }

    async fn begin_read(&self) -> Result<Box<dyn HostTransaction>> {
        let begin = self.script.run(Call::BeginRead, self.inner.begin_read());
        Ok(self.wrap(begin.await?))
    }

    async fn begin_write(&self) -> Result<Box<dyn HostTransaction>> {
        let begin = self.script.run(Call::BeginWrite, self.inner.begin_write());
        Ok(self.wrap(begin.await?))
    }

    async fn read_with(
        &self,
        ids: &[&str],
        sql: &str,
        args: &[SqlValue],
    ) -> Result<(Vec<Option<Arc<Record>>>, Vec<SqlRow>)> {
        let read = self.inner.read_with(ids, sql, args);
        self.script.run(Call::ReadWith, read).await
    }

    async fn prepare_to_move(&self, age: &Age) -> Result<()> {
        self.inner.prepare_to_move(age).await
    }

    async fn count_due(&self, scan: &DueScan<'_>) -> Result<DueCount> {
        self.inner.count_due(scan).await
    }

    async fn storage(&self) -> Result<Storage> {
        self.inner.storage().await
    }

    async fn release(&self, bytes: u64) -> Result<u64> {
        self.inner.release(bytes).await
    }
}

#[async_trait]
impl HostTransaction for FaultyTransaction {
    async fn query(&mut self, sql: &str, args: &[SqlValue]) -> Result<Vec<SqlRow>> {
        let query = self.inner.query(sql, args);
        self.script.run(Call::TransactionQuery, query).await
    }

    async fn execute(&mut self, sql: &str, args: &[SqlValue]) -> Result<u64> {
        let execute = self.inner.execute(sql, args);
        self.script.run(Call::TransactionExecute, execute).await
    }

    async fn read_many(&mut self, ids: &[&str]) -> Result<Vec<Option<Arc<Record>>>> {
        let read = self.inner.read_many(ids);
        self.script.run(Call::TransactionRead, read).await
    }

    async fn apply(&mut self, writes: &[Write]) -> Result<Vec<Written>> {
        let apply = self.inner.apply(writes);
        self.script.run(Call::TransactionApply, apply).await
    }

    async fn delete_unchanged(&mut self, rows: &[Arc<Record>]) -> Result<Vec<RecordId>> {
        let delete = self.inner.delete_unchanged(rows);
        self.script.run(Call::TransactionDelete, delete).await
    }

    async fn scan_due(&mut self, scan: &DueScan<'_>) -> Result<DuePage> {
        let page = self.inner.scan_due(scan);
        self.script.run(Call::TransactionScan, page).await
    }

    async fn count_undated(&mut self, age: &Age) -> Result<Undated> {
        self.inner.count_undated(age).await
    }

    async fn clear(&mut self) -> Result<()> {
        self.script.run(Call::Clear, self.inner.clear()).await
    }

    async fn count(&mut self, query: &Query) -> Result<u64> {
        self.script.run(Call::Count, self.inner.count(query)).await
    }

    fn search(self: Box<Self>, query: Query) -> RecordStream {
        self.script.run_stream(self.inner.search(query))
    }

    async fn commit(self: Box<Self>) -> Result<()> {
        let commit = self.inner.commit();
        self.script.run_commit(commit).await
    }
}
