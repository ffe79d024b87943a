//! The codec of segments, opened to benches/. Not a part of the interface: it may change at any time.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;

use super::column::Column;
use super::parquet::Columns;
use super::segment::{
    Chunks, RecordReader, RowGroup, SegmentLabel, SegmentRow, Tail, encode, fitting, verify,
};
use crate::{Record, Result};

/// Encodes and decodes segments of one table.
#[derive(Debug)]
pub struct SegmentCodec {
    columns: Vec<Column>,
    label: SegmentLabel,
}

/// Records in the order of a segment.
#[derive(Debug)]
pub struct SegmentRows(Vec<SegmentRow>);

/// A segment, as bytes.
#[derive(Clone, Debug)]
pub struct SegmentFile {
    /// All of it.
    pub bytes: Bytes,
    /// The part of the id index, the checksums and the footer.
    pub tail: u64,
}

impl SegmentRows {
    /// The records with their ages, sorted; as many as one segment takes.
    pub fn new(records: impl IntoIterator<Item = (Arc<Record>, Timestamp)>) -> Self {
        let records = records.into_iter();
        let mut rows: Vec<_> = records
            .map(|(record, at)| SegmentRow::new(record, at))
            .collect();
        rows.sort_by(|a, b| a.order().cmp(&b.order()));
        rows.truncate(fitting(&rows));
        Self(rows)
    }

    /// The records, in their order.
    pub fn records(&self) -> impl Iterator<Item = &Record> + Clone {
        self.0.iter().map(|row| &*row.record)
    }
}

impl SegmentCodec {
    /// A codec for the table that an archive would make for these rows.
    ///
    /// # Errors
    /// `Invalid`: names that cannot be columns.
    pub fn new(rows: &SegmentRows, columns: &Columns) -> Result<Self> {
        Ok(Self {
            columns: columns.of(rows.records())?,
            label: SegmentLabel {
                table: "bench".into(),
                source: "bench".into(),
                archived_at: Timestamp::UNIX_EPOCH,
            },
        })
    }

    /// Encodes rows.
    ///
    /// # Errors
    /// As the archive's own.
    pub fn encode(&self, rows: &SegmentRows) -> Result<SegmentFile> {
        let encoded = encode(&self.columns, &rows.0, &self.label)?;
        Ok(SegmentFile {
            bytes: encoded.bytes,
            tail: encoded.tail_length,
        })
    }

    /// Encodes rows, decodes them again and compares: what a move does.
    ///
    /// # Errors
    /// As the archive's own.
    pub fn encode_verified(&self, rows: &SegmentRows) -> Result<SegmentFile> {
        let encoded = encode(&self.columns, &rows.0, &self.label)?;
        verify(&encoded, &self.columns, &rows.0, &self.label)?;
        Ok(SegmentFile {
            bytes: encoded.bytes,
            tail: encoded.tail_length,
        })
    }

    /// Decodes every record of a segment; how many they are.
    ///
    /// # Errors
    /// As the archive's own.
    pub fn decode(&self, file: &SegmentFile) -> Result<usize> {
        let size = file.bytes.len() as u64;
        let start = file.bytes.len() - usize::try_from(file.tail).unwrap_or(file.bytes.len());
        let tail = Tail::parse(file.bytes.slice(start..), size, Some(file.tail))?;
        let reader = RecordReader::new(&self.columns);
        let columns = reader.field_ids(true);
        let mut records = 0;
        for number in 0..tail.row_groups() {
            let chunks = Chunks::new(size, vec![(0, file.bytes.clone())]);
            let group = RowGroup::open(&tail, number, &columns, chunks)?;
            records += reader
                .read(&group, true, None)?
                .into_iter()
                .flatten()
                .count();
        }
        Ok(records)
    }
}
