//! Records in a SQLite file, which can hold an archive's catalog too.

mod backlog;
mod builder;
mod due;
mod error;
mod host;
mod identity;
mod layout;
mod lease;
mod pool;
mod preconditions;
mod pushdown;
mod read;
mod row;
mod search;
mod storage;
mod times;
mod transaction;
mod unchanged;
mod undated;
mod write;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

pub use self::builder::SqliteBuilder;
use self::identity::Identity;
use self::layout::Table;
use self::lease::{Lease, Sql};
use self::pool::Seats;
use self::pushdown::Reach;
use self::row::{Args, sql_row};
use crate::catalog_host::CatalogHost;
use crate::write::check_for_python;
use crate::{
    Capabilities, Clock, Database, Health, Prepared, Query, Record, RecordStream, Result, Write,
    Written,
};

/// Records in one table of a SQLite file; a cheap handle.
///
/// The file is opened in WAL mode and written with `synchronous = FULL`: a write that returned survives a crash of the
/// machine. One connection writes, a pool of others reads, and a search reads one snapshot however long it takes. Other
/// programs may use the file at the same time, each through a SQLite of its own.
///
/// # Never two SQLite libraries in one process on one file
/// POSIX locks belong to the process: when a second library (Python's, DuckDB's) closes the file, the locks of the first
/// are gone, and commits are lost. Use such a program in a process of its own.
///
/// # What an index answers
/// Ids, the age of a policy, and records' own times: with a limit, `sort @created_at desc` reads the newest records and no
/// others. The oldest are found so where the filter leaves out records without a time (`@created_at exists`), which stand
/// before all others. Anything else is a scan.
///
/// # Dropping
/// A call that is dropped half way leaves no transaction open: it is committed as a whole or not at all. The file is
/// closed by [`close`](Database::close), or when the last handle is dropped.
#[derive(Clone, Debug)]
pub struct SqliteDatabase {
    shared: Arc<Shared>,
    table: Arc<Table>,
    reach: Reach,
}

/// What all collections of a file share.
#[derive(Debug)]
struct Shared {
    /// The file, absolute, without links.
    file: Arc<Path>,
    /// What it was when it was opened.
    identity: Option<Identity>,
    writer: Seats,
    /// For answers that come at once.
    readers: Seats,
    /// For snapshots that somebody holds: they never take a seat from the others.
    snapshots: Seats,
    patience: Duration,
    clock: Arc<dyn Clock>,
    python_readers: bool,
    /// Removes the private file of `:memory:` when the last handle is gone.
    private: Option<tempfile::TempDir>,
}

impl SqliteDatabase {
    /// Opens the table `records` of a file, and makes what is missing of both.
    ///
    /// `:memory:` is a private file in the system's temporary folder, removed when the last handle is closed or dropped.
    ///
    /// # Errors
    /// `Invalid`: the file is no SQLite database. `Unsupported`: the table has another layout. `Unavailable`: the folder
    /// is missing or not writable, or another program holds the lock.
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self> {
        Self::builder(path).open().await
    }

    /// Opens a file with settings of your own.
    pub fn builder(path: impl Into<PathBuf>) -> SqliteBuilder {
        SqliteBuilder::new(path.into())
    }

    /// Another collection of the same file, over the same connections.
    ///
    /// # Errors
    /// `Unsupported`: the table has another layout.
    pub async fn table(&self, name: &str) -> Result<Self> {
        let table = Table::named(name)?;
        let mut writer = self.shared.writer().await?;
        table.ensure(&mut writer).await?;
        Ok(Self {
            shared: Arc::clone(&self.shared),
            reach: table.reach(&mut writer).await?,
            table: Arc::new(table),
        })
    }

    /// The file, absolute; a temporary one for `:memory:`.
    pub fn path(&self) -> &Path {
        &self.shared.file
    }

    async fn begin(&self, seats: &Seats, begin: &'static str) -> Result<Lease> {
        let mut lease = Lease::new(seats).await?;
        lease.begin(&begin.into()).await?;
        Ok(lease)
    }

