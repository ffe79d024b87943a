//! The router: hot, primary and archive behind one `Database`.

mod archive;
#[cfg(feature = "archive")]
mod archiver;
mod batch;
mod builder;
mod coherence;
mod cold;
mod flight;
mod generations;
mod guard;
mod guarded;
#[cfg(feature = "archive")]
mod joined;
mod lease;
mod loose;
mod merge;
mod observe;
mod read;
mod search;
mod source;
mod write;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt};
use tokio::sync::Semaphore;

pub use self::archive::{ArchivePart, IntoArchive};
#[cfg(feature = "archive")]
pub use self::archiver::{Archiver, ArchiverHandle};
pub use self::builder::{
    DEFAULT_ABSENT_TTL, DEFAULT_SEARCH_MAX_AGE, DEFAULT_TIMEOUT, DEFAULT_TTL, Ids,
    TieredDatabaseBuilder,
};
use self::coherence::Coherence;
use self::cold::Cold;
use self::flight::Flights;
pub use self::guard::Circuit;
use self::guard::Guards;
pub use self::source::{ReadSource, SourcedStream};
use crate::telemetry::RouterMetrics;
use crate::{
    Capabilities, CatalogHost, Clock, Database, Error, ErrorKind, Health, HotUsage, Policy, Query,
    Record, RecordStream, Result, Tier, Write, Written,
};

/// One collection over a hot tier, a primary and an archive; a `Database` itself, and cheap to clone.
///
/// Reads by id go hot, then primary, then archive, and what they find stays in the hot tier for a while. Writes go to
/// the primary. An archived record is read, searched, updated and deleted like any other: a write of one takes it out of
/// the archive in the same step.
///
/// It is a handle: clone it, never wrap it in an `Arc`. It must be used within a tokio runtime that has a timer.
///
/// # Consistency
///
/// *Within one router* (all clones of one handle) a read that begins after a write was acknowledged returns that write's
/// state or a later one, whatever was loading, waiting or cancelled meanwhile:
///
/// * Every key belongs to a counter, its *generation*. A write turns it on once it was executed and before it is
///   acknowledged, whether it succeeded, failed, was refused or was given up by its caller: the task that executes the
///   write does it, not the caller. What the hot tier holds counts only while the generation from before its load stands.
/// * Readers that miss wait for one load per key and generation. Nobody joins a load that began before a write.
/// * A write whose outcome is unknown (`Ambiguous`) may still take effect: its keys are not cached for a minute.
/// * A lifetime counts from the start of the load.
///
/// While a write is under way a read may return the state before it or after it.
///
/// *Between processes* nothing invalidates: what another process wrote to the primary or moved to the archive is seen
/// after at most [`ttl`](TieredDatabaseBuilder::ttl), and the record that it created under an id that was read as absent
/// after at most [`absent_ttl`](TieredDatabaseBuilder::absent_ttl). Writes never rely on the hot tier: a create finds the
/// other's record, and a conditional write whose version is no longer the stored one answers
/// [`Written::Changed`], after which the next read brings the new state.
///
/// `exists`, `count` and `search` pass by the hot tier and so may be fresher than `read`.
///
/// *Between the tiers* it depends on what they have in common. If the archive's catalog lies in the primary's database,
/// a record is in exactly one of them at every moment, a search or count sees both as of one moment, and a batch is
/// written all or not at all. Tiers that share no transaction (two memory databases) are kept in step by locks of this
/// process and by the order of the writes: reads by id and writes are as above, but a search sees each tier as it is
/// when it gets to it, a batch may be written in part, and every delete needs the archive.
///
/// # Degradation
///
/// A tier that does not answer is an error, never a shorter answer. With the archive out of reach reads and writes of
/// records that the primary holds go on; what may be archived is `Unavailable`, and is never taken for absent or new.
///
/// A tier is waited for no longer than [`timeout`](TieredDatabaseBuilder::timeout), and one that keeps failing is left
/// alone for a while ([`circuit_breaker`](TieredDatabaseBuilder::circuit_breaker)), so that a slow archive does not hold up
/// those who do not need it. [`circuit`](TieredDatabase::circuit) tells how it stands, and a look at the
/// [`health`](Database::health) asks the tiers whatever it says.
///
/// # Closing
///
/// [`close`](Database::close) waits for the writes that are under way, then closes primary and archive. Dropping the
/// last handle closes nothing: writes that are under way end by themselves.
#[derive(Clone)]
pub struct TieredDatabase {
    inner: Arc<Inner>,
}

