//! The rows of a Parquet file as JSON objects.

use std::fmt::Write;

use crate::{Error, Result};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use jiff::civil::Date;
use jiff::{Span, Timestamp};

/// Appends the JSON object of a row to `json`.
pub(super) fn write_object(
    batch: &RecordBatch,
    row: usize,
    wanted: impl Fn(&str) -> bool,
    json: &mut String,
) -> Result<()> {
    json.push('{');
    let mut first = true;
    for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
        if !wanted(field.name()) {
            continue;
        }
        if !first {
            json.push(',');
        }
        first = false;
        write_string(field.name(), json);
        json.push(':');
        write_value(column, row, json).map_err(|error| error.with("column", field.name()))?;
    }
    json.push('}');
    Ok(())
}

/// The text in a column, where it holds text.
pub(super) fn text(column: &ArrayRef, row: usize) -> Option<&str> {
    if column.is_null(row) {
        return None;
    }
    match column.data_type() {
        DataType::Utf8 => Some(column.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => Some(column.as_string::<i64>().value(row)),
        DataType::Utf8View => Some(column.as_string_view().value(row)),
        _ => None,
    }
}

/// The time in a column, where it holds times.
pub(super) fn time(column: &ArrayRef, row: usize) -> Option<Timestamp> {
    if column.is_null(row) {
        return None;
    }
    let DataType::Timestamp(unit, _) = column.data_type() else {
        return None;
    };
    match unit {
        TimeUnit::Second => Timestamp::from_second(value::<TimestampSecondType>(column, row)),
        TimeUnit::Millisecond => {
            Timestamp::from_millisecond(value::<TimestampMillisecondType>(column, row))
        }
        TimeUnit::Microsecond => {
            Timestamp::from_microsecond(value::<TimestampMicrosecondType>(column, row))
        }
        TimeUnit::Nanosecond => {
            Timestamp::from_nanosecond(value::<TimestampNanosecondType>(column, row).into())
        }
    }
    .ok()
}

fn value<T: ArrowPrimitiveType>(column: &ArrayRef, row: usize) -> T::Native {
    column.as_primitive::<T>().value(row)
}

fn write_value(column: &ArrayRef, row: usize, json: &mut String) -> Result<()> {
    if column.is_null(row) {
        json.push_str("null");
        return Ok(());
    }
    if let Some(text) = text(column, row) {
        write_string(text, json);
        return Ok(());
    }
    // Writing to a String cannot fail.
    let _ = match column.data_type() {
        DataType::Null => write!(json, "null"),
        DataType::Boolean => write!(json, "{}", column.as_boolean().value(row)),
        DataType::Int8 => write!(json, "{}", value::<Int8Type>(column, row)),
        DataType::Int16 => write!(json, "{}", value::<Int16Type>(column, row)),
        DataType::Int32 => write!(json, "{}", value::<Int32Type>(column, row)),
        DataType::Int64 => write!(json, "{}", value::<Int64Type>(column, row)),
        DataType::UInt8 => write!(json, "{}", value::<UInt8Type>(column, row)),
        DataType::UInt16 => write!(json, "{}", value::<UInt16Type>(column, row)),
        DataType::UInt32 => write!(json, "{}", value::<UInt32Type>(column, row)),
        DataType::UInt64 => write!(json, "{}", value::<UInt64Type>(column, row)),
        DataType::Float32 => write_float(value::<Float32Type>(column, row).into(), json)?,
        DataType::Float64 => write_float(value::<Float64Type>(column, row), json)?,
        DataType::Date32 => write_date(value::<Date32Type>(column, row), json)?,
        DataType::Timestamp(..) => match time(column, row) {
            Some(time) => write!(json, "\"{time}\""),
            None => return Err(Error::invalid("a time outside of the years -9999 to 9999")),
        },
        other => {
            return Err(
                Error::unsupported("a column of this type cannot become JSON yet")
                    .with("type", other),
            );
        }
    };
    Ok(())
}

fn write_float(value: f64, json: &mut String) -> Result<std::fmt::Result> {
    if !value.is_finite() {
        return Err(Error::invalid("JSON has no such number").with("value", value));
    }
    Ok(write!(json, "{value:?}"))
}

fn write_date(days: i32, json: &mut String) -> Result<std::fmt::Result> {
    let date = Date::constant(1970, 1, 1)
        .checked_add(Span::new().days(days))
        .map_err(|_| Error::invalid("a date outside of the years -9999 to 9999"))?;
    Ok(write!(json, "\"{date}\""))
}

fn write_string(text: &str, json: &mut String) {
    let plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
    if text.bytes().all(plain) {
        json.push('"');
        json.push_str(text);
        json.push('"');
    } else {
        json.push_str(&serde_json::Value::from(text).to_string());
    }
}
