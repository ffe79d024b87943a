//! Bounds for text that holds a time in whatever zone: dates that are certainly before or after it.

use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use crate::Comparison;

/// How far the date in a text can lie from the same time's date in UTC, and a day more.
const WIDENED: SignedDuration = SignedDuration::from_hours(3 * 24);

/// Between which dates the text of a time lies that compares so with `time`, whatever its zone: before the first, and from
/// the second on.
pub(crate) fn around(comparison: Comparison, time: Timestamp) -> (Option<String>, Option<String>) {
    let before = match comparison {
        Comparison::Gt | Comparison::Ge => None,
        _ => date_after(time),
    };
    let from = match comparison {
        Comparison::Lt | Comparison::Le => None,
        _ => Some(date_before(time)),
    };
    (before, from)
}

/// A date as text that is greater than the text of every time up to `time`, whatever its zone.
pub(crate) fn date_after(time: Timestamp) -> Option<String> {
    let later = time.checked_add(WIDENED).ok()?;
    Some(Offset::UTC.to_datetime(later).date().to_string())
}

/// A date as text that is less than the text of every time from `time` on, whatever its zone.
fn date_before(time: Timestamp) -> String {
    let first = Date::constant(1, 1, 1);
    let earlier = time.checked_sub(WIDENED);
    let date = earlier.map_or(first, |time| Offset::UTC.to_datetime(time).date());
    date.max(first).to_string()
}
