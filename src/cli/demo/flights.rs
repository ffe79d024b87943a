//! The flights that left New York City in 2013, as records.

use crate::{Error, Record, Result};
use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tokio::sync::mpsc;

use crate::cli::columns;

/// nycflights13, CC0: `examples/data/README.md` has its origin.
static FLIGHTS: &[u8] = include_bytes!("../../../examples/data/flights.parquet");

/// How many records are written at once.
pub(super) const BATCH: usize = 5_000;

/// The number of flights, as the file says, and the flights themselves, batch by batch, read in a thread of its own.
pub(super) fn flights() -> Result<(u64, mpsc::Receiver<Result<Vec<Record>>>)> {
    let damaged = |error| Error::corrupt("the built-in data cannot be read").with_source(error);
    let builder =
        ParquetRecordBatchReaderBuilder::try_new(Bytes::from_static(FLIGHTS)).map_err(damaged)?;
    let count = builder.metadata().file_metadata().num_rows();
    let batches = builder.with_batch_size(BATCH).build().map_err(damaged)?;
    let (sender, receiver) = mpsc::channel(2);
    tokio::task::spawn_blocking(move || {
        for batch in batches {
            let records = batch
                .map_err(|error| Error::corrupt("the built-in data is damaged").with_source(error))
                .and_then(|batch| {
                    (0..batch.num_rows())
                        .map(|row| record(&batch, row))
                        .collect()
                });
            if sender.blocking_send(records).is_err() {
                return;
            }
        }
    });
    Ok((u64::try_from(count).unwrap_or(0), receiver))
}

/// A flight under its id: `UA1545-2013-01-01T10:00:00Z`.
fn record(batch: &RecordBatch, row: usize) -> Result<Record> {
    let missing = |name| Error::corrupt("the built-in data lacks a column").with("column", name);
    let column = |name| batch.column_by_name(name).ok_or_else(|| missing(name));
    let carrier = columns::text(column("carrier")?, row).ok_or_else(|| missing("carrier"))?;
    let flight = column("flight")?.as_primitive::<Int32Type>().value(row);
    let hour = columns::time(column("time_hour")?, row).ok_or_else(|| missing("time_hour"))?;
    let mut fields = String::with_capacity(400);
    columns::write_object(batch, row, |_| true, &mut fields)?;
    Record::from_json(format!("{carrier}{flight}-{hour}"), &fields)
}
