//! From columns to records.

use std::sync::Arc;

use arrow_array::ArrayRef;

use super::decode::{Columns, RowGroup};
use super::promote::number_text;
use super::values;
use crate::archive::column::{Column, ColumnSource, ColumnType, SystemColumn};
use crate::archive::foreign::{composed, object, quoted};
use crate::record::{HashLayout, Stamp};
use crate::{Record, RecordId, Result};

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
        self.records(&columns, is_ours).collect()
    }

    /// The records of columns that were decoded.
    pub(super) fn records<'a>(
        &'a self,
        columns: &'a Columns,
        is_ours: bool,
    ) -> impl Iterator<Item = Result<Option<Record>>> + 'a {
        let found = RECORD_COLUMNS.map(|system| columns.get(self.id_of(system)));
        (0..columns.rows()).map(move |row| self.record(columns, found, row, is_ours))
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

    /// The record of one row; `found` are the columns of [`RECORD_COLUMNS`].
    fn record(
        &self,
        columns: &Columns,
        found: [Option<&ArrayRef>; RECORD_COLUMNS.len()],
        row: usize,
        is_ours: bool,
    ) -> Result<Option<Record>> {
        let [id, created_at, updated_at, metadata, fields] = found;
        let time = |column: Option<&ArrayRef>| match column {
            Some(array) => values::time(array, row),
            None => Ok(None),
        };
        let Some(id) = text(id, row)? else {
            return Ok(None);
        };
        let fields = match text(fields, row)? {
            Some(fields) if is_ours => fields.into(),
            Some(fields) => object(fields, id, SystemColumn::Fields)?,
            None => composed(&*self.columns, |column| {
                let array = columns.get(column.id);
                array.map_or(Ok(None), |array| json_value(array, row, column.kind))
            })?,
        };
        let metadata = match text(metadata, row)? {
            Some(metadata) if !is_ours => Some(object(metadata, id, SystemColumn::Metadata)?),
            metadata => metadata.map(Into::into),
        };
        let record = Record::stored(
            RecordId::stored(id),
            fields,
            metadata,
            Stamp::Hash(HashLayout::Archive),
        );
        Ok(Some(
            record.with_times(time(created_at)?, time(updated_at)?),
        ))
    }

    /// The field id of a column that makes a record.
    pub(crate) fn id_of(&self, system: SystemColumn) -> i64 {
        let is = |column: &&Column| column.source == ColumnSource::System(system);
        self.columns
            .iter()
            .find(is)
            .map_or_else(|| system.id(), |column| column.id)
    }
}

fn text(column: Option<&ArrayRef>, row: usize) -> Result<Option<&str>> {
    match column {
        Some(array) => values::text(array, row),
        None => Ok(None),
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
