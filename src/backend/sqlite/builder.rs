//! Opening a file: its settings, its creation, what is checked before anything else.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::sqlite::SqliteConnectOptions;

use super::identity::Identity;
use super::layout::Table;
use super::lease::{Lease, Sql};
use super::pool::Pool;
use super::pushdown::{COLLATION, compare_numbers};
use super::row::{Args, sql_row};
use super::{Shared, SqliteDatabase};
use crate::{Clock, Error, Result, SystemClock};

/// How a SQLite file is opened. Made by [`SqliteDatabase::builder`].
#[derive(Debug)]
pub struct SqliteBuilder {
    path: PathBuf,
    table: String,
    readers: u32,
    snapshots: u32,
    busy_timeout: Duration,
    clock: Arc<dyn Clock>,
    python_readers: bool,
}

/// The longest wait for a lock that SQLite can be told.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

impl SqliteBuilder {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            table: "records".to_owned(),
            readers: 4,
            snapshots: 32,
            busy_timeout: Duration::from_secs(5),
            clock: Arc::new(SystemClock),
            python_readers: true,
        }
    }

    /// The table of the collection; `records` unless said otherwise.
    #[must_use]
    pub fn table(mut self, name: impl Into<String>) -> Self {
        self.table = name.into();
        self
    }

    /// How many questions are answered at once; 4 unless said otherwise. Each takes a thread.
    #[must_use]
    pub fn readers(mut self, readers: u32) -> Self {
        self.readers = readers.max(1);
        self
    }

    /// How many snapshots can be held at once, by searches and read transactions; 32 unless said otherwise.
    #[must_use]
    pub fn snapshots(mut self, snapshots: u32) -> Self {
        self.snapshots = snapshots.max(1);
        self
    }

    /// How long to wait for another program's lock; 5 seconds unless said otherwise.
    #[must_use]
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout.min(LONGEST_WAIT);
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

    /// Opens the file, and makes what is missing.
    ///
    /// # Errors
    /// As [`SqliteDatabase::open`].
    pub async fn open(self) -> Result<SqliteDatabase> {
        let table = Table::named(&self.table)?;
        let (file, private) = locate(&self.path)?;
        let writer = Pool::new(
            Arc::clone(&file),
            self.options(&file).create_if_missing(true),
        )
        .seats(1);
        let mut lease = Lease::new(&writer).await?;
        into_wal(&mut lease, self.busy_timeout).await?;
        table.ensure(&mut lease).await?;
        let reach = table.reach(&mut lease).await?;
        drop(lease);
        let readers = Pool::new(Arc::clone(&file), self.reader_options(&file));
        let identity = Identity::of(&file);
        Ok(SqliteDatabase {
            shared: Arc::new(Shared {
                // Two ways to one file are one database.
                file: file.canonicalize().map_or(file, Into::into),
                identity,
                writer,
                readers: readers.seats(self.readers),
                snapshots: readers.seats(self.snapshots),
                patience: self.busy_timeout,
                clock: self.clock,
                python_readers: self.python_readers,
                private,
            }),
            table: Arc::new(table),
            reach,
        })
    }

    fn options(&self, file: &Path) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(file)
            .busy_timeout(self.busy_timeout)
            .pragma("synchronous", "FULL")
            .pragma("cache_size", "-32768")
            // After a large transaction the WAL shrinks to this again.
            .pragma("journal_size_limit", "67108864")
            // A statement that may fail half way, as every one does where an index calls a function, keeps the pages it
            // changes aside: a few MiB, in memory instead of a temporary file.
            .pragma("temp_store", "MEMORY")
            .collation(COLLATION, compare_numbers)
            .statement_cache_capacity(256)
            .row_buffer_size(256)
            .thread_name(|id| format!("sqlite-writer-{id}"))
    }

    fn reader_options(&self, file: &Path) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(file)
            .busy_timeout(self.busy_timeout)
            .read_only(true)
            .pragma("query_only", "ON")
            .pragma("cache_size", "-8192")
            .collation(COLLATION, compare_numbers)
            .statement_cache_capacity(128)
            .row_buffer_size(256)
            .thread_name(|id| format!("sqlite-reader-{id}"))
    }
}

/// The absolute path, and the folder to remove at the end where the file is a private one.
fn locate(path: &Path) -> Result<(Arc<Path>, Option<tempfile::TempDir>)> {
    let refuse = |problem: &'static str| Error::invalid(problem).with("path", path.display());
    if path == Path::new(":memory:") {
        let folder = tempfile::Builder::new()
            .prefix("thermocline-")
            .tempdir()
            .map_err(|error| {
                Error::unavailable("the temporary folder cannot be used").with_source(error)
            })?;
        return Ok((folder.path().join("memory.db").into(), Some(folder)));
    }
    if path.as_os_str().is_empty() {
        return Err(refuse("the path of a database is not empty"));
    }
    if path.to_str().is_none_or(|path| path.contains('\0')) {
        return Err(refuse("SQLite takes only paths that are text"));
    }
    if path.is_dir() {
        return Err(refuse("this is a folder; name a file in it"));
    }
    // An absolute path never looks like one of SQLite's `file:` addresses.
    let file = std::path::absolute(path).map_err(|error| {
        Error::unavailable("the working folder cannot be found")
            .with("path", path.display())
            .with_source(error)
    })?;
    match file.parent() {
        Some(folder) if !folder.is_dir() => Err(Error::unavailable(
            "the folder of the database does not exist; make it first",
        )
        .with("folder", folder.display())),
        _ => Ok((file.into(), None)),
    }
}

/// Sees to it that the file is in WAL mode; gives a new file what must be set before.
async fn into_wal(writer: &mut Lease, patience: Duration) -> Result<()> {
    let began = Instant::now();
    loop {
        // A change of mode takes an exclusive lock, for which SQLite does not wait.
        match try_into_wal(writer).await {
            Err(error) if error.is_retryable() && began.elapsed() < patience => {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            other => return other,
        }
    }
}

async fn try_into_wal(writer: &mut Lease) -> Result<()> {
    let mut pragma = async |sql: &'static str| {
        let rows = writer
            .fetch(&Sql::from(sql), Args::default().finish())
            .await?;
        rows.first().map(sql_row).transpose()
    };
    let mode = pragma("PRAGMA main.journal_mode").await?;
    if mode.is_some_and(|row| row.text(0).is_ok_and(|mode| mode == "wal")) {
        return Ok(());
    }
    let pages = pragma("PRAGMA main.page_count").await?;
    if pages.is_some_and(|row| row.int(0).is_ok_and(|pages| pages == 0)) {
        pragma("PRAGMA main.auto_vacuum = INCREMENTAL").await?;
    }
    let mode = pragma("PRAGMA main.journal_mode = WAL").await?;
    match mode.as_ref().map(|row| row.text(0)).transpose()? {
        Some("wal") => Ok(()),
        other => Err(Error::unsupported(
            "the database cannot use a write-ahead log here; keep it on a local disk",
        )
        .with("file", writer.file().display())
        .with("journal_mode", other.unwrap_or_default())),
    }
}
