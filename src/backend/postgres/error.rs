//! What the driver's errors mean to a caller: told apart by SQLSTATE, never by words.

use sqlx::postgres::PgDatabaseError;

use super::server::Server;
use crate::sql::quoted;
use crate::{Error, ErrorKind};

/// What a statement was about, for the remedy.
#[derive(Clone, Copy, Debug)]
pub(super) enum About<'a> {
    /// Making a connection.
    Connecting,
    /// Running this statement.
    Running(&'a str),
}

/// An error of the driver as one of ours, with the server that it is about; never with a password.
pub(super) fn from_driver(server: &Server, about: About<'_>, error: sqlx::Error) -> Error {
    let mut ours = match postgres(&error) {
        Some(said) => from_server(server, about, said),
        None => from_client(about, &error),
    };
    ours = ours.with("server", server);
    match postgres(&error) {
        Some(said) => {
            let problem = format!("{} [{}]", said.message(), said.code());
            ours.with("problem", problem).with_source(error)
        }
        // What the driver says of its settings may hold the settings.
        None if matches!(error, sqlx::Error::Configuration(_)) => ours,
        None => ours.with("problem", &error).with_source(error),
    }
}

/// Of a handshake that failed, wherever the driver says so.
const NOT_TRUSTED: &str = "no trusted TLS connection can be made; name who signed the server's certificate with \
    sslrootcert=FILE, or ask for less with sslmode";

fn from_client(about: About<'_>, error: &sqlx::Error) -> Error {
    let (kind, message) = match (error, about) {
        (sqlx::Error::Tls(_), _) => (ErrorKind::Invalid, NOT_TRUSTED),
        (sqlx::Error::Io(error), About::Connecting)
            if error.kind() == std::io::ErrorKind::InvalidData =>
        {
            (ErrorKind::Invalid, NOT_TRUSTED)
        }
        (sqlx::Error::Io(error), About::Connecting)
            if error.kind() == std::io::ErrorKind::NotFound =>
        {
            (
                ErrorKind::Invalid,
                "a file that connecting takes is not there: the server's socket, or a certificate that the URL names",
            )
        }
        (sqlx::Error::Io(_), About::Connecting) => (
            ErrorKind::Unavailable,
            "the server cannot be reached; check host and port, and that it runs",
        ),
        (sqlx::Error::Io(_) | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed, _) => (
            ErrorKind::Unavailable,
            "the connection to the server was lost",
        ),
        (sqlx::Error::Configuration(_), _) => (
            ErrorKind::Invalid,
            "the address of the server cannot be understood",
        ),
        (sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_), _) => {
            (ErrorKind::Corrupt, "a stored value cannot be read")
        }
        (sqlx::Error::Encode(_), _) => (ErrorKind::Invalid, "a value cannot be sent to the server"),
        (sqlx::Error::Protocol(_), _) => (
            ErrorKind::Unavailable,
            "the server's answer is not PostgreSQL's; the connection was given up",
        ),
        _ => (ErrorKind::Unexpected, "the PostgreSQL driver failed"),
    };
    Error::new(kind, message)
}

fn from_server(server: &Server, about: About<'_>, said: &PgDatabaseError) -> Error {
    let (kind, message) = meaning(said.code());
    let mut ours = Error::new(kind, message);
    if let Some(constraint) = said.constraint() {
        ours = ours.with("constraint", constraint);
    }
    if said.code() == state::INSUFFICIENT_PRIVILEGE
        && let About::Running(sql) = about
    {
        ours = ours.with("grant", grant(sql, said.message(), server.user()));
    }
    ours
}

/// The server's own error, if it is one.
fn postgres(error: &sqlx::Error) -> Option<&PgDatabaseError> {
    error.as_database_error()?.try_downcast_ref()
}

/// The SQLSTATE of an error that the server sent.
pub(super) fn sqlstate(error: &sqlx::Error) -> Option<&str> {
    postgres(error).map(PgDatabaseError::code)
}

/// Whether the connection is gone, or will be: nothing more can be asked of it.
pub(super) fn loses_connection(error: &sqlx::Error) -> bool {
    match sqlstate(error) {
        Some(code) => is_shutdown(code),
        None => true,
    }
}

