//! When a policy runs: at intervals or by a cron line. Pure decisions: the time is passed in.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use croner::Cron;
use croner::errors::CronError;
use croner::parser::{CronParser, Seconds, Year};
use croner::time::{CivilDate, CivilDateTime, CivilTime, CronDateTime, Resolution, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp, ZonedDateTime, civil};

use crate::{Error, Result};

/// The shortest interval: a run costs a look at the index of the age, and two small transactions.
const SHORTEST: Duration = Duration::from_secs(1);

/// The longest interval, so that a time and an interval always add up to a time.
const LONGEST: Duration = Duration::from_secs(10 * 366 * 24 * 60 * 60);

/// When a policy runs by itself: every so often, or by a cron line in a time zone.
///
/// # Daylight saving
/// A cron line goes by the clock on the wall. One time a day that the clock jumps over is run as soon as the clock is
/// past it, and one that comes twice is run the first time; lines with several times an hour or a day (`*/5 * * * *`)
/// run in every hour that there is. An interval knows no time zone.
#[derive(Clone, Debug)]
pub struct Schedule(Form);

#[derive(Clone, Debug)]
enum Form {
    Every(SignedDuration),
    Cron {
        line: Box<str>,
        cron: Arc<Cron>,
        zone: TimeZone,
    },
}

impl Schedule {
    /// Runs again so long after the last run began.
    ///
    /// # Errors
    /// `Invalid`: less than a second, or more than ten years.
    pub fn every(interval: Duration) -> Result<Self> {
        let refuse = |problem| Err(Error::invalid(problem).with("every", format!("{interval:?}")));
        match SignedDuration::try_from(interval) {
            _ if interval < SHORTEST => refuse("an interval is at least a second long"),
            Ok(exact) if interval <= LONGEST => Ok(Self(Form::Every(exact))),
            _ => refuse("an interval is at most ten years long"),
        }
    }

    /// Runs at the times of a cron line of five fields (minute, hour, day, month, day of the week) in a time zone.
    ///
    /// # Errors
    /// `Invalid`: no cron line, one that never fires, or a zone that does not exist.
    pub fn cron(line: &str, zone: &str) -> Result<Self> {
        let zone = Self::zone(zone)?;
        let parser = CronParser::builder()
            .seconds(Seconds::Disallowed)
            .year(Year::Disallowed)
            .build();
        let cron = parser.parse(line).map_err(|error| {
            Error::invalid(
                "a cron line has five fields, such as `0 2 * * *`: minute, hour, day, month, day of the week",
            )
            .with("schedule", line)
            .with("problem", problem(&error))
            .with_source(error)
        })?;
        match after(&cron, &zone, Timestamp::UNIX_EPOCH) {
            Some(_) => Ok(Self(Form::Cron {
                line: line.trim().into(),
                cron: Arc::new(cron),
                zone,
            })),
            None => Err(
                Error::invalid("this cron line never fires: no year has such a day")
                    .with("schedule", line),
            ),
        }
    }

    /// Whether there is such a time zone.
    ///
    /// # Errors
    /// `Invalid`: there is not.
    pub fn zone(name: &str) -> Result<TimeZone> {
        TimeZone::get(name).map_err(|error| {
            Error::invalid("there is no such time zone; they are called like UTC, Europe/Berlin or America/New_York")
                .with("zone", name)
                .with_source(error)
        })
    }

    /// When to run next, seen from `now`, if the last run began at `last`; none if there is no such time any more.
    ///
    /// An interval that has passed, or one without a last run, gives `now`. A cron line gives its first time after
    /// `now`: what passed meanwhile is not made up for.
    pub fn next(&self, last: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
        match &self.0 {
            Form::Every(interval) => {
                let Some(last) = last else { return Some(now) };
                // A clock that was set back must not make the next run wait for longer than the interval.
                let soonest = last.min(now);
                Some(soonest.saturating_add(*interval).ok()?.max(now))
            }
            Form::Cron { cron, zone, .. } => after(cron, zone, now),
        }
    }

