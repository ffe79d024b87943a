//! What SQL text and SQL values have in common over all databases.

#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) mod beginning;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) mod clause;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) mod dates;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) mod required;

use crate::{Error, Result};

/// The SQL that a database speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dialect {
    /// SQLite 3.40 or newer.
    Sqlite,
    /// PostgreSQL 15 or newer.
    Postgres,
}

/// A value that is bound to a statement or came out of one. Placeholders are `$1`, `$2`, .. everywhere.
#[derive(Clone, Debug, PartialEq)]
pub enum SqlValue {
    /// NULL.
    Null,
    /// An integer, or a boolean as 0 and 1.
    Integer(i64),
    /// A floating number.
    Real(f64),
    /// Text.
    Text(Box<str>),
    /// Bytes.
    Blob(Box<[u8]>),
}

/// A row of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct SqlRow(pub Vec<SqlValue>);

impl SqlRow {
    /// The value of a column.
    pub fn get(&self, column: usize) -> &SqlValue {
        self.0.get(column).unwrap_or(&SqlValue::Null)
    }

    /// The integer in a column.
    ///
    /// # Errors
    /// `Corrupt`: NULL or another type.
    pub fn int(&self, column: usize) -> Result<i64> {
        self.opt_int(column)?
            .ok_or_else(|| self.wrong(column, "an integer"))
    }

    /// The integer in a column, or none where it is NULL.
    ///
    /// # Errors
    /// `Corrupt`: another type.
    pub fn opt_int(&self, column: usize) -> Result<Option<i64>> {
        match self.get(column) {
            SqlValue::Null => Ok(None),
            SqlValue::Integer(value) => Ok(Some(*value)),
            _ => Err(self.wrong(column, "an integer")),
        }
    }

    /// The text in a column.
    ///
    /// # Errors
    /// `Corrupt`: NULL or another type.
    pub fn text(&self, column: usize) -> Result<&str> {
        self.opt_text(column)?
            .ok_or_else(|| self.wrong(column, "text"))
    }

    /// The text in a column, or none where it is NULL.
    ///
    /// # Errors
    /// `Corrupt`: another type.
    pub fn opt_text(&self, column: usize) -> Result<Option<&str>> {
        match self.get(column) {
            SqlValue::Null => Ok(None),
            SqlValue::Text(value) => Ok(Some(value)),
            _ => Err(self.wrong(column, "text")),
        }
    }

    fn wrong(&self, column: usize, expected: &str) -> Error {
        Error::corrupt("a column of the catalog does not hold what it should")
            .with("column", column)
            .with("expected", expected)
            .with("found", format_args!("{:?}", self.get(column)))
    }
}

impl From<i64> for SqlValue {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<bool> for SqlValue {
    fn from(value: bool) -> Self {
        Self::Integer(i64::from(value))
    }
}

impl From<&str> for SqlValue {
    fn from(value: &str) -> Self {
        Self::Text(value.into())
    }
}

impl From<String> for SqlValue {
    fn from(value: String) -> Self {
        Self::Text(value.into())
    }
}

impl<T: Into<Self>> From<Option<T>> for SqlValue {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// Quotes a table's or a column's name.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