/// Whether the server said, before it did anything, that it goes down or throws this session out.
pub(super) fn is_shutdown(code: &str) -> bool {
    matches!(
        code,
        state::ADMIN_SHUTDOWN
            | state::CRASH_SHUTDOWN
            | state::CANNOT_CONNECT_NOW
            | state::DATABASE_DROPPED
            | state::IDLE_IN_TRANSACTION
            | state::IDLE_SESSION
    ) || code.starts_with("08")
}

/// Whether a transaction met another one and may simply be done again.
pub(super) fn was_in_the_way(error: &Error) -> bool {
    matches!(code_of(error), Some(state::SERIALIZATION | state::DEADLOCK))
}

/// Whether the server itself said that it ends the session: what it had not confirmed before is not done.
pub(super) fn is_refusal(error: &Error) -> bool {
    code_of(error).is_some_and(is_shutdown)
}

/// An error of a statement about an archive's catalog: there, tables and columns that are missing are damage.
pub(super) fn of_catalog(error: Error) -> Error {
    if !matches!(code_of(&error), Some(state::NO_TABLE | state::NO_COLUMN)) {
        return error;
    }
    let mut told = Error::corrupt(
        "the archive's catalog lacks a table or a column that it needs; restore the database from a backup",
    );
    for (key, value) in error.context() {
        told = told.with(key, value);
    }
    told.with_source(error)
}

/// The SQLSTATE below an error of ours.
fn code_of(error: &Error) -> Option<&str> {
    let source = std::error::Error::source(error)?;
    source.downcast_ref().and_then(sqlstate)
}

/// The SQLSTATEs that are told apart; the others share the meaning of their class.
mod state {
    pub(super) const UNIQUE: &str = "23505";
    pub(super) const FOREIGN_KEY: &str = "23503";
    pub(super) const WRONG_PASSWORD: &str = "28P01";
    pub(super) const WRONG_AUTHORIZATION: &str = "28000";
    pub(super) const NO_DATABASE: &str = "3D000";
    pub(super) const NO_SCHEMA: &str = "3F000";
    pub(super) const NO_STATEMENT: &str = "26000";
    pub(super) const DUPLICATE_STATEMENT: &str = "42P05";
    pub(super) const NO_TABLE: &str = "42P01";
    pub(super) const NO_COLUMN: &str = "42703";
    pub(super) const INSUFFICIENT_PRIVILEGE: &str = "42501";
    pub(super) const SERIALIZATION: &str = "40001";
    pub(super) const DEADLOCK: &str = "40P01";
    pub(super) const COMPLETION_UNKNOWN: &str = "40003";
    pub(super) const READ_ONLY: &str = "25006";
    pub(super) const IDLE_IN_TRANSACTION: &str = "25P03";
    pub(super) const LOCK_NOT_AVAILABLE: &str = "55P03";
    pub(super) const TOO_MANY_CONNECTIONS: &str = "53300";
    pub(super) const DISK_FULL: &str = "53100";
    pub(super) const CANCELED: &str = "57014";
    pub(super) const ADMIN_SHUTDOWN: &str = "57P01";
    pub(super) const CRASH_SHUTDOWN: &str = "57P02";
    pub(super) const CANNOT_CONNECT_NOW: &str = "57P03";
    pub(super) const DATABASE_DROPPED: &str = "57P04";
    pub(super) const IDLE_SESSION: &str = "57P05";
    pub(super) const PROTOCOL: &str = "08P01";
    pub(super) const DATA_CORRUPTED: &str = "XX001";
    pub(super) const INDEX_CORRUPTED: &str = "XX002";
}

