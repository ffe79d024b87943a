//! A filter as SQL over jsonb: types are told apart before values are compared, so no row makes a query fail.

mod order;
mod pattern;
mod place;
mod subject;
mod test;
mod time;

use std::collections::HashMap;

use foldhash::fast::FixedState;

pub(super) use self::order::{Part, order, parts};
pub(super) use self::place::JsonPlace;
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

/// Where the values of a filter stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Values {
    /// In placeholders, after so many others.
    Bound(usize),
    /// In the text, as literals: a copy takes no values.
    Spelled,
}

/// A filter as SQL.
#[derive(Debug)]
pub(super) struct Pushdown {
    /// Fulfilled by every match.
    pub(super) may: Condition,
    /// Fulfilled by matches only.
    pub(super) must: Condition,
    /// The values of the placeholders in both, those of the first condition first.
    args: Vec<SqlValue>,
    /// How many belong to the first condition.
    in_may: usize,
}

impl Pushdown {
    /// Translates a filter without `now()`.
    pub(super) fn of(filter: &Filter, zone: &Zone, values: Values) -> Self {
        let mut translator = Translator {
            is_utc: zone.is_utc(),
            values,
            args: Vec::new(),
        };
        let Clause { may, must } = translator.clause(filter);
        if translator.args.len() > MOST_VALUES || may.len() + must.len() > LONGEST {
            let Clause { may, must } = Clause::UNKNOWN;
            return Self {
                may,
                must,
                args: Vec::new(),
                in_may: 0,
            };
        }
        let mut numbers = Numbers {
            values: translator.args,
            taken: match values {
                Values::Bound(taken) => taken,
                Values::Spelled => 0,
            },
            used: Vec::new(),
            numbers: HashMap::default(),
        };
        let may = numbers.give(may);
        let in_may = numbers.used.len();
        Self {
            may,
            in_may,
            must: numbers.give(must),
            args: numbers.args(),
        }
    }

    /// The values of both conditions.
    pub(super) fn args(&self) -> &[SqlValue] {
        &self.args
    }

    /// The values of the condition that every match fulfils.
    pub(super) fn may_args(&self) -> &[SqlValue] {
        &self.args[..self.in_may]
    }

    /// Whether SQL says exactly what the filter says.
    pub(super) fn is_exact(&self) -> bool {
        self.may == self.must
    }
}

/// What stands around a value's place until it is numbered. No SQL holds it, and neither do the names and texts in it.
const MARK: char = '\0';

/// Gives numbers to the values that a condition still has at the end.
///
/// The driver keeps a statement by its text, and with it how many values it takes: a value that nothing asks for would
/// make two statements of one text.
struct Numbers {
    values: Vec<SqlValue>,
    taken: usize,
    /// The values in the order of their numbers.
    used: Vec<usize>,
    numbers: HashMap<usize, usize, FixedState>,
}

impl Numbers {
    fn give(&mut self, condition: Condition) -> Condition {
        let Condition::Sql(sql) = condition else {
            return condition;
        };
        let mut numbered = String::with_capacity(sql.len());
        for (at, part) in sql.split(MARK).enumerate() {
            match part.parse() {
                Ok(value) if at % 2 == 1 => {
                    numbered.push('$');
                    numbered.push_str(&(self.taken + self.number(value)).to_string());
                }
                _ => numbered.push_str(part),
            }
        }
        Condition::Sql(numbered)
    }

    /// The number of a value, from 1.
    fn number(&mut self, value: usize) -> usize {
        *self.numbers.entry(value).or_insert_with(|| {
            self.used.push(value);
            self.used.len()
        })
    }

    fn args(self) -> Vec<SqlValue> {
        let used = self.used.iter();
        used.filter_map(|at| self.values.get(*at).cloned())
            .collect()
    }
}

struct Translator {
    /// Whether the table's times are in UTC.
    is_utc: bool,
    values: Values,
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

    /// A text as an expression.
    fn bind(&mut self, text: impl AsRef<str>) -> String {
        let text = text.as_ref();
        match self.values {
            Values::Bound(_) => {
                self.args.push(text.into());
                format!("{MARK}{}{MARK}::text", self.args.len() - 1)
            }
            Values::Spelled => format!("{}::text", literal(text)),
        }
    }

    /// A JSON value as an expression.
    fn bind_json(&mut self, text: impl AsRef<str>) -> String {
        format!("{}::jsonb", self.bind(text))
    }
}

#[cfg(test)]
mod tests;
