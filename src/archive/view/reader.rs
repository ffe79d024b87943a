//! Fetches what the catalog names, and keeps what is worth keeping.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use moka::future::Cache;

use super::deleted::{Deleted, decode_deletes};
use super::group::Group;
use crate::archive::catalog::{DataFile, DeleteFile};
use crate::archive::segment::{RecordReader, Tail};
use crate::blob::BlobStore;
use crate::{Error, Result};

/// What the tails may weigh together.
const TAIL_BYTES: u64 = 64 << 20;

/// What row groups may weigh together: a retry and the next page find what was just read.
const GROUP_BYTES: u64 = 16 << 20;

/// What the positions of delete files may weigh together.
const DELETED_BYTES: u64 = 16 << 20;

/// How much of a file's end is asked for where the catalog does not say how long its footer is.
const GUESSED_TAIL: u64 = 64 << 10;

/// Eight bytes end a Parquet file: the footer's length, and the name of the format.
const TRAILER: u64 = 8;

/// Reads segments and delete files. They never change, so what was read stays right for ever.
#[derive(Debug)]
pub(crate) struct ArchiveReader {
    blobs: Arc<dyn BlobStore>,
    tails: Cache<Arc<str>, Arc<Tail>>,
    groups: Cache<(Arc<str>, usize), Arc<Group>>,
    deletes: Cache<Arc<str>, Arc<Deleted>>,
}

impl ArchiveReader {
    pub(crate) fn new(blobs: Arc<dyn BlobStore>) -> Self {
        Self {
            blobs,
            tails: Cache::builder()
                .max_capacity(TAIL_BYTES)
                .weigher(|_, tail: &Arc<Tail>| weight(tail.bytes()))
                .build(),
            groups: Cache::builder()
                .max_capacity(GROUP_BYTES)
                .weigher(|_, group: &Arc<Group>| weight(group.bytes()))
                .build(),
            deletes: Cache::builder()
                .max_capacity(DELETED_BYTES)
                .weigher(|_, deleted: &Arc<Deleted>| weight(deleted.len() * size_of::<u64>()))
                .build(),
        }
    }

    pub(crate) fn blobs(&self) -> &Arc<dyn BlobStore> {
        &self.blobs
    }

    /// A file's tail, in one request where it is not in memory; readers of one tail share the request.
    pub(crate) async fn tail(&self, file: &DataFile) -> Result<Arc<Tail>> {
        self.tails
            .try_get_with_by_ref(&file.path, self.fetch_tail(file))
            .await
            .map_err(Arc::unwrap_or_clone)
    }

    /// A file's tail if it is in memory.
    pub(crate) async fn cached_tail(&self, file: &DataFile) -> Option<Arc<Tail>> {
        self.tails.get(&file.path).await
    }

    async fn fetch_tail(&self, file: &DataFile) -> Result<Arc<Tail>> {
        let known = file
            .tail_length
            .or(file.footer_size.map(|footer| footer + TRAILER));
        let mut end = self
            .suffix(&file.path, known.unwrap_or(GUESSED_TAIL).min(file.size))
            .await?;
        let in_file = |error: Error| error.with("path", &file.path);
        if known.is_none() {
            let needed = Tail::footer_length(&end).map_err(in_file)? as u64 + TRAILER;
            if needed > end.len() as u64 {
                end = self.suffix(&file.path, needed.min(file.size)).await?;
            }
        }
        let tail = Tail::parse(end, file.size, file.tail_length).map_err(in_file)?;
        if tail.row_count() != file.rows {
            return Err(
                Error::corrupt("a segment does not hold as many rows as the catalog says")
                    .with("path", &file.path)
                    .with("catalog", file.rows)
                    .with("segment", tail.row_count()),
            );
        }
        Ok(Arc::new(tail))
    }

    /// A row group, in one request where it is not in memory.
    pub(crate) async fn group(
        &self,
        file: &DataFile,
        tail: &Arc<Tail>,
        number: usize,
        reader: &RecordReader,
    ) -> Result<Arc<Group>> {
        let key = (Arc::clone(&file.path), number);
        let fetch = async {
            let mut groups = self
                .adjacent_groups(file, tail, number..number + 1, reader)
                .await?;
            groups
                .pop()
                .map(Arc::new)
                .ok_or_else(|| missing(&file.path))
        };
        self.groups
            .try_get_with(key, fetch)
            .await
            .map_err(Arc::unwrap_or_clone)
    }

    /// Adjacent row groups, in one request, past the cache: a scan does not push out what lookups use.
    pub(crate) async fn adjacent_groups(
        &self,
        file: &DataFile,
        tail: &Arc<Tail>,
        numbers: Range<usize>,
        reader: &RecordReader,
    ) -> Result<Vec<Group>> {
        let columns = reader.field_ids(tail.is_ours());
        let mut extents = Vec::new();
        for number in numbers.clone() {
            let ranges = tail.ranges(number, &columns)?;
            // Between the columns of a record lie few bytes, if any: one range a group costs less than another request.
            if let (Some(first), Some(last)) =
                (ranges.first(), ranges.iter().map(|range| range.end).max())
            {
                extents.push((number, first.start..last));
            }
        }
        let (Some(start), Some(end)) = (
            extents.iter().map(|(_, range)| range.start).min(),
            extents.iter().map(|(_, range)| range.end).max(),
        ) else {
            return Ok(Vec::new());
        };
        let bytes = self.blobs.get_ranges(&file.path, &[start..end]).await?;
        let bytes = bytes
            .and_then(|mut ranges| ranges.pop())
            .ok_or_else(|| missing(&file.path))?;
        let at = |offset: u64| usize::try_from(offset - start).unwrap_or(usize::MAX);
        let group = |(number, range): (usize, Range<u64>)| {
            let part = (range.start, bytes.slice(at(range.start)..at(range.end)));
            Group::new(file, tail, number, vec![part], reader)
        };
        Ok(extents.into_iter().map(group).collect())
    }

    /// The dead rows that a delete file names.
    pub(crate) async fn deleted(
        &self,
        file: &DataFile,
        delete_file: &DeleteFile,
    ) -> Result<Arc<Deleted>> {
        let fetch = async {
            let bytes = self.suffix(&delete_file.path, delete_file.size).await?;
            let positions =
                decode_deletes(bytes).map_err(|error| error.with("path", &delete_file.path))?;
            let deleted = Deleted::new(positions);
            if deleted.len() as u64 != delete_file.rows {
                return Err(Error::corrupt(
                    "a delete file does not name as many rows as the catalog says",
                )
                .with("path", &delete_file.path)
                .with("data_file", &file.path)
                .with("catalog", delete_file.rows)
                .with("found", deleted.len()));
            }
            Ok(Arc::new(deleted))
        };
        self.deletes
            .try_get_with_by_ref(&delete_file.path, fetch)
            .await
            .map_err(Arc::unwrap_or_clone)
    }

    async fn suffix(&self, path: &str, length: u64) -> Result<Bytes> {
        let suffix = self.blobs.get_suffix(path, length).await?;
        suffix.ok_or_else(|| missing(path))
    }
}

/// The context under which a missing object is told apart from other corruption.
pub(crate) const MISSING: &str = "missing_object";

fn missing(path: &str) -> Error {
    Error::corrupt("an object of the archive is missing").with(MISSING, path)
}

fn weight(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
