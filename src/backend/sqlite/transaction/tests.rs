use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};

use super::*;
use crate::backend::sqlite::pool::Pool;

async fn connect(file: &Path) -> SqliteConnection {
    SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .connect()
        .await
        .unwrap()
}

/// A commit that finds the lock taken is not done: only a file without a write-ahead log has such commits.
#[tokio::test]
async fn a_busy_commit_is_rolled_back_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let file: Arc<Path> = folder.path().join("journal.db").into();
    let mut reader = connect(&file).await;
    sqlx::raw_sql("CREATE TABLE t (x)")
        .execute(&mut reader)
        .await
        .unwrap();
    let options = SqliteConnectOptions::new()
        .filename(&file)
        .busy_timeout(Duration::from_millis(10));
    let writer = Pool::new(Arc::clone(&file), options).seats(1);
    let begin = "BEGIN IMMEDIATE".into();
    let insert = "INSERT INTO t VALUES (1)".into();

    sqlx::raw_sql("BEGIN; SELECT * FROM t")
        .execute(&mut reader)
        .await
        .unwrap();
    let mut lease = Lease::new(&writer).await.unwrap();
    lease.begin(&begin).await.unwrap();
    lease
        .execute(&insert, Args::default().finish())
        .await
        .unwrap();
    let committed = commit(&mut lease).await;
    drop(lease);
    sqlx::raw_sql("COMMIT").execute(&mut reader).await.unwrap();

    let rows = sqlx::query("SELECT * FROM t")
        .fetch_all(&mut reader)
        .await
        .unwrap();
    assert_eq!(
        rows.len(),
        usize::from(committed.is_ok()),
        "what was said is what is"
    );
    assert_eq!(committed.unwrap_err().kind(), ErrorKind::Unavailable);

    // The connection is whole again.
    let mut lease = Lease::new(&writer).await.unwrap();
    lease.begin(&begin).await.unwrap();
    lease
        .execute(&insert, Args::default().finish())
        .await
        .unwrap();
    commit(&mut lease).await.unwrap();
}

#[cfg(feature = "faults")]
#[test]
fn the_mutation_ignore_busy_commit_is_noticed() {
    let name = "backend::sqlite::transaction::tests::a_busy_commit_is_rolled_back_and_said";
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name])
        .env("THERMOCLINE_MUTATION", "ignore_busy_commit")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(said.contains("what was said is what is"), "{said}");
}
