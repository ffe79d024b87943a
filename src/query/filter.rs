//! Which records: a tree of tests. A test is true or false for every record, never unknown.

use super::{LikePattern, Path, RegexPattern, Root, Value};

/// Which records match.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// All of these; of none: true.
    And(Vec<Self>),
    /// Any of these; of none: false.
    Or(Vec<Self>),
    /// The complement.
    Not(Box<Self>),
    /// One test of the value at a path.
    Test(Path, Predicate),
}

/// A test of one value. Types never mix: a number is never equal to, nor less than, a string.
#[derive(Clone, Debug, PartialEq)]
pub enum Predicate {
    /// `= != < <= > >=`. `!=` needs a value that is there.
    Compare(Comparison, Value),
    /// `between low and high`, both included.
    Between {
        /// The lower bound.
        low: Value,
        /// The upper bound, of the same type.
        high: Value,
        /// A value that is there, and not between.
        negated: bool,
    },
    /// `in (..)`.
    In {
        /// The elements; nulls were dropped.
        items: Vec<Value>,
        /// A value that is there, and not among them.
        negated: bool,
    },
    /// `like`, `ilike`.
    Like {
        /// The pattern, with `%`, `_` and `\`, and whether it folds case.
        pattern: LikePattern,
        /// A string that does not match.
        negated: bool,
    },
    /// `regex`: the string contains a match.
    Regex(RegexPattern),
    /// `starts_with`.
    StartsWith(Box<str>),
    /// A value that is not null.
    Exists,
    /// Null or missing.
    NotExists,
}

/// The six comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
}

impl Comparison {
    /// Whether a value that compares with the operand in this order passes; [`Ne`](Self::Ne) is not an order.
    pub(crate) fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            Self::Eq => order.is_eq(),
            Self::Ne => order.is_ne(),
            Self::Lt => order.is_lt(),
            Self::Le => order.is_le(),
            Self::Gt => order.is_gt(),
            Self::Ge => order.is_ge(),
        }
    }
}

impl Filter {
    /// Everything.
    pub const ALL: Self = Self::And(Vec::new());

    /// The record with this id.
    pub fn id_is(id: &str) -> Self {
        Self::Test(
            Path::of(Root::Id),
            Predicate::Compare(Comparison::Eq, Value::String(id.into())),
        )
    }

    /// Both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self::And(vec![self, other])
    }

    /// Either.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self::Or(vec![self, other])
    }
}

impl Default for Filter {
    fn default() -> Self {
        Self::ALL
    }
}

impl std::ops::Not for Filter {
    type Output = Self;

    fn not(self) -> Self {
        Self::Not(Box::new(self))
    }
}
