//! A real blob store and a real database with a hook before every call: what a test needs to cut in.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use parking_lot::Mutex;
use thermocline::{
    Age, BlobInfo, BlobStore, CatalogHost, Dialect, DuePage, DueScan, HostTransaction, Query,
    Record, RecordId, RecordStream, Result, SqlRow, SqlValue, Storage, Undated, Write, Written,
};

type Answer = BoxFuture<'static, Result<()>>;

/// What is called first, with the name of the call and the path; its error is the call's.
pub(crate) type BlobHook = Arc<dyn Fn(&'static str, String) -> Answer + Send + Sync>;

/// A blob store with a hook before every call.
pub(crate) struct HookedBlobs {
    pub(crate) inner: Arc<dyn BlobStore>,
    pub(crate) hook: Mutex<Option<BlobHook>>,
}

impl fmt::Debug for HookedBlobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl HookedBlobs {
    pub(crate) fn over(inner: Arc<dyn BlobStore>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            hook: Mutex::new(None),
        })
    }

    pub(crate) fn set(
        &self,
        hook: impl Fn(&'static str, String) -> Answer + Send + Sync + 'static,
    ) {
        *self.hook.lock() = Some(Arc::new(hook));
    }

    async fn before(&self, call: &'static str, path: &str) -> Result<()> {
        let hook = self.hook.lock().clone();
        match hook {
            Some(hook) => hook(call, path.to_owned()).await,
            None => Ok(()),
        }
    }
}

#[async_trait]
impl BlobStore for HookedBlobs {
    async fn put(&self, path: &str, bytes: Bytes) -> Result<()> {
        self.before("put", path).await?;
        self.inner.put(path, bytes).await
    }

    async fn get_ranges(&self, path: &str, ranges: &[Range<u64>]) -> Result<Option<Vec<Bytes>>> {
        self.before("get", path).await?;
        self.inner.get_ranges(path, ranges).await
    }

    async fn get_suffix(&self, path: &str, length: u64) -> Result<Option<Bytes>> {
        self.before("get", path).await?;
        self.inner.get_suffix(path, length).await
    }

    async fn size(&self, path: &str) -> Result<Option<u64>> {
        self.before("size", path).await?;
        self.inner.size(path).await
    }

    async fn delete(&self, path: &str) -> Result<()> {
        self.before("delete", path).await?;
        self.inner.delete(path).await
    }

    fn list(&self, prefix: &str) -> BoxStream<'static, Result<BlobInfo>> {
        self.inner.list(prefix)
    }

    fn root(&self) -> String {
        self.inner.root()
    }
}

/// What becomes of a commit.
pub(crate) enum CommitBy {
    /// It happens.
    Itself,
    /// It happens while the caller is told that its outcome is unknown.
    LateAndUnknown,
    /// It does not happen, and the caller is told that its outcome is unknown.
    NotAndUnknown,
}

/// What a test says of each commit.
type CommitRule = Box<dyn Fn() -> CommitBy + Send + Sync>;

/// A database whose write transactions and commits a test decides about.
pub(crate) struct HookedHost {
    pub(crate) inner: Arc<dyn CatalogHost>,
    pub(crate) on_begin: Mutex<Option<Box<dyn Fn() -> Answer + Send + Sync>>>,
    pub(crate) on_commit: Arc<Mutex<Option<CommitRule>>>,
}

impl fmt::Debug for HookedHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl HookedHost {
    pub(crate) fn over(inner: Arc<dyn CatalogHost>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            on_begin: Mutex::new(None),
            on_commit: Arc::new(Mutex::new(None)),
        })
    }
}

#[async_trait]
impl CatalogHost for HookedHost {
    fn dialect(&self) -> Dialect {
        self.inner.dialect()
    }

    fn identity(&self) -> String {
        self.inner.identity()
    }

    fn table(&self) -> &str {
        self.inner.table()
    }

    async fn begin_read(&self) -> Result<Box<dyn HostTransaction>> {
        self.inner.begin_read().await
    }

    async fn begin_write(&self) -> Result<Box<dyn HostTransaction>> {
        let hooked = self.on_begin.lock().as_ref().map(|hook| hook());
        if let Some(hooked) = hooked {
            hooked.await?;
        }
        Ok(Box::new(HookedTransaction {
            inner: self.inner.begin_write().await?,
            on_commit: Arc::clone(&self.on_commit),
        }))
    }

    async fn read_with(
        &self,
        ids: &[&str],
        sql: &str,
        args: &[SqlValue],
    ) -> Result<(Vec<Option<Arc<Record>>>, Vec<SqlRow>)> {
        self.inner.read_with(ids, sql, args).await
    }

    async fn prepare_to_move(&self, age: &Age) -> Result<()> {
        self.inner.prepare_to_move(age).await
    }

    async fn storage(&self) -> Result<Storage> {
        self.inner.storage().await
    }

    async fn release(&self, bytes: u64) -> Result<u64> {
        self.inner.release(bytes).await
    }
}

struct HookedTransaction {
    inner: Box<dyn HostTransaction>,
    on_commit: Arc<Mutex<Option<CommitRule>>>,
}

#[async_trait]
impl HostTransaction for HookedTransaction {
    async fn query(&mut self, sql: &str, args: &[SqlValue]) -> Result<Vec<SqlRow>> {
        self.inner.query(sql, args).await
    }

    async fn execute(&mut self, sql: &str, args: &[SqlValue]) -> Result<u64> {
        self.inner.execute(sql, args).await
    }

    async fn read_many(&mut self, ids: &[&str]) -> Result<Vec<Option<Arc<Record>>>> {
        self.inner.read_many(ids).await
    }

    async fn apply(&mut self, writes: &[Write]) -> Result<Vec<Written>> {
        self.inner.apply(writes).await
    }

    async fn delete_unchanged(&mut self, rows: &[Arc<Record>]) -> Result<Vec<RecordId>> {
        self.inner.delete_unchanged(rows).await
    }

    async fn scan_due(&mut self, scan: &DueScan<'_>) -> Result<DuePage> {
        self.inner.scan_due(scan).await
    }

    async fn count_undated(&mut self, age: &Age) -> Result<Undated> {
        self.inner.count_undated(age).await
    }

    async fn clear(&mut self) -> Result<()> {
        self.inner.clear().await
    }

    async fn count(&mut self, query: &Query) -> Result<u64> {
        self.inner.count(query).await
    }

    fn search(self: Box<Self>, query: Query) -> RecordStream {
        self.inner.search(query)
    }

    async fn commit(self: Box<Self>) -> Result<()> {
        let by = self.on_commit.lock().as_ref().map(|hook| hook());
        let unknown = || {
            let kind = thermocline::ErrorKind::Ambiguous;
            Err(thermocline::Error::new(kind, "the connection broke"))
        };
        match by {
            None | Some(CommitBy::Itself) => self.inner.commit().await,
            Some(CommitBy::LateAndUnknown) => {
                let inner = self.inner;
                tokio::spawn(async move {
                    // The server is still at work when the client has already lost it.
                    for _ in 0..50 {
                        tokio::task::yield_now().await;
                    }
                    inner.commit().await.expect("the commit happens after all");
                });
                unknown()
            }
            Some(CommitBy::NotAndUnknown) => unknown(),
        }
    }
}
