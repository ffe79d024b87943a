//! The one meaning of every filter. Backends that push a filter down are judged by this.

use std::cmp::Ordering;

use jiff::Timestamp;

use super::lookup::value_at;
use super::operand::{AnyOf, Operand};
use super::{Comparison, Filter, LikePattern, Path, Predicate, RegexPattern, Value};
use crate::json::Json;
use crate::{Error, Record, Result};

/// How deep a filter nests at most: what its text allows, and room for programs that chain `and`.
const MAX_NESTING: usize = 1_000;

/// A filter that was checked and made ready to be asked often.
#[derive(Debug)]
pub(super) enum Matcher {
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
    Test(Path, Test),
}

/// A test with its operands taken apart.
#[derive(Debug)]
pub(super) enum Test {
    Eq(Operand),
    Ne(Operand),
    Order(Comparison, Operand),
    Between {
        low: Operand,
        high: Operand,
        negated: bool,
    },
    In {
        items: AnyOf,
        negated: bool,
    },
    Like {
        pattern: LikePattern,
        negated: bool,
    },
    Regex(RegexPattern),
    StartsWith(Box<str>),
    Exists,
    NotExists,
}

impl Matcher {
    /// Checks `filter` and makes it ready; `now()` is `now` from here on.
    pub(super) fn of(filter: &Filter, now: Timestamp) -> Result<Self> {
        Self::nested(filter, now, MAX_NESTING)
    }

    fn nested(filter: &Filter, now: Timestamp, room: usize) -> Result<Self> {
        let Some(room) = room.checked_sub(1) else {
            return Err(
                Error::invalid("a filter nests too deep; use one `And` of many")
                    .with("limit", MAX_NESTING),
            );
        };
        let all = |parts: &[Filter]| -> Result<Vec<Self>> {
            parts
                .iter()
                .map(|part| Self::nested(part, now, room))
                .collect()
        };
        Ok(match filter {
            Filter::And(parts) => Self::And(all(parts)?),
            Filter::Or(parts) => Self::Or(all(parts)?),
            Filter::Not(part) => Self::Not(Box::new(Self::nested(part, now, room)?)),
            Filter::Test(path, predicate) => {
                path.check()?;
                let test = Test::of(predicate, now).map_err(|error| error.with("path", path))?;
                Self::Test(path.clone(), test)
            }
        })
    }

    /// Whether the record matches.
    pub(super) fn matches(&self, record: &Record) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|part| part.matches(record)),
            Self::Or(parts) => parts.iter().any(|part| part.matches(record)),
            Self::Not(part) => !part.matches(record),
            Self::Test(path, test) => test.passes(&value_at(record, path).unwrap_or(Json::Null)),
        }
    }

    /// What some values of a record tell: whether it matches, or none where that hangs on others.
    pub(super) fn judge<'a>(&self, known: &impl Fn(&Path) -> Option<Json<'a>>) -> Option<bool> {
        match self {
            Self::And(parts) => Self::judge_all(parts, known, true),
            Self::Or(parts) => Self::judge_all(parts, known, false),
            Self::Not(part) => part.judge(known).map(|matches| !matches),
            Self::Test(path, test) => known(path).map(|value| test.passes(&value)),
        }
    }

    /// `usual` if every part says so, the opposite as soon as one does.
    fn judge_all<'a>(
        parts: &[Self],
        known: &impl Fn(&Path) -> Option<Json<'a>>,
        usual: bool,
    ) -> Option<bool> {
        let mut all = Some(usual);
        for part in parts {
            match part.judge(known) {
                Some(matches) if matches != usual => return Some(!usual),
                Some(_) => {}
                None => all = None,
            }
        }
        all
    }
}

impl Test {
    fn of(predicate: &Predicate, now: Timestamp) -> Result<Self> {
        Ok(match predicate {
            Predicate::Compare(Comparison::Eq, value) => Self::Eq(Operand::of(value, now)?),
            Predicate::Compare(Comparison::Ne, value) => Self::Ne(Operand::of(value, now)?),
            Predicate::Compare(comparison, value) => {
                let value = value.resolved(now)?;
                value.check_order()?;
                Self::Order(*comparison, Operand::of(&value, now)?)
            }
            Predicate::Between { low, high, negated } => {
                let (low, high) = (low.resolved(now)?, high.resolved(now)?);
                Value::check_bounds(&low, &high)?;
                let (low, high) = (Operand::of(&low, now)?, Operand::of(&high, now)?);
                Self::Between {
                    low,
                    high,
                    negated: *negated,
                }
            }
            Predicate::In { items, negated } => Self::In {
                items: AnyOf::of(items, now)?,
                negated: *negated,
            },
            Predicate::Like { pattern, negated } => Self::Like {
                pattern: pattern.clone(),
                negated: *negated,
            },
            Predicate::Regex(pattern) => Self::Regex(pattern.clone()),
            Predicate::StartsWith(prefix) => Self::StartsWith(prefix.clone()),
            Predicate::Exists => Self::Exists,
            Predicate::NotExists => Self::NotExists,
        })
    }

    /// Whether a value passes; one that is missing counts as null.
    fn passes(&self, value: &Json<'_>) -> bool {
        let text = match value {
            Json::String(text) => Some(text.as_ref()),
            _ => None,
        };
        match self {
            Self::Eq(operand) => operand.equals(value),
            Self::Ne(operand) => !value.is_null() && !operand.equals(value),
            Self::Order(comparison, operand) => operand
                .order(value)
                .is_some_and(|order| comparison.holds(order)),
            Self::Between { low, high, negated } => {
                let within = low.order(value).is_some_and(Ordering::is_ge)
                    && high.order(value).is_some_and(Ordering::is_le);
                !value.is_null() && within != *negated
            }
            Self::In { items, negated } => !value.is_null() && items.contains(value) != *negated,
            Self::Like { pattern, negated } => {
                text.is_some_and(|text| pattern.is_match(text) != *negated)
            }
            Self::Regex(pattern) => text.is_some_and(|text| pattern.is_match(text)),
            Self::StartsWith(prefix) => text.is_some_and(|text| text.starts_with(&**prefix)),
            Self::Exists => !value.is_null(),
            Self::NotExists => value.is_null(),
        }
    }
}

#[cfg(test)]
mod tests;