fn meaning(code: &str) -> (ErrorKind, &'static str) {
    match code {
        state::UNIQUE => (ErrorKind::Conflict, "a unique key is taken"),
        state::FOREIGN_KEY => (
            ErrorKind::Conflict,
            "a foreign key of the database forbids it",
        ),
        state::WRONG_PASSWORD => (
            ErrorKind::Invalid,
            "the server refuses this user with this password",
        ),
        state::WRONG_AUTHORIZATION => (
            ErrorKind::Invalid,
            "the server does not let this user in; its pg_hba.conf says whom it does, and how",
        ),
        state::NO_DATABASE => (
            ErrorKind::Invalid,
            "there is no such database; make it with `createdb`",
        ),
        state::NO_SCHEMA => (
            ErrorKind::Invalid,
            "there is no such schema; make it with CREATE SCHEMA",
        ),
        state::NO_STATEMENT | state::DUPLICATE_STATEMENT => (
            ErrorKind::Unsupported,
            "a pooler that hands sessions out by transaction stands before the server; add statement_cache=0 to its URL",
        ),
        state::PROTOCOL => (
            ErrorKind::Unsupported,
            "the server or the pooler before it does not take how we connect; behind a pooler add statement_cache=0 to \
             the URL",
        ),
        state::NO_TABLE => (
            ErrorKind::Invalid,
            "the table is gone; open the database again to make a new one",
        ),
        state::NO_COLUMN => (
            ErrorKind::Unsupported,
            "the table has another layout by now",
        ),
        state::INSUFFICIENT_PRIVILEGE => (ErrorKind::Invalid, "the user may not do that"),
        state::SERIALIZATION | state::DEADLOCK => (
            ErrorKind::Unavailable,
            "another transaction was in the way; try again",
        ),
        state::COMPLETION_UNKNOWN => (
            ErrorKind::Ambiguous,
            "the server does not know whether it was done",
        ),
        state::READ_ONLY => (
            ErrorKind::Unavailable,
            "the server takes no writes now; is it a standby, or read-only by its settings?",
        ),
        state::LOCK_NOT_AVAILABLE => (
            ErrorKind::Unavailable,
            "another transaction holds a lock for too long; let it end, or wait longer (lock_timeout)",
        ),
        state::TOO_MANY_CONNECTIONS => (
            ErrorKind::Unavailable,
            "the server has no connection left; raise its max_connections, or ask for fewer (connections)",
        ),
        state::DISK_FULL => (
            ErrorKind::Unavailable,
            "the server's disk is full; nothing was written",
        ),
        state::CANCELED => (
            ErrorKind::Unavailable,
            "the statement took too long, or somebody cancelled it; give it more time (statement_timeout)",
        ),
        state::IDLE_IN_TRANSACTION => (
            ErrorKind::Unavailable,
            "the transaction stood still for too long, and the server ended it",
        ),
        state::DATA_CORRUPTED | state::INDEX_CORRUPTED => (
            ErrorKind::Corrupt,
            "the server found damaged data; restore a backup",
        ),
        _ => match code.get(..2).unwrap_or_default() {
            "08" | "57" => (ErrorKind::Unavailable, "the server ended the connection"),
            "53" => (ErrorKind::Unavailable, "the server lacks memory or disk"),
            "58" => (ErrorKind::Unavailable, "the disk below the server failed"),
            "22" | "23" => (
                ErrorKind::Invalid,
                "the table or its types do not take this value",
            ),
            "54" => (ErrorKind::Invalid, "that is more than PostgreSQL takes"),
            "55" => (
                ErrorKind::Unavailable,
                "the server is not in the state for that now",
            ),
            "28" => (ErrorKind::Invalid, "the server does not let this user in"),
            "0A" => (ErrorKind::Unsupported, "this server cannot do that"),
            _ => (ErrorKind::Unexpected, "PostgreSQL failed"),
        },
    }
}

/// The statement that gives what is missing: the server names what was refused, the statement tells the right.
fn grant(sql: &str, refused: &str, user: &str) -> String {
    let user = quoted(user);
    let object = refused.strip_prefix("permission denied for ").unwrap_or("");
    let (kind, name) = object.split_once(' ').unwrap_or((object, ""));
    match kind {
        "table" | "view" | "relation" => format!("GRANT {} ON {name} TO {user}", rights(sql)),
        "schema" if sql.starts_with("CREATE") => {
            format!("GRANT USAGE, CREATE ON SCHEMA {name} TO {user}")
        }
        "schema" => format!("GRANT USAGE ON SCHEMA {name} TO {user}"),
        "database" => format!("GRANT CREATE, CONNECT ON DATABASE {name} TO {user}"),
        _ => "only the owner or a superuser may do that".to_owned(),
    }
}

fn rights(sql: &str) -> &'static str {
    let has = |words: &str| sql.contains(words);
    match () {
        () if has("INSERT INTO") => "SELECT, INSERT, UPDATE",
        () if has("DELETE FROM") && has("FOR UPDATE") => "SELECT, UPDATE, DELETE",
        () if has("DELETE FROM") => "SELECT, DELETE",
        () if has("UPDATE ") || has("FOR UPDATE") => "SELECT, UPDATE",
        () => "SELECT",
    }
}

#[cfg(test)]
mod tests;
