//! The tail of a data file: the footer, and of ours the id index and the checksums, fetched in one request.

use std::ops::Range;

use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData};
use parquet::file::statistics::Statistics;

use super::checks::Checks;
use super::chunks::Chunks;
use super::encode::TRAILER;
use super::id_index::IdIndex;
use super::imprint::{Imprint, KEY};
use super::unreadable;
use crate::archive::column::{Bound, ColumnType};
use crate::{Error, Result};

/// The parsed tail of a data file.
#[derive(Debug)]
pub(crate) struct Tail {
    pub(super) reader: ArrowReaderMetadata,
    /// Which column of the file has which field id.
    leaves: Vec<(i64, usize)>,
    /// The position of each row group's first row, and at the end the count of rows.
    starts: Vec<u64>,
    ours: Option<Ours>,
    bytes: usize,
}

/// What only our own files have.
#[derive(Debug)]
struct Ours {
    index: IdIndex,
    checks: Checks,
}

/// What the statistics of a row group tell of a column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Extent {
    /// No value is less, and none greater; none where that is unknown.
    pub(crate) bounds: Option<(Bound, Bound)>,
    /// Rows without a value, where that is known.
    pub(crate) nulls: Option<u64>,
    /// Rows with one.
    pub(crate) values: Option<u64>,
}

impl Tail {
    /// Takes the end of a data file of `size` bytes: `tail_length` of them for one of ours, the footer and its trailer for
    /// one of others.
    ///
    /// # Errors
    /// `Corrupt`: not what was written, or too short. `Unsupported`: a later version wrote it.
    pub(crate) fn parse(end: Bytes, size: u64, tail_length: Option<u64>) -> Result<Self> {
        if let Some(length) = tail_length
            && length != end.len() as u64
        {
            return Err(damaged("it is shorter than the catalog says"));
        }
        let footer = Self::footer_length(&end)?;
        let start = end
            .len()
            .checked_sub(TRAILER + footer)
            .ok_or_else(|| damaged("its footer is longer than the catalog says"))?;
        let footer = end.slice(start..start + footer);
        let mut before = end.slice(..start);
        let metadata = ParquetMetaDataReader::decode_metadata(&footer).map_err(unreadable)?;
        let ours = match tail_length {
            None => None,
            Some(_) => {
                let (columns, groups) = (
                    metadata.file_metadata().schema_descr().num_columns(),
                    metadata.num_row_groups(),
                );
                let checks = Checks::split_off(&mut before, &footer, columns, groups)?;
                let imprint = imprint(&metadata)?;
                let index_start = size - end.len() as u64;
                if imprint.id_index.offset != index_start
                    || imprint.id_index.length != before.len() as u64
                {
                    return Err(damaged("its id index is not where it says"));
                }
                let index = IdIndex::parse(before)?;
                Some(Ours { index, checks })
            }
        };
        Self::of(metadata, size, ours)
    }

    /// The length of the footer that `end` says it has, without the trailer's eight bytes.
    ///
    /// # Errors
    /// `Corrupt`: `end` is not the end of a Parquet file.
    pub(crate) fn footer_length(end: &[u8]) -> Result<usize> {
        match end.last_chunk::<TRAILER>() {
            Some([a, b, c, d, b'P', b'A', b'R', b'1']) => {
                Ok(u32::from_le_bytes([*a, *b, *c, *d]) as usize)
            }
            _ => Err(damaged("it does not end like a Parquet file")),
        }
    }

    fn of(metadata: ParquetMetaData, size: u64, ours: Option<Ours>) -> Result<Self> {
        let mut starts = vec![0];
        for group in metadata.row_groups() {
            let rows = u64::try_from(group.num_rows())
                .map_err(|_| damaged("a row group has less than no rows"))?;
            starts.push(starts.last().copied().unwrap_or(0) + rows);
            for chunk in group.columns() {
                let (start, length) = byte_range(chunk)?;
                if start.checked_add(length).is_none_or(|end| end > size) {
                    return Err(damaged("a column lies beyond the end of the file"));
                }
            }
        }
        let schema = metadata.file_metadata().schema_descr();
        let leaves = schema
            .columns()
            .iter()
            .enumerate()
            .filter_map(|(at, leaf)| {
                let basics = leaf.self_type().get_basic_info();
                let is_top = leaf.path().parts().len() == 1;
                (is_top && basics.has_id()).then(|| (i64::from(basics.id()), at))
            });
        let leaves = leaves.collect();
        let bytes = metadata.memory_size()
            + ours
                .as_ref()
                .map_or(0, |ours| ours.index.as_bytes().len() + ours.checks.bytes());
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let reader = ArrowReaderMetadata::try_new(metadata.into(), options).map_err(unreadable)?;
        Ok(Self {
            reader,
            leaves,
            starts,
            ours,
            bytes,
        })
    }

    /// Whether we wrote the file: it has an id index, and columns that tell what they are said to.
    pub(crate) fn is_ours(&self) -> bool {
        self.ours.is_some()
    }

    /// The row group that may hold `id`, of a file of ours.
    pub(crate) fn row_group_of(&self, id: &str) -> Option<usize> {
        let group = self.ours.as_ref()?.index.row_group(id)? as usize;
        (group < self.row_groups()).then_some(group)
    }

    /// How many row groups there are.
    pub(crate) fn row_groups(&self) -> usize {
        self.starts.len() - 1
    }

    /// The positions of a row group's rows.
    pub(crate) fn rows(&self, group: usize) -> Range<u64> {
        self.starts[group]..self.starts[group + 1]
    }

