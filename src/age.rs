//! From when a record's age counts.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;

use crate::Result;
use crate::query::Path;

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

    /// Where the age stands.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How it is read.
    pub fn form(&self) -> AgeForm {
        self.form
    }
}

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.fmt(f)
    }
}
