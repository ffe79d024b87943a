//! What is wrong with a configuration: every problem at once, each with its place and its remedy.

use std::fmt;
use std::path::PathBuf;

use crate::{Error, ErrorKind};

/// One thing that is wrong in a configuration or a policy file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// What is wrong, in one sentence; a caret block under it where there is one.
    pub message: String,
    /// The file it stands in, where it was read from one.
    pub file: Option<PathBuf>,
    /// The line, counted from 1, where it is known.
    pub line: Option<usize>,
    /// The key, from the top of the file: `collections.flights.age`. Empty for the file as a whole.
    pub key: String,
    /// The value as it is written, without what the environment put into it.
    pub value: Option<String>,
    /// What to do.
    pub help: Option<String>,
    /// Whether it is a key that exists but that this version does not act on.
    pub unsupported: bool,
}

impl Problem {
    pub(super) fn new(key: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            file: None,
            line: None,
            key: key.into(),
            value: None,
            help: None,
            unsupported: false,
        }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(super) fn value(mut self, value: impl Into<String>) -> Self {
        self.value = Some(value.into());
        self
    }

    pub(super) fn not_built(mut self) -> Self {
        self.unsupported = true;
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        let mut place = Vec::new();
        if let Some(file) = &self.file {
            place.push(file.display().to_string());
        }
        if let Some(line) = self.line {
            place.push(format!("line {line}"));
        }
        match (&self.value, self.key.is_empty()) {
            (Some(value), false) => place.push(format!("{} = {value}", self.key)),
            (None, false) => place.push(self.key.clone()),
            (Some(value), true) => place.push(value.clone()),
            (None, true) => {}
        }
        if !place.is_empty() {
            write!(f, "\n  --> {}", place.join(", "))?;
        }
        if let Some(help) = &self.help {
            write!(f, "\n  help: {help}")?;
        }
        Ok(())
    }
}

/// Everything that is wrong with a configuration; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    pub(super) fn of(problems: Vec<Problem>) -> Self {
        debug_assert!(!problems.is_empty(), "an error without a problem");
        Self(problems)
    }

    /// The problems, or none.
    pub(super) fn check(problems: Vec<Problem>) -> Result<(), Self> {
        if problems.is_empty() {
            Ok(())
        } else {
            Err(Self(problems))
        }
    }

    /// The problems, in the order of the file.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Problem> {
        self.0.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

impl From<Problems> for Error {
    /// `Unsupported` if nothing is wrong but keys that are not built yet, else `Invalid`.
    fn from(problems: Problems) -> Self {
        let kind = if problems.0.iter().all(|problem| problem.unsupported) {
            ErrorKind::Unsupported
        } else {
            ErrorKind::Invalid
        };
        Self::new(kind, problems.to_string())
    }
}
