use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::path::Path;

use sqlx::error::{DatabaseError, ErrorKind as DriverKind};

use super::*;

/// An error with a code of its own: most of SQLite's cannot be caused at will.
#[derive(Debug)]
struct Coded(i32, &'static str);

impl fmt::Display for Coded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.1)
    }
}

impl StdError for Coded {}

impl DatabaseError for Coded {
    fn message(&self) -> &str {
        self.1
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        Some(self.0.to_string().into())
    }

    fn as_error(&self) -> &(dyn StdError + Send + Sync + 'static) {
        self
    }

    fn as_error_mut(&mut self) -> &mut (dyn StdError + Send + Sync + 'static) {
        self
    }

    fn into_error(self: Box<Self>) -> Box<dyn StdError + Send + Sync + 'static> {
        self
    }

    fn kind(&self) -> DriverKind {
        DriverKind::Other
    }
}

fn coded(code: i32) -> sqlx::Error {
    sqlx::Error::Database(Box::new(Coded(code, "what SQLite says")))
}

#[test]
fn every_code_has_its_kind() {
    use ErrorKind::{Conflict, Corrupt, Invalid, Unavailable, Unexpected};
    let table = [
        (1, Unexpected),     // ERROR
        (5, Unavailable),    // BUSY
        (261, Unavailable),  // BUSY_RECOVERY
        (517, Unavailable),  // BUSY_SNAPSHOT
        (6, Unavailable),    // LOCKED
        (7, Unavailable),    // NOMEM
        (8, Unavailable),    // READONLY
        (1032, Unavailable), // READONLY_DBMOVED
        (9, Unavailable),    // INTERRUPT
        (10, Unavailable),   // IOERR
        (778, Unavailable),  // IOERR_WRITE
        (8458, Corrupt),     // IOERR_CORRUPTFS
        (11, Corrupt),       // CORRUPT
        (779, Corrupt),      // CORRUPT_INDEX
        (13, Unavailable),   // FULL
        (14, Unavailable),   // CANTOPEN
        (15, Unavailable),   // PROTOCOL
        (17, Unavailable),   // SCHEMA
        (18, Invalid),       // TOOBIG
        (275, Invalid),      // CONSTRAINT_CHECK
        (1299, Invalid),     // CONSTRAINT_NOTNULL
        (1811, Invalid),     // CONSTRAINT_TRIGGER
        (787, Conflict),     // CONSTRAINT_FOREIGNKEY
        (1555, Conflict),    // CONSTRAINT_PRIMARYKEY
        (2067, Conflict),    // CONSTRAINT_UNIQUE
        (2579, Conflict),    // CONSTRAINT_ROWID
        (20, Invalid),       // MISMATCH
        (21, Unexpected),    // MISUSE
        (26, Invalid),       // NOTADB
    ];
    for (code, kind) in table {
        let error = from_driver(Path::new("/data/app.db"), coded(code));
        assert_eq!(error.kind(), kind, "{code}");
        let text = error.to_string();
        assert!(
            text.contains("/data/app.db") && text.contains("what SQLite says"),
            "{text}"
        );
    }
}

#[test]
fn a_broken_key_is_named() {
    let error = Coded(
        1555,
        "UNIQUE constraint failed: ducklake_snapshot.snapshot_id",
    );
    let error = from_driver(Path::new("x"), sqlx::Error::Database(Box::new(error)));
    let constraint = error.context().find(|(key, _)| *key == "constraint");
    assert_eq!(
        constraint,
        Some(("constraint", "ducklake_snapshot.snapshot_id"))
    );
}

#[test]
fn what_an_error_leaves_behind() {
    assert!(is_busy(&coded(5)) && is_busy(&coded(517)) && !is_busy(&coded(13)));
    assert!(leaves_transaction_open(&coded(2067)) && !leaves_transaction_open(&coded(13)));
    assert!(leaves_outcome_unknown(&coded(1034)), "a failed fsync");
    assert!(leaves_outcome_unknown(&sqlx::Error::WorkerCrashed));
    assert!(!leaves_outcome_unknown(&coded(13)) && !leaves_outcome_unknown(&coded(5)));
}
