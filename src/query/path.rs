//! Where a value stands in a record.

use std::fmt;

use crate::{Error, Result};

/// A place in a record: what it starts from, and the names from there through objects, never into arrays.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Path {
    root: Root,
    names: Vec<Box<str>>,
}

/// What a [`Path`] starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Root {
    /// The record's id.
    Id,
    /// The record's fields.
    Fields,
    /// The record's metadata.
    Metadata,
    /// The record's own time of creation, as text.
    CreatedAt,
    /// The record's own time of its last write, as text.
    UpdatedAt,
}

impl Path {
    /// The root itself: `id`, `@created_at`, `@updated_at`.
    pub fn of(root: Root) -> Self {
        Self {
            root,
            names: Vec::new(),
        }
    }

    /// A path through the fields.
    pub fn field(names: impl IntoIterator<Item = impl Into<Box<str>>>) -> Self {
        Self {
            root: Root::Fields,
            names: names.into_iter().map(Into::into).collect(),
        }
    }

    /// A path through the metadata.
    pub fn metadata(names: impl IntoIterator<Item = impl Into<Box<str>>>) -> Self {
        Self {
            root: Root::Metadata,
            names: names.into_iter().map(Into::into).collect(),
        }
    }

    /// The path that names in a text mean: `id`, `metadata.x` and `fields.x` start elsewhere, all else is a field.
    pub(super) fn from_names(mut names: Vec<Box<str>>) -> Self {
        let first = names.first().map(AsRef::as_ref);
        let root = match (first, names.len()) {
            (Some("id"), 1) => return Self::of(Root::Id),
            (Some("metadata"), 2..) => Root::Metadata,
            (Some("fields"), 2..) => Root::Fields,
            _ => return Self::field(names),
        };
        names.remove(0);
        Self { root, names }
    }

    /// What it starts from.
    pub fn root(&self) -> Root {
        self.root
    }

    /// The names from the root on.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.names.iter().map(AsRef::as_ref)
    }

    /// The name of a top-level field, if this path is one.
    pub fn top_level_field(&self) -> Option<&str> {
        match (self.root, self.names.as_slice()) {
            (Root::Fields, [name]) => Some(name),
            _ => None,
        }
    }
}

impl fmt::Display for Path {
    /// The path as it is written in a filter's text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.root {
            Root::Id => return f.write_str("id"),
            Root::CreatedAt => return f.write_str("@created_at"),
            Root::UpdatedAt => return f.write_str("@updated_at"),
            Root::Metadata => f.write_str("metadata.")?,
            Root::Fields if self.needs_root() => f.write_str("fields.")?,
            Root::Fields => {}
        }
        for (index, name) in self.names.iter().enumerate() {
            if index > 0 {
                f.write_str(".")?;
            }
            if is_plain(name) {
                f.write_str(name)?;
            } else {
                write!(f, "\"{}\"", name.replace('"', "\"\""))?;
            }
        }
        Ok(())
    }
}

impl Path {
    /// Refuses a path that names nothing.
    pub(super) fn check(&self) -> Result<()> {
        if self.names.is_empty() && matches!(self.root, Root::Fields | Root::Metadata) {
            return Err(Error::invalid("a path into fields or metadata has a name"));
        }
        Ok(())
    }

    /// Whether a field's first name would be taken for something else.
    fn needs_root(&self) -> bool {
        matches!(
            self.names.first().map(AsRef::as_ref),
            Some("id" | "metadata" | "fields")
        )
    }
}

/// Whether a name needs no quotes.
fn is_plain(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && chars.all(|c| c.is_alphanumeric() || c == '_')
        && !super::text::is_keyword(name)
}
