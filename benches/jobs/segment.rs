//! Encoding and decoding segments, and how small they are.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use thermocline::{Columns, SegmentCodec, SegmentRows};

use super::store;
use crate::common::child;
use crate::common::data;
use crate::common::flights::flights;
use crate::common::rounds::{Side, median, process_cpu, take_turns};
use crate::common::table::Row;
use crate::{Amount, Failure};

const GROUP: usize = 4096;

pub(crate) fn run(amount: Amount) -> Result<Vec<Row>, Failure> {
    let synthetic = (0..amount.of(200_000))
        .map(|number| (Arc::new(data::record(number)), data::created_at(number)));
    let mut rows = measured(
        amount,
        "synthetic",
        SegmentRows::new(synthetic),
        &Columns::None,
    )?;
    let march = "2013-03-01T00:00:00Z".parse()?.."2013-04-01T00:00:00Z".parse()?;
    let flights = flights()?
        .filter(|(_, hour)| march.contains(hour))
        .map(|(record, hour)| (Arc::new(record), hour));
    rows.extend(measured(
        amount,
        "flights",
        SegmentRows::new(flights),
        &Columns::Auto,
    )?);
    Ok(rows)
}

fn measured(
    amount: Amount,
    name: &str,
    rows: SegmentRows,
    columns: &Columns,
) -> Result<Vec<Row>, Failure> {
    let folder = store::folder()?;
    let codec = SegmentCodec::new(&rows, columns)?;
    let file = codec.encode_verified(&rows)?;
    let path = folder.path().join("segment.parquet");
    fs::write(&path, &file.bytes)?;
    let batches = batches(&file.bytes)?;
    let properties = same_settings(&file.bytes)?;
    let count = rows.records().count();
    let text: usize = rows.records().map(thermocline::Record::bytes).sum();
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let (each, megabytes) = (count as f64, text as f64 / 1e6);
    let sides = vec![
        Side::new("encode", || {
            process_cpu(|| codec.encode(&rows).expect("a segment")).1
        }),
        Side::new("encode and verify", || {
            process_cpu(|| codec.encode_verified(&rows).expect("a segment")).1
        }),
        Side::new("ArrowWriter, ready batches", || {
            process_cpu(|| write(&batches, &properties).expect("a file")).1
        }),
        Side::new("decode", || {
            process_cpu(|| assert_eq!(codec.decode(&file).expect("records"), count)).1
        }),
        Side::new("Arrow reader, batches", || {
            process_cpu(|| assert_eq!(read(&file.bytes).expect("batches"), count)).1
        }),
    ];
    let costs = take_turns(amount.rounds(), sides);
    let duck = DuckDb::measured(amount, &path)?;
    let rate = |case: &str, ours: &str, peer: &str| {
        told(
            Row::of("segment", case, &costs, (ours, peer), ("", 1.0)),
            each,
            megabytes,
        )
    };
    let against_duck = |case: &str, ours: &str, peer: (&str, f64)| {
        told(
            Row::counted("segment", case, costs.median(ours), peer, ""),
            each,
            megabytes,
        )
    };
    let size = |bytes: f64| bytes / each;
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let (bytes, without_tail) = (
        file.bytes.len() as f64,
        (file.bytes.len() as u64 - file.tail) as f64,
    );
    Ok([
        rate(
            &format!("encode {name}"),
            "encode",
            "ArrowWriter, ready batches",
        ),
        against_duck(
            &format!("encode {name}"),
            "encode",
            ("DuckDB COPY TO, zstd", duck.write),
        ),
        against_duck(
            &format!("encode and verify {name}"),
            "encode and verify",
            ("DuckDB COPY TO, zstd", duck.write),
        ),
        rate(&format!("decode {name}"), "decode", "Arrow reader, batches"),
        against_duck(
            &format!("decode {name}"),
            "decode",
            ("DuckDB, all columns", duck.read),
        ),
    ]
    .into_iter()
    .flatten()
    .chain([
        Row::counted(
            "segment",
            format!("size of {name}"),
            size(bytes),
            ("DuckDB zstd", size(duck.bytes)),
            "bytes a row",
        )
        .goal("G9", 0.92),
        Row::counted(
            "segment",
            format!("size of {name}, without its id index and footer"),
            size(without_tail),
            ("DuckDB zstd", size(duck.bytes)),
            "bytes a row",
        ),
    ])
    .collect())
}

/// A cost of all rows, told as a rate of rows and one of bytes.
fn told(row: Row, rows: f64, megabytes: f64) -> [Row; 2] {
    [
        row.clone().rated("rows a CPU s", rows),
        row.rated("MB a CPU s", megabytes),
    ]
}

fn reader(bytes: &Bytes) -> Result<ParquetRecordBatchReaderBuilder<Bytes>, Failure> {
    Ok(ParquetRecordBatchReaderBuilder::try_new(bytes.clone())?.with_batch_size(GROUP))
}

/// What a segment holds, ready for a writer.
fn batches(bytes: &Bytes) -> Result<Vec<RecordBatch>, Failure> {
    Ok(reader(bytes)?.build()?.collect::<Result<_, _>>()?)
}

fn read(bytes: &Bytes) -> Result<usize, Failure> {
    let mut rows = 0;
    for batch in reader(bytes)?.build()? {
        rows += batch?.num_rows();
    }
    Ok(rows)
}

/// The settings by which our writer wrote a file, as its footer tells them.
fn same_settings(bytes: &Bytes) -> Result<WriterProperties, Failure> {
    let metadata: Arc<ParquetMetaData> = Arc::clone(reader(bytes)?.metadata());
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_max_row_group_row_count(Some(GROUP))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        .set_dictionary_enabled(false);
    for column in metadata.row_group(0).columns() {
        let path = column.column_path().clone();
        if column.dictionary_page_offset().is_some() {
            properties = properties.set_column_dictionary_enabled(path, true);
        } else if let Some(encoding) = column
            .encodings()
            .find(|encoding| !matches!(encoding, Encoding::RLE | Encoding::PLAIN))
        {
            properties = properties.set_column_encoding(path, encoding);
        }
    }
    Ok(properties.build())
}

fn write(batches: &[RecordBatch], properties: &WriterProperties) -> Result<usize, Failure> {
    let schema: SchemaRef = batches[0].schema();
    let mut writer = ArrowWriter::try_new(Vec::new(), schema, Some(properties.clone()))?;
    for batch in batches {
        writer.write(batch)?;
        writer.flush()?;
    }
    Ok(writer.into_inner()?.len())
}

/// What DuckDB takes for the same table, in a process of its own: CPU of the statement alone.
struct DuckDb {
    write: f64,
    read: f64,
    bytes: f64,
}

impl DuckDb {
    fn measured(amount: Amount, segment: &Path) -> Result<Self, Failure> {
        let took = child::run(
            child::python("segment.py")?
                .arg(segment)
                .arg(amount.rounds().to_string()),
        )?;
        let all = |key: &str| -> Result<Vec<f64>, Failure> {
            let values = took.said[key].as_array().ok_or("segment.py said nothing")?;
            Ok(values
                .iter()
                .filter_map(serde_json::Value::as_f64)
                .collect())
        };
        Ok(Self {
            write: median(all("write")?),
            read: median(all("read")?),
            bytes: took.said["bytes"]
                .as_f64()
                .ok_or("segment.py said nothing")?,
        })
    }
}
