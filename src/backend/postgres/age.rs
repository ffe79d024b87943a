//! The age as the database orders it: an expression that an index can hold, and what lies within its bounds.

use super::pushdown::JsonPlace;
use super::times::{FIRST, LAST};
use crate::query::Root;
use crate::{Age, AgeForm};

/// Where and in which form the age stands.
#[derive(Debug)]
pub(super) enum AgeColumn {
    /// One of the record's own times.
    Time(&'static str),
    /// Text in JSON.
    Text(JsonPlace),
    /// A number in JSON: so many units a second.
    Number(JsonPlace, i64),
    /// No record has an age there.
    Nowhere,
}

impl AgeColumn {
    pub(super) fn of(age: &Age) -> Self {
        match (age.path().root(), age.form()) {
            (Root::CreatedAt, AgeForm::Text) => Self::Time("created_at"),
            (Root::UpdatedAt, AgeForm::Text) => Self::Time("updated_at"),
            (Root::Fields | Root::Metadata, form) => match (JsonPlace::of(age.path()), form) {
                (None, _) => Self::Nowhere,
                (Some(place), AgeForm::Text) => Self::Text(place),
                (Some(place), AgeForm::Seconds) => Self::Number(place, 1),
                (Some(place), AgeForm::Millis) => Self::Number(place, 1_000),
            },
            (Root::Id | Root::CreatedAt | Root::UpdatedAt, _) => Self::Nowhere,
        }
    }

    /// What an index holds and a scan orders by, before the id.
    pub(super) fn key(&self) -> String {
        match self {
            Self::Time(column) => (*column).to_owned(),
            Self::Text(place) => place.text(),
            Self::Number(place, _) => place.value(),
            Self::Nowhere => "NULL::text".to_owned(),
        }
    }

    /// The type that a bound of the key is given as.
    pub(super) fn cast(&self) -> &'static str {
        match self {
            Self::Time(_) => "timestamp",
            Self::Number(..) => "text::jsonb",
            Self::Text(_) | Self::Nowhere => "text",
        }
    }

    /// The key as a cursor keeps it.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Number(..) => format!("{}::text", self.key()),
            Self::Time(_) | Self::Text(_) | Self::Nowhere => self.key(),
        }
    }

    /// What makes a key one that may be an age.
    pub(super) fn is_age(&self) -> String {
        match self {
            Self::Time(column) => {
                format!("{column} BETWEEN TIMESTAMP '{FIRST}' AND TIMESTAMP '{LAST}'")
            }
            Self::Text(place) => format!("{} = 'string'", place.kind()),
            Self::Number(place, _) => format!("{} = 'number'", place.kind()),
            Self::Nowhere => "FALSE".to_owned(),
        }
    }

    /// A condition that is true only of records that have an age.
    pub(super) fn is_certain(&self) -> String {
        const FIRST_SECOND: i64 = -62_135_596_799;
        const LAST_SECOND: i64 = 253_402_200_000;
        match self {
            Self::Time(_) | Self::Nowhere => self.is_age(),
            Self::Text(place) => format!(
                "{} = 'string' AND {text} >= '0002' AND {text} < '9999' AND {text} ~ '{ISO}'",
                place.kind(),
                text = place.text()
            ),
            Self::Number(place, per_second) => format!(
                "{} = 'number' AND {value} BETWEEN '{}'::jsonb AND '{}'::jsonb",
                place.kind(),
                FIRST_SECOND * per_second,
                LAST_SECOND * per_second,
                value = place.value()
            ),
        }
    }
}

/// Dates that are in every calendar, alone or with a time of day; the 29th of February is left to the reader.
const ISO: &str = "^[0-9]{4}-((0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)\
    (|[T ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,9})?(|Z|[+-]0[0-9]:[0-5][0-9]))$";
