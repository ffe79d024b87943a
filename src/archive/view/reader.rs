//! Fetching from the blob store, and what is kept of it.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use moka::future::Cache;

use super::dead::{DeadRows, Deleted};
use super::scanned::ScannedIds;
use crate::archive::catalog::{CatalogState, DataFile, DeadRow, DeleteFile};
use crate::archive::segment::{Chunks, Tail};
use crate::blob::BlobStore;
use crate::telemetry::ArchiveMetrics;
use crate::{Error, Result};

/// How much memory reading may take, in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Tails that are kept.
    pub(super) tails: u64,
    /// Delete files, and the ids of files that have no id index, that are kept; of each kind.
    pub(super) others: u64,
    /// Records that an ordered search holds; beyond that only their keys and places are.
    pub(super) sorted_records: usize,
    /// Keys and places that an ordered search holds.
    pub(super) sorted_keys: usize,
    /// Records that an ordered search fetches again at a time.
    pub(super) portion: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            tails: 64 << 20,
            others: 16 << 20,
            sorted_records: 32 << 20,
            sorted_keys: 64 << 20,
            portion: 16 << 20,
        }
    }
}

/// How much of a file that others wrote is fetched where the catalog does not know its footer's size.
const FOOTER_GUESS: u64 = 64 << 10;
/// Bytes that are not needed are fetched too, where that saves a request.
const GAP: u64 = 64 << 10;
/// The bytes behind a footer: its length, and `PAR1`.
const TRAILER: u64 = 8;

/// Reads the objects of one archive, for every snapshot of it. Objects never change, so nothing that is kept is ever stale.
#[derive(Debug)]
pub(crate) struct ArchiveReader {
    blobs: Arc<dyn BlobStore>,
    tails: Cache<Arc<str>, Arc<Tail>>,
    deleted: Cache<Arc<str>, Arc<Deleted>>,
    scanned: Cache<Arc<str>, Arc<ScannedIds>>,
    pub(super) metrics: Arc<ArchiveMetrics>,
    pub(super) limits: Limits,
}

impl ArchiveReader {
    /// A reader with empty caches.
    pub(crate) fn new(blobs: Arc<dyn BlobStore>, metrics: Arc<ArchiveMetrics>) -> Self {
        Self::with_limits(blobs, metrics, Limits::default())
    }

    pub(super) fn with_limits(
        blobs: Arc<dyn BlobStore>,
        metrics: Arc<ArchiveMetrics>,
        limits: Limits,
    ) -> Self {
        Self {
            blobs,
            tails: cache(limits.tails, Tail::bytes),
            deleted: cache(limits.others, Deleted::bytes),
            scanned: cache(limits.others, ScannedIds::bytes),
            metrics,
            limits,
        }
    }

    /// The tail of a data file: in memory, or one request, however many ask.
    pub(super) async fn tail(&self, file: &DataFile) -> Result<Arc<Tail>> {
        if let Some(known) = self.known_tail(file).await {
            self.metrics.tail(true);
            return Ok(known);
        }
        self.metrics.tail(false);
        let load = async {
            let end = self.end_of(file).await?;
            let (size, length) = (file.size, file.tail_length);
            let tail = blocking(move || Tail::parse(end, size, length)).await?;
            if tail.row_count() != file.rows {
                return Err(
                    Error::corrupt("a data file has not as many rows as the catalog says")
                        .with("found", tail.row_count())
                        .with("expected", file.rows),
                );
            }
            Ok(Arc::new(tail))
        };
        let tail = self.tails.try_get_with_by_ref(&file.path, load).await;
        tail.map_err(|error| of_object(Arc::unwrap_or_clone(error), &file.path))
    }

    /// The tail of a data file, if it is in memory.
    pub(super) async fn known_tail(&self, file: &DataFile) -> Option<Arc<Tail>> {
        self.tails.get(&file.path).await
    }

    async fn end_of(&self, file: &DataFile) -> Result<Bytes> {
        let guess = file.footer_size.map_or(FOOTER_GUESS, |size| size + TRAILER);
        let wanted = file.tail_length.unwrap_or(guess).min(file.size);
        let end = self.suffix(&file.path, wanted).await?;
        if file.tail_length.is_some() {
            return Ok(end);
        }
        let needed = Tail::footer_length(&end)? as u64 + TRAILER;
        if needed <= end.len() as u64 || needed > file.size {
            return Ok(end);
        }
        self.suffix(&file.path, needed).await
    }

