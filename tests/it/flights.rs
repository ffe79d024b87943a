//! The flights that the demo loads: what it and the README promise about them.

use std::collections::HashSet;
use std::fs::File;
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, TimestampMillisecondType};
use jiff::{SignedDuration, Timestamp};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

#[test]
fn ids_are_unique_and_the_border_is_where_the_readme_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data/flights.parquet");
    let file = File::open(path).expect("the file");
    let now: Timestamp = "2014-01-01T00:00:00Z".parse().expect("a time");
    let border = now - SignedDuration::from_hours(90 * 24);

    let (mut ids, mut rows, mut old) = (HashSet::new(), 0, 0);
    let batches = ParquetRecordBatchReaderBuilder::try_new(file).expect("Parquet");
    for batch in batches.build().expect("a reader") {
        let batch = batch.expect("a batch");
        rows += batch.num_rows();
        let column = |name| batch.column_by_name(name).expect("a column");
        let carrier = column("carrier").as_string::<i32>();
        let flight = column("flight").as_primitive::<Int32Type>();
        let hour = column("time_hour").as_primitive::<TimestampMillisecondType>();
        for row in 0..batch.num_rows() {
            let hour = Timestamp::from_millisecond(hour.value(row)).expect("a time");
            old += usize::from(hour < border);
            ids.insert(format!(
                "{}{}-{hour}",
                carrier.value(row),
                flight.value(row)
            ));
        }
    }
    assert_eq!((rows, ids.len()), (336_776, 336_776));
    assert!(ids.contains("UA1545-2013-01-01T10:00:00Z"));
    assert_eq!((old, rows - old), (254_336, 82_440));
}
