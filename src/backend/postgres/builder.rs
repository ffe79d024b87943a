//! Opening a database: its settings, its creation, what is checked before anything else.

use std::sync::Arc;
use std::time::Duration;

use super::coalesce::Queue;
use super::layout::Table;
use super::lease::Lease;
use super::pool::{Limits, Pool};
use super::row::{self, Args};
use super::server::{Address, Server};
use super::times::Zone;
use super::{Place, PostgresDatabase, Shared, zone};
use crate::{Clock, Error, Result, SystemClock};

/// The oldest server that is known to work, as it counts its versions.
const OLDEST: i64 = 150_000;

/// How a PostgreSQL database is opened. Made by [`PostgresDatabase::builder`].
#[derive(Debug)]
pub struct PostgresBuilder {
    target: Result<(Server, Address)>,
    schema: Option<String>,
    table: Option<String>,
    connections: u32,
    snapshots: u32,
    limits: Limits,
    zone: Option<String>,
    clock: Arc<dyn Clock>,
    python_readers: bool,
}

impl PostgresBuilder {
    pub(super) fn new(url: &str) -> Self {
        Self {
            target: Server::parse(url),
            schema: None,
            table: None,
            connections: 8,
            snapshots: 16,
            limits: Limits {
                connect: Duration::from_secs(10),
                statement: Duration::from_secs(30),
                lock: Duration::from_secs(10),
                search: Duration::from_secs(10 * 60),
            },
            zone: None,
            clock: Arc::new(SystemClock),
            python_readers: true,
        }
    }

    /// The table of the collection; the URL's, or `records`, unless said otherwise.
    #[must_use]
    pub fn table(mut self, name: impl Into<String>) -> Self {
        self.table = Some(name.into());
        self
    }

    /// The schema that the table stands in; the URL's, or `public`, unless said otherwise.
    #[must_use]
    pub fn schema(mut self, name: impl Into<String>) -> Self {
        self.schema = Some(name.into());
        self
    }

    /// How many questions and writes are under way at once; 8 unless said otherwise. Each takes a connection.
    #[must_use]
    pub fn connections(mut self, connections: u32) -> Self {
        self.connections = connections.max(1);
        self
    }

    /// How many snapshots can be held at once, by searches and read transactions; 16 unless said otherwise.
    #[must_use]
    pub fn snapshots(mut self, snapshots: u32) -> Self {
        self.snapshots = snapshots.max(1);
        self
    }

    /// How long a connection may take, and waiting for one that is in use; 10 seconds unless said otherwise.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.limits.connect = timeout;
        self
    }

    /// How long a statement may take; 30 seconds unless said otherwise. Searches have their own limit.
    #[must_use]
    pub fn statement_timeout(mut self, timeout: Duration) -> Self {
        self.limits.statement = timeout;
        self
    }

    /// How long a write waits for a lock of another transaction; 10 seconds unless said otherwise.
    #[must_use]
    pub fn lock_timeout(mut self, timeout: Duration) -> Self {
        self.limits.lock = timeout;
        self
    }

    /// How long a search may take, with all that its reader does meanwhile; 10 minutes unless said otherwise.
    #[must_use]
    pub fn search_timeout(mut self, timeout: Duration) -> Self {
        self.limits.search = timeout;
        self
    }

    /// In whose local time the table's times are, as `Europe/Berlin`; that of a fresh session unless said otherwise.
    #[must_use]
    pub fn timestamp_zone(mut self, name: impl Into<String>) -> Self {
        self.zone = Some(name.into());
        self
    }

    /// Where the times of writes come from; the system's clock unless said otherwise.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Whether Python's package reads the table too; it does unless said otherwise.
    ///
    /// Then a top-level object with `"type": "vector"` that is no vector is refused: one breaks every search there.
    #[must_use]
    pub fn python_readers(mut self, python_readers: bool) -> Self {
        self.python_readers = python_readers;
        self
    }

    /// Connects, and makes what is missing of the table.
    ///
    /// # Errors
    /// As [`PostgresDatabase::open`].
    pub async fn open(self) -> Result<PostgresDatabase> {
        let (server, address) = self.target?;
        let table = Table::named(
            &self.schema.unwrap_or(address.schema),
            &self.table.unwrap_or(address.table),
        )?;
        let zone = self.zone.as_deref().map(Zone::named).transpose()?;
        let pool = Pool::new(server, &self.limits);
        let workers = pool.seats(self.connections);
        let version = check_server(&mut Lease::new(&workers).await?).await?;
        table.ensure(&workers).await?;
        let zone = match zone {
            Some(zone) => zone,
            None => zone::of_fresh_session(&mut Lease::new(&workers).await?).await?,
        };
        Ok(PostgresDatabase {
            shared: Arc::new(Shared {
                snapshots: pool.seats(self.snapshots),
                workers,
                limits: self.limits,
                version,
                clock: self.clock,
                python_readers: self.python_readers,
            }),
            place: Arc::new(Place::of(table, zone)),
            queue: Arc::new(Queue::default()),
        })
    }
}

/// Checks that the server is one that we know, with text in UTF-8; its version.
async fn check_server(lease: &mut Lease) -> Result<Box<str>> {
    let sql = "SELECT current_setting('server_version_num')::bigint, current_setting('server_version'), \
               current_setting('server_encoding')";
    let rows = lease.fetch(&sql.into(), Args::default().finish()).await?;
    let Some(row) = rows.first() else {
        return Err(Error::unexpected("the server does not tell its version"));
    };
    let version = row::text(row, 1)?;
    if row::int(row, 0)? < OLDEST {
        return Err(
            Error::unsupported("this server is too old; PostgreSQL 15 or newer is needed")
                .with("version", version),
        );
    }
    if row::text(row, 2)? != "UTF8" {
        return Err(Error::unsupported(
            "records are kept only in databases in UTF-8; create one with ENCODING 'UTF8' TEMPLATE template0",
        )
        .with("encoding", row::text(row, 2)?));
    }
    Ok(version.into())
}
