//! The one trait over every tier, and the verbs that people use.

mod ext;

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;

pub use self::ext::DatabaseExt;

use crate::catalog_host::CatalogHost;
use crate::{Query, Record, RecordStream, Result, Write, Written};

/// One collection of records: what every tier, every wrapper and the router are.
///
/// Small and object safe, without default methods: this is what implementors owe. Callers use it through
/// [`DatabaseExt`], which every `Database` has.
///
/// # Contract
/// * A missing record is `Ok(None)`, never an error. Reads take any text: an id that cannot exist is absent.
/// * Order is kept: the n-th answer belongs to the n-th question. An id that stands twice in a batch is read twice,
///   or written in order.
/// * A write replaces the whole record. The backend's [`Clock`](crate::Clock) sets `updated_at` and, for new ids,
///   `created_at`; only [`Op::Put`](crate::Op::Put) keeps the record's own.
/// * A call that returned is visible to every later call through the same handle.
/// * What a backend cannot do is said by [`capabilities`](Database::capabilities) and answered with `Unsupported`.
///
/// # Errors
/// `Invalid` for a wrong question, `Unsupported`, `Unavailable`, `Corrupt`, `Closed` after [`close`](Database::close),
/// and for writes `Ambiguous` when the outcome is unknown.
#[async_trait]
pub trait Database: Send + Sync + Debug {
    /// Reads one record.
    async fn read(&self, id: &str) -> Result<Option<Arc<Record>>>;

    /// Reads many records, in one round trip where there is one.
    async fn read_many(&self, ids: &[&str]) -> Result<Vec<Option<Arc<Record>>>>;

    /// Applies writes in order, in one round trip where there is one.
    async fn write(&self, writes: Vec<Write>) -> Result<Vec<Written>>;

    /// Streams the records that match.
    async fn search(&self, query: Query) -> Result<RecordStream>;

    /// Counts what [`search`](Database::search) would return.
    async fn count(&self, query: &Query) -> Result<u64>;

    /// Removes every record of the collection.
    async fn clear(&self) -> Result<()>;

    /// Asks the service below whether it answers.
    async fn health(&self) -> Result<Health>;

    /// Finishes what is under way and lets go of files and connections; later calls answer `Closed`.
    async fn close(&self) -> Result<()>;

    /// What this backend can do.
    fn capabilities(&self) -> Capabilities;

    /// The database below, if an archive's catalog can live in it.
    fn catalog_host(&self) -> Option<Arc<dyn CatalogHost>>;
}

/// What a [`Database`] can do; each `false` is answered with `Unsupported`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// Records are still there after the process ended.
    pub durable: bool,
    /// Writes that expect a version.
    pub conditional_writes: bool,
    /// An error means that nothing of the batch was written, and readers see all of it or nothing.
    pub atomic_batches: bool,
    /// A search is one consistent view, however long it is read.
    pub snapshot_search: bool,
    /// Fields and metadata come back byte for byte; otherwise equal in value.
    pub exact_json: bool,
}

impl Capabilities {
    /// Everything that can be: the reference to compare with.
    pub const ALL: Self = Self {
        durable: true,
        conditional_writes: true,
        atomic_batches: true,
        snapshot_search: true,
        exact_json: true,
    };
}

/// The answer of a service that is well.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Health {
    /// What answered: a name and a version, for people.
    pub service: String,
}

impl Health {
    /// `service` answered.
    pub fn of(service: impl Into<String>) -> Self {
        Self {
            service: service.into(),
        }
    }
}

/// Lets a shared `Database` stand where an owned one is expected.
#[async_trait]
impl<D: Database + ?Sized> Database for Arc<D> {
    async fn read(&self, id: &str) -> Result<Option<Arc<Record>>> {
        (**self).read(id).await
    }

    async fn read_many(&self, ids: &[&str]) -> Result<Vec<Option<Arc<Record>>>> {
        (**self).read_many(ids).await
    }

    async fn write(&self, writes: Vec<Write>) -> Result<Vec<Written>> {
        (**self).write(writes).await
    }

    async fn search(&self, query: Query) -> Result<RecordStream> {
        (**self).search(query).await
    }

    async fn count(&self, query: &Query) -> Result<u64> {
        (**self).count(query).await
    }

    async fn clear(&self) -> Result<()> {
        (**self).clear().await
    }

    async fn health(&self) -> Result<Health> {
        (**self).health().await
    }

    async fn close(&self) -> Result<()> {
        (**self).close().await
    }

    fn capabilities(&self) -> Capabilities {
        (**self).capabilities()
    }

    fn catalog_host(&self) -> Option<Arc<dyn CatalogHost>> {
        (**self).catalog_host()
    }
}
