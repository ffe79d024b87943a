//! What a test is about: a value in JSON, an id, or a record's own time.

use super::place::{Place, own_time};
use super::{Clause, Reach};
use crate::backend::sqlite::times;
use crate::query::{Path, Root};

/// The value at a path, with what SQL can know of it.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) kind: Kind,
    /// The value itself, if it is text.
    pub(super) text: String,
    /// The expressions of the place.
    pub(super) place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Json,
    Id,
    OwnTime,
}

impl Subject {
    /// None where SQL cannot be asked.
    pub(super) fn of(path: &Path, reach: Reach) -> Option<Self> {
        let place = Place::of(path);
        let kind = match path.root() {
            Root::Id => Kind::Id,
            Root::CreatedAt | Root::UpdatedAt => Kind::OwnTime,
            Root::Fields | Root::Metadata if !reach.json => return None,
            Root::Fields | Root::Metadata => Kind::Json,
        };
        let text = match kind {
            Kind::Json => place.value(),
            Kind::Id => "id COLLATE BINARY".to_owned(),
            Kind::OwnTime => format!("({})", own_time(place.column())),
        };
        Some(Self { kind, text, place })
    }

    /// `condition` of the text, and that it is text.
    pub(super) fn is_text_and(&self, condition: &str) -> String {
        match self.kind {
            // The type last: a row that fails the condition need not be looked at again.
            Kind::Json => format!("{condition} AND {} = 'text'", self.place.kind()),
            Kind::Id | Kind::OwnTime => condition.to_owned(),
        }
    }

    /// Whether it is text.
    pub(super) fn is_text(&self) -> Clause {
        match self.kind {
            Kind::Json => Clause::exactly(format!("{} = 'text'", self.place.kind())),
            Kind::Id | Kind::OwnTime => self.exists(),
        }
    }

    /// Whether it is there and not null.
    pub(super) fn exists(&self) -> Clause {
        match self.kind {
            Kind::Json => Clause::exactly(format!("{} <> 'null'", self.place.kind())),
            Kind::Id => Clause::NEVER.negated(),
            Kind::OwnTime => Clause::exactly(times::is_time_sql(self.place.column())),
        }
    }

    /// Whether it is a value in JSON of one of these types, which nothing else can be.
    pub(super) fn is_a(&self, types: &str) -> Clause {
        match self.kind {
            Kind::Json => Clause::exactly(format!("{} IN ({types})", self.place.kind())),
            Kind::Id | Kind::OwnTime => Clause::NEVER,
        }
    }
}