    /// The count of all rows.
    pub(crate) fn row_count(&self) -> u64 {
        self.starts.last().copied().unwrap_or(0)
    }

    /// The bytes that it takes in memory, about.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Where columns of a row group lie in the file, in the order of the file; columns that the file lacks are left out.
    pub(crate) fn ranges(&self, group: usize, columns: &[i64]) -> Result<Vec<Range<u64>>> {
        let chunks = self.leaves(columns).into_iter().map(|leaf| {
            let (start, length) = byte_range(self.group(group).column(leaf))?;
            Ok(start..start + length)
        });
        let mut ranges: Vec<Range<u64>> = chunks.collect::<Result<_>>()?;
        ranges.sort_unstable_by_key(|range| range.start);
        Ok(ranges)
    }

    /// What the statistics of a row group tell of a column; nothing of one that the file lacks.
    pub(crate) fn extent(&self, group: usize, column: i64, kind: ColumnType) -> Option<Extent> {
        let leaf = self.leaf(column)?;
        let rows = self.starts[group + 1] - self.starts[group];
        let statistics = self.group(group).column(leaf).statistics();
        let nulls = statistics.and_then(Statistics::null_count_opt);
        Some(Extent {
            bounds: statistics.and_then(|statistics| bounds(statistics, kind)),
            nulls,
            values: nulls.and_then(|nulls| rows.checked_sub(nulls)),
        })
    }

    /// Checks the chunks of `columns` against the file's checksums; nothing where others wrote the file.
    ///
    /// # Errors
    /// `Corrupt`: a byte is not what was written.
    pub(super) fn check(&self, group: usize, columns: &[i64], chunks: &Chunks) -> Result<()> {
        let Some(ours) = &self.ours else {
            return Ok(());
        };
        for leaf in self.leaves(columns) {
            let (start, length) = byte_range(self.group(group).column(leaf))?;
            let bytes = chunks
                .slice(start..start + length)
                .ok_or_else(|| Error::unexpected("a column of a segment was not fetched"))?;
            if !ours.checks.is_whole(group, leaf, &bytes) {
                let name = self.group(group).column(leaf).column_path().string();
                return Err(damaged("the checksum of a column differs")
                    .with("column", name)
                    .with("row group", group));
            }
        }
        Ok(())
    }

    /// The places in the file of columns, in its order.
    pub(super) fn leaves(&self, columns: &[i64]) -> Vec<usize> {
        let mut leaves: Vec<usize> = columns.iter().filter_map(|id| self.leaf(*id)).collect();
        leaves.sort_unstable();
        leaves.dedup();
        leaves
    }

    /// The place in the file of a column, by field id.
    pub(super) fn leaf(&self, column: i64) -> Option<usize> {
        let found = self.leaves.iter().find(|(id, _)| *id == column);
        found.map(|(_, leaf)| *leaf)
    }

    fn group(&self, group: usize) -> &RowGroupMetaData {
        self.reader.metadata().row_group(group)
    }
}

fn imprint(metadata: &ParquetMetaData) -> Result<Imprint> {
    let entries = metadata.file_metadata().key_value_metadata();
    let entry = entries
        .and_then(|entries| entries.iter().find(|entry| entry.key == KEY))
        .and_then(|entry| entry.value.as_deref())
        .ok_or_else(|| damaged("it does not say what it is"))?;
    Imprint::parse(entry)
}

/// Where a chunk lies, without the assertions of the library.
fn byte_range(chunk: &parquet::file::metadata::ColumnChunkMetaData) -> Result<(u64, u64)> {
    let start = chunk
        .dictionary_page_offset()
        .unwrap_or_else(|| chunk.data_page_offset());
    match (u64::try_from(start), u64::try_from(chunk.compressed_size())) {
        (Ok(start), Ok(length)) => Ok((start, length)),
        _ => Err(damaged("a column lies before the beginning of the file")),
    }
}

fn bounds(statistics: &Statistics, kind: ColumnType) -> Option<(Bound, Bound)> {
    match (statistics, kind) {
        (Statistics::Int64(values), ColumnType::Integer) => Some((
            Bound::Integer(*values.min_opt()?),
            Bound::Integer(*values.max_opt()?),
        )),
        (Statistics::Int64(values), ColumnType::Time) => Some((
            Bound::Time(*values.min_opt()?),
            Bound::Time(*values.max_opt()?),
        )),
        (Statistics::Double(values), ColumnType::Double) => {
            let (min, max) = (*values.min_opt()?, *values.max_opt()?);
            (!min.is_nan() && !max.is_nan()).then_some((Bound::Double(min), Bound::Double(max)))
        }
        (Statistics::Boolean(values), ColumnType::Boolean) => Some((
            Bound::Boolean(*values.min_opt()?),
            Bound::Boolean(*values.max_opt()?),
        )),
        // The deprecated bounds of texts were compared as signed bytes.
        (Statistics::ByteArray(values), ColumnType::Text)
            if !statistics.is_min_max_deprecated() =>
        {
            let text = |bytes: &[u8]| {
                std::str::from_utf8(bytes)
                    .ok()
                    .map(|text| Bound::Text(text.into()))
            };
            Some((
                text(values.min_bytes_opt()?)?,
                text(values.max_bytes_opt()?)?,
            ))
        }
        _ => None,
    }
}

fn damaged(problem: &'static str) -> Error {
    Error::corrupt("a data file of the archive is damaged").with("problem", problem)
}
