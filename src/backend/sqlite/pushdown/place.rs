//! Where a value stands, as SQL expressions.

use crate::backend::sqlite::times;
use crate::query::{Path, Root};

/// The expressions of one path.
#[derive(Clone, Debug)]
pub(in crate::backend::sqlite) struct Place {
    column: &'static str,
    /// SQLite's path into the JSON of the column, as an SQL literal; none where the column itself is the value.
    path: Option<String>,
}

impl Place {
    pub(in crate::backend::sqlite) fn of(path: &Path) -> Self {
        let column = match path.root() {
            Root::Id => "id",
            Root::Fields => "data",
            Root::Metadata => "metadata",
            Root::CreatedAt => "created_at",
            Root::UpdatedAt => "updated_at",
        };
        let is_json = matches!(path.root(), Root::Fields | Root::Metadata);
        let path = is_json.then(|| {
            let names = path.names().map(|name| format!(".{}", quoted_key(name)));
            format!("'${}'", names.collect::<String>().replace('\'', "''"))
        });
        Self { column, path }
    }

    pub(in crate::backend::sqlite) fn column(&self) -> &'static str {
        self.column
    }

    /// Whether the value is looked up in JSON.
    pub(in crate::backend::sqlite) fn is_json(&self) -> bool {
        self.path.is_some()
    }

    /// The value: text, number, 0 or 1 for a boolean, the text of an array or object, NULL for null and missing.
    pub(in crate::backend::sqlite) fn value(&self) -> String {
        match &self.path {
            Some(path) => format!("json_extract({}, {path})", self.column),
            None => self.column.to_owned(),
        }
    }

    /// The type of a value in JSON; NULL where it is missing.
    pub(in crate::backend::sqlite) fn kind(&self) -> String {
        match &self.path {
            Some(path) => format!("json_type({}, {path})", self.column),
            None => format!("typeof({})", self.column),
        }
    }

    /// The value in JSON as it is written.
    pub(super) fn written(&self) -> String {
        match &self.path {
            Some(path) => format!("({} -> {path})", self.column),
            None => self.column.to_owned(),
        }
    }
}

/// A key as SQLite's paths take it: a JSON string.
fn quoted_key(name: &str) -> String {
    serde_json::Value::from(name).to_string()
}

/// A record's own time as the text that it is to a query, or NULL where it is unknown.
pub(super) fn own_time(column: &str) -> String {
    format!(
        "CASE WHEN {} THEN replace(substr({column}, 1, 19), ' ', 'T') || substr({column} || '.000000', 20, 7) || 'Z' END",
        times::is_time_sql(column)
    )
}
