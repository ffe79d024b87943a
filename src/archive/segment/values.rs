//! Single values of a column, whatever Arrow type the file's writer gave it.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type,
    UInt32Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, TimeUnit};
use jiff::Timestamp;

use crate::{Error, Result};

/// The text in a row.
///
/// # Errors
/// `Corrupt`: not UTF-8. `Unsupported`: no text.
pub(crate) fn text(array: &ArrayRef, row: usize) -> Result<Option<&str>> {
    if array.is_null(row) {
        return Ok(None);
    }
    match array.data_type() {
        DataType::Utf8 => Ok(Some(array.as_string::<i32>().value(row))),
        DataType::LargeUtf8 => Ok(Some(array.as_string::<i64>().value(row))),
        DataType::Utf8View => Ok(Some(array.as_string_view().value(row))),
        DataType::Binary => std::str::from_utf8(array.as_binary::<i32>().value(row))
            .map(Some)
            .map_err(|error| {
                Error::corrupt("a text in the archive is not UTF-8").with_source(error)
            }),
        other => Err(unsupported("text", other)),
    }
}

/// The time in a row; none also for those that lie outside of the years 1 to 9999, infinity among them.
///
/// # Errors
/// `Unsupported`: no time.
pub(crate) fn time(array: &ArrayRef, row: usize) -> Result<Option<Timestamp>> {
    if array.is_null(row) {
        return Ok(None);
    }
    let micros = match array.data_type() {
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            Some(array.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => array
            .as_primitive::<TimestampMillisecondType>()
            .value(row)
            .checked_mul(1_000),
        DataType::Timestamp(TimeUnit::Second, _) => array
            .as_primitive::<TimestampSecondType>()
            .value(row)
            .checked_mul(1_000_000),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => Some(
            array
                .as_primitive::<TimestampNanosecondType>()
                .value(row)
                .div_euclid(1_000),
        ),
        other => return Err(unsupported("time", other)),
    };
    Ok(micros
        .and_then(|micros| Timestamp::from_microsecond(micros).ok())
        .filter(|time| *time >= crate::query::first()))
}

/// The integer in a row.
///
/// # Errors
/// `Unsupported`: no integer.
pub(crate) fn integer(array: &ArrayRef, row: usize) -> Result<Option<i64>> {
    if array.is_null(row) {
        return Ok(None);
    }
    Ok(Some(match array.data_type() {
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).into(),
        DataType::Int16 => array.as_primitive::<Int16Type>().value(row).into(),
        DataType::Int8 => array.as_primitive::<Int8Type>().value(row).into(),
        DataType::UInt32 => array.as_primitive::<UInt32Type>().value(row).into(),
        DataType::UInt16 => array.as_primitive::<UInt16Type>().value(row).into(),
        DataType::UInt8 => array.as_primitive::<UInt8Type>().value(row).into(),
        other => return Err(unsupported("integer", other)),
    }))
}

/// The number in a row.
///
/// # Errors
/// `Unsupported`: no floating number.
pub(crate) fn double(array: &ArrayRef, row: usize) -> Result<Option<f64>> {
    if array.is_null(row) {
        return Ok(None);
    }
    Ok(Some(match array.data_type() {
        DataType::Float64 => array.as_primitive::<Float64Type>().value(row),
        DataType::Float32 => array.as_primitive::<Float32Type>().value(row).into(),
        other => return Err(unsupported("floating number", other)),
    }))
}

/// The boolean in a row.
///
/// # Errors
/// `Unsupported`: no boolean.
pub(crate) fn boolean(array: &ArrayRef, row: usize) -> Result<Option<bool>> {
    if array.is_null(row) {
        return Ok(None);
    }
    match array.data_type() {
        DataType::Boolean => Ok(Some(array.as_boolean().value(row))),
        other => Err(unsupported("boolean", other)),
    }
}

fn unsupported(expected: &'static str, found: &DataType) -> Error {
    Error::unsupported("a data file holds a column in a type that is not read")
        .with("expected", expected)
        .with("found", found)
}
