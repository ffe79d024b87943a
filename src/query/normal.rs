//! Filters in other forms of the same meaning: resolved, and in negation normal form.

use jiff::Timestamp;

use super::{Filter, Predicate};
use crate::Result;

impl Filter {
    /// The filter in negation normal form: `Not` stands only directly above a test, and never above `exists`.
    ///
    /// It means the same. A negated test stays a `Not`: `not (x = 1)` takes null and missing values, `x != 1` does not.
    #[must_use]
    pub fn nnf(&self) -> Self {
        self.normal(false)
    }

    fn normal(&self, negated: bool) -> Self {
        let all = |parts: &[Self]| parts.iter().map(|part| part.normal(negated)).collect();
        match (self, negated) {
            (Self::And(parts), false) | (Self::Or(parts), true) => Self::And(all(parts)),
            (Self::Or(parts), false) | (Self::And(parts), true) => Self::Or(all(parts)),
            (Self::Not(part), _) => part.normal(!negated),
            (Self::Test(..), false) => self.clone(),
            (Self::Test(path, Predicate::Exists), true) => {
                Self::Test(path.clone(), Predicate::NotExists)
            }
            (Self::Test(path, Predicate::NotExists), true) => {
                Self::Test(path.clone(), Predicate::Exists)
            }
            (Self::Test(..), true) => Self::Not(Box::new(self.clone())),
        }
    }

    /// The filter with every `now()` replaced by the time it stands for, and JSON operands by the type they are.
    pub(super) fn at(&self, now: Timestamp) -> Result<Self> {
        let all = |parts: &[Self]| parts.iter().map(|part| part.at(now)).collect::<Result<_>>();
        Ok(match self {
            Self::And(parts) => Self::And(all(parts)?),
            Self::Or(parts) => Self::Or(all(parts)?),
            Self::Not(part) => Self::Not(Box::new(part.at(now)?)),
            Self::Test(path, predicate) => Self::Test(path.clone(), predicate.at(now)?),
        })
    }
}

impl Predicate {
    fn at(&self, now: Timestamp) -> Result<Self> {
        Ok(match self {
            Self::Compare(comparison, value) => Self::Compare(*comparison, value.resolved(now)?),
            Self::Between { low, high, negated } => Self::Between {
                low: low.resolved(now)?,
                high: high.resolved(now)?,
                negated: *negated,
            },
            Self::In { items, negated } => Self::In {
                items: items
                    .iter()
                    .filter_map(|item| item.resolved_or_null(now).transpose())
                    .collect::<Result<_>>()?,
                negated: *negated,
            },
            other => other.clone(),
        })
    }
}
