//! Parts of a file, in memory, as the Parquet library reads them.

use std::ops::Range;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

/// Ranges of a file that were fetched; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Chunks {
    size: u64,
    /// By their offset in the file.
    parts: Arc<[(u64, Bytes)]>,
}

impl Chunks {
    /// The ranges of a file of `size` bytes, each with where it begins.
    pub(crate) fn new(size: u64, mut parts: Vec<(u64, Bytes)>) -> Self {
        parts.sort_unstable_by_key(|(start, _)| *start);
        Self {
            size,
            parts: parts.into(),
        }
    }

    /// The bytes of a range, if all of it was fetched.
    pub(super) fn slice(&self, range: Range<u64>) -> Option<Bytes> {
        let from = self.from(range.start)?;
        let length = usize::try_from(range.end.checked_sub(range.start)?).ok()?;
        (length <= from.len()).then(|| from.slice(..length))
    }

    /// The bytes from `start` on, as far as they were fetched together.
    fn from(&self, start: u64) -> Option<Bytes> {
        let at = self.parts.partition_point(|(begin, _)| *begin <= start);
        let (begin, bytes) = self.parts.get(at.checked_sub(1)?)?;
        let skip = usize::try_from(start - begin).ok()?;
        (skip <= bytes.len()).then(|| bytes.slice(skip..))
    }
}

impl Length for Chunks {
    fn len(&self) -> u64 {
        self.size
    }
}

impl ChunkReader for Chunks {
    type T = bytes::buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        let from = self.from(start);
        from.map(Buf::reader).ok_or_else(|| not_there(start, 1))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let end = start.saturating_add(length as u64);
        self.slice(start..end)
            .ok_or_else(|| not_there(start, length))
    }
}

/// A page that says it is longer than its column.
fn not_there(start: u64, length: usize) -> ParquetError {
    ParquetError::EOF(format!("{length} bytes at {start} are not there"))
}
