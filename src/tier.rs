//! The names of the tiers, as they stand in answers, logs and metrics.

use std::fmt;

/// One of the three storeys that a record can lie in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tier {
    /// In this process's memory, as a copy.
    Hot,
    /// The database that takes writes.
    Primary,
    /// Parquet segments.
    Archive,
}

impl Tier {
    /// The tier's name in lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hot => "hot",
            Self::Primary => "primary",
            Self::Archive => "archive",
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
