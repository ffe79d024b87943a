//! Points in time: as operands, and as text in records.

use std::fmt;

use jiff::civil::Time;
use jiff::fmt::temporal::{Pieces, PiecesOffset};
use jiff::{SignedDuration, Timestamp};

use crate::{Error, Result};

/// A point in time, perhaps relative to when the query is run.
///
/// It compares with strings that are strict ISO 8601, by time; with nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instant {
    /// The time when the query is run, by the database's clock, and this many milliseconds: `now() - 90d`.
    Now(i64),
    /// A fixed time between the years 1 and 9999.
    At(Timestamp),
}

impl Instant {
    /// The time that is meant, if it is `now`.
    ///
    /// # Errors
    /// `Invalid`: it is not between the years 1 and 9999.
    pub fn resolve(self, now: Timestamp) -> Result<Timestamp> {
        let time = match self {
            Self::At(time) => Some(time),
            Self::Now(millis) => now.checked_add(SignedDuration::from_millis(millis)).ok(),
        };
        time.filter(|time| *time >= first()).ok_or_else(|| {
            Error::invalid("a time lies between the years 1 and 9999").with("time", self)
        })
    }
}

impl fmt::Display for Instant {
    /// The instant as it is written in a filter's text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = match self {
            Self::At(time) => return write!(f, "timestamp '{time}'"),
            Self::Now(millis) => *millis,
        };
        f.write_str("now()")?;
        let sign = if millis < 0 { '-' } else { '+' };
        let count = millis.unsigned_abs();
        match UNITS
            .iter()
            .rev()
            .find(|(_, unit)| count.is_multiple_of(*unit))
        {
            Some((name, unit)) if count > 0 => write!(f, " {sign} {}{name}", count / unit),
            _ => Ok(()),
        }
    }
}

/// The units of a span in a filter's text, and their milliseconds; a day is 24 hours.
pub(crate) const UNITS: [(&str, u64); 6] = [
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
    ("w", 604_800_000),
];

/// The time that a text tells: `YYYY-MM-DD`, or that and a time of day with `T` or a space between; without a zone it
/// is UTC, without a time midnight. `None` for everything else: other forms of ISO 8601 do not sort by time as text, as
/// these do to within a day (no zone is a whole day away), which backends rely on to narrow a search.
///
/// A leap second (`:60`) reads as the second before it, which keeps it in its minute, day and month. The last 26 hours of
/// year 9999, a usual way to write "never", are beyond a [`Timestamp`] and read as its greatest.
pub(crate) fn parse_time(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    // The first byte rules out signed years, the dashes the compact form, the bracket zones of RFC 9557.
    if !bytes.first()?.is_ascii_digit()
        || (bytes.get(4), bytes.get(7)) != (Some(&b'-'), Some(&b'-'))
        || bytes.last() == Some(&b']')
    {
        return None;
    }
    let pieces = Pieces::parse(text).ok()?;
    let time = pieces
        .date()
        .to_datetime(pieces.time().unwrap_or(Time::midnight()));
    let offset = match pieces.offset() {
        None | Some(PiecesOffset::Zulu) => jiff::tz::Offset::UTC,
        Some(offset) => offset.to_numeric_offset(),
    };
    if offset.seconds().abs() >= 86_400 {
        return None;
    }
    match offset.to_timestamp(time) {
        Ok(time) => (time >= first()).then_some(time),
        Err(_) => (time.year() == 9999).then_some(Timestamp::MAX),
    }
}

/// The beginning of year 1.
pub(crate) fn first() -> Timestamp {
    const FIRST: i64 = -62_135_596_800;
    Timestamp::from_second(FIRST).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests;
