//! A filter as SQL: one condition that every match fulfils, and one that only matches fulfil.
//!
//! Where SQL can say a test exactly, the two are the same. Where it cannot, the first is wider and the second narrower,
//! and the matcher decides about the rows between them. A negation swaps the two, so nothing is lost or guessed under it.

mod number;
mod order;
mod pattern;
mod place;
mod subject;
mod test;
mod time;

pub(super) use self::number::{COLLATION, compare as compare_numbers};
pub(super) use self::order::order;
pub(super) use self::place::Place;
use crate::Filter;
use crate::sql::SqlValue;
use crate::sql::clause::Clause;
pub(super) use crate::sql::clause::Condition;

/// The most values that a statement is given; SQLite takes 32,766.
const MOST_VALUES: usize = 20_000;

/// How deep filters are translated; SQLite takes expressions of depth 1,000.
const DEEPEST: usize = 40;

/// The longest text of a condition; SQLite takes a megabyte of statement.
const LONGEST: usize = 400_000;

/// What SQL can be asked about a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reach {
    /// Whether values in JSON are found as we find them, and no row makes it fail.
    pub(super) json: bool,
    /// Whether text is kept as UTF-8, so that it is in the order of code points.
    pub(super) utf8: bool,
}

/// A filter as SQL.
#[derive(Debug)]
pub(super) struct Pushdown {
    /// Fulfilled by every match.
    pub(super) may: Condition,
    /// Fulfilled by matches only.
    pub(super) must: Condition,
    /// The values of the placeholders in both.
    pub(super) args: Vec<SqlValue>,
}

impl Pushdown {
    /// Translates a filter without `now()`; its placeholders begin after `taken` others.
    pub(super) fn of(filter: &Filter, reach: Reach, taken: usize) -> Self {
        let mut translator = Translator {
            reach,
            taken,
            args: Vec::new(),
        };
        let Clause { may, must } = translator.clause(filter);
        if translator.args.len() > MOST_VALUES || may.len() + must.len() > LONGEST {
            let Clause { may, must } = Clause::UNKNOWN;
            return Self {
                may,
                must,
                args: Vec::new(),
            };
        }
        Self {
            may,
            must,
            args: translator.args,
        }
    }

    /// Whether SQL says exactly what the filter says.
    pub(super) fn is_exact(&self) -> bool {
        self.may == self.must
    }
}

struct Translator {
    reach: Reach,
    taken: usize,
    args: Vec<SqlValue>,
}

impl Translator {
    /// Where there are more values than a statement takes, the rest need not be looked at: nothing is asked then.
    fn clause(&mut self, filter: &Filter) -> Clause {
        Clause::of(filter, DEEPEST, &mut |path, predicate| {
            if self.args.len() > MOST_VALUES {
                Clause::UNKNOWN
            } else {
                self.test(path, predicate)
            }
        })
    }

    /// A placeholder for `value`.
    fn bind(&mut self, value: impl Into<SqlValue>) -> String {
        self.args.push(value.into());
        format!("${}", self.taken + self.args.len())
    }

    fn bind_all(&mut self, values: impl IntoIterator<Item = SqlValue>) -> String {
        let list: Vec<String> = values.into_iter().map(|value| self.bind(value)).collect();
        list.join(", ")
    }
}

#[cfg(test)]
mod tests;
