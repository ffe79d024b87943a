//! From when a record's age counts.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;

use crate::clock::whole_micros;
use crate::json::{Json, floor_scaled};
use crate::query::{Path, Root, first, parse_time, value_at};
use crate::{Error, Record, Result};

/// Where a record's age comes from: a path, and how to read what stands there. The default is `@created_at`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Age {
    path: Path,
    form: AgeForm,
}

/// How the value at an [`Age`]'s path tells a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgeForm {
    /// ISO 8601 text; without a zone it is UTC.
    Text,
    /// A number of seconds since 1970.
    Seconds,
    /// A number of milliseconds since 1970.
    Millis,
}

/// The age of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgeAt<'a> {
    /// It counts from this time.
    At(Timestamp),
    /// There is no value.
    Absent,
    /// There is a value, but it is no time between the years 1 and 9999.
    Unreadable(Cow<'a, str>),
}

impl Age {
    /// The age at `path`, written as text.
    ///
    /// # Errors
    /// `Invalid`: no path.
    pub fn at(path: &str) -> Result<Self> {
        Self::with_form(path, AgeForm::Text)
    }

    /// The age at `path`, in the form `form`.
    ///
    /// # Errors
    /// `Invalid`: no path.
    pub fn with_form(path: &str, form: AgeForm) -> Result<Self> {
        Ok(Self {
            path: path.parse()?,
            form,
        })
    }

    /// The age of `record`.
    pub fn of<'a>(&self, record: &'a Record) -> AgeAt<'a> {
        // The record's own times need not become text first.
        let own = match self.path.root() {
            Root::CreatedAt => Some(record.created_at()),
            Root::UpdatedAt => Some(record.updated_at()),
            _ => None,
        };
        if let Some(own) = own
            && self.form == AgeForm::Text
        {
            return own.map_or(AgeAt::Absent, AgeAt::At);
        }
        match value_at(record, &self.path) {
            None | Some(Json::Null) => AgeAt::Absent,
            Some(value) => self.read(value),
        }
    }

    fn read<'a>(&self, value: Json<'a>) -> AgeAt<'a> {
        let time = match (&value, self.form) {
            (Json::String(text), AgeForm::Text) => parse_time(text),
            (Json::Number(text), AgeForm::Seconds) => time_of(text, 6),
            (Json::Number(text), AgeForm::Millis) => time_of(text, 3),
            _ => None,
        };
        match (time, value) {
            (Some(time), _) => AgeAt::At(whole_micros(time)),
            (None, Json::String(text)) => AgeAt::Unreadable(text),
            (None, Json::Bool(value)) => AgeAt::Unreadable(value.to_string().into()),
            (None, Json::Number(text) | Json::Array(text) | Json::Object(text)) => {
                AgeAt::Unreadable(text.into())
            }
            (None, Json::Null) => AgeAt::Absent,
        }
    }

    /// Where the age stands.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How it is read.
    pub fn form(&self) -> AgeForm {
        self.form
    }
}

impl Default for Age {
    /// `@created_at`.
    fn default() -> Self {
        Self {
            path: Path::of(Root::CreatedAt),
            form: AgeForm::Text,
        }
    }
}

impl TryFrom<&str> for Age {
    type Error = Error;

    /// The same as [`Age::at`].
    fn try_from(path: &str) -> Result<Self> {
        Self::at(path)
    }
}

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.fmt(f)
    }
}

/// The time between the years 1 and 9999 that is `number` units of `10^digits` microseconds after 1970.
fn time_of(number: &str, digits: i64) -> Option<Timestamp> {
    let micros = floor_scaled(number, digits)?;
    let time = Timestamp::from_microsecond(micros).ok()?;
    (time >= first()).then_some(time)
}

#[cfg(test)]
mod tests;
