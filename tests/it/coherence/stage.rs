//! A database whose calls stop where a test wants them to, or end otherwise than they report.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use thermocline::{
    Capabilities, CatalogHost, Database, Error, ErrorKind, Health, MemoryDatabase, Query, Record,
    RecordStream, Result, Write, Written,
};
use tokio::sync::watch;

/// A point that calls pass, or wait at while it is shut.
#[derive(Debug)]
pub(crate) struct Gate {
    open: watch::Sender<bool>,
    waited: watch::Sender<usize>,
}

impl Gate {
    fn new() -> Self {
        Self {
            open: watch::Sender::new(true),
            waited: watch::Sender::new(0),
        }
    }

    pub(crate) fn shut(&self) {
        self.open.send_replace(false);
    }

    pub(crate) fn open(&self) {
        self.open.send_replace(true);
    }

    /// Until so many calls have come to the shut gate.
    pub(crate) async fn reached(&self, calls: usize) {
        let mut waited = self.waited.subscribe();
        waited.wait_for(|count| *count >= calls).await.unwrap();
    }

    /// How many calls came to the shut gate.
    pub(crate) fn waited(&self) -> usize {
        *self.waited.borrow()
    }

    async fn pass(&self) {
        let mut open = self.open.subscribe();
        if !*open.borrow() {
            self.waited.send_modify(|count| *count += 1);
            open.wait_for(|open| *open).await.unwrap();
        }
    }
}

/// How a write goes wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trouble {
    /// It is done, and reported as failed.
    DoneButFailed(ErrorKind),
    /// It is reported as failed, and done when the test says so.
    Late,
}

/// A primary or an archive in memory, with the test's hands on it.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) inner: MemoryDatabase,
    /// Behind the reading of a record: whoever waits here has it in hand.
    pub(crate) after_read: Gate,
    /// Before anything is written.
    pub(crate) before_write: Gate,
    lag: Duration,
    reads: AtomicUsize,
    batches: AtomicUsize,
    /// Every call fails with this while it is set.
    down: Mutex<Option<ErrorKind>>,
    trouble: Mutex<Option<Trouble>>,
    late: Mutex<Vec<Write>>,
}

impl Stage {
    pub(crate) fn new() -> Arc<Self> {
        Self::slow(Duration::ZERO)
    }

    /// One whose readers hold their records for so long before they give them away.
    pub(crate) fn slow(lag: Duration) -> Arc<Self> {
        Arc::new(Self {
            inner: MemoryDatabase::new(),
            lag,
            after_read: Gate::new(),
            before_write: Gate::new(),
            reads: AtomicUsize::new(0),
            batches: AtomicUsize::new(0),
            down: Mutex::new(None),
            trouble: Mutex::new(None),
            late: Mutex::new(Vec::new()),
        })
    }

    /// How many point reads there were.
    pub(crate) fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }

    /// How many batch reads there were.
    pub(crate) fn batches(&self) -> usize {
        self.batches.load(Ordering::SeqCst)
    }

    pub(crate) fn fail(&self, kind: impl Into<Option<ErrorKind>>) {
        *self.down.lock() = kind.into();
    }

    /// The next write goes wrong.
    pub(crate) fn trouble(&self, trouble: Trouble) {
        *self.trouble.lock() = Some(trouble);
    }

    /// Does the write that was reported as failed.
    pub(crate) async fn land(&self) {
        let late = std::mem::take(&mut *self.late.lock());
        assert!(!late.is_empty(), "no write is late");
        self.inner.write(late).await.unwrap();
    }

    fn up(&self) -> Result<()> {
        match *self.down.lock() {
            Some(kind) => Err(Error::new(kind, "the stage is down")),
            None => Ok(()),
        }
    }
}

#[async_trait]
impl Database for Stage {
    async fn read(&self, id: &str) -> Result<Option<Arc<Record>>> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.up()?;
        let record = self.inner.read(id).await;
        if !self.lag.is_zero() {
            tokio::time::sleep(self.lag).await;
        }
        self.after_read.pass().await;
        record
    }

    async fn read_many(&self, ids: &[&str]) -> Result<Vec<Option<Arc<Record>>>> {
        self.batches.fetch_add(1, Ordering::SeqCst);
        self.up()?;
        let records = self.inner.read_many(ids).await;
        self.after_read.pass().await;
        records
    }

    async fn write(&self, writes: Vec<Write>) -> Result<Vec<Written>> {
        self.before_write.pass().await;
        self.up()?;
        let trouble = self.trouble.lock().take();
        match trouble {
            None => self.inner.write(writes).await,
            Some(Trouble::DoneButFailed(kind)) => {
                self.inner.write(writes).await?;
                Err(Error::new(kind, "done, but reported as failed"))
            }
            Some(Trouble::Late) => {
                *self.late.lock() = writes;
                Err(Error::ambiguous("the answer got lost"))
            }
        }
    }

    async fn search(&self, query: Query) -> Result<RecordStream> {
        self.up()?;
        self.inner.search(query).await
    }

    async fn count(&self, query: &Query) -> Result<u64> {
        self.up()?;
        self.inner.count(query).await
    }

    async fn clear(&self) -> Result<()> {
        self.up()?;
        self.inner.clear().await
    }

    async fn health(&self) -> Result<Health> {
        self.up()?;
        self.inner.health().await
    }

    async fn close(&self) -> Result<()> {
        self.inner.close().await
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn catalog_host(&self) -> Option<Arc<dyn CatalogHost>> {
        None
    }
}
