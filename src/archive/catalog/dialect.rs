//! The few places where the catalog's SQL differs between databases.

use std::borrow::Cow;

use crate::sql::{Dialect, SqlValue};

/// The schema that the catalog's tables stand in where the database has schemas.
const SCHEMA: &str = "thermocline";

/// Writes the catalog's SQL for one database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sql(Dialect);

/// What a column of the catalog's tables holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Int,
    Text,
    Bool,
    Time,
    Uuid,
}

impl Sql {
    pub(crate) fn of(dialect: Dialect) -> Self {
        Self(dialect)
    }

    /// A table's full name.
    pub(crate) fn table<'a>(self, name: &'a str) -> Cow<'a, str> {
        match self.0 {
            Dialect::Sqlite => name.into(),
            Dialect::Postgres => format!("{SCHEMA}.{name}").into(),
        }
    }

    /// The type of a column.
    pub(super) fn kind(self, kind: Kind) -> &'static str {
        match (self.0, kind) {
            (_, Kind::Int) | (Dialect::Sqlite, Kind::Bool) => "BIGINT",
            (_, Kind::Text) | (Dialect::Sqlite, Kind::Time | Kind::Uuid) => "VARCHAR",
            (Dialect::Postgres, Kind::Bool) => "BOOLEAN",
            (Dialect::Postgres, Kind::Time) => "TIMESTAMPTZ",
            (Dialect::Postgres, Kind::Uuid) => "UUID",
        }
    }

    /// A placeholder whose text becomes a value of `kind`.
    pub(super) fn bind(self, placeholder: usize, kind: Kind) -> String {
        match (self.0, kind) {
            (Dialect::Sqlite, _) | (_, Kind::Int | Kind::Text) => format!("${placeholder}"),
            (Dialect::Postgres, Kind::Bool) => format!("${placeholder}::bigint::int::boolean"),
            (Dialect::Postgres, Kind::Time) => format!("${placeholder}::text::timestamptz"),
            (Dialect::Postgres, Kind::Uuid) => format!("${placeholder}::text::uuid"),
        }
    }

    /// A column of `kind` as the integer or the text that we read.
    pub(super) fn read<'a>(self, column: &'a str, kind: Kind) -> Cow<'a, str> {
        match (self.0, kind) {
            (Dialect::Sqlite, _) | (_, Kind::Int | Kind::Text) => column.into(),
            (Dialect::Postgres, Kind::Bool) => format!("{column}::int").into(),
            (Dialect::Postgres, Kind::Time) => {
                format!("to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US+00')")
                    .into()
            }
            (Dialect::Postgres, Kind::Uuid) => format!("{column}::text").into(),
        }
    }

    /// Whether the catalog lives in SQLite.
    pub(super) fn is_sqlite(self) -> bool {
        self.0 == Dialect::Sqlite
    }

    /// What makes a SELECT wait for writers of its rows; SQLite has one writer only.
    pub(super) fn for_update(self) -> &'static str {
        match self.0 {
            Dialect::Sqlite => "",
            Dialect::Postgres => " FOR UPDATE",
        }
    }

    /// Asks whether a table exists; one row with a count.
    pub(super) fn table_exists(self) -> &'static str {
        match self.0 {
            Dialect::Sqlite => {
                "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = $1"
            }
            Dialect::Postgres => {
                "SELECT count(*) FROM pg_tables WHERE schemaname = 'thermocline' AND tablename = $1"
            }
        }
    }

    /// What is done before it is looked for the first table: whoever makes a catalog waits for others who do.
    pub(super) fn prologue(self) -> &'static [&'static str] {
        match self.0 {
            Dialect::Sqlite => &[],
            Dialect::Postgres => &[
                "SELECT pg_advisory_xact_lock(hashtextextended('thermocline catalog', 0))",
                "CREATE SCHEMA IF NOT EXISTS thermocline",
            ],
        }
    }
}

/// A count or a position as the database holds it.
pub(super) fn int(value: u64) -> SqlValue {
    // Nothing that is counted here comes near 2^63.
    SqlValue::Integer(i64::try_from(value).unwrap_or(i64::MAX))
}
