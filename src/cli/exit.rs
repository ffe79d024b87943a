//! How a command ends, and how its failure is told to a person.

use std::fmt;
use std::io;
use std::process::ExitCode;

use crate::config::Problems;
use crate::{Error, ErrorKind};

/// The exit codes that scripts rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// It is done.
    Done = 0,
    /// Something failed.
    Failed = 1,
    /// The command, the configuration or the input is wrong.
    Wrong = 2,
    /// There is no record of this id.
    NotFound = 3,
    /// Ctrl-C.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command did not get to its end.
#[derive(Debug)]
pub(super) enum Failure {
    /// The configuration is wrong.
    Configuration(Problems),
    /// Everything that the library says.
    Library(Error),
    /// Nobody reads our output any more: no failure of ours.
    Unread,
}

impl Failure {
    /// The code that the command ends with.
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Unread => Exit::Done,
            Self::Configuration(_) => Exit::Wrong,
            Self::Library(error) => match error.kind() {
                ErrorKind::Invalid | ErrorKind::Unsupported => Exit::Wrong,
                _ => Exit::Failed,
            },
        }
    }
}

impl fmt::Display for Failure {
    /// The sentence; what it is about; what lies below.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unread => Ok(()),
            Self::Configuration(problems) => {
                for (index, problem) in problems.iter().enumerate() {
                    write!(f, "{}error: {problem}", if index > 0 { "\n\n" } else { "" })?;
                }
                Ok(())
            }
            Self::Library(error) => {
                write!(f, "error: {}", error.message())?;
                for (key, value) in error.context() {
                    write!(f, "\n  {}: {value}", key.replace('_', " "))?;
                }
                // `problem` is what lies below, in short.
                let is_told = error.context().any(|(key, _)| key == "problem");
                let mut below = std::error::Error::source(error).filter(|_| !is_told);
                while let Some(source) = below {
                    write!(f, "\n  because: {source}")?;
                    below = source.source();
                }
                Ok(())
            }
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Library(error)
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self::Configuration(problems)
    }
}

impl From<io::Error> for Failure {
    /// Of writing to standard output, where nothing else is said.
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Unread,
            _ => Self::Library(Error::unavailable("cannot write the output").with_source(error)),
        }
    }
}
