//! Bounds of a column's values as text, as every reader of DuckLake expects them.
//!
//! A wrong bound hides rows in every reader. And a missing one does so later: DuckDB takes NULL in the table's
//! statistics for "no value yet", and with its next insert makes a bound that knows nothing of the rows before. So a
//! column with any value always has bounds: exact ones for numbers and times (DuckDB answers `min` and `max` from
//! them), rounded ones for text.

use std::cmp::Ordering;

use jiff::Timestamp;

use crate::archive::column::{Bound, ColumnStats, ColumnType};

/// The longest bound of a text column, in bytes.
const LONGEST: usize = 64;

/// The type's name in the catalog.
pub(super) fn type_name(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Text => "varchar",
        ColumnType::Json => "json",
        ColumnType::Time => "timestamptz",
        ColumnType::Integer => "int64",
        ColumnType::Double => "float64",
        ColumnType::Boolean => "boolean",
        ColumnType::Other => "unknown",
    }
}

/// The type that a name in the catalog stands for.
pub(super) fn type_of(name: &str) -> ColumnType {
    match name {
        "varchar" => ColumnType::Text,
        "json" => ColumnType::Json,
        "timestamptz" => ColumnType::Time,
        "int64" => ColumnType::Integer,
        "float64" => ColumnType::Double,
        "boolean" => ColumnType::Boolean,
        _ => ColumnType::Other,
    }
}

/// Which end of the values a bound is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Min,
    Max,
}

/// One end of a column's values as text; none where it has no value.
pub(super) fn end_of(stats: &ColumnStats, kind: ColumnType, end: End) -> Option<String> {
    if kind == ColumnType::Json {
        // Fields and metadata are objects. Their own text would only repeat content of a record that may have to be
        // forgotten one day.
        let bound = match end {
            End::Min => "{",
            End::Max => "|",
        };
        return (stats.values != Some(0)).then(|| bound.to_owned());
    }
    let bound = match end {
        End::Min => &stats.min,
        End::Max => &stats.max,
    };
    bound.as_ref().map(|bound| to_text(bound, end))
}

fn to_text(bound: &Bound, end: End) -> String {
    match bound {
        Bound::Text(text) => rounded(text, end),
        Bound::Time(micros) => time_text(*micros),
        Bound::Integer(value) => value.to_string(),
        Bound::Double(value) => double_text(*value),
        Bound::Boolean(value) => if *value { "1" } else { "0" }.to_owned(),
    }
}

/// A bound from its text; none for a text that is no value of the type: then nothing is pruned by it.
pub(super) fn from_text(text: &str, kind: ColumnType) -> Option<Bound> {
    match kind {
        ColumnType::Text | ColumnType::Json => Some(Bound::Text(text.into())),
        ColumnType::Time => time_bound(text).map(Bound::Time),
        ColumnType::Integer => text.parse().ok().map(Bound::Integer),
        ColumnType::Double => {
            let value: f64 = text.parse().ok()?;
            // In DuckDB's order nothing is greater than NaN.
            Some(Bound::Double(if value.is_nan() {
                f64::INFINITY
            } else {
                value
            }))
        }
        ColumnType::Boolean => match text {
            "0" | "false" => Some(Bound::Boolean(false)),
            "1" | "true" => Some(Bound::Boolean(true)),
            _ => None,
        },
        ColumnType::Other => None,
    }
}

/// The wider of two bounds, as text; the first where they cannot be compared.
pub(super) fn wider<'a>(a: &'a str, b: &'a str, kind: ColumnType, end: End) -> &'a str {
    let order = match (from_text(a, kind), from_text(b, kind)) {
        (Some(a), Some(b)) => a.compare(&b),
        _ => None,
    };
    match (end, order) {
        (End::Min, Some(Ordering::Greater)) | (End::Max, Some(Ordering::Less)) => b,
        _ => a,
    }
}

/// A time as DuckDB writes it: UTC, the fraction without zeros at its end.
pub(super) fn time_text(micros: i64) -> String {
    let Ok(time) = Timestamp::from_microsecond(micros) else {
        // Nothing outside the years that a record can have comes here.
        return String::new();
    };
    let text = time.strftime("%Y-%m-%d %H:%M:%S%.6f").to_string();
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text}+00")
}

/// A time from the text that DuckDB writes, whatever its zone; none for what no record can have: infinity, years of
/// more than four digits, years before the first.
pub(super) fn time_of(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

/// A bound of times, microseconds since 1970; what lies outside of a record's years is as far as it can be.
fn time_bound(text: &str) -> Option<i64> {
    if let Some(time) = time_of(text) {
        return Some(time.as_microsecond());
    }
    let year_digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if text == "-infinity" || text.contains("(BC)") {
        Some(i64::MIN)
    } else if text == "infinity" || year_digits > 4 {
        Some(i64::MAX)
    } else {
        None
    }
}

/// A number as DuckDB writes it: the shortest text that reads back the same.
fn double_text(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if value == 0.0 || (-4..16).contains(&exponent) {
        return format!("{value:?}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

/// A text that is no greater (no less) than `text`, short, and without NUL.
fn rounded(text: &str, end: End) -> String {
    let nul = text.find('\0').unwrap_or(text.len());
    let cut = text.floor_char_boundary(nul.min(LONGEST));
    if cut == text.len() {
        return text.to_owned();
    }
    let head = text.get(..cut).unwrap_or_default();
    match end {
        End::Min => head.to_owned(),
        // Of texts that begin with nothing but the last character of all, only a longer row of it is no less.
        End::Max => following(head).unwrap_or_else(|| "\u{10FFFF}".repeat(text.len() / 4 + 1)),
    }
}

/// The least text, no longer than `head`, that is greater than every text that begins with it.
fn following(head: &str) -> Option<String> {
    let mut text = head.to_owned();
    while let Some(last) = text.pop() {
        // The step over the surrogates is within the alphabet of `char`, so order is kept.
        let next = match last {
            '\u{D7FF}' => Some('\u{E000}'),
            last => char::from_u32(u32::from(last) + 1),
        };
        if let Some(next) = next {
            text.push(next);
            return Some(text);
        }
    }
    None
}

#[cfg(test)]
#[path = "bounds_tests.rs"]
mod tests;
