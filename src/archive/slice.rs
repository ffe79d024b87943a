//! The UTC month of age that a segment lies in.

use std::fmt;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// One UTC month; the next one compares greater.
///
/// A segment never crosses its border, and its path begins with it (`2013-10/`). It is deliberately no DuckLake
/// partition: DuckLake's `month` is 1 to 12 in the session's zone, and readers that take it for Iceberg's find nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Slice {
    year: i16,
    month: i8,
}

impl Slice {
    /// The month that a time lies in.
    pub(crate) fn of(time: Timestamp) -> Self {
        let date = TimeZone::UTC.to_datetime(time).date();
        Self {
            year: date.year(),
            month: date.month(),
        }
    }
}

impl fmt::Display for Slice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}
