//! TLS, as far as the URL asks for it.

use thermocline::{Database, ErrorKind, PostgresDatabase, Query};

use super::Scratch;
use super::scratch::variable;

#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn the_servers_name_is_checked_where_that_is_asked_for() {
    let scratch = Scratch::new().await;
    let ca = variable("THERMOCLINE_TEST_POSTGRES_CA");
    let verified = scratch.with(&format!("sslmode=verify-full&sslrootcert={ca}"));
    let sessions = "SELECT bool_and(ssl)::text FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                    WHERE application_name = 'thermocline' AND datname = current_database()";
    for (url, is_encrypted) in [
        (verified.clone(), "true"),
        (verified.replace("127.0.0.1", "localhost"), "true"),
        (scratch.with("sslmode=require"), "true"),
        (scratch.with("sslmode=disable"), "false"),
    ] {
        let db = PostgresDatabase::open(&url).await.unwrap();
        assert_eq!(db.count(&Query::all()).await.unwrap(), 0);
        assert_eq!(scratch.ask(sessions).await, [is_encrypted], "{url}");
        db.close().await.unwrap();
        scratch.until("SELECT count(*)::text FROM pg_stat_activity WHERE application_name = 'thermocline' AND datname = current_database()", "0").await;
    }
    // Signed by somebody whom nobody knows.
    let error = PostgresDatabase::open(&scratch.with("sslmode=verify-full"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}");
    assert!(error.message().contains("sslrootcert"), "{error}");
    // Signed by the right one, for another name.
    let other = scratch
        .with(&format!("sslmode=verify-full&sslrootcert={ca}"))
        .replace("127.0.0.1", "127.0.0.2");
    let error = PostgresDatabase::open(&other).await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Invalid | ErrorKind::Unavailable),
        "{error:?}"
    );
}
