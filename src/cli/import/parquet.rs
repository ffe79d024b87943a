//! Parquet: the columns of `export`, or a column a field.

use crate::{Error, Op, Record, Result};
use arrow_array::RecordBatch;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use super::lines::id_of;
use super::{Input, Items, Source, op};
use crate::cli::columns;

/// Rows that are decoded at once.
const ROWS: usize = 2_048;

/// The records of a file.
pub(super) fn items(input: Input, id: &str) -> Result<Items> {
    let reached = input.reached();
    let Source::File(file) = input.source else {
        return Err(Error::unsupported(
            "Parquet is read from its end, so not from standard input: name a file",
        ));
    };
    let size = file.metadata().map_or(0, |metadata| metadata.len());
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(unreadable)?;
    let rows = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0);
    let schema = std::sync::Arc::clone(builder.schema());
    let column = |name: &str| schema.index_of(name).ok();
    let id_at = column(id).ok_or_else(|| {
        let names: Vec<&str> = schema
            .fields()
            .iter()
            .map(|field| field.name().as_str())
            .collect();
        Error::invalid("the file has no such column: --id names the one that is the id")
            .with("id", id)
            .with("columns", names.join(", "))
    })?;
    let layout = Layout {
        id: id_at,
        fields: column("fields"),
        metadata: column("metadata"),
        created_at: column("created_at"),
        updated_at: column("updated_at"),
        keep_id: id != "id",
    };
    let reader = builder.with_batch_size(ROWS).build().map_err(unreadable)?;
    Ok(Box::new(
        Rows {
            reader,
            layout,
            batch: None,
            next: 0,
            number: 0,
            over: false,
        }
        .inspect(move |(number, _)| {
            let share = u128::from(size) * u128::from(*number) / u128::from(rows.max(1));
            reached.store(
                u64::try_from(share).unwrap_or(size),
                std::sync::atomic::Ordering::Relaxed,
            );
        }),
    ))
}

fn unreadable(error: parquet::errors::ParquetError) -> Error {
    Error::invalid("cannot read the file as Parquet").with("problem", error)
}

struct Layout {
    id: usize,
    fields: Option<usize>,
    metadata: Option<usize>,
    created_at: Option<usize>,
    updated_at: Option<usize>,
    keep_id: bool,
}

impl Layout {
    fn record(&self, batch: &RecordBatch, row: usize) -> Result<Record> {
        let id_column = batch.column(self.id);
        let id = match columns::text(id_column, row) {
            Some(id) => id.to_owned(),
            None => {
                let mut json = String::new();
                let name = batch.schema_ref().field(self.id).name();
                columns::write_object(batch, row, |column| column == name, &mut json)?;
                // `{"name":value}`: what stands behind the first colon after the name.
                let value = &json[serde_json::Value::from(name.as_str()).to_string().len() + 2..];
                id_of(&value[..value.len() - 1])?
            }
        };
        let text = |at: Option<usize>| at.and_then(|at| columns::text(batch.column(at), row));
        let time = |at: Option<usize>| at.and_then(|at| columns::time(batch.column(at), row));
        let Some(fields) = text(self.fields) else {
            let own = batch.schema_ref().field(self.id).name();
            let mut json = String::with_capacity(512);
            columns::write_object(batch, row, |name| self.keep_id || name != own, &mut json)?;
            return Record::from_json(id, &json);
        };
        let record = Record::from_json(id, fields)?;
        let record = match text(self.metadata) {
            Some(metadata) => record.with_metadata_json(metadata)?,
            None => record,
        };
        Ok(record.with_times(time(self.created_at), time(self.updated_at)))
    }
}

/// The rows of a file, one by one.
struct Rows {
    reader: ParquetRecordBatchReader,
    layout: Layout,
    batch: Option<RecordBatch>,
    next: usize,
    number: u64,
    over: bool,
}

impl Iterator for Rows {
    type Item = (u64, Result<Op>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        while self
            .batch
            .as_ref()
            .is_none_or(|batch| self.next >= batch.num_rows())
        {
            match self.reader.next()? {
                Ok(batch) => (self.batch, self.next) = (Some(batch), 0),
                Err(error) => {
                    self.over = true;
                    let error = Error::corrupt("the file is damaged").with("problem", error);
                    return Some((self.number + 1, Err(error)));
                }
            }
        }
        self.number += 1;
        self.next += 1;
        let record = self.layout.record(self.batch.as_ref()?, self.next - 1);
        Some((self.number, record.map(op)))
    }
}
