//! Records in a table of a PostgreSQL database.

mod age;
mod backlog;
mod builder;
mod coalesce;
mod copy;
mod due;
mod error;
mod host;
mod layout;
mod lease;
mod pool;
mod preconditions;
mod pushdown;
mod read;
mod row;
mod search;
mod server;
mod times;
mod transaction;
mod unchanged;
mod undated;
mod write;
mod zone;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use async_trait::async_trait;
use jiff::Timestamp;

pub use self::builder::PostgresBuilder;
use self::coalesce::Queue;
use self::layout::Table;
use self::lease::Lease;
use self::pool::{Limits, Seats};
use self::read::{Question, Statements};
use self::row::Args;
use self::times::Zone;
use crate::catalog_host::{CatalogHost, despite_others};
use crate::fault::mutation;
use crate::sql::SqlRow;
use crate::write::check_for_python;
use crate::{
    Capabilities, Clock, Database, Error, ErrorKind, Health, Prepared, Query, Record, RecordStream,
    Result, Write, Written,
};

/// How often a write is done again that another transaction was in the way of.
const TRIES: usize = 5;

/// Does a piece of reading, once more on a new connection where the old one had died unseen.
macro_rules! on_a_live_lease {
    ($database:expr, $lease:ident => $work:expr) => {{
        let mut $lease = $database.worker().await?;
        match $work.await {
            Err(_) if $lease.was_dead() => {
                drop($lease);
                let mut $lease = Lease::anew(&$database.shared.workers).await?;
                $work.await
            }
            other => other,
        }
    }};
}

/// Records in one table of a PostgreSQL database; a cheap handle.
///
/// The layout is that of Python's dataknobs: fields and metadata are `jsonb`, which keeps values and not their spelling,
/// and a record's version is the row's `xmin`. Tables that are there are used as they are. Whole numbers of 309 digits that end
/// in zeros, as `jsonb` writes the largest floats, are read with an exponent: other parsers refuse so many digits.
///
/// Nothing is kept in a session, so that any pooler may stand before the server; one that hands sessions out by
/// transaction needs `statement_cache=0` in the URL, which then costs a round trip or two for each call.
///
/// # Reads
/// A lone read goes at once; while others are under way those who come wait together and are answered by one statement.
///
/// # Dropping
/// A write that was begun is finished even if its caller goes away. A search that is dropped half way gives its
/// connection up.
#[derive(Clone, Debug)]
pub struct PostgresDatabase {
    shared: Arc<Shared>,
    place: Arc<Place>,
    queue: Arc<Queue>,
}

/// What all collections of a database share.
#[derive(Debug)]
struct Shared {
    /// For questions that are answered at once, and for writes.
    workers: Seats,
    /// For snapshots that somebody holds: they never take a seat from the others.
    snapshots: Seats,
    limits: Limits,
    version: Box<str>,
    clock: Arc<dyn Clock>,
    python_readers: bool,
}

/// A table, and how its rows are read.
#[derive(Debug)]
struct Place {
    table: Table,
    zone: Zone,
    read: Statements,
    /// Whether the last large batch met no record that was there: the next one may be copied.
    is_growing: AtomicBool,
}

impl Place {
    fn of(table: Table, zone: Zone) -> Self {
        Self {
            read: Statements::of(table.quoted()),
            table,
            zone,
            is_growing: AtomicBool::new(true),
        }
    }

    /// The value of a column for a time of `record`.
    fn opt_time(&self, record: &Record, time: Option<Timestamp>) -> Result<Option<i64>> {
        let time = time.map(|time| self.zone.write(time)).transpose();
        time.map_err(|error| error.with("id", record.id()))
    }
}

impl PostgresDatabase {
    /// Opens a table by its URL, and makes it where it is missing.
    ///
    /// `postgres://user:password@host:port/database?table=records&schema=public&sslmode=verify-full&sslrootcert=FILE`;
    /// what the URL does not say is taken from the variables that `psql` takes it from (`PGHOST`, `PGPASSWORD`, ..).
    ///
    /// # Errors
    /// `Invalid`: the URL, or who it says; no such database or schema. `Unsupported`: the table has another layout.
    /// `Unavailable`: the server cannot be reached.
    pub async fn open(url: &str) -> Result<Self> {
        Self::builder(url).open().await
    }

    /// Opens a table with settings of your own.
    pub fn builder(url: &str) -> PostgresBuilder {
        PostgresBuilder::new(url)
    }

    /// Another collection of the same database, in the same schema, over the same connections; its times are in the
    /// same zone unless said otherwise.
    ///
    /// # Errors
    /// `Unsupported`: the table has another layout. `Invalid`: no such zone.
    pub async fn table(&self, name: &str, timestamp_zone: Option<&str>) -> Result<Self> {
        let table = Table::named(self.place.table.schema(), name)?;
        let zone = match timestamp_zone {
            Some(name) => Zone::named(name)?,
            None => self.place.zone.clone(),
        };
        table.ensure(&self.shared.workers).await?;
        Ok(Self {
            shared: Arc::clone(&self.shared),
            place: Arc::new(Place::of(table, zone)),
            queue: Arc::new(Queue::default()),
        })
    }

    async fn worker(&self) -> Result<Lease> {
        Lease::new(&self.shared.workers).await
    }

    async fn read_now(&self, ids: &[&str]) -> Result<Vec<Option<Arc<Record>>>> {
        let begin = (ids.len() > read::MOST).then(|| self.shared.limits.begin_search());
        on_a_live_lease!(self, lease => async {
            if let Some(begin) = &begin {
                lease.begin(begin).await?;
            }
            read::read_many(&mut lease, &self.place, ids).await
        })
    }

