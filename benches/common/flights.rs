//! The flights of examples/data, as records.

use std::fs::File;
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, TimestampMillisecondType};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::DataType;
use jiff::Timestamp;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use thermocline::Record;

use crate::Failure;

/// All flights with the hour that each was to leave in, in the order of the file.
pub(crate) fn flights() -> Result<impl Iterator<Item = (Record, Timestamp)>, Failure> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data/flights.parquet");
    let batches = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?)?.build()?;
    Ok(batches.flat_map(|batch| {
        let batch = batch.expect("the data of this repository");
        (0..batch.num_rows())
            .map(|row| flight(&batch, row))
            .collect::<Vec<_>>()
    }))
}

fn flight(batch: &RecordBatch, row: usize) -> (Record, Timestamp) {
    let column = |name| batch.column_by_name(name).expect("a column of the flights");
    let hour = column("time_hour")
        .as_primitive::<TimestampMillisecondType>()
        .value(row);
    let hour = Timestamp::from_millisecond(hour).expect("a time");
    let id = format!(
        "{}{}-{hour}",
        column("carrier").as_string::<i32>().value(row),
        column("flight").as_primitive::<Int32Type>().value(row),
    );
    let schema = batch.schema_ref();
    let fields: Vec<String> = schema
        .fields()
        .iter()
        .zip(batch.columns())
        .map(|(field, array)| format!("\"{}\":{}", field.name(), json(array, row)))
        .collect();
    let record = Record::from_json(id, &format!("{{{}}}", fields.join(",")));
    let record = record.expect("a record").with_times(Some(hour), Some(hour));
    (record, hour)
}

fn json(array: &ArrayRef, row: usize) -> String {
    if array.is_null(row) {
        return "null".to_owned();
    }
    match array.data_type() {
        DataType::Utf8 => format!("\"{}\"", array.as_string::<i32>().value(row)),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).to_string(),
        _ => {
            let millis = array.as_primitive::<TimestampMillisecondType>().value(row);
            let time = Timestamp::from_millisecond(millis).expect("a time");
            format!("\"{time}\"")
        }
    }
}