    /// The ids of a file that has no index of its own, from its id column: in memory, or as many requests as the column
    /// has pieces that lie apart.
    pub(super) async fn scanned(
        &self,
        file: &DataFile,
        tail: &Arc<Tail>,
        id_column: i64,
    ) -> Result<Arc<ScannedIds>> {
        let load = async {
            let mut ranges = Vec::new();
            for group in 0..tail.row_groups() {
                ranges.extend(tail.ranges(group, &[id_column])?);
            }
            let chunks = self.fetch(file, ranges).await?;
            let tail = Arc::clone(tail);
            let ids = blocking(move || ScannedIds::read(&tail, id_column, &chunks)).await?;
            Ok::<_, Error>(Arc::new(ids))
        };
        let ids = self.scanned.try_get_with_by_ref(&file.path, load).await;
        ids.map_err(|error| of_object(Arc::unwrap_or_clone(error), &file.path))
    }

    /// What a delete file names: in memory, or one request.
    pub(super) async fn deleted(&self, file: &Arc<DeleteFile>) -> Result<Arc<Deleted>> {
        let load = async {
            let bytes = self.suffix(&file.path, file.size).await?;
            let file = Arc::clone(file);
            let deleted = blocking(move || Deleted::parse(bytes, &file)).await?;
            Ok::<_, Error>(Arc::new(deleted))
        };
        let deleted = self.deleted.try_get_with_by_ref(&file.path, load).await;
        deleted.map_err(Arc::unwrap_or_clone)
    }

    /// The rows that a delete file names, in the order of their positions.
    pub(crate) async fn named_dead(&self, file: &Arc<DeleteFile>) -> Result<Vec<DeadRow>> {
        let deleted = self.deleted(file).await?;
        Ok(deleted.rows(file.begin_snapshot).collect())
    }

    /// The dead rows of a data file.
    pub(super) async fn dead(&self, file: &DataFile, state: &CatalogState) -> Result<DeadRows> {
        let deleted = match &file.delete_file {
            Some(delete_file) => Some(self.deleted(delete_file).await?),
            None => None,
        };
        DeadRows::of(file, deleted.as_deref(), state.key.id)
    }

    /// Fetches ranges of a data file, with what lies between them where that is little.
    pub(super) async fn fetch(&self, file: &DataFile, ranges: Vec<Range<u64>>) -> Result<Chunks> {
        let ranges = merged(ranges);
        let parts = self.ranges(&file.path, &ranges).await?;
        let starts = ranges.iter().map(|range| range.start);
        Ok(Chunks::new(file.size, starts.zip(parts).collect()))
    }

    /// Sees that the objects can be read, by the end of the newest one; by a listing where there is none.
    pub(super) async fn reach(&self, state: &CatalogState) -> Result<()> {
        match state.files.last() {
            Some(file) => self.suffix(&file.path, TRAILER).await.map(drop),
            None => {
                let first = self.blobs.list(&state.table.path).next().await;
                first.transpose().map(drop)
            }
        }
    }

    async fn ranges(&self, path: &str, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        if ranges.is_empty() {
            return Ok(Vec::new());
        }
        let parts = self.blobs.get_ranges(path, ranges).await?;
        parts.ok_or_else(|| self.missing(path))
    }

    async fn suffix(&self, path: &str, length: u64) -> Result<Bytes> {
        let end = self.blobs.get_suffix(path, length).await?;
        end.ok_or_else(|| self.missing(path))
    }

    fn missing(&self, path: &str) -> Error {
        Error::corrupt(
            "an object that the archive's catalog names is missing; bring it back from a backup, or name the folder that \
             holds it",
        )
        .with("object", path)
        .with("folder", self.blobs.root())
    }
}

/// Says of an error which object it is about, unless it says so itself.
pub(super) fn of_object(error: Error, path: &str) -> Error {
    if error.context().any(|(key, _)| key == "object") {
        return error;
    }
    error.with("object", path)
}

fn cache<V: Send + Sync + 'static>(budget: u64, bytes: fn(&V) -> usize) -> Cache<Arc<str>, Arc<V>> {
    Cache::builder()
        .max_capacity(budget)
        .weigher(move |_, value: &Arc<V>| u32::try_from(bytes(value)).unwrap_or(u32::MAX))
        .build()
}

/// Ranges in their order, as few as possible.
fn merged(mut ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    ranges.sort_unstable_by_key(|range| range.start);
    let mut merged: Vec<Range<u64>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end.saturating_add(GAP) => {
                last.end = last.end.max(range.end);
            }
            _ => merged.push(range),
        }
    }
    merged
}

/// Does work that takes long enough to keep others waiting; a panic of a library over damaged bytes ends here.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        Error::corrupt("a data file of the archive could not be decoded").with_source(error)
    })?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_lie_near_become_one_request() {
        let one = |start, end| vec![Range { start, end }];
        assert_eq!(merged(vec![]), []);
        assert_eq!(merged(vec![10..20, 0..10]), one(0, 20));
        assert_eq!(
            merged(vec![0..10, 10 + GAP..30 + GAP, 5..7]),
            one(0, 30 + GAP)
        );
        assert_eq!(
            merged(vec![0..10, 11 + GAP..30 + GAP]),
            [0..10, 11 + GAP..30 + GAP]
        );
    }
}
