//! From columns to records.

use std::sync::Arc;

use arrow_array::ArrayRef;

use super::decode::{Columns, RowGroup};
use super::promote::number_text;
use super::values;
use crate::archive::column::{Column, ColumnSource, ColumnType, SystemColumn};
use crate::json::write_string;
use crate::record::{HashLayout, Stamp};
use crate::{Error, Record, RecordId, Result};

/// The columns that make a record.
pub(crate) const RECORD_COLUMNS: [SystemColumn; 5] = [
    SystemColumn::Id,
    SystemColumn::CreatedAt,
    SystemColumn::UpdatedAt,
    SystemColumn::Metadata,
    SystemColumn::Fields,
];

/// Reads records out of row groups of one table.
///
/// `fields` is the truth about a record. A row that another program inserted without it is made of its promoted columns;
/// one without an id is no record.
#[derive(Clone, Debug)]
pub(crate) struct RecordReader {
    columns: Arc<[Column]>,
}

impl RecordReader {
    /// A reader for a table of these columns.
    pub(crate) fn new(columns: &[Column]) -> Self {
        let read = |column: &&Column| match column.source {
            ColumnSource::System(system) => RECORD_COLUMNS.contains(&system),
            ColumnSource::Promoted(_) => true,
            ColumnSource::Foreign => false,
        };
        Self {
            columns: columns.iter().filter(read).cloned().collect(),
        }
    }

    /// The field ids of the columns to fetch from a file of ours, or of others.
    pub(crate) fn field_ids(&self, is_ours: bool) -> Vec<i64> {
        let columns = self
            .columns
            .iter()
            .filter(|column| !is_ours || matches!(column.source, ColumnSource::System(_)));
        columns.map(|column| column.id).collect()
    }

    /// The records in `rows` of a row group, ascending by their place in it; all of them without `rows`.
    ///
    /// # Errors
    /// `Corrupt`, `Unsupported`: as [`RowGroup::columns`], and what others wrote is no record.
    pub(crate) fn read(
        &self,
        group: &RowGroup<'_>,
        is_ours: bool,
        rows: Option<&[usize]>,
    ) -> Result<Vec<Option<Record>>> {
        let columns = group.columns(&self.field_ids(is_ours), rows)?;
        (0..columns.rows())
            .map(|row| self.record(&columns, row, is_ours))
            .collect()
    }

    /// The places in a row group of the rows whose id is wanted; only the ids are decoded.
    ///
    /// # Errors
    /// `Corrupt`, `Unsupported`: as [`RowGroup::columns`].
    pub(crate) fn places_of(
        &self,
        group: &RowGroup<'_>,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Vec<usize>> {
        let id = self.id_of(SystemColumn::Id);
        let columns = group.columns(&[id], None)?;
        let Some(ids) = columns.get(id) else {
            return Ok(Vec::new());
        };
        let mut places = Vec::new();
        for row in 0..columns.rows() {
            if values::text(ids, row)?.is_some_and(&wanted) {
                places.push(row);
            }
        }
        Ok(places)
    }

    fn record(&self, columns: &Columns, row: usize, is_ours: bool) -> Result<Option<Record>> {
        let column = |system: SystemColumn| columns.get(self.id_of(system));
        let text = |system| column(system).map_or(Ok(None), |array| values::text(array, row));
        let time = |system| column(system).map_or(Ok(None), |array| values::time(array, row));
        let Some(id) = text(SystemColumn::Id)? else {
            return Ok(None);
        };
        let fields = match text(SystemColumn::Fields)? {
            Some(fields) if is_ours => fields.into(),
            Some(fields) => object(fields, id, "fields")?,
            None => self.fields_of_columns(columns, row)?,
        };
        let metadata = match text(SystemColumn::Metadata)? {
            Some(metadata) if !is_ours => Some(object(metadata, id, "metadata")?),
            metadata => metadata.map(Into::into),
        };
        let record = Record::stored(
            RecordId::stored(id),
            fields,
            metadata,
            Stamp::Hash(HashLayout::Archive),
        );
        Ok(Some(record.with_times(
            time(SystemColumn::CreatedAt)?,
            time(SystemColumn::UpdatedAt)?,
        )))
    }

    /// The field id of a column that makes a record.
    pub(crate) fn id_of(&self, system: SystemColumn) -> i64 {
        let is = |column: &&Column| column.source == ColumnSource::System(system);
        self.columns
            .iter()
            .find(is)
            .map_or_else(|| system.id(), |column| column.id)
    }

    /// The fields of a row that has only columns.
    fn fields_of_columns(&self, columns: &Columns, row: usize) -> Result<Box<str>> {
        let mut object = String::from("{");
        for column in &*self.columns {
            let ColumnSource::Promoted(field) = &column.source else {
                continue;
            };
            let Some(array) = columns.get(column.id) else {
                continue;
            };
            let Some(value) = json_value(array, row, column.kind)? else {
                continue;
            };
            if object.len() > 1 {
                object.push(',');
            }
            object.push_str(&quoted(field));
            object.push(':');
            object.push_str(&value);
        }
        object.push('}');
        Ok(object.into())
    }
}

/// A text that another program wrote, if it is an object.
fn object(text: &str, id: &str, part: &'static str) -> Result<Box<str>> {
    let text = text.trim();
    match serde_json::from_str::<&serde_json::value::RawValue>(text) {
        Ok(value) if value.get().starts_with('{') => Ok(text.into()),
        _ => Err(Error::corrupt(
            "another program wrote a record into the archive that is no JSON object; mend it there",
        )
        .with("id", id)
        .with("part", part)),
    }
}

/// The value as JSON; none for null, and for what JSON does not know.
fn json_value(array: &ArrayRef, row: usize, kind: ColumnType) -> Result<Option<String>> {
    Ok(match kind {
        ColumnType::Text => values::text(array, row)?.map(quoted),
        ColumnType::Integer => values::integer(array, row)?.map(|value| value.to_string()),
        ColumnType::Double => values::double(array, row)?
            .filter(|value| value.is_finite())
            .map(number_text),
        ColumnType::Boolean => values::boolean(array, row)?.map(|value| value.to_string()),
        ColumnType::Json | ColumnType::Time | ColumnType::Other => None,
    })
}

fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    // Writing to a String cannot fail.
    let _ = write_string(text, &mut quoted);
    quoted
}
