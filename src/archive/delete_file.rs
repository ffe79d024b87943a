//! Delete files: Parquet files that name dead rows of one data file, for every reader of the table.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use bytes::Bytes;
use parquet::arrow::PARQUET_FIELD_ID_META_KEY;
use parquet::arrow::arrow_writer::{ArrowWriter, ArrowWriterOptions};
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use super::catalog::DeadRow;
use super::segment::Tail;
use crate::{Error, Result};

/// An encoded delete file.
#[derive(Debug)]
pub(crate) struct EncodedDeletes {
    pub(crate) bytes: Bytes,
    /// Bytes of the Parquet footer, without the eight of its trailer.
    pub(crate) footer_size: u64,
}

/// Names `rows`, in the order of their positions, of the data file at `uri`; with `snapshots` that of each one's death.
///
/// `uri` is, byte for byte, what the catalog makes of the data file's path: other readers compare the two.
pub(crate) fn encode(uri: &str, rows: &[DeadRow], snapshots: bool) -> Result<EncodedDeletes> {
    let failed = |error: ParquetError| {
        Error::unexpected("a delete file could not be encoded").with_source(error)
    };
    let position = |dead: &DeadRow| i64::try_from(dead.position).unwrap_or(i64::MAX);
    let mut columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec![uri; rows.len()])),
        Arc::new(Int64Array::from_iter_values(rows.iter().map(position))),
    ];
    let mut fields = vec![
        field("file_path", DataType::Utf8, 2_147_483_546),
        field("pos", DataType::Int64, 2_147_483_545),
    ];
    if snapshots {
        let died = rows.iter().map(|dead| dead.snapshot);
        columns.push(Arc::new(Int64Array::from_iter_values(died)));
        let name = "_ducklake_internal_snapshot_id";
        fields.push(field(name, DataType::Int64, 2_147_483_539));
    }
    let schema = Arc::new(Schema::new(fields));
    let batch =
        RecordBatch::try_new(Arc::clone(&schema), columns).map_err(|error| failed(error.into()))?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .build();
    let options = ArrowWriterOptions::new()
        .with_properties(properties)
        .with_skip_arrow_metadata(true);
    let mut writer =
        ArrowWriter::try_new_with_options(Vec::new(), schema, options).map_err(failed)?;
    writer.write(&batch).map_err(failed)?;
    let bytes = writer.into_inner().map_err(failed)?;
    Ok(EncodedDeletes {
        footer_size: Tail::footer_length(&bytes)? as u64,
        bytes: bytes.into(),
    })
}

/// A column that every reader finds by its number.
fn field(name: &str, kind: DataType, id: i32) -> Field {
    let id = HashMap::from([(PARQUET_FIELD_ID_META_KEY.to_owned(), id.to_string())]);
    Field::new(name, kind, false).with_metadata(id)
}
