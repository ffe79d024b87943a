//! Where an answer came from.

use std::fmt;
use std::sync::Arc;

use futures::stream::BoxStream;

use crate::{Record, Result};

/// Which tier answered a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReadSource {
    /// The hot tier had it.
    Hot,
    /// It was read from the primary.
    Primary,
    /// It was read from the archive.
    Archive,
    /// No tier has it.
    Miss,
}

impl ReadSource {
    /// The source's name in lower case, as it stands in logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hot => "hot",
            Self::Primary => "primary",
            Self::Archive => "archive",
            Self::Miss => "miss",
        }
    }
}

impl fmt::Display for ReadSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A stream of records, each with the tier that it came from.
pub type SourcedStream = BoxStream<'static, Result<(Arc<Record>, ReadSource)>>;

/// What a read found, and where.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) record: Option<Arc<Record>>,
    pub(super) source: ReadSource,
}

impl Found {
    /// No tier has it.
    pub(super) const MISS: Self = Self {
        record: None,
        source: ReadSource::Miss,
    };

    /// What `source` said of an id.
    pub(super) fn from(source: ReadSource, record: Option<Arc<Record>>) -> Self {
        match record {
            Some(_) => Self { record, source },
            None => Self::MISS,
        }
    }
}