    /// The interval; none for a cron line.
    pub fn interval(&self) -> Option<Duration> {
        match &self.0 {
            Form::Every(interval) => interval.unsigned_abs().into(),
            Form::Cron { .. } => None,
        }
    }

    /// The cron line and the name of its zone; none for an interval.
    pub fn line(&self) -> Option<(&str, &str)> {
        match &self.0 {
            Form::Every(_) => None,
            Form::Cron { line, zone, .. } => Some((line, zone.iana_name().unwrap_or("UTC"))),
        }
    }
}

impl PartialEq for Schedule {
    fn eq(&self, other: &Self) -> bool {
        (self.interval(), self.line()) == (other.interval(), other.line())
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Every(interval) => write!(f, "every {interval:#}"),
            Form::Cron { line, zone, .. } => {
                write!(f, "{line} ({})", zone.iana_name().unwrap_or("UTC"))
            }
        }
    }
}

/// The first time of a cron line after `time`; none if none comes before the year 5000.
fn after(cron: &Cron, zone: &TimeZone, time: Timestamp) -> Option<Timestamp> {
    let start = OnTheWall(time.to_zoned_datetime(zone.clone()));
    let next = cron.find_next_occurrence(&start, false).ok()?;
    Some(next.0.timestamp())
}

/// What the parser found, without its own words around it.
fn problem(error: &CronError) -> String {
    match error {
        CronError::InvalidPattern(text)
        | CronError::IllegalCharacters(text)
        | CronError::ComponentError(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A time as the search for a cron line's next one sees it.
#[derive(Clone)]
struct OnTheWall(ZonedDateTime);

impl CronDateTime for OnTheWall {
    fn to_civil(&self) -> CivilDateTime {
        let time = self.0.datetime();
        let part = |part: i8| u32::from(part.unsigned_abs());
        CivilDateTime::new(
            CivilDate::from_parts_unchecked(
                time.year().into(),
                part(time.month()),
                part(time.day()),
            ),
            CivilTime::from_parts_unchecked(
                part(time.hour()),
                part(time.minute()),
                part(time.second()),
            ),
        )
    }

    fn civil_weekday(&self) -> Weekday {
        let days = self.0.weekday().to_sunday_zero_offset();
        Weekday::from_days_from_sunday(days.unsigned_abs().into())
    }

    fn resolve_civil(&self, civil: CivilDateTime) -> Result<Resolution<Self>, CronError> {
        let part = |part: u32| i8::try_from(part).map_err(|_| CronError::InvalidTime);
        let year = i16::try_from(civil.year()).map_err(|_| CronError::InvalidDate)?;
        let time = civil::DateTime::new(
            year,
            part(civil.month())?,
            part(civil.day())?,
            part(civil.hour())?,
            part(civil.minute())?,
            part(civil.second())?,
            0,
        )
        .map_err(|_| CronError::InvalidDate)?;
        let zoned = |offset| {
            let time = self.0.time_zone().to_ambiguous_zoned_datetime(time);
            let chosen = if offset { time.later() } else { time.earlier() };
            chosen.map(Self).map_err(|_| CronError::InvalidTime)
        };
        let ambiguous = self.0.time_zone().to_ambiguous_zoned_datetime(time);
        Ok(match ambiguous.offset() {
            AmbiguousOffset::Unambiguous { .. } => Resolution::Single(zoned(false)?),
            AmbiguousOffset::Fold { .. } => Resolution::Ambiguous(zoned(false)?, zoned(true)?),
            AmbiguousOffset::Gap { .. } => Resolution::Gap,
        })
    }

    fn checked_add_seconds(&self, seconds: i64) -> Option<Self> {
        let later = self.0.checked_add(SignedDuration::from_secs(seconds));
        later.ok().map(Self)
    }

    fn cmp_instant(&self, other: &Self) -> Ordering {
        self.0.timestamp().cmp(&other.0.timestamp())
    }
}

#[cfg(test)]
mod tests;
