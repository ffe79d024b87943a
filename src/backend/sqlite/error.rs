//! What the driver's errors mean to a caller.

use std::path::Path;

use crate::{Error, ErrorKind};

/// SQLite's result codes that are told apart; the others share the meaning of their low byte.
mod code {
    pub(super) const BUSY: i32 = 5;
    pub(super) const LOCKED: i32 = 6;
    pub(super) const NOMEM: i32 = 7;
    pub(super) const READONLY: i32 = 8;
    pub(super) const INTERRUPT: i32 = 9;
    pub(super) const IOERR: i32 = 10;
    pub(super) const CORRUPT: i32 = 11;
    pub(super) const FULL: i32 = 13;
    pub(super) const CANTOPEN: i32 = 14;
    pub(super) const PROTOCOL: i32 = 15;
    pub(super) const SCHEMA: i32 = 17;
    pub(super) const TOOBIG: i32 = 18;
    pub(super) const CONSTRAINT: i32 = 19;
    pub(super) const MISMATCH: i32 = 20;
    pub(super) const NOTADB: i32 = 26;

    pub(super) const CONSTRAINT_FOREIGNKEY: i32 = 787;
    pub(super) const CONSTRAINT_PRIMARYKEY: i32 = 1555;
    pub(super) const CONSTRAINT_UNIQUE: i32 = 2067;
    pub(super) const CONSTRAINT_ROWID: i32 = 2579;
    pub(super) const IOERR_CORRUPTFS: i32 = 8458;
}

/// An error of the driver as one of ours, with the file that it is about.
pub(super) fn from_driver(file: &Path, error: sqlx::Error) -> Error {
    let (kind, message) = match result_code(&error) {
        Some(code) => meaning(code),
        None => match &error {
            sqlx::Error::Io(_) => (ErrorKind::Unavailable, "the database file cannot be used"),
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
                (ErrorKind::Corrupt, "a stored value cannot be read")
            }
            _ => (ErrorKind::Unexpected, "the SQLite driver failed"),
        },
    };
    let mut ours = Error::new(kind, message);
    if let Some(constraint) = broken_constraint(&error) {
        ours = ours.with("constraint", constraint);
    }
    ours.with("file", file.display())
        .with("problem", problem(&error))
        .with_source(error)
}

/// Whether a statement failed because somebody else holds a lock.
pub(super) fn is_busy(error: &sqlx::Error) -> bool {
    result_code(error).is_some_and(|code| matches!(code & 0xff, code::BUSY | code::LOCKED))
}

/// Whether the transaction goes on after this error: SQLite undid the one statement and nothing else.
pub(super) fn leaves_transaction_open(error: &sqlx::Error) -> bool {
    result_code(error).is_some_and(|code| code & 0xff == code::CONSTRAINT)
}

/// Whether a commit that failed this way may be found done after a crash: its bytes may be on the disk.
pub(super) fn leaves_outcome_unknown(error: &sqlx::Error) -> bool {
    match result_code(error) {
        Some(code) => code & 0xff == code::IOERR,
        None => true,
    }
}

fn result_code(error: &sqlx::Error) -> Option<i32> {
    error.as_database_error()?.code()?.parse().ok()
}

fn meaning(code: i32) -> (ErrorKind, &'static str) {
    match code {
        code::CONSTRAINT_UNIQUE | code::CONSTRAINT_PRIMARYKEY | code::CONSTRAINT_ROWID => {
            return (ErrorKind::Conflict, "a unique key is taken");
        }
        code::CONSTRAINT_FOREIGNKEY => {
            return (
                ErrorKind::Conflict,
                "a foreign key of the database forbids it",
            );
        }
        code::IOERR_CORRUPTFS => return (ErrorKind::Corrupt, "the file system is damaged"),
        _ => {}
    }
    match code & 0xff {
        code::BUSY | code::LOCKED | code::PROTOCOL => (
            ErrorKind::Unavailable,
            "another program holds the lock of the database; let it end its transaction, or wait longer (`busy_timeout` of the primary)",
        ),
        code::NOMEM => (ErrorKind::Unavailable, "SQLite has no memory left"),
        code::READONLY => (
            ErrorKind::Unavailable,
            "the database cannot be written; allow writing to the file and to its folder",
        ),
        code::INTERRUPT => (ErrorKind::Unavailable, "the statement was interrupted"),
        code::IOERR => (
            ErrorKind::Unavailable,
            "the disk below the database failed; see whether it is there, well, and has room",
        ),
        code::CORRUPT => (
            ErrorKind::Corrupt,
            "the database file is damaged; restore a backup, or save what `.recover` of the sqlite3 shell can read",
        ),
        code::FULL => (
            ErrorKind::Unavailable,
            "the disk is full, and nothing was written; make room there",
        ),
        code::CANTOPEN => (
            ErrorKind::Unavailable,
            "the database cannot be opened; its folder must exist and allow writing",
        ),
        code::SCHEMA => (
            ErrorKind::Unavailable,
            "another program is changing the tables",
        ),
        code::TOOBIG => (ErrorKind::Invalid, "a value is too large for SQLite"),
        code::CONSTRAINT => (ErrorKind::Invalid, "a constraint of the table forbids it"),
        code::MISMATCH => (ErrorKind::Invalid, "a column does not take this type"),
        code::NOTADB => (
            ErrorKind::Invalid,
            "the file is no SQLite database; name another file, or move this one away",
        ),
        _ => (ErrorKind::Unexpected, "SQLite failed"),
    }
}

/// `table.column`, as SQLite names a unique key.
fn broken_constraint(error: &sqlx::Error) -> Option<String> {
    let text = error.as_database_error()?.message();
    Some(text.split_once("UNIQUE constraint failed: ")?.1.to_owned())
}

pub(super) fn problem(error: &sqlx::Error) -> String {
    match error.as_database_error() {
        Some(error) => format!("{} [{}]", error.message(), error.code().unwrap_or_default()),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests;
