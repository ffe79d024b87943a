//! One row group in memory, and the records in it.

use std::sync::Arc;

use crate::archive::catalog::DataFile;
use crate::archive::segment::{Chunks, RecordReader, RowGroup, Tail};
use crate::{Record, Result};

/// A row group whose bytes were fetched and checked; what is asked of it is decoded then.
#[derive(Debug)]
pub(crate) struct Group {
    tail: Arc<Tail>,
    number: usize,
    chunks: Chunks,
    reader: RecordReader,
    bytes: usize,
}

impl Group {
    pub(super) fn new(
        file: &DataFile,
        tail: &Arc<Tail>,
        number: usize,
        parts: Vec<(u64, bytes::Bytes)>,
        reader: &RecordReader,
    ) -> Self {
        Self {
            bytes: parts.iter().map(|(_, bytes)| bytes.len()).sum(),
            tail: Arc::clone(tail),
            number,
            chunks: Chunks::new(file.size, parts),
            reader: reader.clone(),
        }
    }

    /// The bytes that it takes in memory, about.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The records whose id is wanted, each with its position in the file; only their rows are decoded.
    pub(super) fn find(&self, wanted: impl Fn(&str) -> bool) -> Result<Vec<(u64, Arc<Record>)>> {
        let rows = self.reader.places_of(&self.open()?, wanted)?;
        self.read(Some(&rows))
    }

    /// The records at the positions that are to be kept, each with its position in the file.
    pub(super) fn records(&self, keep: &dyn Fn(u64) -> bool) -> Result<Vec<(u64, Arc<Record>)>> {
        let range = self.tail.rows(self.number);
        let rows: Vec<usize> = (0..)
            .zip(range.clone())
            .filter(|(_, position)| keep(*position))
            .map(|(row, _)| row)
            .collect();
        let is_all = rows.len() as u64 == range.end - range.start;
        self.read((!is_all).then_some(&rows))
    }

    fn read(&self, rows: Option<&[usize]>) -> Result<Vec<(u64, Arc<Record>)>> {
        let records = self.reader.read(&self.open()?, self.tail.is_ours(), rows)?;
        let start = self.tail.rows(self.number).start;
        let place = |index: usize| start + rows.map_or(index, |rows| rows[index]) as u64;
        // A row without an id is no record: another program wrote it.
        let records = records.into_iter().enumerate();
        Ok(records
            .filter_map(|(index, record)| Some((place(index), Arc::new(record?))))
            .collect())
    }

    fn open(&self) -> Result<RowGroup<'_>> {
        let columns = self.reader.field_ids(self.tail.is_ours());
        RowGroup::open(&self.tail, self.number, &columns, self.chunks.clone())
    }
}
