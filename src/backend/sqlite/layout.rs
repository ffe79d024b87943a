//! The table of a collection: its layout, how it is created, and what stands there already.

use super::lease::{Lease, Sql};
use super::pushdown::Reach;
use super::row::{Args, COLUMNS, sql_row};
use crate::sql::{SqlRow, SqlValue, quoted};
use crate::{Error, Result};

/// The encoding, and whether keys are found however they are written, and text and numbers come out whole.
const PROBE: &str = r#"SELECT (SELECT encoding FROM pragma_encoding),
    json_extract('{"\u0061":1}', '$."a"') = 1
    AND json_extract('{"\u00e9":1}', '$."é"') = 1
    AND json_extract('{"a\"b":1}', '$."a\"b"') = 1
    AND json_extract('{"a\\b":1}', '$."a\\b"') = 1
    AND json_extract('{"":1}', '$.""') = 1
    AND json_extract('[{"a":1}]', '$."a"') IS NULL
    AND json_extract('{"a":"b\u0000c"}', '$."a"') = 'b' || char(0) || 'c'
    AND '{"a":1.50}' -> '$."a"' = '1.50'"#;

/// The table of one collection, with its names ready for SQL text.
#[derive(Debug)]
pub(super) struct Table {
    name: Box<str>,
    quoted: Box<str>,
}

impl Table {
    /// A table of this name.
    ///
    /// # Errors
    /// `Invalid`: a name that SQLite does not take, or keeps for itself.
    pub(super) fn named(name: &str) -> Result<Self> {
        let problem = if name.is_empty() {
            "a table's name is not empty"
        } else if name.chars().any(char::is_control) {
            "a table's name has no control characters"
        } else if name.len() >= 7 && name.as_bytes()[..7].eq_ignore_ascii_case(b"sqlite_") {
            "names that begin with sqlite_ are SQLite's own"
        } else {
            return Ok(Self {
                name: name.into(),
                quoted: quoted(name).into(),
            });
        };
        Err(Error::invalid(problem).with("table", format_args!("{name:?}")))
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The name, quoted.
    pub(super) fn quoted(&self) -> &str {
        &self.quoted
    }

    /// The statements that make what is missing of the table: safe to run when all is there.
    pub(super) fn creation(&self) -> [Sql; 3] {
        let table = self.quoted();
        let index = |suffix: &str, column: &str| {
            let name = quoted(&format!("idx_{}_{suffix}", self.name));
            format!("CREATE INDEX IF NOT EXISTS {name} ON {table} ({column})").into()
        };
        [
            format!(
                "CREATE TABLE IF NOT EXISTS {table} (\
                 id VARCHAR(255) PRIMARY KEY, \
                 data TEXT NOT NULL CHECK (json_valid(data)), \
                 metadata TEXT CHECK (metadata IS NULL OR json_valid(metadata)), \
                 created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, \
                 updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP)"
            )
            .into(),
            index("created", "created_at"),
            index("updated", "updated_at"),
        ]
    }

    /// Checks what is there of the table, and makes what is missing.
    ///
    /// # Errors
    /// `Unsupported`: a table of this name that is none of ours.
    pub(super) async fn ensure(&self, writer: &mut Lease) -> Result<()> {
        let indexes = ["created", "updated"].map(|suffix| format!("idx_{}_{suffix}", self.name));
        let names = [self.name(), &indexes[0], &indexes[1]].map(SqlValue::from);
        let there = writer
            .fetch(
                &"SELECT name, type FROM main.sqlite_schema WHERE name COLLATE NOCASE IN ($1, $2, $3)".into(),
                Args::of(&names).finish(),
            )
            .await?;
        let there = there.iter().map(sql_row).collect::<Result<Vec<_>>>()?;
        for row in &there {
            if row.text(0)?.eq_ignore_ascii_case(&self.name) {
                self.check(row.text(1)?, writer).await?;
            }
        }
        if there.len() == names.len() {
            return Ok(());
        }
        super::transaction::define(writer, &self.creation()).await
    }

    async fn check(&self, kind: &str, writer: &mut Lease) -> Result<()> {
        let refuse = |problem: &'static str| {
            Error::unsupported(problem)
                .with("table", &self.name)
                .with("file", writer.file().display())
        };
        if kind != "table" {
            return Err(refuse(
                "this name is taken by something that is no table; name another table",
            )
            .with("found", kind));
        }
        let columns = self.columns(writer).await?;
        let missing: Vec<&str> = COLUMNS
            .into_iter()
            .filter(|name| !columns.iter().any(|column| column.is(name)))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(Error::unsupported(
            "the table has another layout; a collection needs the columns id, data, metadata, created_at, updated_at",
        )
        .with("table", &self.name)
        .with("file", writer.file().display())
        .with("missing", missing.join(", ")))
    }

    /// What the table's definition tells.
    pub(super) async fn facts(&self, lease: &mut Lease) -> Result<Facts> {
        let rows = lease
            .fetch(
                &"SELECT sql FROM main.sqlite_schema WHERE type = 'table' AND name = $1 COLLATE NOCASE".into(),
                Args::of(&[self.name().into()]).finish(),
            )
            .await?;
        let row = rows.first().map(sql_row).transpose()?;
        let found = row
            .as_ref()
            .map(|row| row.text(0))
            .transpose()?
            .unwrap_or_default();
        let made = self.creation()[0].replace("IF NOT EXISTS ", "");
        let mut plain = found.to_ascii_lowercase();
        plain.retain(|c| !c.is_whitespace());
        Ok(Facts {
            is_ours: found == made,
            json_is_checked: plain.contains("json_valid(data)")
                && plain.contains("json_valid(metadata)"),
        })
    }

    /// What SQL can be asked about the table: found out by asking, because SQLite's versions differ.
    pub(super) async fn reach(&self, lease: &mut Lease) -> Result<Reach> {
        let rows = lease
            .fetch(&Sql::from(PROBE), Args::default().finish())
            .await?;
        let row = rows
            .first()
            .map(sql_row)
            .transpose()?
            .unwrap_or_else(|| SqlRow(Vec::new()));
        let utf8 = row.text(0)? == "UTF-8";
        let finds_keys = row.get(1) == &SqlValue::Integer(1);
        Ok(Reach {
            json: utf8 && finds_keys && self.facts(lease).await?.json_is_checked,
            utf8,
        })
    }

    /// The table's columns.
    pub(super) async fn columns(&self, lease: &mut Lease) -> Result<Vec<Column>> {
        let rows = lease
            .fetch(
                &"SELECT name, pk, hidden FROM pragma_table_xinfo($1)".into(),
                Args::of(&[self.name().into()]).finish(),
            )
            .await?;
        rows.iter()
            .map(|row| Column::read(&sql_row(row)?))
            .collect()
    }
}

/// What a table's definition tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    /// Whether it is exactly as we make tables.
    pub(super) is_ours: bool,
    /// Whether SQLite keeps text out that is no JSON.
    pub(super) json_is_checked: bool,
}

/// A column of a table.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: Box<str>,
    /// Its place in the primary key, from 1.
    pub(super) key: Option<i64>,
    /// Whether SQLite makes its values out of other columns.
    pub(super) generated: bool,
}

impl Column {
    fn read(row: &SqlRow) -> Result<Self> {
        Ok(Self {
            name: row.text(0)?.into(),
            key: match row.get(1) {
                SqlValue::Integer(place) if *place > 0 => Some(*place),
                _ => None,
            },
            generated: matches!(row.get(2), SqlValue::Integer(2 | 3)),
        })
    }

    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}
