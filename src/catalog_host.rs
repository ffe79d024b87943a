//! The seam between a primary and the catalog that lives in the same database.
//!
//! One transaction carries both halves, and neither half knows the other's SQL: the catalog's statements come in as text,
//! the records' are the backend's own.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
use jiff::SignedDuration;
use jiff::Timestamp;

use crate::age::Age;
use crate::sql::{Dialect, SqlRow, SqlValue};
use crate::{Error, Filter, Query, Record, RecordId, RecordStream, Result, Write, Written};

/// A database that keeps records of one collection and can hold an archive's catalog beside them.
#[async_trait]
pub trait CatalogHost: Send + Sync + Debug {
    /// The SQL that `query` and `execute` are written in.
    fn dialect(&self) -> Dialect;

    /// What tells one database from another: handles with the same identity share one catalog.
    fn identity(&self) -> String;

    /// The name of the collection's table, for messages and for the archived table's name.
    fn table(&self) -> &str;

    /// Whether an error says that another transaction was in the way (a dead lock, two that cannot be put in an order):
    /// nothing of this one stands, and the same may simply be done again.
    fn is_collision(&self, error: &Error) -> bool;

    /// Begins to read: one snapshot until it is dropped.
    async fn begin_read(&self) -> Result<Box<dyn HostTransaction>>;

    /// Begins to write; waits for other writers within the database's own limit.
    ///
    /// # Errors
    /// `Unavailable`: another program holds the lock for too long.
    async fn begin_write(&self) -> Result<Box<dyn HostTransaction>>;

    /// Reads records and catalog rows in one snapshot and as few round trips as the database allows.
    async fn read_with(
        &self,
        ids: &[&str],
        sql: &str,
        args: &[SqlValue],
    ) -> Result<(Vec<Option<Arc<Record>>>, Vec<SqlRow>)>;

    /// Checks what a move needs of the table, and makes the index on the age where the table is ours.
    ///
    /// # Errors
    /// `Unsupported`: records would be lost or torn (columns that are not archived, cascades, triggers, ..).
    async fn prepare_to_move(&self, age: &Age) -> Result<()>;

    /// Adds up the next part of what may be due, without reading it: about `scan.rows` records in the order of age.
    ///
    /// Within a day of the border an age with an offset may be miscounted; a test of the filter that the database cannot
    /// judge counts as fulfilled.
    async fn count_due(&self, scan: &DueScan<'_>) -> Result<DueCount>;

    /// How much room the records take.
    async fn storage(&self) -> Result<Storage>;

    /// Gives at most `bytes` of freed space back to the disk, in small steps; how many it gave.
    async fn release(&self, bytes: u64) -> Result<u64>;
}

/// How often a short transaction is tried while others are in its way.
const TRIES: usize = 5;

impl dyn CatalogHost + '_ {
    /// As [`despite_others`], on this host.
    pub(crate) async fn despite_others<T, F>(&self, attempt: impl Fn() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        despite_others(|error| self.is_collision(error), attempt).await
    }
}

/// Does a short transaction again that others were in the way of; each attempt starts from nothing.
///
/// # Errors
/// The last attempt's.
pub(crate) async fn despite_others<T, F>(
    is_collision: impl Fn(&Error) -> bool,
    attempt: impl Fn() -> F,
) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    for _ in 1..TRIES {
        match attempt().await {
            Err(error) if is_collision(&error) => {
                tracing::debug!(%error, "another transaction was in the way; once more");
            }
            outcome => return outcome,
        }
    }
    attempt().await
}

/// A transaction of a [`CatalogHost`]; dropping it rolls back.
#[async_trait]
pub trait HostTransaction: Send {
    /// Runs a statement of the catalog's that answers with rows.
    async fn query(&mut self, sql: &str, args: &[SqlValue]) -> Result<Vec<SqlRow>>;

    /// Runs a statement of the catalog's; how many rows it changed.
    ///
    /// # Errors
    /// `Conflict` with the context `constraint`: a unique key is taken.
    async fn execute(&mut self, sql: &str, args: &[SqlValue]) -> Result<u64>;

    /// Reads records.
    async fn read_many(&mut self, ids: &[&str]) -> Result<Vec<Option<Arc<Record>>>>;

    /// Applies writes in order.
    async fn apply(&mut self, writes: &[Write]) -> Result<Vec<Written>>;

