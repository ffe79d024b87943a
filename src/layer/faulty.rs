//! A database that fails, waits and counts as a script says: for tests of what stands above it.

mod host;
mod script;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use self::host::FaultyHost;
pub use self::script::{Call, Fault, Gate, Script};
use crate::{
    Capabilities, CatalogHost, Database, Health, Query, Record, RecordStream, Result, Write,
    Written,
};

/// A [`Database`] around another one whose calls meet the faults of a [`Script`].
///
/// The script is a handle of its own ([`script`](Faulty::script)): keep it, then give the database away. The inner
/// database's [`CatalogHost`] and its transactions follow the same script.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> thermocline::Result<()> {
/// use thermocline::{Call, Database, Error, Fault, Faulty, MemoryDatabase};
///
/// let db = Faulty::new(MemoryDatabase::new());
/// let script = db.script();
/// script.next(Call::Read, Fault::Fail(Error::unavailable("the disk is full")));
/// assert!(db.read("a").await.is_err());
/// assert!(db.read("a").await.is_ok(), "one fault, one call");
/// assert_eq!(script.count(Call::Read), 2);
/// # Ok(())
/// # }
/// ```
pub struct Faulty<D> {
    inner: D,
    script: Script,
}

impl<D: Database> Faulty<D> {
    /// `inner`, with a script that is still empty.
    pub fn new(inner: D) -> Self {
        Self {
            inner,
            script: Script::default(),
        }
    }

    /// The script, shared with this database.
    pub fn script(&self) -> Script {
        self.script.clone()
    }

    /// The database behind the faults.
    pub fn inner(&self) -> &D {
        &self.inner
    }
}

impl<D: fmt::Debug> fmt::Debug for Faulty<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Faulty").field(&self.inner).finish()
    }
}

#[async_trait]
impl<D: Database> Database for Faulty<D> {
    async fn read(&self, id: &str) -> Result<Option<Arc<Record>>> {
        self.script.run(Call::Read, self.inner.read(id)).await
    }

    async fn read_many(&self, ids: &[&str]) -> Result<Vec<Option<Arc<Record>>>> {
        self.script
            .run(Call::ReadMany, self.inner.read_many(ids))
            .await
    }

    async fn write(&self, writes: Vec<Write>) -> Result<Vec<Written>> {
        self.script.run(Call::Write, self.inner.write(writes)).await
    }

    async fn search(&self, query: Query) -> Result<RecordStream> {
        self.script.run_search(self.inner.search(query)).await
    }

    async fn count(&self, query: &Query) -> Result<u64> {
        self.script.run(Call::Count, self.inner.count(query)).await
    }

    async fn clear(&self) -> Result<()> {
        self.script.run(Call::Clear, self.inner.clear()).await
    }

    async fn health(&self) -> Result<Health> {
        self.script.run(Call::Health, self.inner.health()).await
    }

    async fn close(&self) -> Result<()> {
        self.script.run(Call::Close, self.inner.close()).await
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn catalog_host(&self) -> Option<Arc<dyn CatalogHost>> {
        let host = FaultyHost {
            inner: self.inner.catalog_host()?,
            script: self.script(),
        };
        Some(Arc::new(host))
    }
}
