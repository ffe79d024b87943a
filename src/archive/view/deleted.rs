//! The dead rows that a Parquet delete file names.

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::{Error, Result};

/// The positions that a delete file names: its column `pos`. Its other column names the data file, the same in each row.
///
/// # Errors
/// `Unsupported`: a third column tells when each row died. `Corrupt`: no such file.
pub(super) fn decode_deletes(bytes: Bytes) -> Result<Vec<u64>> {
    let damaged = || Error::corrupt("a delete file of the archive is damaged");
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes)
        .map_err(|error| damaged().with_source(error))?;
    if reader.schema().fields().len() > 2 {
        return Err(Error::unsupported(
            "a delete file tells when each of its rows died (three columns), which this release does not read",
        ));
    }
    let mut positions = Vec::new();
    for batch in reader
        .build()
        .map_err(|error| damaged().with_source(error))?
    {
        let batch = batch.map_err(|error| damaged().with_source(error))?;
        let column = batch
            .column_by_name("pos")
            .and_then(|column| column.as_primitive_opt::<Int64Type>().cloned());
        for position in column.ok_or_else(damaged)?.iter() {
            let position = position.and_then(|position| u64::try_from(position).ok());
            positions.push(position.ok_or_else(damaged)?);
        }
    }
    Ok(positions)
}

/// Positions of dead rows, ascending.
#[derive(Debug)]
pub(crate) struct Deleted(Vec<u64>);

impl Deleted {
    pub(crate) fn new(mut positions: Vec<u64>) -> Self {
        positions.sort_unstable();
        positions.dedup();
        Self(positions)
    }

    pub(crate) fn contains(&self, position: u64) -> bool {
        self.0.binary_search(&position).is_ok()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}