    async fn read_with_now(
        &self,
        ids: &[&str],
        question: &Question,
    ) -> Result<(Vec<Option<Arc<Record>>>, Vec<SqlRow>)> {
        on_a_live_lease!(self, lease => read::read_with(&mut lease, &self.place, ids, question))
    }

    fn prepare(&self, query: &Query) -> Result<Prepared> {
        query.prepare(self.shared.clock.now())
    }

    async fn apply(&self, lease: &mut Lease, writes: &[Write]) -> Result<Vec<Written>> {
        if self.shared.python_readers {
            check_for_python(writes)?;
        }
        write::apply(lease, &self.place, self.shared.clock.now(), writes).await
    }

    /// A lease with a transaction that `begin` has begun.
    async fn begun(&self, seats: &Seats, begin: &str) -> Result<Lease> {
        let mut lease = Lease::new(seats).await?;
        if let Err(error) = lease.begin(begin).await {
            if !lease.was_dead() {
                return Err(error);
            }
            drop(lease);
            lease = Lease::anew(seats).await?;
            lease.begin(begin).await?;
        }
        Ok(lease)
    }

    async fn write_now(self, writes: Vec<Write>) -> Result<Vec<Written>> {
        let mut tries = 1;
        loop {
            let mut lease = self.worker().await?;
            let error = match self.write_once(&mut lease, &writes, tries).await {
                Ok(written) => return Ok(written),
                Err(error) => error,
            };
            let again = error::was_in_the_way(&error) || (lease.was_dead() && error.is_retryable());
            if !again || tries == TRIES {
                return Err(error);
            }
            tries += 1;
        }
    }

    /// Whoever was in the way of others takes turns with all who were, and in the end has the table for itself: who locks
    /// it before anything else is never waited for in a circle. Not at once, as all other writers wait meanwhile.
    async fn write_once(
        &self,
        lease: &mut Lease,
        writes: &[Write],
        tries: usize,
    ) -> Result<Vec<Written>> {
        let tries = if mutation("turns_only") {
            tries.min(2)
        } else {
            tries
        };
        if tries == 1 && write::is_one_statement(&self.place, writes) {
            let written = self.apply(lease, writes).await;
            return written.map_err(|error| lease.after_writing(error));
        }
        lease.begin_ordinary().await?;
        match tries {
            1 => {}
            2 => {
                let turn = format!("thermocline write {}", self.place.table.quoted());
                lease.wait_for_turn(&turn).await?;
            }
            _ => write::keep_others_out(lease, &self.place).await?,
        }
        let written = self.apply(lease, writes).await?;
        lease.commit().await?;
        Ok(written)
    }

    async fn clear_now(self) -> Result<()> {
        despite_others(error::was_in_the_way, || async {
            let begin = self.shared.workers.pool().begin();
            let mut lease = self.begun(&self.shared.workers, begin).await?;
            write::remove_all(&mut lease, &self.place).await?;
            lease.commit().await
        })
        .await
    }

    /// A lease for a search; within a transaction where it may take long.
    async fn searcher(&self, prepared: &Prepared) -> Result<Lease> {
        let seats = &self.shared.snapshots;
        if search::is_small(prepared) && !seats.pool().server().is_pooled {
            return Lease::new(seats).await;
        }
        self.begun(seats, &self.shared.limits.begin_search()).await
    }
}

/// Lets work that was begun go on when its caller goes away.
async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    tokio::spawn(work).await.unwrap_or_else(|error| {
        Err(
            Error::new(ErrorKind::Unexpected, "a write ended without an outcome")
                .with_source(error),
        )
    })
}

#[async_trait]
impl Database for PostgresDatabase {
    async fn read(&self, id: &str) -> Result<Option<Arc<Record>>> {
        Ok(self.read_coalesced(id, None).await?.0)
    }

    async fn read_many(&self, ids: &[&str]) -> Result<Vec<Option<Arc<Record>>>> {
        self.read_now(ids).await
    }

    async fn write(&self, writes: Vec<Write>) -> Result<Vec<Written>> {
        to_the_end(self.clone().write_now(writes)).await
    }

    async fn search(&self, query: Query) -> Result<RecordStream> {
        let prepared = self.prepare(&query)?;
        let lease = self.searcher(&prepared).await?;
        Ok(search::stream(self.clone(), lease, prepared))
    }

    async fn count(&self, query: &Query) -> Result<u64> {
        let prepared = self.prepare(query)?;
        let begin = self.shared.limits.begin_search();
        on_a_live_lease!(self, lease => async {
            lease.begin(&begin).await?;
            search::count(&self.place, &mut lease, &prepared).await
        })
    }

    async fn clear(&self) -> Result<()> {
        to_the_end(self.clone().clear_now()).await
    }

    async fn health(&self) -> Result<Health> {
        let sql = format!("SELECT EXISTS (SELECT FROM {})", self.place.table.quoted()).into();
        on_a_live_lease!(self, lease => lease.fetch(&sql, Args::default().finish()))?;
        Ok(Health::of(format!("PostgreSQL {}", self.shared.version)))
    }

    async fn close(&self) -> Result<()> {
        for seats in [&self.shared.snapshots, &self.shared.workers] {
            seats.close().await;
        }
        Ok(())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            exact_json: false,
            ..Capabilities::ALL
        }
    }

    fn catalog_host(&self) -> Option<Arc<dyn CatalogHost>> {
        Some(Arc::new(self.clone()))
    }
}
