//! What SQL says of a filter: one condition that every match fulfils, and one that only matches fulfil.
//!
//! Where SQL can say a test exactly, the two are the same. Where it cannot, the first is wider and the second narrower,
//! and the matcher decides about the rows between them. A negation swaps the two, so nothing is lost or guessed under it.

use crate::query::{Path, Predicate};
use crate::{Comparison, Filter};

/// Between what a filter's truth lies.
#[derive(Clone, Debug)]
pub(crate) struct Clause {
    /// Fulfilled by every match.
    pub(crate) may: Condition,
    /// Fulfilled by matches only.
    pub(crate) must: Condition,
}

impl Clause {
    /// The matcher decides about every row.
    pub(crate) const UNKNOWN: Self = Self {
        may: Condition::Always,
        must: Condition::Never,
    };

    pub(crate) const NEVER: Self = Self {
        may: Condition::Never,
        must: Condition::Never,
    };

    /// What is known of a filter by what `test` knows of its tests; of those that lie deeper than `deepest` nothing is.
    pub(crate) fn of(
        filter: &Filter,
        deepest: usize,
        test: &mut impl FnMut(&Path, &Predicate) -> Self,
    ) -> Self {
        let mut part = |part: &Filter| match deepest.checked_sub(1) {
            Some(deepest) => Self::of(part, deepest, test),
            None => Self::UNKNOWN,
        };
        match filter {
            Filter::And(parts) => Self::all(parts.iter().map(part).collect()),
            Filter::Or(parts) => Self::any(parts.iter().map(part).collect()),
            Filter::Not(negated) => part(negated).negated(),
            Filter::Test(path, predicate) => test(path, predicate),
        }
    }

    pub(crate) fn exactly(condition: impl Into<Condition>) -> Self {
        let may = condition.into();
        Self {
            must: may.clone(),
            may,
        }
    }

    /// True of some of the rows that fulfil this; which ones is the matcher's to say.
    pub(crate) fn at_most(condition: impl Into<Condition>) -> Self {
        Self {
            may: condition.into(),
            must: Condition::Never,
        }
    }

    pub(crate) fn all(parts: Vec<Self>) -> Self {
        let (may, must) = parts.into_iter().map(|part| (part.may, part.must)).unzip();
        Self {
            may: Condition::all(may),
            must: Condition::all(must),
        }
    }

    pub(crate) fn any(parts: Vec<Self>) -> Self {
        let (may, must) = parts.into_iter().map(|part| (part.may, part.must)).unzip();
        Self {
            may: Condition::any(may),
            must: Condition::any(must),
        }
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self::all(vec![self, other])
    }

    pub(crate) fn negated(self) -> Self {
        Self {
            may: self.must.negated(),
            must: self.may.negated(),
        }
    }

    /// True of some of the rows that this is true of.
    pub(crate) fn at_most_of(self) -> Self {
        Self::at_most(self.may)
    }
}

/// A condition; SQL's third truth value counts as false.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// True of every row.
    Always,
    /// True of no row.
    Never,
    /// True where this expression is.
    Sql(String),
}

impl Condition {
    pub(crate) fn all(parts: Vec<Self>) -> Self {
        if parts.contains(&Self::Never) {
            return Self::Never;
        }
        Self::joined(parts, " AND ").unwrap_or(Self::Always)
    }

    pub(crate) fn any(parts: Vec<Self>) -> Self {
        if parts.contains(&Self::Always) {
            return Self::Always;
        }
        Self::joined(parts, " OR ").unwrap_or(Self::Never)
    }

    pub(crate) fn negated(self) -> Self {
        match self {
            Self::Always => Self::Never,
            Self::Never => Self::Always,
            Self::Sql(sql) => Self::Sql(format!("({sql}) IS NOT TRUE")),
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Sql(sql) => sql.len(),
            Self::Always | Self::Never => 0,
        }
    }

    /// The condition as an expression.
    pub(crate) fn sql(&self) -> &str {
        match self {
            Self::Always => "TRUE",
            Self::Never => "FALSE",
            Self::Sql(sql) => sql,
        }
    }

    /// Joins the expressions as a tree that is as flat as it can be: databases bound the depth of expressions.
    fn joined(parts: Vec<Self>, word: &str) -> Option<Self> {
        let mut expressions: Vec<String> = parts
            .into_iter()
            .filter_map(|part| match part {
                Self::Sql(sql) => Some(sql),
                Self::Always | Self::Never => None,
            })
            .collect();
        while expressions.len() > 1 {
            expressions = expressions
                .chunks(2)
                .map(|pair| match pair {
                    [left, right] => format!("({left}){word}({right})"),
                    one => one.concat(),
                })
                .collect();
        }
        expressions.pop().map(Self::Sql)
    }
}

impl From<String> for Condition {
    fn from(sql: String) -> Self {
        Self::Sql(sql)
    }
}

/// The comparison's sign in SQL.
pub(crate) fn operator(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Eq => "=",
        Comparison::Ne => "<>",
        Comparison::Lt => "<",
        Comparison::Le => "<=",
        Comparison::Gt => ">",
        Comparison::Ge => ">=",
    }
}
