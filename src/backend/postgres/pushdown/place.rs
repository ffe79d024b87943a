//! Where a value stands in a jsonb column, as SQL expressions.

use crate::json::write_string;
use crate::query::{Path, Root};

/// The expressions of a path into fields or metadata.
#[derive(Clone, Debug)]
pub(in crate::backend::postgres) struct JsonPlace {
    column: &'static str,
    names: Vec<Box<str>>,
}

impl JsonPlace {
    /// None for a path that starts elsewhere, and for names that no jsonb can hold.
    pub(in crate::backend::postgres) fn of(path: &Path) -> Option<Self> {
        let column = match path.root() {
            Root::Fields => "data",
            Root::Metadata => "metadata",
            Root::Id | Root::CreatedAt | Root::UpdatedAt => return None,
        };
        let names: Vec<Box<str>> = path.names().map(Into::into).collect();
        let holds = names.iter().all(|name| !name.contains('\0'));
        holds.then_some(Self { column, names })
    }

    pub(super) fn column(&self) -> &'static str {
        self.column
    }

    /// The value as jsonb; NULL where it is missing. Never through an array: `->` with a text finds nothing in one.
    pub(in crate::backend::postgres) fn value(&self) -> String {
        let mut sql = String::from("(");
        sql.push_str(self.column);
        for name in &self.names {
            sql.push_str("->");
            sql.push_str(&literal(name));
        }
        sql.push(')');
        sql
    }

    /// The text of a value that is text, in the order of code points.
    pub(in crate::backend::postgres) fn text(&self) -> String {
        format!("({} #>> '{{}}' COLLATE \"C\")", self.value())
    }

    /// The type of the value; NULL where it is missing.
    pub(in crate::backend::postgres) fn kind(&self) -> String {
        format!("jsonb_typeof({})", self.value())
    }

    /// An object that has `value` at this place and nothing else: what a GIN index finds.
    pub(super) fn object_with(&self, value: &str) -> String {
        let mut json = String::new();
        for name in &self.names {
            json.push('{');
            json.push_str(&json_string(name));
            json.push(':');
        }
        json.push_str(value);
        self.names.iter().for_each(|_| json.push('}'));
        json
    }
}

/// A text as SQL spells it whatever `standard_conforming_strings` says.
pub(super) fn literal(text: &str) -> String {
    if text.contains('\\') {
        return format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"));
    }
    format!("'{}'", text.replace('\'', "''"))
}

/// A text as a JSON string.
pub(super) fn json_string(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    // Writing to a String cannot fail.
    let _ = write_string(text, &mut json);
    json
}
