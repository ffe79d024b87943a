//! What a test is about: a value in JSON, an id, or a record's own time.

use super::place::JsonPlace;
use crate::backend::postgres::times::{FIRST, LAST};
use crate::query::{Path, Root};
use crate::sql::clause::Clause;

/// The value at a path, with what SQL can know of it.
#[derive(Debug)]
pub(super) enum Subject {
    Json(JsonPlace),
    Id,
    /// One of the two columns; its values are UTC.
    OwnTime(&'static str),
}

impl Subject {
    /// None where SQL cannot be asked.
    pub(super) fn of(path: &Path, is_utc: bool) -> Option<Self> {
        match path.root() {
            Root::Fields | Root::Metadata => JsonPlace::of(path).map(Self::Json),
            Root::Id => Some(Self::Id),
            Root::CreatedAt if is_utc => Some(Self::OwnTime("created_at")),
            Root::UpdatedAt if is_utc => Some(Self::OwnTime("updated_at")),
            Root::CreatedAt | Root::UpdatedAt => None,
        }
    }

    /// The value itself, if it is text, in the order of code points.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Json(place) => place.text(),
            Self::Id => "id COLLATE \"C\"".to_owned(),
            Self::OwnTime(column) => {
                format!("to_char({column}, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') COLLATE \"C\"")
            }
        }
    }

    /// `condition` of the text, and that it is text.
    pub(super) fn is_text_and(&self, condition: &str) -> String {
        match self {
            Self::Json(place) => format!("{} = 'string' AND {condition}", place.kind()),
            Self::Id => condition.to_owned(),
            Self::OwnTime(column) => format!("{condition} AND {}", is_time(column)),
        }
    }

    /// Whether it is text.
    pub(super) fn is_text(&self) -> Clause {
        match self {
            Self::Json(_) => self.is_a("'string'"),
            Self::Id | Self::OwnTime(_) => self.exists(),
        }
    }

    /// Whether it is there and not null.
    pub(super) fn exists(&self) -> Clause {
        match self {
            Self::Json(place) => Clause::exactly(format!("{} <> 'null'", place.kind())),
            Self::Id => Clause::NEVER.negated(),
            Self::OwnTime(column) => Clause::exactly(is_time(column)),
        }
    }

    /// Whether it is a value in JSON of one of these types, which nothing else can be.
    pub(super) fn is_a(&self, types: &str) -> Clause {
        match self {
            Self::Json(place) => Clause::exactly(format!("{} IN ({types})", place.kind())),
            Self::Id | Self::OwnTime(_) => Clause::NEVER,
        }
    }
}

/// Whether a column holds a time that is known.
pub(super) fn is_time(column: &str) -> String {
    format!("{column} BETWEEN TIMESTAMP '{FIRST}' AND TIMESTAMP '{LAST}'")
}

/// The opposite, in a form that an index of the column answers.
pub(super) fn is_no_time(column: &str) -> String {
    format!("({column} IS NULL OR {column} < TIMESTAMP '{FIRST}' OR {column} > TIMESTAMP '{LAST}')")
}
