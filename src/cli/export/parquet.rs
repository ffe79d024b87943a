//! Records as a Parquet file: `id`, `fields` and `metadata` as JSON text, the two times.

use std::io::Write;
use std::sync::Arc;

use crate::{Error, Record};
use arrow_array::builder::{StringBuilder, TimestampMicrosecondBuilder};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use crate::cli::exit::Failure;

/// Rows of a row group, and what is held in memory at most: whichever is reached first.
const ROWS: usize = 8_192;
const BYTES: usize = 16 << 20;

/// Writes records as they come, a row group at a time.
pub(super) struct ParquetWriter {
    file: ArrowWriter<Box<dyn Write + Send>>,
    schema: SchemaRef,
    id: StringBuilder,
    fields: StringBuilder,
    metadata: StringBuilder,
    created_at: TimestampMicrosecondBuilder,
    updated_at: TimestampMicrosecondBuilder,
    rows: usize,
    bytes: usize,
}

impl ParquetWriter {
    pub(super) fn new(out: Box<dyn Write + Send>) -> Result<Self, Failure> {
        let time = || DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let schema = Arc::new(Schema::new(vec![
            Field::new("id", DataType::Utf8, false),
            Field::new("fields", DataType::Utf8, false),
            Field::new("metadata", DataType::Utf8, true),
            Field::new("created_at", time(), true),
            Field::new("updated_at", time(), true),
        ]));
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .build();
        let file =
            ArrowWriter::try_new(out, Arc::clone(&schema), Some(properties)).map_err(failure)?;
        let times = || TimestampMicrosecondBuilder::new().with_timezone("UTC");
        Ok(Self {
            file,
            schema,
            id: StringBuilder::new(),
            fields: StringBuilder::new(),
            metadata: StringBuilder::new(),
            created_at: times(),
            updated_at: times(),
            rows: 0,
            bytes: 0,
        })
    }

    pub(super) fn write(&mut self, record: &Record) -> Result<(), Failure> {
        self.id.append_value(record.id().as_str());
        self.fields.append_value(record.fields());
        self.metadata.append_option(record.metadata());
        let micros = |time: Option<jiff::Timestamp>| time.map(jiff::Timestamp::as_microsecond);
        self.created_at.append_option(micros(record.created_at()));
        self.updated_at.append_option(micros(record.updated_at()));
        self.rows += 1;
        self.bytes += record.bytes();
        if self.rows >= ROWS || self.bytes >= BYTES {
            self.flush()?;
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<(), Failure> {
        self.flush()?;
        let mut out = self.file.into_inner().map_err(failure)?;
        out.flush()?;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Failure> {
        if self.rows == 0 {
            return Ok(());
        }
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.id.finish()),
            Arc::new(self.fields.finish()),
            Arc::new(self.metadata.finish()),
            Arc::new(self.created_at.finish()),
            Arc::new(self.updated_at.finish()),
        ];
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(|error| {
            Error::unexpected("the records make no row group").with_source(error)
        })?;
        self.file.write(&batch).map_err(failure)?;
        self.file.flush().map_err(failure)?;
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }
}

fn failure(error: ParquetError) -> Failure {
    match error {
        ParquetError::External(source) => match source.downcast::<std::io::Error>() {
            Ok(error) => (*error).into(),
            Err(source) => Error::unavailable("cannot write the Parquet file")
                .with("problem", source)
                .into(),
        },
        other => Error::unavailable("cannot write the Parquet file")
            .with_source(other)
            .into(),
    }
}