struct Inner {
    coherence: Arc<Coherence>,
    flights: Flights,
    cold: Box<dyn Cold>,
    guards: Guards,
    #[cfg(feature = "archive")]
    policies: Vec<Policy>,
    clock: Arc<dyn Clock>,
    metrics: Arc<RouterMetrics>,
    search_max_age: Duration,
    /// A permit per write under way; closed with the router.
    writing: Arc<Semaphore>,
    closed: AtomicBool,
}

impl TieredDatabase {
    /// Begins to put a router together.
    pub fn builder() -> TieredDatabaseBuilder {
        TieredDatabaseBuilder::new()
    }

    /// Reads one record: the same as [`Database::read`], without its boxed future.
    ///
    /// # Errors
    /// `Unavailable`: a tier that may hold the record does not answer.
    pub async fn read(&self, id: &str) -> Result<Option<Arc<Record>>> {
        Ok(self.find(id).await?.record)
    }

    /// Reads one record and tells which tier had it.
    ///
    /// # Errors
    /// As [`read`](TieredDatabase::read).
    pub async fn read_with_source(&self, id: &str) -> Result<(Option<Arc<Record>>, ReadSource)> {
        let found = self.find(id).await?;
        Ok((found.record, found.source))
    }

    /// Streams the records that match, each with the tier that it came from.
    ///
    /// # Errors
    /// As [`search`](Database::search).
    pub async fn search_with_source(&self, query: Query) -> Result<SourcedStream> {
        self.stream(&query).await
    }

    /// Whether a tier is asked, or left alone because it kept failing.
    pub fn circuit(&self, tier: Tier) -> Circuit {
        self.inner.guards.circuit(tier)
    }

    /// How full the hot tier is; none where there is none.
    pub fn hot_usage(&self) -> Option<HotUsage> {
        self.inner.coherence.hot().map(crate::HotCache::usage)
    }
}

impl Inner {
    fn open(&self) -> Result<()> {
        match self.closed.load(Ordering::Acquire) {
            true => Err(closed()),
            false => Ok(()),
        }
    }
}

fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the tiered database was closed")
}

#[async_trait]
impl Database for TieredDatabase {
    async fn read(&self, id: &str) -> Result<Option<Arc<Record>>> {
        Ok(self.find(id).await?.record)
    }

    async fn read_many(&self, ids: &[&str]) -> Result<Vec<Option<Arc<Record>>>> {
        self.find_many(ids).await
    }

    async fn write(&self, writes: Vec<Write>) -> Result<Vec<Written>> {
        self.apply(writes).await
    }

    /// Streams the records that match, for at most
    /// [`search_max_age`](TieredDatabaseBuilder::search_max_age); then the stream ends with `Unavailable`.
    async fn search(&self, query: Query) -> Result<RecordStream> {
        let found = self.stream(&query).await?;
        Ok(found.map_ok(|(record, _)| record).boxed())
    }

    async fn count(&self, query: &Query) -> Result<u64> {
        self.number(query).await
    }

    async fn clear(&self) -> Result<()> {
        self.remove_everything().await
    }

    async fn health(&self) -> Result<Health> {
        self.inner.open()?;
        self.inner.cold.health().await
    }

    async fn close(&self) -> Result<()> {
        self.shut().await
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.cold.capabilities()
    }

    /// None: the router's tiers have theirs, and no second archive goes over a router.
    fn catalog_host(&self) -> Option<Arc<dyn CatalogHost>> {
        None
    }
}

impl fmt::Debug for TieredDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TieredDatabase")
            .field("coherence", &self.inner.coherence)
            .field("cold", &self.inner.cold)
            .finish_non_exhaustive()
    }
}
