//! How many requests a blob store got, and how many bytes went over it.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;

use super::{BlobInfo, BlobStore, UnfinishedUpload};
use crate::Result;

/// A blob store that counts its requests.
#[derive(Debug)]
pub struct CountedBlobs<B> {
    inner: B,
    reads: AtomicU64,
    read_bytes: AtomicU64,
    writes: AtomicU64,
    written_bytes: AtomicU64,
}

/// What a [`CountedBlobs`] counted so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BlobRequests {
    /// Requests that read: suffixes, sizes, and ranges, of which those that lie together are one.
    pub reads: u64,
    /// Bytes that they brought.
    pub read_bytes: u64,
    /// Requests that wrote or deleted.
    pub writes: u64,
    /// Bytes that they took.
    pub written_bytes: u64,
}

impl BlobRequests {
    /// What came since an earlier count.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            reads: self.reads - earlier.reads,
            read_bytes: self.read_bytes - earlier.read_bytes,
            writes: self.writes - earlier.writes,
            written_bytes: self.written_bytes - earlier.written_bytes,
        }
    }
}

impl<B: BlobStore> CountedBlobs<B> {
    /// Counts what goes to `inner`.
    pub fn new(inner: B) -> Self {
        Self {
            inner,
            reads: AtomicU64::new(0),
            read_bytes: AtomicU64::new(0),
            writes: AtomicU64::new(0),
            written_bytes: AtomicU64::new(0),
        }
    }

    /// What was counted so far.
    pub fn requests(&self) -> BlobRequests {
        BlobRequests {
            reads: self.reads.load(Ordering::Relaxed),
            read_bytes: self.read_bytes.load(Ordering::Relaxed),
            writes: self.writes.load(Ordering::Relaxed),
            written_bytes: self.written_bytes.load(Ordering::Relaxed),
        }
    }

    fn read(&self, requests: usize, bytes: usize) {
        self.reads.fetch_add(requests as u64, Ordering::Relaxed);
        self.read_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    fn wrote(&self, bytes: usize) {
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.written_bytes
            .fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

#[async_trait]
impl<B: BlobStore> BlobStore for CountedBlobs<B> {
    async fn prepare(&self) -> Result<()> {
        self.inner.prepare().await
    }

    async fn put(&self, path: &str, bytes: Bytes) -> Result<()> {
        self.wrote(bytes.len());
        self.inner.put(path, bytes).await
    }

    async fn get_ranges(&self, path: &str, ranges: &[Range<u64>]) -> Result<Option<Vec<Bytes>>> {
        let found = self.inner.get_ranges(path, ranges).await?;
        let is_gap = |pair: &&[Range<u64>]| pair[0].end != pair[1].start;
        let requests = 1 + ranges.windows(2).filter(is_gap).count();
        self.read(requests, found.iter().flatten().map(Bytes::len).sum());
        Ok(found)
    }

    async fn get_suffix(&self, path: &str, length: u64) -> Result<Option<Bytes>> {
        let found = self.inner.get_suffix(path, length).await?;
        self.read(1, found.as_ref().map_or(0, Bytes::len));
        Ok(found)
    }

    async fn size(&self, path: &str) -> Result<Option<u64>> {
        self.read(1, 0);
        self.inner.size(path).await
    }

    async fn delete(&self, path: &str) -> Result<()> {
        self.wrote(0);
        self.inner.delete(path).await
    }

    fn list(&self, prefix: &str) -> BoxStream<'static, Result<BlobInfo>> {
        self.read(1, 0);
        self.inner.list(prefix)
    }

    fn list_unfinished(&self, prefix: &str) -> BoxStream<'static, Result<UnfinishedUpload>> {
        self.read(1, 0);
        self.inner.list_unfinished(prefix)
    }

    async fn take_back(&self, upload: &UnfinishedUpload) -> Result<()> {
        self.wrote(0);
        self.inner.take_back(upload).await
    }

    fn root(&self) -> String {
        self.inner.root()
    }
}