    /// A lease of the writer with the write lock.
    async fn begin_writing(&self) -> Result<Lease> {
        identity::check(&self.shared.file, self.shared.identity)?;
        let begin = if crate::fault::mutation("deferred_begin") {
            "BEGIN"
        } else {
            "BEGIN IMMEDIATE"
        };
        self.begin(&self.shared.writer, begin).await
    }

    /// A lease with a snapshot that stands from now on, and not from the first question.
    async fn begin_reading(&self) -> Result<Lease> {
        let begin = "BEGIN; SELECT 1 FROM sqlite_schema LIMIT 1";
        self.begin(&self.shared.snapshots, begin).await
    }

    async fn reader(&self) -> Result<Lease> {
        Lease::new(&self.shared.readers).await
    }
}

impl Shared {
    async fn writer(&self) -> Result<Lease> {
        Lease::new(&self.writer).await
    }
}

#[async_trait]
impl Database for SqliteDatabase {
    async fn read(&self, id: &str) -> Result<Option<Arc<Record>>> {
        Ok(self.read_many(&[id]).await?.pop().flatten())
    }

    async fn read_many(&self, ids: &[&str]) -> Result<Vec<Option<Arc<Record>>>> {
        let mut lease = self.reader().await?;
        if ids.len() > read::MOST {
            lease.begin(&"BEGIN".into()).await?;
        }
        read::read_many(&mut lease, &self.table, ids).await
    }

    async fn write(&self, writes: Vec<Write>) -> Result<Vec<Written>> {
        let mut lease = self.begin_writing().await?;
        let written = self.apply(&mut lease, &writes).await?;
        transaction::commit(&mut lease).await?;
        Ok(written)
    }

    async fn search(&self, query: Query) -> Result<RecordStream> {
        let prepared = self.prepare(&query)?;
        let lease = self.begin_reading().await?;
        Ok(search::stream(self.clone(), lease, prepared))
    }

    async fn count(&self, query: &Query) -> Result<u64> {
        let prepared = self.prepare(query)?;
        search::count(self, &mut self.reader().await?, &prepared).await
    }

    async fn clear(&self) -> Result<()> {
        let mut lease = self.begin_writing().await?;
        write::remove_all(&mut lease, &self.table).await?;
        transaction::commit(&mut lease).await
    }

    async fn health(&self) -> Result<Health> {
        identity::check(&self.shared.file, self.shared.identity)?;
        let sql: Sql = format!(
            "SELECT sqlite_version(), EXISTS (SELECT 1 FROM {} LIMIT 1)",
            self.table.quoted()
        )
        .into();
        let rows = self
            .reader()
            .await?
            .fetch(&sql, Args::default().finish())
            .await?;
        let version = rows.first().map(sql_row).transpose()?;
        let version = version.as_ref().map(|row| row.text(0)).transpose()?;
        Ok(Health::of(format!(
            "SQLite {}",
            version.unwrap_or_default()
        )))
    }

    async fn close(&self) -> Result<()> {
        // The writer last: only it can write the log back into the file and remove it.
        for seats in [
            &self.shared.snapshots,
            &self.shared.readers,
            &self.shared.writer,
        ] {
            seats.close(self.shared.patience).await;
        }
        Ok(())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            durable: self.shared.private.is_none(),
            ..Capabilities::ALL
        }
    }

    fn catalog_host(&self) -> Option<Arc<dyn CatalogHost>> {
        Some(Arc::new(self.clone()))
    }
}

impl SqliteDatabase {
    fn prepare(&self, query: &Query) -> Result<Prepared> {
        query.prepare(self.shared.clock.now())
    }

    async fn apply(&self, lease: &mut Lease, writes: &[Write]) -> Result<Vec<Written>> {
        if self.shared.python_readers {
            check_for_python(writes)?;
        }
        write::apply(lease, &self.table, self.shared.clock.now(), writes).await
    }
}