    /// Deletes those of `rows` that are still exactly as they were read; which ones it deleted.
    async fn delete_unchanged(&mut self, rows: &[Arc<Record>]) -> Result<Vec<RecordId>>;

    /// The next records that may be due, in (age, id) order: a superset, to be judged by the caller.
    async fn scan_due(&mut self, scan: &DueScan<'_>) -> Result<DuePage>;

    /// How many records have no age that can be read: a scan never returns them.
    async fn count_undated(&mut self, age: &Age) -> Result<Undated>;

    /// Removes every record.
    async fn clear(&mut self) -> Result<()>;

    /// Counts what [`search`](HostTransaction::search) would return.
    async fn count(&mut self, query: &Query) -> Result<u64>;

    /// Streams the records that match; the stream keeps the transaction's snapshot.
    fn search(self: Box<Self>, query: Query) -> RecordStream;

    /// Makes everything durable and visible.
    ///
    /// # Errors
    /// `Ambiguous`: whether it was committed is unknown.
    async fn commit(self: Box<Self>) -> Result<()>;
}

/// Which records a policy may take.
#[derive(Clone, Debug)]
pub struct DueScan<'a> {
    /// How a record's age is read.
    pub age: &'a Age,
    /// Only records from before this time.
    pub before: Timestamp,
    /// Only records that match; the backend applies what it can.
    pub filter: &'a Filter,
    /// Goes on after this place.
    pub after: Option<DueCursor>,
    /// At most so many records.
    pub rows: usize,
    /// Stops once the page's records take so many bytes.
    pub bytes: u64,
}

impl DueScan<'_> {
    /// The filter, if it means the same at every time; else one that takes all. What `now()` is, the caller alone knows.
    ///
    /// # Errors
    /// `Invalid`: the filter.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(crate) fn timeless_filter(&self) -> Result<Filter> {
        let query = Query::from(self.filter.clone());
        let filter_at = |now| {
            query
                .prepare(now)
                .map(|prepared| prepared.query().filter.clone())
        };
        let filter = filter_at(self.before)?;
        let later = self
            .before
            .saturating_add(SignedDuration::from_secs(1))
            .unwrap_or(self.before);
        let is_timeless = filter == filter_at(later)?;
        Ok(if is_timeless { filter } else { Filter::ALL })
    }
}

/// A page of a [`DueScan`].
#[derive(Debug)]
pub struct DuePage {
    /// The records, in the order of the scan.
    pub records: Vec<Arc<Record>>,
    /// Where the next page begins; none at the end.
    pub next: Option<DueCursor>,
    /// Rows that were met and cannot be moved (an id that is not text), by reason.
    pub skipped: Vec<(SkipReason, u64)>,
}

/// What a part of the records that may be due adds up to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DueCount {
    /// Records.
    pub rows: u64,
    /// Bytes of their text, about.
    pub bytes: u64,
    /// The age of the oldest.
    pub oldest: Option<Timestamp>,
    /// The age after which the next part begins; none at the end.
    pub next: Option<SqlValue>,
}

/// A place in a [`DueScan`]: the age as the database orders it, and the id.
#[derive(Clone, Debug, PartialEq)]
pub struct DueCursor {
    /// The age in the form that the index holds.
    pub age: SqlValue,
    /// The id at this place.
    pub id: Box<str>,
}

/// Why a record that looked due stays where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum SkipReason {
    /// It changed, vanished or was locked while it was being moved.
    Changed,
    /// It has no age.
    NoAge,
    /// Its age cannot be read as a time.
    UnreadableAge,
    /// It cannot be archived as it is.
    Unsupported,
}

impl SkipReason {
    /// The reason as it stands in reports and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::NoAge => "no_age",
            Self::UnreadableAge => "unreadable_age",
            Self::Unsupported => "unsupported",
        }
    }
}

/// Records whose age is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Undated {
    /// No value, or null.
    pub absent: u64,
    /// A value that is no time.
    pub unreadable: u64,
}

/// The room that a collection's database takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storage {
    /// Records in the collection.
    pub rows: u64,
    /// Bytes of the whole database on disk.
    pub bytes: u64,
    /// Bytes in it that are free for reuse.
    pub free_bytes: u64,
    /// What to do so that free space returns to the disk; none where [`CatalogHost::release`] does it.
    pub remedy: Option<String>,
}
