//! From a record's fields to the values of its promoted columns.

use std::borrow::Cow;

use crate::archive::column::ColumnType;
use crate::json::{Json, compare_numbers, floor_scaled};

/// The longest string that is copied into a promoted column, in bytes: long texts stay in `fields` alone.
const MAX_TEXT: usize = 4096;

/// A value of a promoted column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scalar<'a> {
    Text(Cow<'a, str>),
    Integer(i64),
    Double(f64),
    Boolean(bool),
}

/// What a column takes of a field's value.
#[derive(Debug, PartialEq)]
pub(crate) struct Promoted<'a> {
    /// None where the field is null, or does not fit.
    pub(crate) scalar: Option<Scalar<'a>>,
    /// Whether the scalar tells all that the field says. A column that holds one that does not is incomplete, and no
    /// filter may go by it.
    pub(crate) exact: bool,
}

impl<'a> Promoted<'a> {
    /// The value of a column of the type `kind` for a field that holds `value`.
    pub(crate) fn of(value: Json<'a>, kind: ColumnType) -> Self {
        let (scalar, exact) = match (kind, value) {
            (_, Json::Null) => (None, true),
            (ColumnType::Boolean, Json::Bool(value)) => (Some(Scalar::Boolean(value)), true),
            (ColumnType::Integer, Json::Number(text)) => {
                let integer = integer(text).map(Scalar::Integer);
                let exact = integer.is_some();
                (integer, exact)
            }
            (ColumnType::Double, Json::Number(text)) => match double(text) {
                Some((value, exact)) => (Some(Scalar::Double(value)), exact),
                None => (None, false),
            },
            (ColumnType::Text, Json::String(text)) if text.len() <= MAX_TEXT => {
                (Some(Scalar::Text(text)), true)
            }
            _ => (None, false),
        };
        Self { scalar, exact }
    }
}

/// The number as a 64-bit integer, if it is one, however it is written: `3`, `3.0`, `3e0`.
fn integer(text: &str) -> Option<i64> {
    text.parse().ok().or_else(|| {
        let floor = floor_scaled(text, 0)?;
        compare_numbers(text, &floor.to_string())
            .is_eq()
            .then_some(floor)
    })
}

/// The nearest double, and whether its own shortest text is the same number; none beyond the doubles.
fn double(text: &str) -> Option<(f64, bool)> {
    // No two numbers of fifteen digits share a double.
    const ALWAYS_EXACT: usize = 15;
    let value: f64 = text.parse().ok().filter(|value: &f64| value.is_finite())?;
    let is_short = text.len() <= ALWAYS_EXACT && !text.contains(['e', 'E']);
    let exact = is_short || compare_numbers(text, &number_text(value)).is_eq();
    Some((value, exact))
}

/// A finite double as the shortest JSON number that reads back as it.
pub(crate) fn number_text(value: f64) -> String {
    format!("{value:e}")
}

#[cfg(test)]
mod tests;
