//! Values that are compared deeply: one side is taken apart once, the other is walked.

use super::number::compare_numbers;
use super::{Entries, Items, Json};

/// A JSON value taken apart.
#[derive(Clone, Debug)]
pub(crate) enum Tree {
    Null,
    Bool(bool),
    Number(Box<str>),
    String(Box<str>),
    Array(Vec<Self>),
    /// Sorted by key.
    Object(Vec<(Box<str>, Self)>),
}

impl Tree {
    /// Takes `value` apart; it was validated, so its nesting is bounded.
    pub(crate) fn of(value: &str) -> Self {
        match Json::view(value) {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(value),
            Json::Number(text) => Self::Number(text.into()),
            Json::String(text) => Self::String(text.into()),
            Json::Array(text) => Self::Array(Items::of(text).map(Self::of).collect()),
            Json::Object(text) => {
                let entry = |(key, value): (super::Key<'_>, &str)| {
                    (key.decode().into_owned().into_boxed_str(), Self::of(value))
                };
                let mut entries: Vec<_> = Entries::of(text).map(entry).collect();
                entries.sort_by(|(left, _), (right, _)| left.cmp(right));
                Self::Object(entries)
            }
        }
    }

    /// Whether `value` is equal: same type, same numbers, same items, same set of keys.
    pub(crate) fn equals(&self, value: &Json<'_>) -> bool {
        match (self, value) {
            (Self::Null, Json::Null) => true,
            (Self::Bool(left), Json::Bool(right)) => left == right,
            (Self::Number(left), Json::Number(right)) => compare_numbers(left, right).is_eq(),
            (Self::String(left), Json::String(right)) => **left == **right,
            (Self::Array(left), Json::Array(right)) => {
                let mut right = Items::of(right);
                left.iter().all(|item| {
                    right
                        .next()
                        .is_some_and(|raw| item.equals(&Json::view(raw)))
                }) && right.next().is_none()
            }
            (Self::Object(left), Json::Object(right)) => {
                let mut found = 0;
                let all = Entries::of(right).all(|(key, raw)| {
                    found += 1;
                    let place = left.binary_search_by(|(name, _)| (**name).cmp(&key.decode()));
                    place.is_ok_and(|place| left[place].1.equals(&Json::view(raw)))
                });
                all && found == left.len()
            }
            _ => false,
        }
    }
}
