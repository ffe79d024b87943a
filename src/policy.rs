//! Which records become old, and when: pure decisions, the time is passed in.

#[cfg(feature = "config")]
mod schedule;

use std::fmt;

#[cfg(feature = "config")]
pub use self::schedule::Schedule;

use jiff::tz::TimeZone;
use jiff::{Span, SpanFieldwise, Timestamp};

use crate::{Age, AgeAt, Error, Filter, Record, Result};

/// Which records of a collection are moved to the archive.
///
/// Records that are older than a span and match a filter. In doubt a record stays: one without an age, one whose age
/// cannot be read, one that is exactly as old as the span.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    name: Box<str>,
    older_than: SpanFieldwise,
    filter: Filter,
    batch: Batch,
}

/// How much is moved at once: one transaction holds so many records, and other writers wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batch {
    /// At most so many records.
    pub rows: usize,
    /// At most so many bytes of them.
    pub bytes: u64,
}

impl Default for Batch {
    /// 50,000 records or 64 MiB: about half a second of other writers' time.
    fn default() -> Self {
        Self {
            rows: 50_000,
            bytes: 64 << 20,
        }
    }
}

/// What a policy says of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Verdict {
    /// It is to be moved.
    Due,
    /// It is not old enough yet.
    TooYoung,
    /// It is old, but the filter does not take it.
    NotMatched,
    /// It has no age.
    NoAge,
    /// Its age is no time.
    UnreadableAge,
}

impl Verdict {
    /// The verdict as it stands in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::TooYoung => "too_young",
            Self::NotMatched => "not_matched",
            Self::NoAge => "no_age",
            Self::UnreadableAge => "unreadable_age",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Policy {
    /// Moves what is older than a span such as `90d`, `3 months` or `7 years`; months and years go by the calendar.
    ///
    /// # Errors
    /// `Invalid`: no span, or one that is not above zero.
    pub fn older_than(span: &str) -> Result<Self> {
        let wrong = || {
            Error::invalid("an age is written like `90d`, `12h`, `3 months` or `7 years`")
                .with("value", span)
        };
        let older_than: Span = span
            .trim()
            .parse()
            .map_err(|error| wrong().with_source(error))?;
        if !older_than.is_positive() {
            return Err(wrong());
        }
        Ok(Self {
            name: format!("older-than-{}", span.trim().replace(' ', "-")).into(),
            older_than: older_than.fieldwise(),
            filter: Filter::ALL,
            batch: Batch::default(),
        })
    }

    /// Moves only records that match a filter's text.
    ///
    /// # Errors
    /// `Invalid`: the text, with the place and what was expected there.
    pub fn filter(self, text: &str) -> Result<Self> {
        Ok(self.matching(text.parse()?))
    }

    /// Moves only records that match.
    #[must_use]
    pub fn matching(mut self, filter: Filter) -> Self {
        self.filter = filter;
        self
    }

    /// The name under which it stands in reports.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.name = name.into();
        self
    }

    /// Moves at most so much at once.
    ///
    /// # Errors
    /// `Invalid`: a batch of nothing.
    pub fn batch(mut self, batch: Batch) -> Result<Self> {
        if batch.rows == 0 || batch.bytes == 0 {
            return Err(
                Error::invalid("a batch takes at least one row and one byte")
                    .with("rows", batch.rows)
                    .with("bytes", batch.bytes),
            );
        }
        self.batch = batch;
        Ok(self)
    }

    /// The policy's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How old a record must be.
    pub fn span(&self) -> &Span {
        &self.older_than.0
    }

    /// Which records it takes among the old ones.
    pub fn only(&self) -> &Filter {
        &self.filter
    }

    /// How much it moves at once.
    pub fn batches(&self) -> Batch {
        self.batch
    }

    /// The time before which a record is old, seen from `now`.
    ///
    /// # Errors
    /// `Invalid`: the span reaches beyond the year 1.
    pub fn cutoff(&self, now: Timestamp) -> Result<Timestamp> {
        now.to_zoned_datetime(TimeZone::UTC)
            .checked_sub(self.older_than.0)
            .map(|time| time.timestamp())
            .map_err(|error| {
                Error::invalid("no time is so long ago")
                    .with("older_than", self.older_than.0)
                    .with("now", now)
                    .with_source(error)
            })
    }

    /// What is to become of a record, seen from `now`.
    ///
    /// # Errors
    /// `Invalid`: as [`cutoff`](Self::cutoff), or a filter that cannot be run.
    pub fn judge(&self, record: &Record, age: &Age, now: Timestamp) -> Result<Verdict> {
        let cutoff = self.cutoff(now)?;
        match self.judge_age(&age.of(record), cutoff) {
            Some(verdict) => Ok(verdict),
            None if self.filter.matches(record, now)? => Ok(Verdict::Due),
            None => Ok(Verdict::NotMatched),
        }
    }

    /// What an age alone decides; none where the filter has the last word.
    pub(crate) fn judge_age(&self, age: &AgeAt<'_>, cutoff: Timestamp) -> Option<Verdict> {
        match age {
            AgeAt::At(time) if *time < cutoff => None,
            AgeAt::At(_) => Some(Verdict::TooYoung),
            AgeAt::Absent => Some(Verdict::NoAge),
            AgeAt::Unreadable(_) => Some(Verdict::UnreadableAge),
        }
    }
}
