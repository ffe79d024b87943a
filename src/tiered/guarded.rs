//! A tier behind its guard, as a `Database`.

use std::sync::Arc;

use async_trait::async_trait;

use super::guard::Guard;
use crate::telemetry::Operation;
use crate::{
    Capabilities, CatalogHost, Database, Health, Query, Record, RecordStream, Result, Write,
    Written,
};

/// A database whose reads wait no longer than the guard allows.
#[derive(Debug)]
pub(super) struct Guarded {
    inner: Arc<dyn Database>,
    guard: Arc<Guard>,
}

impl Guarded {
    pub(super) fn over(inner: Arc<dyn Database>, guard: &Arc<Guard>) -> Arc<dyn Database> {
        Arc::new(Self {
            inner,
            guard: Arc::clone(guard),
        })
    }
}

#[async_trait]
impl Database for Guarded {
    async fn read(&self, id: &str) -> Result<Option<Arc<Record>>> {
        self.guard.run(Operation::Read, self.inner.read(id)).await
    }

    async fn read_many(&self, ids: &[&str]) -> Result<Vec<Option<Arc<Record>>>> {
        let read = self.inner.read_many(ids);
        self.guard.run(Operation::ReadMany, read).await
    }

    async fn write(&self, writes: Vec<Write>) -> Result<Vec<Written>> {
        self.inner.write(writes).await
    }

    async fn search(&self, query: Query) -> Result<RecordStream> {
        let found = self.guard.run(Operation::Search, self.inner.search(query));
        let found = found.await?;
        Ok(self.guard.admit(Operation::Search)?.watch(found))
    }

    async fn count(&self, query: &Query) -> Result<u64> {
        let count = self.inner.count(query);
        self.guard.run_long(Operation::Count, count).await
    }

    async fn clear(&self) -> Result<()> {
        self.inner.clear().await
    }

    async fn health(&self) -> Result<Health> {
        self.guard.probe(self.inner.health()).await
    }

    async fn close(&self) -> Result<()> {
        self.inner.close().await
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn catalog_host(&self) -> Option<Arc<dyn CatalogHost>> {
        self.inner.catalog_host()
    }
}
