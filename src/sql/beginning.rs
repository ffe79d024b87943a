//! Text that is compared with a record's own time, as far as it begins like one.

use std::fmt::Display;
use std::str::FromStr;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use crate::Comparison;

/// What is true of every own time in `column` whose text compares so with `text`, and what an index of the column answers:
/// further conditions, with what `bind` makes of each time. A time for which it has nothing is left out.
pub(crate) fn near(
    column: &str,
    comparison: Comparison,
    text: &str,
    mut bind: impl FnMut(Timestamp) -> Option<String>,
) -> String {
    let (from, before) = bounds(comparison, text);
    let mut bound = |operator, time| Some(format!(" AND {column} {operator} {}", bind(time)?));
    let from = from.and_then(|time| bound(">=", time));
    let before = before.and_then(|time| bound("<", time));
    from.into_iter().chain(before).collect()
}

/// Between which times an own time lies whose text compares so with `text`: from the first on, before the second.
fn bounds(comparison: Comparison, text: &str) -> (Option<Timestamp>, Option<Timestamp>) {
    let Some([start, end]) = beginning(text) else {
        return (None, None);
    };
    match comparison {
        Comparison::Ne => (None, None),
        Comparison::Lt | Comparison::Le => (None, Some(end)),
        Comparison::Gt | Comparison::Ge => (Some(start), None),
        Comparison::Eq => (Some(start), Some(end)),
    }
}

/// The second or the day with which a text begins, as the text of a record's own time does: its start and its end.
///
/// Own times are all spelled alike, so their texts stand in the order of the times. Those with a text up to this one lie
/// before the end, those with a text from this one on not before the start.
pub(super) fn beginning(text: &str) -> Option<[Timestamp; 2]> {
    let second = text.get(..19).and_then(spelled::<DateTime>);
    let (start, length) = match second {
        Some(second) => (second, SignedDuration::from_secs(1)),
        None => {
            let day = spelled::<Date>(text.get(..10)?)?;
            (
                day.to_datetime(Time::midnight()),
                SignedDuration::from_hours(24),
            )
        }
    };
    if start.year() < 1 {
        return None;
    }
    let start = Offset::UTC.to_timestamp(start).ok()?;
    Some([start, start.checked_add(length).ok()?])
}

/// A value that is spelled just as we would.
fn spelled<T: FromStr + Display>(text: &str) -> Option<T> {
    let value: T = text.parse().ok()?;
    (value.to_string() == text).then_some(value)
}

#[cfg(test)]
mod tests;
