//! What Python's package cannot read back from an SQL table.

use super::Write;
use crate::json::{self, Entries, Items, Json};
use crate::{Error, Record, Result};

/// Refuses records that Python could not read.
pub(crate) fn check_for_python(writes: &[Write]) -> Result<()> {
    writes
        .iter()
        .filter_map(|write| write.op.record())
        .try_for_each(|record| check(record))
}

/// Refuses a field that Python would take for a vector and fail on, in every search of the table.
///
/// # Errors
/// `Invalid`: a field is an object with `"type": "vector"` and no list of numbers as its `"value"`.
fn check(record: &Record) -> Result<()> {
    let fields = record.fields();
    if !fields.contains("vector") && !fields.contains("\\u") {
        return Ok(());
    }
    for (key, value) in Entries::of(fields) {
        if is(
            value,
            "type",
            |kind| matches!(kind, Json::String(kind) if kind == "vector"),
        ) && !is(value, "value", is_numbers)
        {
            return Err(Error::invalid(
                "an object with \"type\": \"vector\" has a list of numbers as its \"value\": Python readers of the table \
                 fail on another one; if there are none, say python_readers = false",
            )
            .with("id", record.id())
            .with("field", key.decode()));
        }
    }
    Ok(())
}

fn is(object: &str, name: &str, test: impl Fn(Json<'_>) -> bool) -> bool {
    json::value_at(object, [name]).is_some_and(|text| test(Json::view(text)))
}

fn is_numbers(value: Json<'_>) -> bool {
    match value {
        Json::Array(text) => {
            Items::of(text).all(|item| matches!(Json::view(item), Json::Number(_)))
        }
        _ => false,
    }
}
