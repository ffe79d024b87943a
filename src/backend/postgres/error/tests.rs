use super::*;

#[test]
fn every_state_has_its_kind() {
    use ErrorKind::{Ambiguous, Conflict, Corrupt, Invalid, Unavailable, Unexpected, Unsupported};
    let table = [
        ("08006", Unavailable), // connection_failure
        ("08P01", Unsupported), // protocol_violation: what poolers say
        ("0A000", Unsupported), // feature_not_supported
        ("22001", Invalid),     // string_data_right_truncation
        ("22P05", Invalid),     // untranslatable_character
        ("23502", Invalid),     // not_null_violation
        ("23503", Conflict),    // foreign_key_violation
        ("23505", Conflict),    // unique_violation
        ("23514", Invalid),     // check_violation
        ("25006", Unavailable), // read_only_sql_transaction
        ("25P03", Unavailable), // idle_in_transaction_session_timeout
        ("26000", Unsupported), // invalid_sql_statement_name
        ("28000", Invalid),     // invalid_authorization_specification
        ("28P01", Invalid),     // invalid_password
        ("3D000", Invalid),     // invalid_catalog_name
        ("3F000", Invalid),     // invalid_schema_name
        ("40001", Unavailable), // serialization_failure
        ("40003", Ambiguous),   // statement_completion_unknown
        ("40P01", Unavailable), // deadlock_detected
        ("42501", Invalid),     // insufficient_privilege
        ("42601", Unexpected),  // syntax_error: of ours
        ("42703", Unsupported), // undefined_column
        ("42P01", Invalid),     // undefined_table
        ("42P05", Unsupported), // duplicate_prepared_statement
        ("53100", Unavailable), // disk_full
        ("53200", Unavailable), // out_of_memory
        ("53300", Unavailable), // too_many_connections
        ("54000", Invalid),     // program_limit_exceeded
        ("55P03", Unavailable), // lock_not_available
        ("57014", Unavailable), // query_canceled
        ("57P01", Unavailable), // admin_shutdown
        ("57P02", Unavailable), // crash_shutdown
        ("57P03", Unavailable), // cannot_connect_now
        ("58030", Unavailable), // io_error
        ("P0001", Unexpected),  // raise_exception
        ("XX000", Unexpected),  // internal_error
        ("XX001", Corrupt),     // data_corrupted
        ("XX002", Corrupt),     // index_corrupted
        ("", Unexpected),
    ];
    for (state, kind) in table {
        assert_eq!(meaning(state).0, kind, "{state}");
    }
}

#[test]
fn what_the_driver_fails_at() {
    let (server, _) = Server::parse("postgres://user:secret@host/db").unwrap();
    let refused = || std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
    let running = About::Running("SELECT 1");
    for (error, about, kind) in [
        (
            sqlx::Error::Io(refused()),
            About::Connecting,
            ErrorKind::Unavailable,
        ),
        (sqlx::Error::Io(refused()), running, ErrorKind::Unavailable),
        (
            sqlx::Error::Tls("no".into()),
            About::Connecting,
            ErrorKind::Invalid,
        ),
        (
            sqlx::Error::Protocol("odd".into()),
            running,
            ErrorKind::Unavailable,
        ),
        (
            sqlx::Error::Configuration("secret".into()),
            About::Connecting,
            ErrorKind::Invalid,
        ),
        (sqlx::Error::RowNotFound, running, ErrorKind::Unexpected),
    ] {
        assert!(loses_connection(&error));
        let error = from_driver(&server, about, error);
        assert_eq!(error.kind(), kind, "{error:?}");
        assert!(error.to_string().contains("user@host:5432/db"), "{error}");
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    }
}

#[test]
fn what_is_to_be_granted() {
    for (sql, refused, expected) in [
        (
            "SELECT 1",
            "permission denied for table t",
            "GRANT SELECT ON t TO \"me\"",
        ),
        (
            "INSERT INTO ..",
            "permission denied for table t",
            "GRANT SELECT, INSERT, UPDATE ON t TO \"me\"",
        ),
        (
            "DELETE FROM ..",
            "permission denied for table t",
            "GRANT SELECT, DELETE ON t TO \"me\"",
        ),
        (
            "CREATE TABLE ..",
            "permission denied for schema s",
            "GRANT USAGE, CREATE ON SCHEMA s TO \"me\"",
        ),
        (
            "CREATE SCHEMA ..",
            "permission denied for database d",
            "GRANT CREATE, CONNECT ON DATABASE d TO \"me\"",
        ),
        (
            "ALTER ..",
            "must be owner of table t",
            "only the owner or a superuser may do that",
        ),
    ] {
        assert_eq!(grant(sql, refused, "me"), expected);
    }
}
