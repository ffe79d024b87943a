//! Operands taken apart, and how a record's value compares with them. Types never mix.

use std::cmp::Ordering;

use jiff::Timestamp;

use super::instant::parse_time;
use super::normal::null_operand;
use super::{Number, Value};
use crate::json::{Json, Tree, compare_numbers};
use crate::{Error, Result};

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
    /// Checks `value` and takes it apart.
    pub(super) fn of(value: &Value, now: Timestamp) -> Result<Self> {
        Self::unless_null(value, now)?.ok_or_else(null_operand)
    }

    fn unless_null(value: &Value, now: Timestamp) -> Result<Option<Self>> {
        Ok(Some(match value {
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => Self::Number(number.clone()),
            Value::String(text) => Self::String(text.clone()),
            Value::Instant(instant) => Self::Instant(instant.resolve(now)?),
            Value::Json(text) => match Value::from_json(text)? {
                Some(Value::Json(text)) => Self::Tree(Tree::of(&text)),
                Some(scalar) => return Self::unless_null(&scalar, now),
                None => return Ok(None),
            },
        }))
    }

    /// The same, if it can be less or greater than something.
    pub(super) fn ordered(self) -> Result<Self> {
        match self {
            Self::Tree(_) => Err(Error::invalid(
                "arrays and objects are not less or greater than others; compare them by `=`, `!=` or `in`",
            )),
            operand => Ok(operand),
        }
    }

    /// The type's name for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Bool(_) => "boolean",
            Self::Number(_) => "number",
            Self::String(_) => "string",
            Self::Tree(_) => "array or object",
            Self::Instant(_) => "instant",
        }
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
            match Operand::unless_null(item, now)? {
                Some(Operand::Bool(value)) => any.bools[usize::from(value)] = true,
                Some(Operand::Number(number)) => any.numbers.push(number),
                Some(Operand::String(text)) => any.strings.push(text),
                Some(Operand::Instant(time)) => any.instants.push(time),
                Some(Operand::Tree(tree)) => any.trees.push(tree),
                None => {}
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
