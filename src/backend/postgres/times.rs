//! Times as the layout keeps them: without a zone, in the local time of whoever wrote them.

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

use crate::clock::whole_micros;
use crate::{Error, Result};

/// Microseconds from 1970, where we count from, to 2000, where PostgreSQL does.
const EPOCH: i64 = 946_684_800_000_000;

/// The first and the last time that is read and written, as PostgreSQL spells them.
pub(super) const FIRST: &str = "0001-01-01 00:00:00";
pub(super) const LAST: &str = "9999-12-30 22:00:00.000000";

/// The same as microseconds from 2000.
const BOUNDS: [i64; 2] = [-63_082_281_600_000_000, 252_455_522_400_000_000];

/// Whose local time a table's columns hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Zone(Option<TimeZone>);

impl Zone {
    /// A zone by its name in the IANA database.
    ///
    /// # Errors
    /// `Invalid`: there is none of this name.
    pub(super) fn named(name: &str) -> Result<Self> {
        if [
            "UTC",
            "Etc/UTC",
            "Etc/UCT",
            "UCT",
            "Zulu",
            "Universal",
            "Etc/Universal",
            "Etc/Zulu",
            "GMT",
            "Etc/GMT",
        ]
        .contains(&name)
        {
            return Ok(Self(None));
        }
        TimeZone::get(name)
            .map(|zone| Self(Some(zone)))
            .map_err(|error| {
                Error::invalid(
                    "there is no such time zone; timestamp_zone takes names like Europe/Berlin",
                )
                .with("timestamp_zone", name)
                .with("problem", error)
            })
    }

    /// Whether the columns hold UTC, so that SQL can compare them with a point in time.
    pub(super) fn is_utc(&self) -> bool {
        self.0.is_none()
    }

    /// The instant of a column's value; none outside of the years 1 to 9999, infinity among them.
    ///
    /// An hour that the clocks went through twice is taken for the later one: a record is rather too young than too old.
    pub(super) fn read(&self, micros: i64) -> Option<Timestamp> {
        if micros < BOUNDS[0] || micros > BOUNDS[1] {
            return None;
        }
        let as_utc = Timestamp::from_microsecond(micros + EPOCH).ok()?;
        match &self.0 {
            None => Some(as_utc),
            Some(zone) => zone
                .to_ambiguous_timestamp(Offset::UTC.to_datetime(as_utc))
                .later()
                .ok(),
        }
    }

    /// The value of a column for an instant.
    ///
    /// # Errors
    /// `Invalid`: a time outside of what [`read`](Self::read) takes.
    pub(super) fn write(&self, time: Timestamp) -> Result<i64> {
        let whole = whole_micros(time).as_microsecond();
        let shift = self
            .0
            .as_ref()
            .map_or(0, |zone| zone.to_offset(time).seconds());
        let micros = whole - EPOCH + i64::from(shift) * 1_000_000;
        if micros < BOUNDS[0] || micros > BOUNDS[1] {
            return Err(Error::invalid(
                "a time outside of the years 1 to 9999 cannot be kept in PostgreSQL's layout",
            )
            .with("time", time));
        }
        Ok(micros)
    }
}

/// A value of a column in UTC, as PostgreSQL spells it.
pub(super) fn spell(time: Timestamp) -> String {
    Offset::UTC
        .to_datetime(time)
        .strftime("%Y-%m-%d %H:%M:%S%.6f")
        .to_string()
}

#[cfg(test)]
mod tests;
