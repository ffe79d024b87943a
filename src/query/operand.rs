//! Operands taken apart, and how a record's value compares with them. Types never mix.

use std::cmp::Ordering;

use jiff::Timestamp;

use super::instant::parse_time;
use super::{Number, Value};
use crate::Result;
use crate::json::{Json, Tree, compare_numbers};

/// What a value is compared with.
#[derive(Debug)]
pub(super) enum Operand {
    Bool(bool),
    Number(Number),
    String(Box<str>),
    Tree(Tree),
    Instant(Timestamp),
}

impl Operand {
    /// Takes a value apart that is not null; `now()` is `now`.
    pub(super) fn of(value: &Value, now: Timestamp) -> Result<Self> {
        Ok(match value.resolved(now)? {
            Value::Bool(value) => Self::Bool(value),
            Value::Number(number) => Self::Number(number),
            Value::String(text) => Self::String(text),
            Value::Json(text) => Self::Tree(Tree::of(&text)),
            Value::Instant(instant) => Self::Instant(instant.resolve(now)?),
        })
    }

    /// Whether `value` is of the same type and equal.
    pub(super) fn equals(&self, value: &Json<'_>) -> bool {
        match self {
            Self::Tree(tree) => tree.equals(value),
            operand => operand.order(value).is_some_and(Ordering::is_eq),
        }
    }

    /// How `value` compares with the operand, if it does.
    pub(super) fn order(&self, value: &Json<'_>) -> Option<Ordering> {
        match (value, self) {
            (Json::Bool(value), Self::Bool(operand)) => Some(value.cmp(operand)),
            (Json::Number(value), Self::Number(operand)) => {
                Some(compare_numbers(value, operand.as_str()))
            }
            (Json::String(value), Self::String(operand)) => Some((**value).cmp(&**operand)),
            (Json::String(value), Self::Instant(operand)) => {
                parse_time(value).map(|time| time.cmp(operand))
            }
            _ => None,
        }
    }
}

/// The elements of an `in`, each kind sorted, so that thousands of them cost little.
#[derive(Debug, Default)]
pub(super) struct AnyOf {
    bools: [bool; 2],
    numbers: Vec<Number>,
    strings: Vec<Box<str>>,
    instants: Vec<Timestamp>,
    trees: Vec<Tree>,
}

impl AnyOf {
    /// Takes the elements apart; nulls are dropped.
    pub(super) fn of(items: &[Value], now: Timestamp) -> Result<Self> {
        let mut any = Self::default();
        for item in items {
            let Some(item) = item.resolved_or_null(now)? else {
                continue;
            };
            match Operand::of(&item, now)? {
                Operand::Bool(value) => any.bools[usize::from(value)] = true,
                Operand::Number(number) => any.numbers.push(number),
                Operand::String(text) => any.strings.push(text),
                Operand::Instant(time) => any.instants.push(time),
                Operand::Tree(tree) => any.trees.push(tree),
            }
        }
        any.numbers
            .sort_unstable_by(|left, right| compare_numbers(left.as_str(), right.as_str()));
        any.strings.sort_unstable();
        any.instants.sort_unstable();
        Ok(any)
    }

    /// Whether `value` equals one of them.
    pub(super) fn contains(&self, value: &Json<'_>) -> bool {
        match value {
            Json::Null => false,
            Json::Bool(value) => self.bools[usize::from(*value)],
            Json::Number(value) => self
                .numbers
                .binary_search_by(|number| compare_numbers(number.as_str(), value))
                .is_ok(),
            Json::String(value) => {
                let is_text = self.strings.binary_search_by(|text| (**text).cmp(value));
                is_text.is_ok()
                    || (!self.instants.is_empty()
                        && parse_time(value)
                            .is_some_and(|time| self.instants.binary_search(&time).is_ok()))
            }
            Json::Array(_) | Json::Object(_) => self.trees.iter().any(|tree| tree.equals(value)),
        }
    }
}
