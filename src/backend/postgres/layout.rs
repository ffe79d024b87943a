//! The table of a collection: its layout, how it is created, and what stands there already.

use super::error;
use super::lease::Lease;
use super::pool::Seats;
use super::row::{self, Args};
use crate::catalog_host::despite_others;
use crate::sql::{SqlValue, quoted};
use crate::{Error, Result};

/// The columns of the layout, each with the types that it may have.
const LAYOUT: [(&str, &[&str]); 5] = [
    ("id", &["text", "character varying"]),
    ("data", &["jsonb"]),
    ("metadata", &["jsonb"]),
    ("created_at", &["timestamp without time zone"]),
    ("updated_at", &["timestamp without time zone"]),
];

/// The longest name that PostgreSQL takes; it cuts longer ones.
const LONGEST: usize = 63;

/// What marks a table that we made, and may therefore give further indexes.
const MARK: &str = "Records of Thermocline";

/// The table of one collection, with its names ready for SQL text.
#[derive(Debug)]
pub(super) struct Table {
    name: Box<str>,
    schema: Box<str>,
    quoted: Box<str>,
}

impl Table {
    /// A table of this name.
    ///
    /// # Errors
    /// `Invalid`: a name that PostgreSQL does not take.
    pub(super) fn named(schema: &str, name: &str) -> Result<Self> {
        for (key, name) in [("schema", schema), ("table", name)] {
            let problem = if name.is_empty() {
                "a name is not empty"
            } else if name.chars().any(char::is_control) {
                "a name has no control characters"
            } else if name.len() > LONGEST {
                "PostgreSQL's names have at most 63 bytes"
            } else {
                continue;
            };
            return Err(Error::invalid(problem).with(key, format_args!("{name:?}")));
        }
        Ok(Self {
            name: name.into(),
            schema: schema.into(),
            quoted: format!("{}.{}", quoted(schema), quoted(name)).into(),
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn schema(&self) -> &str {
        &self.schema
    }

    /// The name behind its schema, quoted.
    pub(super) fn quoted(&self) -> &str {
        &self.quoted
    }

    /// The name of an index of the table; where it would be too long, the table's part is cut.
    pub(super) fn index(&self, suffix: &str) -> String {
        let room = LONGEST.saturating_sub("idx__".len() + suffix.len());
        let mut end = room.min(self.name.len());
        while !self.name.is_char_boundary(end) {
            end -= 1;
        }
        format!("idx_{}_{suffix}", &self.name[..end])
    }

    /// The statements that make the table, one behind the other: safe to run when all is there.
    fn creation(&self) -> String {
        let table = self.quoted();
        let index = |suffix: &str| quoted(&self.index(suffix));
        format!(
            "CREATE TABLE IF NOT EXISTS {table} (id TEXT PRIMARY KEY, data JSONB NOT NULL, metadata JSONB, \
             created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP); \
             CREATE INDEX IF NOT EXISTS {} ON {table} USING GIN (data); \
             CREATE INDEX IF NOT EXISTS {} ON {table} USING GIN (metadata); \
             COMMENT ON TABLE {table} IS '{MARK}'",
            index("data"),
            index("metadata"),
        )
    }

    /// Checks what is there of the table, and makes it where it is missing.
    ///
    /// Processes that do so at once wait for each other: the lock is of the transaction, so it holds behind a pooler too.
    ///
    /// # Errors
    /// `Unsupported`: something of this name that is none of ours. `Invalid`: no such schema, or no right to use it.
    pub(super) async fn ensure(&self, seats: &Seats) -> Result<()> {
        despite_others(error::was_in_the_way, || self.try_to_ensure(seats)).await
    }

    async fn try_to_ensure(&self, seats: &Seats) -> Result<()> {
        let lease = &mut Lease::new(seats).await?;
        if self.is_there(lease).await? {
            return Ok(());
        }
        lease
            .begin("BEGIN; SET LOCAL client_min_messages = warning")
            .await?;
        let key = format!("thermocline create {}", self.quoted);
        lease.wait_for_turn(&key).await?;
        if !self.is_there(lease).await? {
            self.check_names(lease).await?;
            lease.plainly(&self.creation()).await?;
        }
        lease.commit().await
    }

    async fn is_there(&self, lease: &mut Lease) -> Result<bool> {
        let sql = "SELECT c.relkind::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                   WHERE n.nspname = $1 AND c.relname = $2";
        let rows = lease.fetch(&sql.into(), self.names().finish()).await?;
        let Some(row) = rows.first() else {
            return Ok(false);
        };
        let kind = match row::text(row, 0)? {
            "r" => return self.check(lease).await.map(|()| true),
            "v" => "a view",
            "m" => "a materialized view",
            "f" => "a foreign table",
            "p" => "a partitioned table",
            "S" => "a sequence",
            "i" | "I" => "an index",
            _ => "something else",
        };
        Err(self
            .refuse("this name is taken by something that is no ordinary table; name another table")
            .with("found", kind))
    }

    /// Refuses to make a table whose name only differs in case from one that is there: older Python means that one.
    async fn check_names(&self, lease: &mut Lease) -> Result<()> {
        let sql = "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1), \
                   (SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                    WHERE n.nspname = $1 AND c.relname = lower($2) AND lower($2) <> $2)";
        let rows = lease.fetch(&sql.into(), self.names().finish()).await?;
        let Some(row) = rows.first() else {
            return Ok(());
        };
        if !row::truth(row, 0)? {
            return Err(
                Error::invalid("there is no such schema; make it with CREATE SCHEMA")
                    .with("schema", &self.schema),
            );
        }
        match row::text(row, 1)? {
            "" => Ok(()),
            folded => Err(Error::invalid(
                "there is no table of exactly this name, but one in small letters, which unquoted SQL means by it; name \
                 that one, or create the other one by hand",
            )
            .with("table", &self.name)
            .with("found", folded)),
        }
    }

    async fn check(&self, lease: &mut Lease) -> Result<()> {
        let columns = self.columns(lease).await?;
        let mut problems = Vec::new();
        for (name, types) in LAYOUT {
            match columns.iter().find(|column| &*column.name == name) {
                None => problems.push(format!("{name} is missing")),
                Some(column) if !types.contains(&&*column.kind) => {
                    problems.push(format!("{name} is {}, not {}", column.kind, types[0]));
                }
                Some(_) => {}
            }
        }
        if !problems.is_empty() {
            return Err(self
                .refuse(
                    "the table has another layout; a collection needs id text, data jsonb, metadata jsonb, created_at and \
                     updated_at timestamp",
                )
                .with("found", problems.join(", ")));
        }
        let sql = "SELECT EXISTS (SELECT FROM pg_index x JOIN pg_attribute a ON a.attrelid = x.indrelid \
                   WHERE x.indrelid = $1::text::regclass AND x.indisunique AND x.indisvalid AND x.indpred IS NULL \
                   AND x.indnkeyatts = 1 AND x.indkey[0] = a.attnum AND a.attname = 'id')";
        let rows = lease.fetch(&sql.into(), self.regclass().finish()).await?;
        match rows.first().map(|row| row::truth(row, 0)).transpose()? {
            Some(true) => Ok(()),
            _ => Err(self
                .refuse("an id may stand twice in this table; give it a primary key")
                .with(
                    "sql",
                    format_args!("ALTER TABLE {} ADD PRIMARY KEY (id)", self.quoted),
                )),
        }
    }

    /// The table's columns.
    pub(super) async fn columns(&self, lease: &mut Lease) -> Result<Vec<Column>> {
        let sql = "SELECT attname::text, format_type(atttypid, NULL), attgenerated::text <> '' FROM pg_attribute \
                   WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum";
        let rows = lease.fetch(&sql.into(), self.regclass().finish()).await?;
        rows.iter()
            .map(|row| {
                Ok(Column {
                    name: row::text(row, 0)?.into(),
                    kind: row::text(row, 1)?.into(),
                    generated: row::truth(row, 2)?,
                })
            })
            .collect()
    }

    /// Whether we made the table.
    pub(super) async fn is_ours(&self, lease: &mut Lease) -> Result<bool> {
        let sql = "SELECT obj_description($1::text::regclass, 'pg_class')";
        let rows = lease.fetch(&sql.into(), self.regclass().finish()).await?;
        Ok(rows.first().map(|row| row::text(row, 0)).transpose()? == Some(MARK))
    }

    /// The argument that names the table to the server's own catalog.
    pub(super) fn regclass(&self) -> Args {
        Args::of(&[SqlValue::from(&*self.quoted)])
    }

    fn names(&self) -> Args {
        Args::of(&[SqlValue::from(&*self.schema), SqlValue::from(&*self.name)])
    }

    pub(super) fn refuse(&self, problem: &'static str) -> Error {
        Error::unsupported(problem)
            .with("schema", &self.schema)
            .with("table", &self.name)
    }
}

/// Whether a column belongs to the layout.
pub(super) fn is_of_layout(name: &str) -> bool {
    LAYOUT.iter().any(|(column, _)| *column == name)
}

/// A column of a table.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: Box<str>,
    pub(super) kind: Box<str>,
    /// Whether the server makes its values out of other columns.
    pub(super) generated: bool,
}
