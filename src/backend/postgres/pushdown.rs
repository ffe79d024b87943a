//! A filter as SQL over jsonb: types are told apart before values are compared, so no row makes a query fail.

mod order;
mod pattern;
mod place;
mod subject;
mod test;
mod time;

pub(super) use self::order::order;
pub(super) use self::place::JsonPlace;
#[cfg(test)]
use self::place::literal;
use super::times::Zone;
use crate::Filter;
use crate::sql::SqlValue;
use crate::sql::clause::{Clause, Condition};

/// The most values that a statement is given; PostgreSQL takes 65,535.
const MOST_VALUES: usize = 30_000;

/// How deep filters are translated; PostgreSQL's parser recurses.
const DEEPEST: usize = 100;

/// The longest text of a condition.
const LONGEST: usize = 1_000_000;

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
    pub(super) fn of(filter: &Filter, zone: &Zone, taken: usize) -> Self {
        let mut translator = Translator {
            is_utc: zone.is_utc(),
            taken,
            args: Vec::new(),
        };
        let Clause { may, must } = translator.clause(filter, 0);
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
    /// Whether the table's times are in UTC.
    is_utc: bool,
    taken: usize,
    args: Vec<SqlValue>,
}

impl Translator {
    fn clause(&mut self, filter: &Filter, depth: usize) -> Clause {
        if depth > DEEPEST || self.args.len() > MOST_VALUES {
            return Clause::UNKNOWN;
        }
        let mut each = |parts: &[Filter]| {
            parts
                .iter()
                .map(|part| self.clause(part, depth + 1))
                .collect()
        };
        match filter {
            Filter::And(parts) => Clause::all(each(parts)),
            Filter::Or(parts) => Clause::any(each(parts)),
            Filter::Not(part) => self.clause(part, depth + 1).negated(),
            Filter::Test(path, predicate) => self.test(path, predicate),
        }
    }

    /// A placeholder for a text.
    fn bind(&mut self, text: impl Into<SqlValue>) -> String {
        self.args.push(text.into());
        format!("${}::text", self.taken + self.args.len())
    }

    /// A placeholder for a JSON value.
    fn bind_json(&mut self, text: impl Into<SqlValue>) -> String {
        format!("{}::jsonb", self.bind(text))
    }
}

#[cfg(test)]
mod tests;
