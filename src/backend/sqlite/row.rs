//! Rows as records, and values as the driver wants them.

use std::sync::Arc;

use jiff::Timestamp;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments, Decode, Encode, Row, Sqlite, Type, TypeInfo, ValueRef};

use super::times;
use crate::record::{HashLayout, Stamp};
use crate::sql::{SqlRow, SqlValue};
use crate::{Error, Record, RecordId, Result};

/// The columns of a record, in the order in which every statement of ours names them.
pub(super) const COLUMNS: [&str; 5] = ["id", "data", "metadata", "created_at", "updated_at"];

/// The columns exactly as they are stored, where a [`Record`] does not tell them.
///
/// It is the hint of a record whose row is not as we would write it, so that a conditional delete compares with the row
/// and not with our reading of it.
#[derive(Debug, PartialEq)]
pub(super) struct RawRow(pub(super) [SqlValue; COLUMNS.len()]);

/// Reads a row of [`COLUMNS`].
///
/// # Errors
/// `Corrupt`: the fields are no JSON object.
pub(super) fn record(row: &SqliteRow) -> Result<Record> {
    let mut faithful = true;
    let id = text(row, 0, &mut faithful)?.unwrap_or_default();
    let fields = text(row, 1, &mut faithful)?.unwrap_or_default();
    let metadata = text(row, 2, &mut faithful)?;
    let created_at = time(row, 3, &mut faithful)?;
    let updated_at = time(row, 4, &mut faithful)?;
    for (part, json) in [("data", Some(&fields)), ("metadata", metadata.as_ref())] {
        if json.is_some_and(|json| !json.trim_start().starts_with('{')) {
            return Err(Error::corrupt("a stored record is no JSON object")
                .with("id", &id)
                .with("column", part));
        }
    }
    let had_metadata = metadata.is_some();
    let record = Record::stored(
        RecordId::stored(id),
        fields.into(),
        metadata.map(Into::into),
        Stamp::Hash(HashLayout::Sqlite),
    )
    .with_times(created_at, updated_at);
    // An empty object is kept as no metadata at all.
    faithful &= had_metadata == record.metadata().is_some();
    if faithful {
        return Ok(record);
    }
    Ok(record.with_hint(Arc::new(raw(row)?)))
}

/// The columns of a row as they are stored.
pub(super) fn raw(row: &SqliteRow) -> Result<RawRow> {
    let mut columns = [const { SqlValue::Null }; COLUMNS.len()];
    for (index, column) in columns.iter_mut().enumerate() {
        *column = value(row, index)?;
    }
    Ok(RawRow(columns))
}

/// The columns that a record is stored in.
///
/// # Errors
/// `Invalid`: a time that the layout cannot spell.
pub(super) fn columns(record: &Record) -> Result<RawRow> {
    let time = |time: Option<Timestamp>| {
        time.map(times::spell)
            .transpose()
            .map(SqlValue::from)
            .map_err(|error| error.with("id", record.id()))
    };
    Ok(RawRow([
        record.id().as_str().into(),
        record.fields().into(),
        record.metadata().into(),
        time(record.created_at())?,
        time(record.updated_at())?,
    ]))
}

/// A row of any statement.
pub(super) fn sql_row(row: &SqliteRow) -> Result<SqlRow> {
    (0..row.len())
        .map(|index| value(row, index))
        .collect::<Result<_>>()
        .map(SqlRow)
}

/// The text in a column, or none where it is NULL; `faithful` falls where it is stored as something else.
fn text(row: &SqliteRow, index: usize, faithful: &mut bool) -> Result<Option<String>> {
    let cell = cell(row, index)?;
    if cell.is_null() {
        return Ok(None);
    }
    *faithful &= cell.type_info().name() == "TEXT";
    // SQLite renders numbers as text here.
    let bytes =
        <&[u8] as Decode<'_, Sqlite>>::decode(cell).map_err(|error| unreadable(index, error))?;
    Ok(Some(match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => {
            *faithful = false;
            String::from_utf8_lossy(bytes).into_owned()
        }
    }))
}

fn time(row: &SqliteRow, index: usize, faithful: &mut bool) -> Result<Option<Timestamp>> {
    let cell = cell(row, index)?;
    if cell.is_null() {
        return Ok(None);
    }
    if cell.type_info().name() != "TEXT" {
        *faithful = false;
        return Ok(None);
    }
    let bytes =
        <&[u8] as Decode<'_, Sqlite>>::decode(cell).map_err(|error| unreadable(index, error))?;
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    let time = times::read(text);
    *faithful &= time.is_some() && times::is_canonical(text);
    Ok(time)
}

/// A value as it is stored.
pub(super) fn value(row: &SqliteRow, index: usize) -> Result<SqlValue> {
    let cell = cell(row, index)?;
    if cell.is_null() {
        return Ok(SqlValue::Null);
    }
    let ours = |error| unreadable(index, error);
    let info = cell.type_info().into_owned();
    Ok(match info.name() {
        "INTEGER" => SqlValue::Integer(<i64 as Decode<'_, Sqlite>>::decode(cell).map_err(ours)?),
        "REAL" => SqlValue::Real(<f64 as Decode<'_, Sqlite>>::decode(cell).map_err(ours)?),
        "BLOB" => SqlValue::Blob(
            <&[u8] as Decode<'_, Sqlite>>::decode(cell)
                .map_err(ours)?
                .into(),
        ),
        _ => {
            let bytes = <&[u8] as Decode<'_, Sqlite>>::decode(cell).map_err(ours)?;
            match std::str::from_utf8(bytes) {
                Ok(text) => text.into(),
                // Text that is no UTF-8 cannot be bound as text again, so it never compares equal.
                Err(_) => SqlValue::Blob(bytes.into()),
            }
        }
    })
}

fn cell(row: &SqliteRow, index: usize) -> Result<sqlx::sqlite::SqliteValueRef<'_>> {
    row.try_get_raw(index).map_err(|error| {
        Error::unexpected("an answer of SQLite lacks a column")
            .with("column", index)
            .with_source(error)
    })
}

fn unreadable(index: usize, error: sqlx::error::BoxDynError) -> Error {
    Error::corrupt("a stored value cannot be read")
        .with("column", index)
        .with("problem", error)
}

/// The values of a statement's placeholders.
#[derive(Debug, Default)]
pub(super) struct Args(SqliteArguments);

impl Args {
    pub(super) fn with_capacity(count: usize) -> Self {
        let mut args = SqliteArguments::default();
        args.reserve(count, 0);
        Self(args)
    }

    pub(super) fn of(values: &[SqlValue]) -> Self {
        let mut args = Self::with_capacity(values.len());
        for value in values {
            args.add(value);
        }
        args
    }

    pub(super) fn add(&mut self, value: &SqlValue) {
        match value {
            SqlValue::Null => self.encode(None::<i64>),
            SqlValue::Integer(value) => self.encode(*value),
            SqlValue::Real(value) => self.encode(*value),
            SqlValue::Text(value) => self.encode(value.as_ref()),
            SqlValue::Blob(value) => self.encode(value.as_ref()),
        }
    }

    pub(super) fn text(&mut self, text: &str) {
        self.encode(text);
    }

    pub(super) fn opt_text(&mut self, text: Option<&str>) {
        self.encode(text);
    }

    pub(super) fn null(&mut self) {
        self.encode(None::<i64>);
    }

    pub(super) fn finish(self) -> SqliteArguments {
        self.0
    }

    fn encode<'t>(&mut self, value: impl Encode<'t, Sqlite> + Type<Sqlite>) {
        Arguments::add(&mut self.0, value).expect("plain values always encode");
    }
}
