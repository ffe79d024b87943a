//! A blob store whose requests are counted where everybody can see them.

use std::cell::Cell;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;

use crate::Result;
use crate::blob::{BlobInfo, BlobStore, UnfinishedUpload};
use crate::telemetry::{ArchiveMetrics, BlobOp, BlobStatus};

tokio::task_local! {
    /// Requests of the lookup that this task is at.
    static LOOKUP: Cell<u32>;
}

/// Does `work`, and tells how many requests it sent itself; one that it waited for with others is whose it was.
pub(super) async fn counting<T>(work: impl Future<Output = T>) -> (T, u32) {
    let counted = async {
        let done = work.await;
        (done, LOOKUP.with(Cell::get))
    };
    LOOKUP.scope(Cell::new(0), counted).await
}

/// Counts what goes to the store below it.
#[derive(Debug)]
pub(super) struct MeteredBlobs {
    inner: Arc<dyn BlobStore>,
    metrics: Arc<ArchiveMetrics>,
}

impl MeteredBlobs {
    pub(super) fn new(inner: Arc<dyn BlobStore>, metrics: Arc<ArchiveMetrics>) -> Self {
        Self { inner, metrics }
    }

    fn count<T>(&self, op: BlobOp, answer: &Result<T>, is_missing: impl Fn(&T) -> bool) {
        // Whoever is at no lookup needs no number of its own.
        let _not_counted = LOOKUP.try_with(|requests| requests.set(requests.get() + 1));
        let status = match answer {
            Ok(answer) if is_missing(answer) => BlobStatus::Missing,
            Ok(_) => BlobStatus::Ok,
            Err(_) => BlobStatus::Failed,
        };
        self.metrics.request(op, status);
    }
}

#[async_trait]
impl BlobStore for MeteredBlobs {
    async fn prepare(&self) -> Result<()> {
        self.inner.prepare().await
    }

    async fn put(&self, path: &str, bytes: Bytes) -> Result<()> {
        let length = bytes.len() as u64;
        let answer = self.inner.put(path, bytes).await;
        self.count(BlobOp::Put, &answer, |()| false);
        if answer.is_ok() {
            self.metrics.took_in(length);
        }
        answer
    }

    async fn get_ranges(&self, path: &str, ranges: &[Range<u64>]) -> Result<Option<Vec<Bytes>>> {
        let answer = self.inner.get_ranges(path, ranges).await;
        self.count(BlobOp::Get, &answer, Option::is_none);
        if let Ok(Some(parts)) = &answer {
            self.metrics
                .brought(parts.iter().map(|part| part.len() as u64).sum());
        }
        answer
    }

    async fn get_suffix(&self, path: &str, length: u64) -> Result<Option<Bytes>> {
        let answer = self.inner.get_suffix(path, length).await;
        self.count(BlobOp::Suffix, &answer, Option::is_none);
        if let Ok(Some(end)) = &answer {
            self.metrics.brought(end.len() as u64);
        }
        answer
    }

    async fn size(&self, path: &str) -> Result<Option<u64>> {
        let answer = self.inner.size(path).await;
        self.count(BlobOp::Size, &answer, Option::is_none);
        answer
    }

    async fn delete(&self, path: &str) -> Result<()> {
        let answer = self.inner.delete(path).await;
        self.count(BlobOp::Delete, &answer, |()| false);
        answer
    }

    fn list(&self, prefix: &str) -> BoxStream<'static, Result<BlobInfo>> {
        self.count(BlobOp::List, &Ok(()), |()| false);
        self.inner.list(prefix)
    }

    fn list_unfinished(&self, prefix: &str) -> BoxStream<'static, Result<UnfinishedUpload>> {
        self.count(BlobOp::List, &Ok(()), |()| false);
        self.inner.list_unfinished(prefix)
    }

    async fn take_back(&self, upload: &UnfinishedUpload) -> Result<()> {
        let answer = self.inner.take_back(upload).await;
        self.count(BlobOp::Delete, &answer, |()| false);
        answer
    }

    fn root(&self) -> String {
        self.inner.root()
    }
}
