//! Sort keys: missing = null < false < true < numbers < strings < arrays < objects.

use std::cmp::Ordering;

use super::lookup::value_at;
use super::{Order, Sort};
use crate::json::{Json, compare_numbers, whole_number};
use crate::{Record, RecordId};

/// Where a record stands in an order; ties are broken by id, so that no two records are equal.
#[derive(Clone, Debug)]
pub struct SortKey {
    parts: Box<[(Rank, Order)]>,
    id: RecordId,
}

/// The beginning of an order's keys, as far as it is known before the records are.
#[derive(Clone, Debug)]
pub(crate) enum KeyBound {
    /// Nothing is known: any key.
    Start,
    /// Keys from this value of the first sort on.
    Value(ValueBound),
    /// Keys from this id on, in an order by id alone.
    Id(Box<str>),
}

/// A value of an order's first sort.
#[derive(Clone, Debug)]
pub(crate) struct ValueBound(Rank, Order);

impl KeyBound {
    /// Keys whose first value is `value`, or comes later in the order.
    pub(crate) fn from_value(value: Json<'_>, order: Order) -> Self {
        Self::Value(ValueBound(Rank::of(Some(value)), order))
    }
}

impl Ord for KeyBound {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Value(left), Self::Value(right)) => ordered(&left.0, &right.0, left.1),
            (Self::Id(left), Self::Id(right)) => left.cmp(right),
            (Self::Start, Self::Start) => Ordering::Equal,
            (Self::Start, _) => Ordering::Less,
            (_, Self::Start) => Ordering::Greater,
            // One query has bounds of one kind.
            (Self::Value(_), Self::Id(_)) | (Self::Id(_), Self::Value(_)) => Ordering::Equal,
        }
    }
}

impl PartialOrd for KeyBound {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for KeyBound {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for KeyBound {}

/// A value in the order of all values; the order of the variants is the order of the types.
#[derive(Clone, Debug)]
enum Rank {
    Null,
    Bool(bool),
    Whole(i64),
    Number(Box<str>),
    String(Box<str>),
    Array,
    Object,
}

impl SortKey {
    pub(super) fn of(record: &Record, sort: &[Sort]) -> Self {
        let part = |sort: &Sort| (Rank::of(value_at(record, &sort.path)), sort.order);
        Self {
            parts: sort.iter().map(part).collect(),
            id: record.id().clone(),
        }
    }

    /// The id that breaks ties.
    pub fn id(&self) -> &RecordId {
        &self.id
    }

    /// Whether the key stands before every key of `bound`.
    pub(crate) fn is_before(&self, bound: &KeyBound) -> bool {
        match (bound, self.parts.first()) {
            (KeyBound::Value(value), Some((rank, order))) => {
                ordered(rank, &value.0, *order).is_lt()
            }
            (KeyBound::Id(id), _) => self.id.as_str() < &**id,
            _ => false,
        }
    }

    /// Whether the key stands before every key with the other's first value.
    #[cfg(feature = "sqlite")]
    pub(super) fn is_before_all_like(&self, other: &Self) -> bool {
        match (self.parts.first(), other.parts.first()) {
            (Some((left, order)), Some((right, _))) => ordered(left, right, *order).is_lt(),
            _ => false,
        }
    }

    /// The bytes that the key takes, for budgets.
    pub(crate) fn bytes(&self) -> usize {
        let text = |(rank, _): &(Rank, Order)| match rank {
            Rank::Number(text) | Rank::String(text) => text.len(),
            _ => 0,
        };
        size_of::<Self>()
            + self.parts.len() * size_of::<(Rank, Order)>()
            + self.parts.iter().map(text).sum::<usize>()
    }
}

impl Ord for SortKey {
    fn cmp(&self, other: &Self) -> Ordering {
        let parts = self.parts.iter().zip(&other.parts);
        let order = |((left, order), (right, _)): (&(Rank, Order), &(Rank, Order))| {
            ordered(left, right, *order)
        };
        parts
            .map(order)
            .find(|order| order.is_ne())
            .unwrap_or_else(|| self.id.cmp(&other.id))
    }
}

impl PartialOrd for SortKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for SortKey {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for SortKey {}

fn ordered(left: &Rank, right: &Rank, order: Order) -> Ordering {
    match order {
        Order::Asc => left.cmp(right),
        Order::Desc => right.cmp(left),
    }
}

impl Rank {
    fn of(value: Option<Json<'_>>) -> Self {
        match value {
            None | Some(Json::Null) => Self::Null,
            Some(Json::Bool(value)) => Self::Bool(value),
            Some(Json::Number(text)) => match whole_number(text) {
                Some(whole) => Self::Whole(whole),
                None => Self::Number(text.into()),
            },
            Some(Json::String(text)) => Self::String(text.into()),
            Some(Json::Array(_)) => Self::Array,
            Some(Json::Object(_)) => Self::Object,
        }
    }

    fn of_type(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Bool(_) => 1,
            Self::Whole(_) | Self::Number(_) => 2,
            Self::String(_) => 3,
            Self::Array => 4,
            Self::Object => 5,
        }
    }

    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Bool(left), Self::Bool(right)) => left.cmp(right),
            (Self::Whole(left), Self::Whole(right)) => left.cmp(right),
            (Self::Number(left), Self::Number(right)) => compare_numbers(left, right),
            (Self::Number(left), Self::Whole(right)) => compare_numbers(left, &right.to_string()),
            (Self::Whole(left), Self::Number(right)) => compare_numbers(&left.to_string(), right),
            (Self::String(left), Self::String(right)) => left.cmp(right),
            _ => self.of_type().cmp(&other.of_type()),
        }
    }
}
