//! What statistics rule out.

use std::cmp::Ordering;

use jiff::{SignedDuration, Timestamp};

use crate::archive::column::{Bound, ColumnStats};
use crate::archive::segment::{Extent, number_text};
use crate::json::compare_numbers;
use crate::query::{Comparison, Filter, Instant, LikePiece, Path, Predicate, Value};
use crate::record::rfc3339;

/// Whether any record may match a filter in negation normal form, where `extent` tells what values stand at a path.
pub(super) fn may_match(filter: &Filter, extent: &impl Fn(&Path) -> Option<Extent>) -> bool {
    match filter {
        Filter::And(parts) => parts.iter().all(|part| may_match(part, extent)),
        Filter::Or(parts) => parts.iter().any(|part| may_match(part, extent)),
        // A negated test takes what is missing, and most of what is not.
        Filter::Not(_) => true,
        Filter::Test(path, predicate) => {
            extent(path).is_none_or(|extent| may_pass(predicate, &extent))
        }
    }
}

/// Whether the text may be among the values of a column.
pub(super) fn text_may_be(text: &str, stats: &ColumnStats) -> bool {
    let is_within = |bound: &Option<Bound>, outside: Ordering| match bound {
        Some(Bound::Text(bound)) => text.cmp(&**bound) != outside,
        _ => true,
    };
    is_within(&stats.min, Ordering::Less) && is_within(&stats.max, Ordering::Greater)
}

fn may_pass(predicate: &Predicate, extent: &Extent) -> bool {
    if *predicate == Predicate::NotExists {
        return extent.nulls != Some(0);
    }
    if extent.values == Some(0) {
        return false;
    }
    let Some(bounds) = &extent.bounds else {
        return true;
    };
    match predicate {
        Predicate::Compare(Comparison::Eq, value) => equals_some(value, bounds),
        Predicate::Compare(Comparison::Lt | Comparison::Le, value) => reaches_down(value, bounds),
        Predicate::Compare(Comparison::Gt | Comparison::Ge, value) => reaches_up(value, bounds),
        Predicate::Between {
            low,
            high,
            negated: false,
        } => reaches_up(low, bounds) && reaches_down(high, bounds),
        Predicate::In {
            items,
            negated: false,
        } => items.iter().any(|item| equals_some(item, bounds)),
        Predicate::StartsWith(prefix) => starts_some(prefix, bounds),
        Predicate::Like {
            pattern,
            negated: false,
        } if !pattern.folds_case() => match pattern.pieces().first() {
            Some(LikePiece::Text(prefix)) => starts_some(prefix, bounds),
            _ => true,
        },
        _ => true,
    }
}

fn equals_some(value: &Value, bounds: &(Bound, Bound)) -> bool {
    reaches_down(value, bounds) && reaches_up(value, bounds)
}

/// Whether some value between the bounds may be `<=` the operand; values of other types never are.
fn reaches_down(operand: &Value, (low, _): &(Bound, Bound)) -> bool {
    compare(low, operand, End::Latest).is_some_and(Ordering::is_le)
}

/// Whether some value between the bounds may be `>=` the operand.
fn reaches_up(operand: &Value, (_, high): &(Bound, Bound)) -> bool {
    compare(high, operand, End::Earliest).is_some_and(Ordering::is_ge)
}

fn starts_some(prefix: &str, bounds: &(Bound, Bound)) -> bool {
    match bounds {
        (Bound::Text(low), Bound::Text(high)) => {
            (&**low <= prefix || low.starts_with(prefix)) && &**high >= prefix
        }
        // Times are text too, where a filter looks at them.
        (Bound::Time(_), Bound::Time(_)) => true,
        _ => false,
    }
}

/// Which of the texts that tell one time.
#[derive(Clone, Copy)]
enum End {
    Earliest,
    Latest,
}

/// How a bound compares with an operand; none if values of their types never do.
fn compare(bound: &Bound, operand: &Value, end: End) -> Option<Ordering> {
    match (bound, operand) {
        (Bound::Text(bound), Value::String(text)) => Some((**bound).cmp(&**text)),
        (Bound::Text(bound), Value::Instant(Instant::At(time))) => {
            Some((**bound).cmp(&*day_text(*time, end)))
        }
        (Bound::Integer(bound), Value::Number(number)) => {
            Some(compare_numbers(&bound.to_string(), number.as_str()))
        }
        (Bound::Double(bound), Value::Number(number)) if bound.is_finite() => {
            Some(compare_numbers(&number_text(*bound), number.as_str()))
        }
        (Bound::Double(bound), Value::Number(_)) => bound.partial_cmp(&0.0),
        (Bound::Boolean(bound), Value::Bool(value)) => Some(bound.cmp(value)),
        (Bound::Time(micros), Value::Instant(_) | Value::String(_)) => {
            compare_time(*micros, operand)
        }
        _ => None,
    }
}

fn compare_time(micros: i64, operand: &Value) -> Option<Ordering> {
    let Ok(time) = Timestamp::from_microsecond(micros) else {
        // Beyond all times that a record can have.
        return Some(micros.cmp(&0));
    };
    match operand {
        Value::Instant(Instant::At(other)) => Some(time.cmp(other)),
        Value::String(text) => Some((*rfc3339(time)).cmp(text)),
        _ => None,
    }
}

/// A text before, or after, every text that tells `time`: in its own zone, which may be a day off, such a text begins with
/// the date.
fn day_text(time: Timestamp, end: End) -> String {
    let day = SignedDuration::from_hours(24);
    let date = |time: Timestamp| time.strftime("%Y-%m-%d").to_string();
    match end {
        End::Earliest => date(time.saturating_sub(day).unwrap_or(time)),
        // What follows the date begins with a character below this one.
        End::Latest => date(time.saturating_add(day).unwrap_or(time)) + "~",
    }
}

#[cfg(test)]
mod tests;
