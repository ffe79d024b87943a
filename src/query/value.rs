//! Operands of a test.

use jiff::{SignedDuration, Timestamp};

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

/// A number as it was written, compared by its exact decimal value.
#[derive(Clone, Debug, PartialEq)]
pub struct Number(Box<str>);

/// A point in time, perhaps relative to when the query is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instant {
    /// What it counts from.
    pub base: InstantBase,
    /// What is added; a day is 24 hours.
    pub offset: SignedDuration,
}

/// What an [`Instant`] counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstantBase {
    /// The time when the query is run, by the database's clock: `now()`.
    Now,
    /// A fixed time.
    At(Timestamp),
}

impl Number {
    /// The number as JSON text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
