//! Operands of a test.

use std::fmt;

use jiff::Timestamp;

use super::Instant;
use crate::json::{self, Json};
use crate::{Error, Result};

/// What a value of a record is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `true`, `false`.
    Bool(bool),
    /// A number, by its exact decimal value.
    Number(Number),
    /// A string, by code point.
    String(Box<str>),
    /// An array or an object, as JSON text; equal deeply.
    Json(Box<str>),
    /// A point in time; compares with strings that are strict ISO 8601.
    Instant(Instant),
}

/// A number as it was written; equal to another that has the same exact decimal value.
#[derive(Clone, Debug)]
pub struct Number(Box<str>);

impl Value {
    /// The value of a JSON text; none for `null`, which no operand can be.
    ///
    /// # Errors
    /// `Invalid`: not JSON, or a value that no record can hold.
    pub fn from_json(text: &str) -> Result<Option<Self>> {
        json::validate_value(text)?;
        let text = json::trim(text);
        Ok(match Json::view(text) {
            Json::Null => None,
            Json::Bool(value) => Some(Self::Bool(value)),
            Json::Number(text) => Some(Self::Number(Number(text.into()))),
            Json::String(text) => Some(Self::String(text.into())),
            Json::Array(text) | Json::Object(text) => Some(Self::Json(text.into())),
        })
    }
}

impl Value {
    /// The type's name for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Json(_) => "an array or object",
            Self::Instant(_) => "a time",
        }
    }

    /// Refuses what cannot be less or greater than something.
    pub(super) fn check_order(&self) -> Result<()> {
        match self {
            Self::Json(_) => Err(Error::invalid(
                "arrays and objects are not less or greater than others; use `=`, `!=` or `in`",
            )),
            _ => Ok(()),
        }
    }

    /// Refuses bounds that are not of one type with an order.
    pub(super) fn check_bounds(low: &Self, high: &Self) -> Result<()> {
        low.check_order()?;
        high.check_order()?;
        if low.kind() == high.kind() {
            return Ok(());
        }
        Err(Error::invalid("the bounds of `between` are of one type")
            .with("low", low.kind())
            .with("high", high.kind()))
    }

    /// The value with `now()` replaced by the time it stands for, and JSON text by what it holds; none for null.
    pub(super) fn resolved_or_null(&self, now: Timestamp) -> Result<Option<Self>> {
        match self {
            Self::Instant(instant) => Ok(Some(Self::Instant(Instant::At(instant.resolve(now)?)))),
            Self::Json(text) => Self::from_json(text),
            other => Ok(Some(other.clone())),
        }
    }

    /// As [`resolved_or_null`](Self::resolved_or_null), where null is no operand.
    pub(super) fn resolved(&self, now: Timestamp) -> Result<Self> {
        self.resolved_or_null(now)?.ok_or_else(|| {
            Error::invalid(
                "nothing is equal to null, nor less or greater; `is null` finds null and missing values",
            )
        })
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Number(value.into())
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::String(value.into())
    }
}

impl From<Number> for Value {
    fn from(value: Number) -> Self {
        Self::Number(value)
    }
}

impl From<Instant> for Value {
    fn from(value: Instant) -> Self {
        Self::Instant(value)
    }
}

impl Number {
    /// A number of JSON text.
    ///
    /// # Errors
    /// `Invalid`: no JSON number, or one that no record can hold.
    pub fn new(text: &str) -> Result<Self> {
        json::validate_value(text)?;
        match Json::view(json::trim(text)) {
            Json::Number(number) => Ok(Self(number.into())),
            _ => Err(Error::invalid("this is no number").with("value", text)),
        }
    }

    /// The number as JSON text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self(value.to_string().into())
    }
}

impl TryFrom<f64> for Number {
    type Error = Error;

    fn try_from(value: f64) -> Result<Self> {
        if value.is_finite() {
            Ok(Self(format!("{value:?}").into()))
        } else {
            Err(Error::invalid("this is no number that JSON has").with("value", value))
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        json::compare_numbers(&self.0, &other.0).is_eq()
    }
}

impl Eq for Number {}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
