//! Records in rows that another program wrote into the catalog.

use jiff::Timestamp;

use crate::archive::catalog::bounds::time_of;
use crate::archive::column::{Column, ColumnSource, ColumnType, SystemColumn};
use crate::archive::foreign::{composed, object, quoted};
use crate::archive::segment::number_text;
use crate::record::{HashLayout, Stamp};
use crate::sql::SqlValue;
use crate::{Error, Record, RecordId, Result};

/// The record whose columns have these values. `fields` is the truth about it; a row without is made of its promoted
/// columns.
pub(super) fn record(columns: &[&Column], values: &[SqlValue]) -> Result<Record> {
    let value = |system| {
        let is =
            |(column, _): &(&&Column, &SqlValue)| column.source == ColumnSource::System(system);
        columns
            .iter()
            .zip(values)
            .find(is)
            .map_or(&SqlValue::Null, |(_, value)| value)
    };
    let time = |system| -> Result<Option<Timestamp>> { Ok(text(value(system))?.and_then(time_of)) };
    let Some(id) = text(value(SystemColumn::Id))? else {
        return Err(Error::corrupt(
            "another program wrote a row without an id into the archive; give it one or delete it",
        ));
    };
    let fields = match text(value(SystemColumn::Fields))? {
        Some(fields) => object(fields, id, SystemColumn::Fields)?,
        None => composed(columns.iter().copied(), |column| {
            let value = columns
                .iter()
                .zip(values)
                .find(|(one, _)| one.id == column.id);
            value.map_or(Ok(None), |(_, value)| json_value(column.kind, value))
        })?,
    };
    let metadata = text(value(SystemColumn::Metadata))?
        .map(|text| object(text, id, SystemColumn::Metadata))
        .transpose()?;
    let stamp = Stamp::Hash(HashLayout::Archive);
    let record = Record::stored(RecordId::stored(id), fields, metadata, stamp);
    Ok(record.with_times(
        time(SystemColumn::CreatedAt)?,
        time(SystemColumn::UpdatedAt)?,
    ))
}

fn text(value: &SqlValue) -> Result<Option<&str>> {
    match value {
        SqlValue::Null => Ok(None),
        SqlValue::Text(text) => Ok(Some(text)),
        // In PostgreSQL, DuckDB keeps text as bytes.
        SqlValue::Blob(bytes) => std::str::from_utf8(bytes).map(Some).map_err(|error| {
            Error::corrupt("a text in the archive is not UTF-8").with_source(error)
        }),
        other => Err(Error::corrupt("a value in the archive that should be text")
            .with("found", format_args!("{other:?}"))),
    }
}

/// The value as JSON; none for NULL, and for what JSON does not know.
fn json_value(kind: ColumnType, value: &SqlValue) -> Result<Option<String>> {
    let number = |value: f64| value.is_finite().then(|| number_text(value));
    Ok(match (kind, value) {
        (_, SqlValue::Null) => None,
        (ColumnType::Boolean, SqlValue::Integer(value)) => Some((*value != 0).to_string()),
        (ColumnType::Integer, SqlValue::Integer(value)) => Some(value.to_string()),
        (ColumnType::Double, SqlValue::Real(value)) => number(*value),
        (ColumnType::Double, value) => text(value)?
            .and_then(|text| text.parse().ok())
            .and_then(number),
        (_, value) => text(value)?.map(quoted),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_without_fields_is_made_of_its_columns() {
        let column = |id, name: &str, kind| Column {
            id,
            name: name.into(),
            kind,
            source: ColumnSource::Promoted(name.into()),
        };
        let id = Column {
            source: ColumnSource::System(SystemColumn::Id),
            ..column(1, "id", ColumnType::Text)
        };
        let columns = [
            id,
            column(8, "t", ColumnType::Text),
            column(9, "i", ColumnType::Integer),
            column(10, "d", ColumnType::Double),
            column(11, "b", ColumnType::Boolean),
            column(12, "n", ColumnType::Integer),
        ];
        let columns: Vec<&Column> = columns.iter().collect();
        let values = [
            "x".into(),
            "say \"hi\"".into(),
            7.into(),
            "2.50".into(),
            1.into(),
            SqlValue::Null,
        ];
        let record = record(&columns, &values).unwrap();
        assert_eq!(
            record.fields(),
            r#"{"t":"say \"hi\"","i":7,"d":2.5e0,"b":true}"#
        );
    }
}
