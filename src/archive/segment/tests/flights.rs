//! The flights of the demo, as the measure of sizes.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, TimestampMillisecondType};
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use jiff::Timestamp;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::archive::column::{Column, ColumnType, columns_with};
use crate::archive::segment::{RecordReader, SegmentLabel, SegmentRow, Tail, encode, verify};
use crate::{Record, Result};

pub(crate) fn label() -> SegmentLabel {
    SegmentLabel {
        table: "flights".into(),
        source: "test".into(),
        archived_at: "2014-01-01T00:00:00Z".parse().unwrap(),
    }
}

/// The flights of March 2013 in the order of a segment, and the columns that a collection of them would promote.
pub(crate) fn flights() -> (Vec<SegmentRow>, Vec<Column>) {
    let march: std::ops::Range<Timestamp> =
        "2013-03-01T00:00:00Z".parse().unwrap().."2013-04-01T00:00:00Z".parse().unwrap();
    let file = std::fs::File::open(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/examples/data/flights.parquet"
    ));
    let reader = ParquetRecordBatchReaderBuilder::try_new(file.unwrap()).unwrap();
    let schema = Arc::clone(reader.schema());
    let mut rows = Vec::new();
    for batch in reader.build().unwrap() {
        let batch = batch.unwrap();
        for row in 0..batch.num_rows() {
            let text = |name| {
                batch
                    .column_by_name(name)
                    .unwrap()
                    .as_string::<i32>()
                    .value(row)
            };
            let number = |name| {
                let column = batch.column_by_name(name).unwrap();
                column.as_primitive::<Int32Type>().value(row)
            };
            let hour = batch.column_by_name("time_hour").unwrap();
            let hour = hour.as_primitive::<TimestampMillisecondType>().value(row);
            let hour = Timestamp::from_millisecond(hour).unwrap();
            if !march.contains(&hour) {
                continue;
            }
            let fields: Vec<String> = schema
                .fields()
                .iter()
                .zip(batch.columns())
                .map(|(field, array)| format!("{:?}:{}", field.name(), json(array, row)))
                .collect();
            let id = format!("{}{}-{hour}", text("carrier"), number("flight"));
            let record = Record::from_json(id, &format!("{{{}}}", fields.join(","))).unwrap();
            let record = record.with_times(Some(label().archived_at), Some(label().archived_at));
            rows.push(SegmentRow::new(Arc::new(record), hour));
        }
    }
    rows.sort_by(|one, other| one.order().cmp(&other.order()));
    let promoted: Vec<(&str, ColumnType)> = schema
        .fields()
        .iter()
        .map(|field| match field.data_type() {
            DataType::Int32 => (field.name().as_str(), ColumnType::Integer),
            _ => (field.name().as_str(), ColumnType::Text),
        })
        .collect();
    (rows, columns_with(&promoted))
}

fn json(array: &ArrayRef, row: usize) -> String {
    if array.is_null(row) {
        return "null".to_owned();
    }
    match array.data_type() {
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).to_string(),
        DataType::Utf8 => format!("{:?}", array.as_string::<i32>().value(row)),
        _ => {
            let millis = array.as_primitive::<TimestampMillisecondType>().value(row);
            format!("\"{}\"", Timestamp::from_millisecond(millis).unwrap())
        }
    }
}

/// One month of flights: what an archived row takes, and what a lookup has to fetch.
#[test]
fn flights_are_small_and_so_is_what_a_lookup_fetches() -> Result<()> {
    let (rows, columns) = flights();
    let encoded = encode(&columns, &rows, &label())?;
    verify(&encoded, &columns, &rows, &label())?;
    let per_row = |bytes: u64| bytes as f64 / rows.len() as f64;
    let size = encoded.bytes.len() as u64;
    println!(
        "{} rows, {:.2} bytes a row, of them {:.2} in the tail",
        rows.len(),
        per_row(size),
        per_row(encoded.tail_length)
    );
    assert!(per_row(size) < 56.5, "{} bytes a row", per_row(size));
    assert!(per_row(encoded.tail_length) < 5.0);

    let start = encoded.bytes.len() - usize::try_from(encoded.tail_length).unwrap();
    let tail = Tail::parse(
        encoded.bytes.slice(start..),
        size,
        Some(encoded.tail_length),
    )?;
    let wanted = RecordReader::new(&columns).field_ids(true);
    for group in 0..tail.row_groups() {
        let ranges = tail.ranges(group, &wanted)?;
        let lookup = ranges[ranges.len() - 1].end - ranges[0].start;
        assert!(lookup <= 256 << 10, "row group {group}: {lookup} bytes");
        // The whole row group, promoted columns too, as performance.md promises.
        let all: Vec<i64> = columns.iter().map(|column| column.id).collect();
        let ranges = tail.ranges(group, &all)?;
        let whole = ranges[ranges.len() - 1].end - ranges[0].start;
        assert!(whole <= 256 << 10, "row group {group}: {whole} bytes");
    }
    Ok(())
}
