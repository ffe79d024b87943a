//! From the bytes of a row group to its rows.

use arrow_array::{ArrayRef, RecordBatch};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReaderBuilder, RowSelection};

use super::chunks::Chunks;
use super::tail::Tail;
use super::unreadable;
use crate::{Error, Result};

/// Some columns of some rows of a row group.
#[derive(Debug)]
pub(crate) struct Columns {
    rows: usize,
    arrays: Vec<(i64, ArrayRef)>,
}

/// A row group whose bytes were fetched and checked.
#[derive(Debug)]
pub(crate) struct RowGroup<'a> {
    tail: &'a Tail,
    group: usize,
    chunks: Chunks,
}

impl<'a> RowGroup<'a> {
    /// Takes the bytes of `columns` of a row group.
    ///
    /// # Errors
    /// `Corrupt`: they are not what was written.
    pub(crate) fn open(
        tail: &'a Tail,
        group: usize,
        columns: &[i64],
        chunks: Chunks,
    ) -> Result<Self> {
        tail.check(group, columns, &chunks)?;
        Ok(Self {
            tail,
            group,
            chunks,
        })
    }

    /// Decodes `columns`, of all rows or of those that `rows` lists, ascending, by their place in the row group.
    ///
    /// # Errors
    /// `Corrupt`: the bytes are no such columns. `Unsupported`: an encoding or a codec that is not read.
    pub(crate) fn columns(&self, columns: &[i64], rows: Option<&[usize]>) -> Result<Columns> {
        let range = self.tail.rows(self.group);
        let all = usize::try_from(range.end - range.start)
            .map_err(|_| Error::corrupt("a row group has more rows than memory"))?;
        let wanted = rows.map_or(all, <[usize]>::len);
        let leaves = self.tail.leaves(columns);
        if leaves.is_empty() || wanted == 0 {
            return Ok(Columns {
                rows: wanted,
                arrays: Vec::new(),
            });
        }
        let schema = self.tail.reader.parquet_schema();
        let mask = ProjectionMask::leaves(schema, leaves.iter().copied());
        let mut reader = ParquetRecordBatchReaderBuilder::new_with_metadata(
            self.chunks.clone(),
            self.tail.reader.clone(),
        )
        .with_row_groups(vec![self.group])
        .with_projection(mask)
        .with_batch_size(wanted);
        if let Some(rows) = rows {
            let ranges = rows.iter().map(|row| *row..*row + 1);
            reader = reader.with_row_selection(RowSelection::from_consecutive_ranges(ranges, all));
        }
        let batches = reader
            .build()
            .map_err(unreadable)?
            .collect::<Result<Vec<RecordBatch>, _>>()
            .map_err(unreadable)?;
        let [batch] = batches.as_slice() else {
            return Err(short(self.group, wanted));
        };
        if batch.num_rows() != wanted {
            return Err(short(self.group, wanted));
        }
        let arrays = columns.iter().filter_map(|id| {
            let leaf = self.tail.leaf(*id)?;
            let at = leaves.binary_search(&leaf).ok()?;
            Some((*id, ArrayRef::clone(batch.column(at))))
        });
        Ok(Columns {
            rows: wanted,
            arrays: arrays.collect(),
        })
    }
}

impl Columns {
    /// How many rows there are.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// A column by its field id; none where the file lacks it.
    pub(crate) fn get(&self, column: i64) -> Option<&ArrayRef> {
        let found = self.arrays.iter().find(|(id, _)| *id == column);
        found.map(|(_, array)| array)
    }
}

fn short(group: usize, rows: usize) -> Error {
    Error::corrupt("a row group has other rows than its footer says")
        .with("row group", group)
        .with("rows", rows)
}
