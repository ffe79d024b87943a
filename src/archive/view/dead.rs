//! Dead rows: those that the catalog notes itself, and those in delete files, always both.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, RecordBatch};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::archive::catalog::{DataFile, DeadRow, DeleteFile};
use crate::{Error, Result};

/// The column of a delete file that tells the snapshot with which a row died.
const SNAPSHOT: &str = "_ducklake_internal_snapshot_id";

/// The rows that a delete file names, by position.
#[derive(Debug)]
pub(super) struct Deleted {
    /// The position, and the snapshot that the row died with; without one it was dead as soon as the file was there.
    rows: Vec<(u64, i64)>,
}

/// The dead rows of one data file at one snapshot.
#[derive(Clone, Debug)]
pub(super) struct DeadRows {
    /// Ascending.
    positions: Arc<[u64]>,
}

impl Deleted {
    /// Reads a delete file. Other programs number its columns as they like, so they are found by name.
    ///
    /// # Errors
    /// `Corrupt`: it is no delete file, or has not as many rows as the catalog says.
    pub(super) fn parse(bytes: Bytes, file: &DeleteFile) -> Result<Self> {
        let damaged = |problem: &'static str| {
            Error::corrupt("a delete file of the archive is damaged")
                .with("object", &file.path)
                .with("problem", problem)
        };
        let unreadable =
            |error: &dyn std::fmt::Display| damaged("it cannot be read").with("reason", error);
        let batches = ParquetRecordBatchReaderBuilder::try_new(bytes)
            .and_then(ParquetRecordBatchReaderBuilder::build)
            .map_err(|error| unreadable(&error))?;
        let mut rows = Vec::new();
        for batch in batches {
            let batch = batch.map_err(|error| unreadable(&error))?;
            let positions = numbers(&batch, "pos").ok_or_else(|| damaged("it lacks `pos`"))?;
            let snapshots = numbers(&batch, SNAPSHOT);
            for row in 0..batch.num_rows() {
                let position = u64::try_from(positions.as_primitive::<Int64Type>().value(row))
                    .map_err(|_| damaged("a position is negative"))?;
                let snapshot = snapshots.map_or(i64::MIN, |snapshots| {
                    snapshots.as_primitive::<Int64Type>().value(row)
                });
                rows.push((position, snapshot));
            }
        }
        if rows.len() as u64 != file.rows {
            return Err(damaged("it has not as many rows as the catalog says"));
        }
        rows.sort_unstable();
        Ok(Self { rows })
    }

    /// The rows, each with the snapshot of its death: its own, or that from which the file counts.
    pub(super) fn rows(&self, since: i64) -> impl Iterator<Item = DeadRow> {
        self.rows.iter().map(move |&(position, died)| DeadRow {
            position,
            snapshot: if died == i64::MIN { since } else { died },
        })
    }

    /// The bytes that it takes in memory.
    pub(super) fn bytes(&self) -> usize {
        self.rows.len() * size_of::<(u64, i64)>()
    }
}

/// A column of integers without nulls.
fn numbers<'a>(batch: &'a RecordBatch, name: &str) -> Option<&'a ArrayRef> {
    batch.column_by_name(name).filter(|column| {
        column.as_primitive_opt::<Int64Type>().is_some() && column.null_count() == 0
    })
}

impl DeadRows {
    /// The union of what the catalog notes and what the delete file names.
    ///
    /// # Errors
    /// `Corrupt`: a position beyond the file's rows.
    pub(super) fn of(file: &DataFile, deleted: Option<&Deleted>, snapshot: i64) -> Result<Self> {
        let inlined = file.dead.iter().map(|dead| dead.position);
        let deleted = deleted.into_iter().flat_map(|deleted| &deleted.rows);
        let deleted =
            deleted.filter_map(|(position, died)| (*died <= snapshot).then_some(*position));
        let mut positions: Vec<u64> = inlined.chain(deleted).collect();
        positions.sort_unstable();
        positions.dedup();
        if positions.last().is_some_and(|last| *last >= file.rows) {
            return Err(
                Error::corrupt("a row is noted as deleted that its file does not have")
                    .with("object", &file.path)
                    .with("rows", file.rows),
            );
        }
        Ok(Self {
            positions: positions.into(),
        })
    }

    pub(super) fn len(&self) -> u64 {
        self.positions.len() as u64
    }

    pub(super) fn contains(&self, position: u64) -> bool {
        self.positions.binary_search(&position).is_ok()
    }

    /// The dead rows among some, ascending.
    pub(super) fn within(&self, rows: &Range<u64>) -> &[u64] {
        let start = self.positions.partition_point(|dead| *dead < rows.start);
        let end = self.positions.partition_point(|dead| *dead < rows.end);
        &self.positions[start..end]
    }
}
