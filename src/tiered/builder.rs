//! Putting a router together.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::archive::{IntoArchive, Part, Terms, join};
use super::coherence::Coherence;
use super::flight::Flights;
use super::guard::{Guards, Limits};
use super::write::WRITES;
use super::{Inner, TieredDatabase};
use crate::telemetry::{self, RouterMetrics};
use crate::{Age, Clock, Database, Error, HotCache, Policy, Result, SystemClock, Tier};

/// How long a record stays in the hot tier, unless [`TieredDatabaseBuilder::ttl`] says otherwise.
pub const DEFAULT_TTL: Duration = Duration::from_secs(10 * 60);

/// How long an absent id stays in the hot tier, unless [`TieredDatabaseBuilder::absent_ttl`] says otherwise.
pub const DEFAULT_ABSENT_TTL: Duration = Duration::from_secs(30);

/// How long a search may take, unless [`TieredDatabaseBuilder::search_max_age`] says otherwise.
pub const DEFAULT_SEARCH_MAX_AGE: Duration = Duration::from_secs(10 * 60);

/// How long a router waits for one tier, unless [`TieredDatabaseBuilder::timeout`] says otherwise.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// Whether the ids of deleted and archived records come again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ids {
    /// Any id may be written at any time.
    #[default]
    Any,
    /// Ids are made anew for every record (UUIDs): a create does not look for its id in the archive.
    ///
    /// A create of an id that is archived all the same leaves two records of one id. Upserts still look.
    NeverReused,
}

/// Takes the parts of a [`TieredDatabase`]. Only the primary has no default.
#[derive(Debug)]
#[must_use]
pub struct TieredDatabaseBuilder {
    name: Option<String>,
    hot: Option<Box<dyn HotCache>>,
    primary: Option<Arc<dyn Database>>,
    archive: Option<Part>,
    age: Result<Age>,
    ids: Ids,
    ttl: Duration,
    absent_ttl: Duration,
    search_max_age: Duration,
    limits: Limits,
    policies: Vec<Policy>,
    clock: Arc<dyn Clock>,
}

impl TieredDatabaseBuilder {
    pub(super) fn new() -> Self {
        Self {
            name: None,
            hot: None,
            primary: None,
            archive: None,
            age: Ok(Age::default()),
            ids: Ids::default(),
            ttl: DEFAULT_TTL,
            absent_ttl: DEFAULT_ABSENT_TTL,
            search_max_age: DEFAULT_SEARCH_MAX_AGE,
            limits: Limits {
                timeout: DEFAULT_TIMEOUT,
                failures: 5,
                rest: Duration::from_secs(5),
            },
            policies: Vec::new(),
            clock: Arc::new(SystemClock),
        }
    }

    /// The collection's name in metrics; without one that of the primary's table, else `records`.
    ///
    /// Give each router of a process its own, or they are counted together.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The hot tier; without one every read goes to the primary.
    ///
    /// It is this router's alone. One that is shared with another router serves neither wrongly, but each pushes out
    /// the other's entries.
    pub fn hot(mut self, hot: impl HotCache + 'static) -> Self {
        self.hot = Some(Box::new(hot));
        self
    }

    /// The database that takes the writes.
    pub fn primary(mut self, primary: impl Database + 'static) -> Self {
        self.primary = Some(Arc::new(primary));
        self
    }

    /// The archive; without one nothing is looked for beyond the primary.
    ///
    /// A `ParquetArchive::in_dir(..)` gets its catalog in the primary's database, and this router's age and clock: then
    /// one transaction spans both tiers. Any other database is kept in step by this process alone.
    pub fn archive(mut self, archive: impl IntoArchive) -> Self {
        self.archive = Some(archive.into_archive().0);
        self
    }

    /// From when a record's age counts: a query path, or an [`Age`]. The default is `@created_at`.
    pub fn age<A>(mut self, age: A) -> Self
    where
        A: TryInto<Age>,
        Error: From<A::Error>,
    {
        self.age = age.try_into().map_err(Error::from);
        self
    }

    /// Whether ids come again; by default any may.
    pub fn ids(mut self, ids: Ids) -> Self {
        self.ids = ids;
        self
    }

    /// How long the hot tier may answer with a record: the bound on how stale it is where other processes write too.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl;
        self
    }

    /// How long the hot tier may answer that an id is absent.
    pub fn absent_ttl(mut self, absent_ttl: Duration) -> Self {
        self.absent_ttl = absent_ttl;
        self
    }

    /// How long a search may be read; then its snapshot is given back.
    pub fn search_max_age(mut self, search_max_age: Duration) -> Self {
        self.search_max_age = search_max_age;
        self
    }

    /// How long a read by id, the beginning of a search or a look at its health waits for one tier; then it is
    /// `Unavailable`.
    ///
    /// Writes are waited for, since their outcome matters; a backend bounds that wait itself, as SQLite does by its
    /// `busy_timeout`. Counts and streams may take long and are not cut short.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.limits.timeout = timeout;
        self
    }

    /// After so many failures in a row a tier is left alone for so long: 5 and 5 seconds unless said otherwise.
    ///
    /// What needs it is `Unavailable` at once meanwhile. Then one request tries, and its outcome decides. Only
    /// `Unavailable` is a failure here, and only of what reads.
    pub fn circuit_breaker(mut self, failures: u32, rest: Duration) -> Self {
        (self.limits.failures, self.limits.rest) = (failures.max(1), rest);
        self
    }

    /// A policy that says which records are moved to the archive, and when; there may be several.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policies.push(policy);
        self
    }

    /// Takes the time from `clock`.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Puts the parts together.
    ///
    /// # Errors
    /// `Invalid`: no primary, an age that is no path, or an archive whose catalog lies elsewhere.
    pub async fn build(self) -> Result<TieredDatabase> {
        let primary = self.primary.ok_or_else(|| {
            Error::invalid("a tiered database needs a primary: builder().primary(..)")
        })?;
        let name = self.name.unwrap_or_else(|| {
            let host = primary.catalog_host();
            host.map_or_else(|| "records".to_owned(), |host| host.table().to_owned())
        });
        let lowest = match &self.archive {
            Some(_) => Tier::Archive,
            None => Tier::Primary,
        };
        telemetry::describe();
        let metrics = Arc::new(RouterMetrics::new(&name, lowest));
        let guards = Guards::new(&name, self.limits);
        let terms = Terms {
            name,
            guards: guards.clone(),
            ids: self.ids,
            age: self.age?,
            clock: Arc::clone(&self.clock),
        };
        let cold = join(primary, self.archive, terms).await?;
        let coherence = Coherence::new(
            self.hot,
            Arc::clone(&self.clock),
            Arc::clone(&metrics),
            self.ttl,
            self.absent_ttl,
        );
        Ok(TieredDatabase {
            inner: Arc::new(Inner {
                coherence: Arc::new(coherence),
                flights: Flights::default(),
                cold,
                guards,
                #[cfg(feature = "archive")]
                policies: self.policies,
                clock: self.clock,
                metrics,
                search_max_age: self.search_max_age,
                writing: Arc::new(Semaphore::new(WRITES as usize)),
                closed: AtomicBool::new(false),
            }),
        })
    }
}
