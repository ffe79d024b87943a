//! What another program wrote of a record, wherever it wrote it.

use serde_json::value::RawValue;

use super::column::{Column, ColumnSource, SystemColumn};
use crate::json::write_string;
use crate::{Error, Result};

/// A text that another program wrote into `column`, if it is an object.
pub(super) fn object(text: &str, id: &str, column: SystemColumn) -> Result<Box<str>> {
    let text = text.trim();
    match serde_json::from_str::<&RawValue>(text) {
        Ok(value) if value.get().starts_with('{') => Ok(text.into()),
        _ => Err(Error::corrupt(
            "another program wrote a record into the archive that is no JSON object; mend it there",
        )
        .with("id", id)
        .with("column", column)),
    }
}

/// The fields of a row that has only columns: the promoted ones for which `value` knows JSON.
pub(super) fn composed<'a>(
    columns: impl IntoIterator<Item = &'a Column>,
    mut value: impl FnMut(&Column) -> Result<Option<String>>,
) -> Result<Box<str>> {
    let mut object = String::from("{");
    for column in columns {
        let ColumnSource::Promoted(field) = &column.source else {
            continue;
        };
        let Some(value) = value(column)? else {
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

/// A text as a JSON string.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    // Writing to a String cannot fail.
    let _ = write_string(text, &mut quoted);
    quoted
}
