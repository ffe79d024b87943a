//! A server that goes down at once and comes back, between calls and in the middle of them.

use std::path::PathBuf;
use std::process::Command;

use futures::TryStreamExt;
use serde_json::json;
use thermocline::{Database, DatabaseExt, ErrorKind, Op, PostgresDatabase, Query, Record};

/// A server of the test's own.
struct Server {
    folder: tempfile::TempDir,
    url: String,
}

impl Server {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let said = services(&["start", &place(&folder), "postgres"]);
        let url = said
            .lines()
            .find_map(|line| {
                line.strip_prefix("export THERMOCLINE_TEST_POSTGRES='")?
                    .strip_suffix('\'')
            })
            .unwrap()
            .to_owned();
        Self { folder, url }
    }

    fn restart(&self) {
        services(&["restart", &place(&self.folder), "postgres"]);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        services(&["stop", &place(&self.folder)]);
    }
}

fn place(folder: &tempfile::TempDir) -> String {
    folder.path().join("services").to_str().unwrap().to_owned()
}

fn services(args: &[&str]) -> String {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scripts/services");
    let output = Command::new(script).args(args).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn record(n: i64) -> Record {
    Record::new("a", json!({ "n": n })).unwrap()
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn between_calls_nobody_notices() {
    let server = Server::start();
    let db = PostgresDatabase::open(&server.url).await.unwrap();
    db.upsert(record(0)).await.unwrap();
    for n in 1..=2 {
        server.restart();
        assert!(db.read("a").await.unwrap().is_some());
        server.restart();
        db.upsert(record(n)).await.unwrap();
        server.restart();
        assert_eq!(
            db.count(&Query::filter(&format!("n = {n}")).unwrap())
                .await
                .unwrap(),
            1
        );
        server.restart();
        let found: Vec<_> = db
            .search(Query::all())
            .await
            .unwrap()
            .try_collect()
            .await
            .unwrap();
        assert_eq!(found.len(), 1);
        server.restart();
        let mut tx = db.catalog_host().unwrap().begin_write().await.unwrap();
        tx.apply(&[Op::Upsert(record(n).into()).into()])
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn in_the_middle_the_error_says_what_stands() {
    let server = Server::start();
    let db = PostgresDatabase::open(&server.url).await.unwrap();
    let large = "x".repeat(2_000);
    let many = (0..20_000).map(|n| {
        Op::Upsert(
            Record::new(format!("r{n}"), json!({"n": n, "x": large}))
                .unwrap()
                .into(),
        )
        .into()
    });
    db.write(many.collect()).await.unwrap();

    // A search: an error at its end, never a short answer.
    let mut stream = db.search(Query::all()).await.unwrap();
    assert!(stream.try_next().await.unwrap().is_some());
    server.restart();
    let rest: thermocline::Result<Vec<_>> = stream.try_collect().await;
    assert_eq!(rest.unwrap_err().kind(), ErrorKind::Unavailable);

    // A transaction: nothing of it stands, and its commit says so.
    let mut tx = db.catalog_host().unwrap().begin_write().await.unwrap();
    tx.apply(&[Op::Upsert(record(1).into()).into()])
        .await
        .unwrap();
    server.restart();
    let error = tx.commit().await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Ambiguous | ErrorKind::Unavailable),
        "{error:?}"
    );
    assert!(db.read("a").await.unwrap().is_none());

    // Writes while it goes down: what was acknowledged is there.
    let writer = tokio::spawn({
        let db = db.clone();
        async move {
            let mut acknowledged = 0;
            for n in 0.. {
                match db.upsert(record(n)).await {
                    Ok(_) => acknowledged = n,
                    Err(error) => {
                        assert!(
                            matches!(error.kind(), ErrorKind::Ambiguous | ErrorKind::Unavailable),
                            "{error:?}"
                        );
                        break;
                    }
                }
                if n == 2_000 {
                    break;
                }
            }
            acknowledged
        }
    });
    let server = tokio::task::spawn_blocking(move || {
        server.restart();
        server
    })
    .await
    .unwrap();
    let acknowledged = writer.await.unwrap();
    let stored = db.read("a").await.unwrap().unwrap();
    let stored: std::collections::HashMap<String, i64> = stored.parse().unwrap();
    assert!(
        stored["n"] >= acknowledged,
        "{} is lost, {acknowledged} was acknowledged",
        stored["n"]
    );
    drop(server);
}
