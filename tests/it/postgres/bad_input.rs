//! What can be wrong with a server, a user, a table: each answered by an error that says what to do, and no secret in it.

use std::time::Duration;

use serde_json::json;
use thermocline::{Database, DatabaseExt, ErrorKind, PostgresDatabase, Query, Record, Result};

use super::Scratch;

fn record() -> Record {
    Record::new("a", json!({"n": 1})).unwrap()
}

/// That it failed so, that the message says so, and that nothing of it tells the password.
#[track_caller]
fn assert_fails<T>(result: Result<T>, kind: ErrorKind, says: &str) {
    let Err(error) = result else {
        panic!("expected `{says}`, got an answer");
    };
    let told = format!(
        "{error} {error:?} {:?}",
        error.context().collect::<Vec<_>>()
    );
    assert_eq!(error.kind(), kind, "{told}");
    assert!(
        error.to_string().contains(says),
        "expected `{says}` in: {error}"
    );
    assert!(
        !told.contains("secret") && !told.contains(&password()),
        "{told}"
    );
}

fn password() -> String {
    let server = super::scratch::server();
    let (user, _) = server.rsplit_once('@').unwrap();
    user.rsplit_once(':').unwrap().1.to_owned()
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn addresses_that_lead_nowhere() {
    use ErrorKind::{Invalid, Unavailable};
    let scratch = Scratch::new().await;
    let url = &scratch.url;
    let elsewhere = |from: &str, to: &str| url.replacen(from, to, 1);
    let port = url.rsplit_once(':').unwrap().1.split_once('/').unwrap().0;
    for (url, kind, says) in [
        (
            elsewhere(&password(), "secret"),
            Invalid,
            "refuses this user with this password",
        ),
        (
            elsewhere("thermocline:", "nobody:"),
            Invalid,
            "refuses this user",
        ),
        (elsewhere(port, "1"), Unavailable, "cannot be reached"),
        (
            elsewhere("127.0.0.1", "no-such-host.invalid"),
            Unavailable,
            "cannot be reached",
        ),
        (
            elsewhere(&scratch.name, "no_such_database"),
            Invalid,
            "no such database",
        ),
        (
            scratch.with("schema=no_such_schema"),
            Invalid,
            "no such schema",
        ),
        (scratch.with("tabel=x"), Invalid, "no such key"),
        (
            scratch.with("statement_cache=x"),
            Invalid,
            "a number of statements",
        ),
        (
            scratch.with("sslmode=perhaps"),
            Invalid,
            "cannot be understood",
        ),
        (scratch.with("table="), Invalid, "needs one value"),
        (
            scratch.with("sslmode=verify-full&sslrootcert=/no/such/file"),
            Invalid,
            "is not there",
        ),
        (
            "mysql://u:secret@h/d".to_owned(),
            Invalid,
            "begins with postgres://",
        ),
        (
            "postgres://u:secret@h:x/d".to_owned(),
            Invalid,
            "cannot be understood",
        ),
    ] {
        let opened = PostgresDatabase::builder(&url)
            .connect_timeout(Duration::from_secs(20))
            .open()
            .await;
        assert_fails(opened, kind, says);
    }
    let builder = PostgresDatabase::builder(url);
    assert!(!format!("{builder:?}").contains(&password()));
    let db = builder.open().await.unwrap();
    assert!(!format!("{db:?}").contains(&password()));
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn tables_of_another_kind() {
    use ErrorKind::{Invalid, Unsupported};
    let columns = "id TEXT PRIMARY KEY, data JSONB NOT NULL, metadata JSONB, created_at TIMESTAMP, updated_at TIMESTAMP";
    let key = columns.replace(" PRIMARY KEY", "");
    for (sql, kind, says) in [
        (
            format!("CREATE TABLE t ({columns}); CREATE VIEW records AS SELECT * FROM t"),
            Unsupported,
            "a view",
        ),
        (
            format!(
                "CREATE TABLE t ({columns}); CREATE MATERIALIZED VIEW records AS SELECT * FROM t"
            ),
            Unsupported,
            "a materialized view",
        ),
        (
            "CREATE SEQUENCE records".to_owned(),
            Unsupported,
            "a sequence",
        ),
        (
            format!("CREATE TABLE records ({columns}, PRIMARY KEY (id)) PARTITION BY HASH (id)")
                .replace("TEXT PRIMARY KEY", "TEXT"),
            Unsupported,
            "a partitioned table",
        ),
        (
            "CREATE TABLE records (id INT PRIMARY KEY, value TEXT)".to_owned(),
            Unsupported,
            "id is integer, not text, data is missing",
        ),
        (
            format!(
                "CREATE TABLE records ({})",
                columns.replace("data JSONB", "data JSON")
            ),
            Unsupported,
            "data is json, not jsonb",
        ),
        (
            format!(
                "CREATE TABLE records ({})",
                columns.replace("created_at TIMESTAMP", "created_at TIMESTAMPTZ")
            ),
            Unsupported,
            "created_at is timestamp with time zone",
        ),
        (
            format!("CREATE TABLE records ({key})"),
            Unsupported,
            "ALTER TABLE \"public\".\"records\" ADD PRIMARY KEY (id)",
        ),
        (
            format!(
                "CREATE TABLE records ({key}); CREATE UNIQUE INDEX ON records (id) WHERE id <> 'x'"
            ),
            Unsupported,
            "an id may stand twice",
        ),
        (
            format!("CREATE TABLE orders ({columns})"),
            Invalid,
            "found: orders",
        ),
    ] {
        let scratch = Scratch::new().await;
        scratch.run(&sql).await;
        let mut builder = PostgresDatabase::builder(&scratch.url);
        if says == "found: orders" {
            builder = builder.table("Orders");
        }
        assert_fails(builder.open().await, kind, says);
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn rights_that_are_missing_are_named() {
    use ErrorKind::Invalid;
    let scratch = Scratch::new().await;
    PostgresDatabase::open(&scratch.url).await.unwrap();
    let user = scratch.as_user("guest").await;
    let grant = async |rights: &str| {
        scratch
            .run(&format!(
                "GRANT {rights} ON records TO {}_guest",
                scratch.name
            ))
            .await;
    };
    let db = PostgresDatabase::open(&user).await.unwrap();
    assert_fails(db.read("a").await, Invalid, "GRANT SELECT ON records TO");
    grant("SELECT").await;
    assert!(db.read("a").await.unwrap().is_none());
    assert_fails(
        db.upsert(record()).await,
        Invalid,
        "GRANT SELECT, INSERT, UPDATE ON records TO",
    );
    grant("INSERT, UPDATE").await;
    db.upsert(record()).await.unwrap();
    assert_fails(
        db.delete("a").await,
        Invalid,
        "GRANT SELECT, DELETE ON records TO",
    );
    let new = PostgresDatabase::builder(&user).table("new").open().await;
    assert_fails(new, Invalid, "GRANT USAGE, CREATE ON SCHEMA public TO");
    scratch.run("CREATE SCHEMA closed").await;
    let closed = PostgresDatabase::builder(&user)
        .schema("closed")
        .open()
        .await;
    assert_fails(closed, Invalid, "GRANT USAGE, CREATE ON SCHEMA closed TO");
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn what_takes_too_long_ends() {
    use ErrorKind::Unavailable;
    let scratch = Scratch::new().await;
    let db = PostgresDatabase::builder(&scratch.url)
        .connections(1)
        .snapshots(1)
        .connect_timeout(Duration::from_secs(5))
        .statement_timeout(Duration::from_secs(3))
        .lock_timeout(Duration::from_millis(200))
        .search_timeout(Duration::from_millis(300))
        .open()
        .await
        .unwrap();
    let many = (0..20_000).map(|n| {
        thermocline::Op::Upsert(
            Record::new(format!("r{n}"), json!({"n": "x".repeat(1_000)}))
                .unwrap()
                .into(),
        )
        .into()
    });
    db.write(many.collect()).await.unwrap();
    // A row that somebody holds.
    let holder = scratch
        .hold("UPDATE records SET data = data WHERE id = 'r1'")
        .await;
    let write = db.upsert(Record::new("r1", json!({})).unwrap()).await;
    assert_fails(write, Unavailable, "lock_timeout");
    drop(holder);
    // A search whose reader sleeps.
    let mut stream = db.search(Query::all()).await.unwrap();
    let first = futures::TryStreamExt::try_next(&mut stream).await.unwrap();
    assert!(first.is_some());
    // Every snapshot in use.
    assert_fails(
        db.search(Query::all()).await.map(drop),
        Unavailable,
        "every connection is in use",
    );
    let rest: Result<Vec<_>> = futures::TryStreamExt::try_collect(stream).await;
    assert_fails(rest, Unavailable, "statement_timeout");
    assert_eq!(
        db.count(&Query::filter("id = 'r1'").unwrap())
            .await
            .unwrap(),
        1
    );
}

/// Sessions that the server throws out between and in the middle of calls: reads go on, writes are done or said not to be.
#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn sessions_that_are_thrown_out() {
    let (db, scratch) = super::open().await;
    db.upsert(record()).await.unwrap();
    let throw_out = async || {
        scratch
            .run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'thermocline' AND datname = current_database()")
            .await;
    };
    for _ in 0..3 {
        throw_out().await;
        assert!(db.read("a").await.unwrap().is_some());
        throw_out().await;
        assert!(db.read_many(&["a", "b"]).await.unwrap()[0].is_some());
        throw_out().await;
        db.upsert(record()).await.unwrap();
        throw_out().await;
        assert_eq!(db.count(&Query::all()).await.unwrap(), 1);
        throw_out().await;
        assert!(db.search(Query::all()).await.map(|_| ()).is_ok());
    }
    // In the middle: a write that waits for a lock.
    let holder = scratch
        .hold("UPDATE records SET data = data WHERE id = 'a'")
        .await;
    let write = tokio::spawn({
        let db = db.clone();
        async move { db.update(Record::new("a", json!({"n": 2})).unwrap()).await }
    });
    scratch.until_waiting(1).await;
    throw_out().await;
    drop(holder);
    match write.await.unwrap() {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}"),
    }
    assert!(db.read("a").await.unwrap().is_some());
}
