//! SQLite as a tier and as the catalog's host: layout, locks, crashes, and what a move relies on.

use std::sync::Arc;
use std::time::Duration;

use thermocline::{
    Age, AgeForm, Database, DatabaseExt, DueScan, ErrorKind, Filter, ManualClock, Op, Order, Query,
    Record, SqliteDatabase, Write, Written,
};

use crate::subjects::outcome;

/// A folder of the test's own, and a database in it.
struct Fixture {
    folder: tempfile::TempDir,
    clock: ManualClock,
    db: SqliteDatabase,
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = ManualClock::at("2024-01-01T00:00:00Z".parse().unwrap());
        let db = SqliteDatabase::builder(folder.path().join("test.db"))
            .clock(clock.clone())
            .busy_timeout(Duration::from_millis(200))
            .open()
            .await
            .unwrap();
        Self { folder, clock, db }
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("test.db")
    }

    /// Runs a statement as another program would.
    async fn foreign(&self, sql: &'static str) -> Vec<sqlx::sqlite::SqliteRow> {
        foreign(&self.path(), sql).await
    }
}

async fn foreign(path: &std::path::Path, sql: &'static str) -> Vec<sqlx::sqlite::SqliteRow> {
    let mut connection = open_foreign(path).await;
    let rows = sqlx::raw_sql(sql).fetch_all(&mut connection).await.unwrap();
    sqlx::Connection::close(connection).await.unwrap();
    rows
}

async fn open_foreign(path: &std::path::Path) -> sqlx::SqliteConnection {
    use sqlx::ConnectOptions;
    sqlx::sqlite::SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .busy_timeout(Duration::from_secs(5))
        .connect()
        .await
        .unwrap()
}

fn record(id: &str, n: i64) -> Record {
    Record::from_json(id, &format!("{{\"n\": {n}}}")).unwrap()
}

fn fields(record: Option<Arc<Record>>) -> Option<String> {
    record.map(|record| record.fields().to_owned())
}

#[tokio::test]
async fn a_record_comes_back_byte_for_byte() {
    let fixture = Fixture::new().await;
    let db = &fixture.db;
    let text = "{ \"a\":3.0, \"big\": 1180591620717411303424,\"t\" : \"Zoë 日本\" }";
    let record = Record::from_json("../x", text)
        .unwrap()
        .with_metadata_json("{\"source\":  \"api\"}")
        .unwrap();
    let version = db.create(record).await.unwrap();
    let read = db.read("../x").await.unwrap().unwrap();
    assert_eq!(read.fields(), text);
    assert_eq!(read.metadata(), Some("{\"source\":  \"api\"}"));
    assert_eq!(read.version(), Some(version));
    assert_eq!(
        read.created_at(),
        Some("2024-01-01T00:00:00Z".parse().unwrap())
    );
    assert_eq!(read.created_at(), read.updated_at());
    assert!(db.read("absent").await.unwrap().is_none());
    assert!(db.read("").await.unwrap().is_none());
    assert!(db.read("a\0b").await.unwrap().is_none());
}

#[tokio::test]
async fn a_batch_is_thought_through_in_order() {
    let fixture = Fixture::new().await;
    let db = &fixture.db;
    db.create(record("old", 0)).await.unwrap();
    let old = db.read("old").await.unwrap().unwrap().version().unwrap();
    let op = |op: Op| Write::from(op);
    let new = |id: &str, n| Arc::new(record(id, n));
    let written = db
        .write(vec![
            op(Op::Create(new("a", 1))),
            op(Op::Create(new("a", 2))),
            op(Op::Update(new("a", 3))),
            op(Op::Update(new("b", 4))),
            op(Op::Upsert(new("c", 5))),
            op(Op::Delete("c".parse_id())),
            op(Op::Delete("c".parse_id())),
            op(Op::Upsert(new("old", 6))).expecting(old.clone()),
            op(Op::Upsert(new("old", 7))).expecting(old.clone()),
            op(Op::Update(new("none", 8))).expecting(old),
            op(Op::Delete("old".parse_id())),
            op(Op::Create(new("old", 9))),
        ])
        .await
        .unwrap();
    let names: Vec<&str> = written.iter().map(outcome).collect();
    assert_eq!(
        names,
        [
            "created", "exists", "updated", "missing", "created", "deleted", "missing", "updated",
            "changed", "missing", "deleted", "created"
        ]
    );
    let read = db.read_many(&["a", "b", "c", "old", "a"]).await.unwrap();
    let read: Vec<_> = read.into_iter().map(fields).collect();
    let some = |n: i64| Some(format!("{{\"n\": {n}}}"));
    assert_eq!(read, [some(3), None, None, some(9), some(3)]);
    for (id, place) in [("a", 2), ("old", 11)] {
        let (Written::Created(version) | Written::Updated(version)) = &written[place] else {
            panic!("{:?}", written[place]);
        };
        let read = db.read(id).await.unwrap().unwrap();
        assert_eq!(read.version().as_ref(), Some(version), "{id}");
    }
}

#[tokio::test]
async fn every_write_moves_the_version_even_when_the_clock_does_not() {
    let fixture = Fixture::new().await;
    let (db, clock) = (&fixture.db, &fixture.clock);
    let first = db.create(record("a", 1)).await.unwrap();
    let second = db.upsert(record("a", 1)).await.unwrap();
    clock.set("2020-01-01T00:00:00Z".parse().unwrap());
    let third = db.update(record("a", 1)).await.unwrap().unwrap();
    assert_ne!(first, second);
    assert_ne!(second, third);
    let read = db.read("a").await.unwrap().unwrap();
    assert_eq!(
        read.updated_at(),
        Some("2024-01-01T00:00:00.000002Z".parse().unwrap())
    );
    assert_eq!(
        read.created_at(),
        Some("2024-01-01T00:00:00Z".parse().unwrap())
    );
}

#[tokio::test]
async fn thousands_of_records_go_in_one_batch() {
    let fixture = Fixture::new().await;
    let db = &fixture.db;
    let records = (0..3_000).map(|n| record(&format!("r{n}"), n)).collect();
    let written = db.upsert_many(records).await.unwrap();
    assert!(written.iter().all(|one| matches!(one, Written::Created(_))));
    let records = (0..3_000)
        .map(|n| record(&format!("r{n}"), n + 1))
        .collect();
    let written = db.upsert_many(records).await.unwrap();
    assert!(written.iter().all(|one| matches!(one, Written::Updated(_))));
    let ids: Vec<String> = (0..3_000).map(|n| format!("r{n}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let read = db.read_many(&ids).await.unwrap();
    for (n, record) in read.into_iter().enumerate() {
        assert_eq!(fields(record), Some(format!("{{\"n\": {}}}", n + 1)));
    }
    assert_eq!(db.delete_many(&ids).await.unwrap(), 3_000);
    assert!(db.read("r7").await.unwrap().is_none());
}

#[tokio::test]
async fn a_transaction_carries_records_and_catalog_rows() {
    let fixture = Fixture::new().await;
    let db = &fixture.db;
    let host = db.catalog_host().unwrap();
    let mut tx = host.begin_write().await.unwrap();
    tx.execute(
        "CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT, size REAL)",
        &[],
    )
    .await
    .unwrap();
    tx.execute(
        "INSERT INTO things VALUES ($2, $1, $3), ($4, NULL, NULL)",
        &[
            "one".into(),
            1.into(),
            thermocline::SqlValue::Real(0.5),
            2.into(),
        ],
    )
    .await
    .unwrap();
    let taken = tx
        .execute("INSERT INTO things VALUES ($1, NULL, NULL)", &[1.into()])
        .await
        .unwrap_err();
    assert_eq!(taken.kind(), ErrorKind::Conflict);
    assert_eq!(
        taken.context().find(|(key, _)| *key == "constraint"),
        Some(("constraint", "things.id"))
    );
    let written = tx
        .apply(&[Op::Create(Arc::new(record("a", 1))).into()])
        .await
        .unwrap();
    assert!(matches!(written[..], [Written::Created(_)]));
    assert!(tx.read_many(&["a"]).await.unwrap()[0].is_some());
    assert!(db.read("a").await.unwrap().is_none(), "not committed yet");
    tx.commit().await.unwrap();

    let (records, rows) = host
        .read_with(
            &["x", "a"],
            "SELECT id, name, size FROM things WHERE id >= $1 ORDER BY id",
            &[1.into()],
        )
        .await
        .unwrap();
    assert!(records[0].is_none() && records[1].is_some());
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].int(0).unwrap(), 1);
    assert_eq!(rows[0].text(1).unwrap(), "one");
    assert_eq!(rows[1].opt_text(1).unwrap(), None);
}

#[tokio::test]
async fn a_dropped_transaction_leaves_nothing() {
    let fixture = Fixture::new().await;
    let db = &fixture.db;
    let host = db.catalog_host().unwrap();
    for _ in 0..3 {
        let mut tx = host.begin_write().await.unwrap();
        tx.apply(&[Op::Create(Arc::new(record("a", 1))).into()])
            .await
            .unwrap();
        drop(tx);
        assert!(db.read("a").await.unwrap().is_none());
    }
    db.create(record("a", 2)).await.unwrap();
}

#[tokio::test]
async fn a_snapshot_stands_from_its_beginning() {
    let fixture = Fixture::new().await;
    let db = &fixture.db;
    db.create(record("a", 1)).await.unwrap();
    let mut tx = db.catalog_host().unwrap().begin_read().await.unwrap();
    db.upsert(record("a", 2)).await.unwrap();
    let read = tx.read_many(&["a"]).await.unwrap().remove(0);
    assert_eq!(fields(read), Some("{\"n\": 1}".to_owned()));
    let refused = tx.execute("DELETE FROM records", &[]).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_write_that_nobody_waits_for_is_whole_or_nothing() {
    let fixture = Fixture::new().await;
    let db = &fixture.db;
    let mut polls = 1;
    loop {
        let records = (0..500)
            .map(|n| record(&format!("{polls}-{n}"), n))
            .collect();
        let mut write = Box::pin(db.upsert_many(records));
        let mut done = false;
        for _ in 0..polls {
            if futures::poll!(&mut write).is_ready() {
                done = true;
                break;
            }
            tokio::time::sleep(Duration::from_micros(300)).await;
        }
        drop(write);
        // The next write stands behind whatever was left.
        db.upsert(record("marker", polls)).await.unwrap();
        let ids: Vec<String> = (0..500).map(|n| format!("{polls}-{n}")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let there = db.read_many(&ids).await.unwrap();
        let there = there.iter().flatten().count();
        assert!(there == 0 || there == 500, "{there} of 500 at poll {polls}");
        if done {
            assert_eq!(there, 500);
            return;
        }
        polls += 1;
    }
}

trait ParseId {
    fn parse_id(&self) -> thermocline::RecordId;
}

impl ParseId for str {
    fn parse_id(&self) -> thermocline::RecordId {
        thermocline::RecordId::new(self).unwrap()
    }
}

fn texts<const N: usize>(ids: [&str; N]) -> Vec<String> {
    ids.map(str::to_owned).to_vec()
}

fn dated(id: &str, age: &str) -> Record {
    Record::from_json(id, &format!("{{\"day\": {age}}}")).unwrap()
}

/// The ids of all pages of a scan, and how many rows it skipped.
async fn due(
    db: &SqliteDatabase,
    age: &Age,
    before: &str,
    rows: usize,
    bytes: u64,
) -> (Vec<String>, u64) {
    let mut tx = db.catalog_host().unwrap().begin_read().await.unwrap();
    let (mut ids, mut skipped, mut after) = (Vec::new(), 0, None);
    loop {
        let scan = DueScan {
            age,
            before: before.parse().unwrap(),
            filter: &Filter::ALL,
            after: after.take(),
            rows,
            bytes,
        };
        let page = tx.scan_due(&scan).await.unwrap();
        assert!(page.records.len() <= rows);
        skipped += page.skipped.iter().map(|(_, count)| count).sum::<u64>();
        ids.extend(page.records.iter().map(|record| record.id().to_string()));
        after = page.next;
        if after.is_none() {
            return (ids, skipped);
        }
    }
}

#[tokio::test]
async fn a_scan_meets_every_due_record_once_in_the_order_of_age() {
    let fixture = Fixture::new().await;
    let db = &fixture.db;
    let mut records: Vec<Record> = (0..40)
        .map(|n| {
            dated(
                &format!("t{n:02}"),
                &format!("\"2013-01-{:02}T10:00:00Z\"", 1 + n / 10),
            )
        })
        .collect();
    records.extend([
        dated("early", "\"2012-12-31\""),
        dated("zone", "\"2013-06-01T23:00:00+14:00\""),
        dated("late", "\"2013-09-01T00:00:00Z\""),
        dated("null", "null"),
        dated("number", "5"),
        Record::from_json("none", "{}").unwrap(),
    ]);
    db.upsert_many(records).await.unwrap();
    fixture
        .foreign("INSERT INTO records (id, data) VALUES (x'6162', '{\"day\": \"2013-01-01\"}')")
        .await;
    let age = Age::at("day").unwrap();
    db.catalog_host()
        .unwrap()
        .prepare_to_move(&age)
        .await
        .unwrap();
    let mut expected = texts(["early"]);
    expected.extend((0..40).map(|n| format!("t{n:02}")));
    expected.push("zone".to_owned());
    for (rows, bytes) in [(1, u64::MAX), (7, u64::MAX), (1_000, u64::MAX), (1_000, 50)] {
        let (ids, skipped) = due(db, &age, "2013-06-01T09:00:01Z", rows, bytes).await;
        assert_eq!(ids, expected, "{rows} rows, {bytes} bytes a page");
        assert_eq!(skipped, 1);
    }
    let mut tx = db.catalog_host().unwrap().begin_read().await.unwrap();
    let undated = tx.count_undated(&age).await.unwrap();
    assert_eq!((undated.absent, undated.unreadable), (2, 1));
}

#[tokio::test]
async fn numbers_and_own_times_are_ages_too() {
    let fixture = Fixture::new().await;
    let db = &fixture.db;
    db.upsert_many(vec![
        dated("a", "1357000000"),
        dated("b", "1357000000.5"),
        dated("c", "1400000000"),
        dated("d", "\"1357000000\""),
        dated("e", "true"),
    ])
    .await
    .unwrap();
    let host = db.catalog_host().unwrap();
    let seconds = Age::with_form("day", AgeForm::Seconds).unwrap();
    host.prepare_to_move(&seconds).await.unwrap();
    let (ids, _) = due(db, &seconds, "2013-06-01T00:00:00Z", 2, u64::MAX).await;
    assert_eq!(ids, ["e", "a", "b"], "a superset: the caller judges");
    let own = Age::at("@created_at").unwrap();
    host.prepare_to_move(&own).await.unwrap();
    let (ids, _) = due(db, &own, "2024-06-01T00:00:00Z", 2, u64::MAX).await;
    assert_eq!(ids, ["a", "b", "c", "d", "e"]);
    fixture
        .foreign("UPDATE records SET created_at = CASE id WHEN 'a' THEN NULL WHEN 'b' THEN 'soon' ELSE created_at END")
        .await;
    let mut tx = host.begin_read().await.unwrap();
    let undated = tx.count_undated(&own).await.unwrap();
    assert_eq!((undated.absent, undated.unreadable), (2, 0));
    let undated = tx.count_undated(&seconds).await.unwrap();
    assert_eq!((undated.absent, undated.unreadable), (0, 2));
}

#[tokio::test]
async fn only_rows_that_are_still_as_read_are_deleted() {
    let fixture = Fixture::new().await;
    let db = &fixture.db;
    let names = [
        "same", "field", "meta", "time", "blob", "gone", "odd", "back",
    ];
    let records = names.iter().map(|id| record(id, 1)).collect();
    db.upsert_many(records).await.unwrap();
    // Rows of other programs: an empty object as metadata, and times in other spellings and types.
    fixture
        .foreign(
            "UPDATE records SET metadata = '{}', created_at = '2024-01-01', updated_at = 5 WHERE id = 'odd';
             INSERT INTO records (id, data, created_at) VALUES ('odd2', '{ }', '2024-01-01 00:00:00.000000')",
        )
        .await;
    let ids = [
        "same", "field", "meta", "time", "blob", "gone", "odd", "back", "odd2",
    ];
    let read = db.read_many(&ids).await.unwrap();
    let read: Vec<Arc<Record>> = read.into_iter().flatten().collect();
    assert_eq!(read.len(), ids.len());
    fixture
        .foreign(
            "UPDATE records SET data = '{\"n\": 2}' WHERE id = 'field';
             UPDATE records SET metadata = '{\"m\": 2}' WHERE id = 'meta';
             UPDATE records SET created_at = '2024-01-01 00:00:01' WHERE id = 'time';
             UPDATE records SET created_at = CAST(created_at AS BLOB) WHERE id = 'blob';
             UPDATE records SET data = '{\"n\": 2}' WHERE id = 'back';
             UPDATE records SET data = '{\"n\": 1}' WHERE id = 'back';
             DELETE FROM records WHERE id = 'gone'",
        )
        .await;
    let host = db.catalog_host().unwrap();
    let mut tx = host.begin_write().await.unwrap();
    let deleted = tx.delete_unchanged(&read).await.unwrap();
    tx.commit().await.unwrap();
    let mut deleted: Vec<&str> = deleted.iter().map(|id| id.as_str()).collect();
    deleted.sort_unstable();
    assert_eq!(deleted, ["back", "odd", "odd2", "same"]);
    let left = db.read_many(&ids).await.unwrap();
    let left: Vec<&str> = left
        .iter()
        .flatten()
        .map(|record| record.id().as_str())
        .collect();
    assert_eq!(left, ["field", "meta", "time", "blob"]);
}

/// A move that began before the trigger came: it must not count what stayed as gone.
#[tokio::test]
async fn a_trigger_that_keeps_a_row_fails_the_delete() {
    let fixture = Fixture::new().await;
    let db = &fixture.db;
    db.upsert_many(vec![record("a", 1), record("b", 1)])
        .await
        .unwrap();
    let read = db.read_many(&["a", "b"]).await.unwrap();
    let read: Vec<Arc<Record>> = read.into_iter().flatten().collect();
    fixture
        .foreign(
            "CREATE TRIGGER keep BEFORE DELETE ON records WHEN old.id = 'b' BEGIN SELECT RAISE(IGNORE); END",
        )
        .await;
    let host = db.catalog_host().unwrap();
    let mut tx = host.begin_write().await.unwrap();
    let error = tx.delete_unchanged(&read).await.unwrap_err();
    assert!(error.to_string().contains("trigger"), "{error}");
    drop(tx);
    assert_eq!(db.count(&Query::all()).await.unwrap(), 2);
}

#[tokio::test]
async fn a_table_that_a_move_would_hurt_is_refused() {
    let layout = "data TEXT NOT NULL CHECK (json_valid(data)), \
                  metadata TEXT CHECK (metadata IS NULL OR json_valid(metadata)), created_at TIMESTAMP, updated_at TIMESTAMP";
    for (name, sql, reason) in [
        (
            "columns",
            format!("CREATE TABLE t (id TEXT PRIMARY KEY, {layout}, extra TEXT)"),
            "would be lost",
        ),
        (
            "nokey",
            format!("CREATE TABLE t (id TEXT, {layout})"),
            "primary key",
        ),
        (
            "nocase",
            format!("CREATE TABLE t (id TEXT COLLATE NOCASE PRIMARY KEY, {layout})"),
            "collation",
        ),
        (
            "rowid",
            format!("CREATE TABLE t (id INTEGER PRIMARY KEY, {layout})"),
            "text column",
        ),
        (
            "children",
            format!(
                "CREATE TABLE t (id TEXT PRIMARY KEY, {layout}); \
                 CREATE TABLE child (parent TEXT REFERENCES t (id) ON DELETE CASCADE)"
            ),
            "refers to these records",
        ),
        (
            "trigger",
            format!(
                "CREATE TABLE t (id TEXT PRIMARY KEY, {layout}); \
                 CREATE TRIGGER g AFTER DELETE ON t BEGIN SELECT 1; END"
            ),
            "trigger",
        ),
        (
            "unchecked",
            "CREATE TABLE t (id TEXT PRIMARY KEY, data, metadata, created_at, updated_at)"
                .to_owned(),
            "no JSON",
        ),
        (
            "noindex",
            format!("CREATE TABLE t (id TEXT PRIMARY KEY, {layout})"),
            "made by another program",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("foreign.db");
        let mut connection = open_foreign(&path).await;
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
            .execute(&mut connection)
            .await
            .unwrap();
        sqlx::Connection::close(connection).await.unwrap();
        let db = SqliteDatabase::builder(&path)
            .table("t")
            .open()
            .await
            .unwrap();
        let host = db.catalog_host().unwrap();
        let error = host
            .prepare_to_move(&Age::at("day").unwrap())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{name}");
        assert!(error.message().contains(reason), "{name}: {error}");
        if name == "noindex" {
            let sql = error
                .context()
                .find(|(key, _)| *key == "sql")
                .unwrap()
                .1
                .to_owned();
            let mut connection = open_foreign(&path).await;
            sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
                .execute(&mut connection)
                .await
                .unwrap();
            sqlx::Connection::close(connection).await.unwrap();
            host.prepare_to_move(&Age::at("day").unwrap())
                .await
                .unwrap();
        }
    }
}

#[tokio::test]
async fn freed_room_returns_to_the_disk() {
    let fixture = Fixture::new().await;
    let db = &fixture.db;
    let host = db.catalog_host().unwrap();
    let body = "x".repeat(2_000);
    let records =
        (0..2_000).map(|n| Record::new(format!("{n}"), serde_json::json!({"body": body})).unwrap());
    db.upsert_many(records.collect()).await.unwrap();
    db.clear().await.unwrap();
    let before = host.storage().await.unwrap();
    assert_eq!((before.rows, &before.remedy), (0, &None));
    assert!(before.free_bytes > 3_000_000, "{before:?}");
    let given = host.release(1_000_000).await.unwrap();
    assert_eq!(given, 1_000_000);
    host.release(u64::MAX).await.unwrap();
    let after = host.storage().await.unwrap();
    assert_eq!(after.free_bytes, 0, "{after:?}");
    let size = std::fs::metadata(fixture.path()).unwrap().len();
    assert!(size < 200_000, "{size} bytes are left");
}

/// Rows as Python and others write them, and as nobody should.
async fn odd_rows(fixture: &Fixture) {
    let rows = [
        (
            "a",
            "{\"s\": \"Alpha\", \"n\": 1, \"d\": \"2023-01-01T00:00:00Z\", \"b\": true}",
        ),
        (
            "b",
            "{\"s\": \"alpha\", \"n\": 1.0, \"d\": \"2023-01-01T09:00:00+10:00\", \"b\": false}",
        ),
        (
            "c",
            "{\"s\": \"al%_\\\\*?[x\", \"n\": 9007199254740993, \"d\": \"2022-12-31\"}",
        ),
        ("d", "{\"s\": \"b\\u00e9ta\", \"n\": 0.1, \"d\": \"soon\"}"),
        (
            "e",
            "{\"s\": \"two\\nlines\", \"n\": 0.1000000000000000055511151231257827}",
        ),
        ("f", "{\"s\": null, \"n\": null}"),
        ("g", "{}"),
        (
            "h",
            "{\"s\": [\"Alpha\"], \"n\": {\"x\": 1}, \"o\": {\"a\": {\"b\": 7}}}",
        ),
        (
            "i",
            "{\"s\": \"al\\u0000pha\", \"n\": -0.0, \"o\": [{\"a\": 1}]}",
        ),
        (
            "j",
            "{\"s\": \"x\\ud83d\\ude00y\", \"n\": 1180591620717411303424}",
        ),
        (
            "k",
            "{\"\\u0073\": \"escaped\", \"n\": 4.99999999999999999999}",
        ),
        ("l", "{\"s\": \"1\", \"n\": \"1\", \"b\": 1}"),
        (
            "m",
            "{\"s\": \"\\uffff\", \"n\": 5, \"a.b\": 1, \"q\\\"\": 2, \"\": 3}",
        ),
    ];
    let records = rows.map(|(id, text)| (id, text));
    let mut connection = open_foreign(&fixture.path()).await;
    for (id, text) in records {
        sqlx::query("INSERT INTO records (id, data, metadata, created_at) VALUES ($1, $2, $3, $4)")
            .bind(id)
            .bind(text)
            .bind((id < "e").then_some("{\"m\": {\"x\": 2}}"))
            .bind(format!(
                "2023-01-{:02} 00:00:00",
                1 + id.as_bytes()[0] - b'a'
            ))
            .execute(&mut connection)
            .await
            .unwrap();
    }
    sqlx::raw_sql(
        "UPDATE records SET created_at = 'never' WHERE id = 'c';
         UPDATE records SET created_at = '2023-01-04 00:00:00.000000' WHERE id = 'd';
         UPDATE records SET created_at = NULL WHERE id = 'e'",
    )
    .execute(&mut connection)
    .await
    .unwrap();
    sqlx::Connection::close(connection).await.unwrap();
}

const FILTERS: [&str; 74] = [
    "n = 1",
    "n = 1.0",
    "n != 1",
    "n < 1",
    "n <= 0.1",
    "n > 0.1",
    "n >= 0.1",
    "n = 0.1",
    "n != 0.1",
    "n < 5",
    "n >= 5",
    "n = 0",
    "n > 0",
    "n = 9007199254740993",
    "n > 9007199254740992",
    "n = 9007199254740992",
    "n = 1180591620717411303424",
    "n between 0.1 and 5",
    "n not between 0.1 and 5",
    "n in (1, 0.1, 'x', true)",
    "n not in (1, 5)",
    "n in ()",
    "n not in ()",
    "not (n = 1)",
    "not (n > 0.1)",
    "s = 'alpha'",
    "s != 'alpha'",
    "s < 'b'",
    "s >= 'b'",
    "s > '1'",
    "s in ('alpha', '1', json '[\"Alpha\"]')",
    "s not in ('alpha')",
    "s = json '[\"Alpha\"]'",
    "s != json '[\"Alpha\"]'",
    "not (s = json '[\"Alpha\"]')",
    "s like 'al%'",
    "s like 'al\\%\\_\\\\*?[%'",
    "s not like 'al%'",
    "s ilike 'AL%'",
    "s not ilike 'al%'",
    "s like '%pha'",
    "s like '_wo%'",
    "s like 'x_y'",
    "s like 'al'",
    "not (s like 'al%')",
    "s starts_with 'al'",
    "s starts_with ''",
    "s starts_with 'al%_'",
    "s regex '^al'",
    "s regex 'l(p)ha$'",
    "not (s regex 'pha')",
    "s exists",
    "s not exists",
    "s is null",
    "not (s is null)",
    "b = true",
    "b < true",
    "b >= false",
    "b != true",
    "o.a.b = 7",
    "o.a exists",
    "\"a.b\" = 1",
    "\"q\"\"\" = 2",
    "\"\" = 3",
    "metadata.m.x = 2",
    "not (metadata.m.x = 2)",
    "d < timestamp '2023-01-01T00:00:00Z'",
    "d >= timestamp '2023-01-01T00:00:00Z'",
    "not (d < now())",
    "@created_at < timestamp '2023-01-04T00:00:00Z'",
    "@created_at <= timestamp '2023-01-04T00:00:00Z'",
    "@created_at = timestamp '2023-01-04T00:00:00Z'",
    "@created_at > '2023-01-04'",
    "not (@created_at exists)",
];

/// What SQL and the matcher answer together is what the matcher answers alone.
#[tokio::test]
async fn pushdown_means_what_the_matcher_means() {
    let fixture = Fixture::new().await;
    odd_rows(&fixture).await;
    let db = &fixture.db;
    let all = search(db, Query::all()).await;
    assert_eq!(all.len(), 13);
    let now = "2024-01-01T00:00:00Z".parse().unwrap();
    let orders: [&[(&str, Order)]; 6] = [
        &[],
        &[("n", Order::Asc)],
        &[("n", Order::Desc), ("s", Order::Asc)],
        &[("s", Order::Desc)],
        &[("@created_at", Order::Asc)],
        &[("id", Order::Desc)],
    ];
    for text in
        FILTERS
            .into_iter()
            .chain(["id = 'a'", "id > 'c' and id like '_'", "id in ('a', 'zz')"])
    {
        let filter: Filter = text
            .parse()
            .unwrap_or_else(|error| panic!("{text}: {error}"));
        for (limit, offset) in [(None, 0), (Some(2), 0), (Some(3), 1), (None, 2)] {
            for order in orders {
                let mut query = Query::from(filter.clone());
                for (path, way) in order {
                    query = query.sort(path, *way).unwrap();
                }
                query.limit = limit;
                query.offset = offset;
                let prepared = query.prepare(now).unwrap();
                let ids = |records: &[Arc<Record>]| -> Vec<String> {
                    records
                        .iter()
                        .map(|record| record.id().to_string())
                        .collect()
                };
                let mut expected = ids(&prepared.collect(all.iter().cloned()));
                let found = search(db, query.clone()).await;
                let mut found_ids = ids(&found);
                if !prepared.is_ordered() {
                    assert!(
                        found.iter().all(|record| prepared.matches(record)),
                        "{text}"
                    );
                    if limit.is_some() {
                        assert_eq!(found.len(), expected.len(), "{text} limit {limit:?}");
                        found_ids = expected.clone();
                    }
                    expected.sort();
                    found_ids.sort();
                }
                assert_eq!(
                    found_ids, expected,
                    "{text} order {order:?} limit {limit:?} offset {offset}"
                );
                let count = db.count(&query).await.unwrap();
                assert_eq!(
                    count,
                    expected.len() as u64,
                    "{text} count, limit {limit:?} offset {offset}"
                );
            }
        }
    }
}

async fn search(db: &SqliteDatabase, query: Query) -> Vec<Arc<Record>> {
    use futures::TryStreamExt;
    db.search(query).await.unwrap().try_collect().await.unwrap()
}

/// Runs one test of this binary in a process of its own.
fn child(test: &str, variables: &[(&str, &str)]) -> std::process::Command {
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", &format!("sqlite::{test}"), "--nocapture"])
        .envs(variables.iter().copied());
    command
}

#[cfg(feature = "faults")]
#[test]
fn every_mutation_is_noticed() {
    for (mutation, test) in [
        (
            "unconditional_delete",
            "only_rows_that_are_still_as_read_are_deleted",
        ),
        (
            "delete_by_id_only",
            "only_rows_that_are_still_as_read_are_deleted",
        ),
        (
            "delete_by_updated_at",
            "only_rows_that_are_still_as_read_are_deleted",
        ),
        (
            "equals_without_storage_class",
            "only_rows_that_are_still_as_read_are_deleted",
        ),
        ("deferred_begin", "two_handles_write_the_same_records"),
    ] {
        let sound = child(test, &[]).output().unwrap();
        assert!(
            sound.status.success(),
            "{}",
            String::from_utf8_lossy(&sound.stdout)
        );
        let broken = child(test, &[("THERMOCLINE_MUTATION", mutation)])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&broken.stdout);
        assert!(
            said.contains("test result: FAILED"),
            "nothing notices {mutation}: {said}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_handles_write_the_same_records() {
    let folder = tempfile::tempdir().unwrap();
    let open = async || {
        let patient = SqliteDatabase::builder(folder.path().join("two.db"));
        patient
            .busy_timeout(Duration::from_secs(60))
            .open()
            .await
            .unwrap()
    };
    let (db, other) = (open().await, open().await);
    let work = |db: SqliteDatabase, own: i64| async move {
        for n in 0..150 {
            let batch = (0..4)
                .map(|id| record(&format!("r{id}"), own + n))
                .collect();
            db.upsert_many(batch).await.unwrap();
        }
    };
    let one = tokio::spawn(work(db.clone(), 0));
    let two = tokio::spawn(work(other, 1_000));
    one.await.unwrap();
    two.await.unwrap();
    let read = db.read_many(&["r0", "r1", "r2", "r3"]).await.unwrap();
    let read: Vec<_> = read.into_iter().map(fields).collect();
    assert!(
        read.iter()
            .all(|fields| fields.is_some() && *fields == read[0]),
        "{read:?}"
    );
}

/// The work of a child process; nothing without the variables that a parent sets.
#[tokio::test]
async fn writer_process() {
    let (Ok(path), Ok(name)) = (std::env::var("WRITER_PATH"), std::env::var("WRITER_NAME")) else {
        return;
    };
    let count: i64 = std::env::var("WRITER_COUNT").unwrap().parse().unwrap();
    let db = SqliteDatabase::open(path).await.unwrap();
    for n in 0..count {
        let batch = (0..3)
            .map(|part| record(&format!("{name}-{n}-{part}"), n))
            .collect();
        db.upsert_many(batch).await.unwrap();
        db.upsert(record("shared", n)).await.unwrap();
        println!("\nwritten {n}");
    }
}

fn writer(path: &std::path::Path, name: &str, count: i64) -> std::process::Command {
    child(
        "writer_process",
        &[
            ("WRITER_PATH", path.to_str().unwrap()),
            ("WRITER_NAME", name),
            ("WRITER_COUNT", &count.to_string()),
        ],
    )
}

#[tokio::test]
async fn processes_that_open_and_write_at_once_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shared.db");
    let mut writers: Vec<_> = ["a", "b", "c"]
        .map(|name| {
            let mut command = writer(&path, name, 30);
            command.stdout(std::process::Stdio::null()).spawn().unwrap()
        })
        .into();
    for writer in &mut writers {
        assert!(writer.wait().unwrap().success());
    }
    let db = SqliteDatabase::open(&path).await.unwrap();
    assert_eq!(db.count(&Query::all()).await.unwrap(), 3 * 30 * 3 + 1);
}

#[tokio::test]
async fn what_was_acknowledged_survives_kill_9() {
    use std::io::BufRead;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("killed.db");
    for round in 0..8_u64 {
        let name = format!("round{round}");
        let mut command = writer(&path, &name, 100_000);
        let mut process = command
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let lines = std::io::BufReader::new(process.stdout.take().unwrap()).lines();
        let mut acknowledged = -1;
        let enough = fastrand::i64(1..40);
        for line in lines {
            if let Some(n) = line.unwrap().strip_prefix("written ") {
                acknowledged = n.parse().unwrap();
                if acknowledged == enough {
                    process.kill().unwrap();
                }
            }
        }
        process.wait().unwrap();
        let db = SqliteDatabase::open(&path).await.unwrap();
        for n in 0..=acknowledged + 2 {
            let ids = [0, 1, 2].map(|part| format!("{name}-{n}-{part}"));
            let there = db
                .read_many(&ids.each_ref().map(String::as_str))
                .await
                .unwrap();
            let there = there.iter().flatten().count();
            assert!(
                there == 3 || (there == 0 && n > acknowledged),
                "{there} of batch {n} of {acknowledged}"
            );
        }
        let health: Vec<_> = foreign_text(&path, "PRAGMA integrity_check").await;
        assert_eq!(health, ["ok"]);
        db.close().await.unwrap();
    }
}

async fn foreign_text(path: &std::path::Path, sql: &'static str) -> Vec<String> {
    use sqlx::Row;
    foreign(path, sql)
        .await
        .iter()
        .map(|row| row.get(0))
        .collect()
}

#[tokio::test]
async fn a_lock_of_another_program_is_waited_for_and_then_named() {
    let fixture = Fixture::new().await;
    let mut other = open_foreign(&fixture.path()).await;
    sqlx::raw_sql("BEGIN IMMEDIATE")
        .execute(&mut other)
        .await
        .unwrap();
    let error = fixture.db.upsert(record("a", 1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.is_retryable());
    let text = error.to_string();
    assert!(
        text.contains("test.db") && text.contains("busy_timeout"),
        "{text}"
    );
    assert!(
        fixture.db.read("a").await.unwrap().is_none(),
        "readers do not wait"
    );
    sqlx::raw_sql("COMMIT").execute(&mut other).await.unwrap();
    fixture.db.upsert(record("a", 1)).await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_opened_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "nothing that SQLite would know. ".repeat(100)).unwrap();
    let other = folder.path().join("other.db");
    foreign(
        &other,
        "CREATE TABLE records (id TEXT PRIMARY KEY, body TEXT); CREATE VIEW v AS SELECT 1",
    )
    .await;
    let damaged = folder.path().join("damaged.db");
    let db = SqliteDatabase::open(&damaged).await.unwrap();
    let body = "x".repeat(3_000);
    let records =
        (0..50).map(|n| Record::new(format!("{n}"), serde_json::json!({"body": body})).unwrap());
    db.upsert_many(records.collect()).await.unwrap();
    db.close().await.unwrap();
    let mut bytes = std::fs::read(&damaged).unwrap();
    bytes[100..8_192].fill(0x5a);
    std::fs::write(&damaged, bytes).unwrap();
    for (path, table, kind, reason) in [
        (text, "records", ErrorKind::Invalid, "no SQLite database"),
        (damaged, "records", ErrorKind::Corrupt, "damaged"),
        (
            other.clone(),
            "records",
            ErrorKind::Unsupported,
            "another layout",
        ),
        (other.clone(), "v", ErrorKind::Unsupported, "no table"),
        (
            other.clone(),
            "sqlite_x",
            ErrorKind::Invalid,
            "SQLite's own",
        ),
        (other, "", ErrorKind::Invalid, "not empty"),
        (
            folder.path().to_owned(),
            "records",
            ErrorKind::Invalid,
            "folder",
        ),
        (
            folder.path().join("none/x.db"),
            "records",
            ErrorKind::Unavailable,
            "does not exist",
        ),
        (
            "/proc/x.db".into(),
            "records",
            ErrorKind::Unavailable,
            "allow writing",
        ),
        ("".into(), "records", ErrorKind::Invalid, "not empty"),
    ] {
        let opened = SqliteDatabase::builder(&path).table(table).open().await;
        let error = opened.expect_err(path.to_str().unwrap());
        assert_eq!(error.kind(), kind, "{path:?}: {error}");
        assert!(error.message().contains(reason), "{path:?}: {error}");
    }
}

#[tokio::test]
async fn a_full_disk_is_said_and_loses_nothing() {
    let fixture = Fixture::new().await;
    let db = &fixture.db;
    db.create(record("before", 1)).await.unwrap();
    let host = db.catalog_host().unwrap();
    let limit = async |pages: &str| {
        let mut tx = host.begin_write().await.unwrap();
        tx.query(&format!("PRAGMA max_page_count = {pages}"), &[])
            .await
            .unwrap();
        tx.commit().await.unwrap();
    };
    limit("20").await;
    let body = "x".repeat(2_000);
    let large: Vec<Record> = (0..200)
        .map(|n| Record::new(format!("{n}"), serde_json::json!({"body": body})).unwrap())
        .collect();
    let ids: Vec<String> = large.iter().map(|record| record.id().to_string()).collect();
    let error = db.upsert_many(large).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains("the disk is full"), "{error}");
    let mut tx = host.begin_write().await.unwrap();
    let blob = thermocline::SqlValue::Blob(vec![0; 200_000].into());
    tx.execute("CREATE TABLE big (x)", &[]).await.unwrap();
    tx.execute("INSERT INTO big VALUES ($1)", &[blob])
        .await
        .unwrap_err();
    let ended = tx
        .execute("INSERT INTO big VALUES (1)", &[])
        .await
        .unwrap_err();
    assert!(
        ended.message().contains("ended this transaction"),
        "{ended}"
    );
    assert_eq!(
        tx.commit().await.unwrap_err().kind(),
        ErrorKind::Unavailable
    );
    limit("1000000").await;
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    assert!(
        db.read_many(&ids)
            .await
            .unwrap()
            .iter()
            .all(Option::is_none)
    );
    assert_eq!(db.count(&Query::all()).await.unwrap(), 1);
    db.upsert(record("after", 2)).await.unwrap();
}

#[tokio::test]
async fn an_existing_table_is_used_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("python.db");
    foreign(
        &path,
        "CREATE TABLE records (
             id VARCHAR(255) PRIMARY KEY,
             data TEXT NOT NULL CHECK (json_valid(data)),
             metadata TEXT CHECK (metadata IS NULL OR json_valid(metadata)),
             created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
             updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
             note TEXT DEFAULT 'kept');
         CREATE INDEX idx_records_created ON records(created_at);
         CREATE INDEX idx_records_updated ON records(updated_at);
         INSERT INTO records (id, data, created_at) VALUES ('old', '{\"n\": 0}', '2020-01-01 00:00:00');
         UPDATE records SET note = 'precious'",
    )
    .await;
    let schema = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name";
    let before = foreign_text(&path, schema).await;
    let db = SqliteDatabase::open(&path).await.unwrap();
    db.upsert_many(vec![record("old", 1), record("new", 2)])
        .await
        .unwrap();
    db.table("second")
        .await
        .unwrap()
        .create(record("elsewhere", 3))
        .await
        .unwrap();
    assert!(db.read("elsewhere").await.unwrap().is_none());
    let read = db.read("old").await.unwrap().unwrap();
    assert_eq!(
        read.created_at(),
        Some("2020-01-01T00:00:00Z".parse().unwrap())
    );
    db.close().await.unwrap();
    assert_eq!(
        foreign_text(&path, "SELECT note FROM records ORDER BY id").await,
        ["kept", "precious"]
    );
    foreign(&path, "DROP TABLE second").await;
    assert_eq!(foreign_text(&path, schema).await, before);
    let created = foreign_text(
        &path,
        "SELECT typeof(created_at) || created_at FROM records WHERE id = 'old'",
    )
    .await;
    assert_eq!(created, ["text2020-01-01 00:00:00"]);
}

#[tokio::test]
async fn the_files_settings_are_what_they_should_be() {
    let fixture = Fixture::new().await;
    let path = fixture.path();
    assert_eq!(
        foreign_text(&path, "SELECT journal_mode FROM pragma_journal_mode").await,
        ["wal"]
    );
    assert_eq!(
        foreign_text(
            &path,
            "SELECT CAST(auto_vacuum AS TEXT) FROM pragma_auto_vacuum"
        )
        .await,
        ["2"]
    );
    let mut tx = fixture
        .db
        .catalog_host()
        .unwrap()
        .begin_write()
        .await
        .unwrap();
    let rows = tx.query("PRAGMA synchronous", &[]).await.unwrap();
    assert_eq!(rows[0].int(0).unwrap(), 2, "FULL");
}

#[tokio::test]
async fn the_file_behind_memory_is_private_and_goes() {
    let one = SqliteDatabase::open(":memory:").await.unwrap();
    let two = SqliteDatabase::open(":memory:").await.unwrap();
    one.create(record("a", 1)).await.unwrap();
    assert!(two.read("a").await.unwrap().is_none());
    let folder = one.path().parent().unwrap().to_owned();
    assert!(folder.exists());
    drop(one);
    assert!(!folder.exists());
    let folder = two.path().parent().unwrap().to_owned();
    two.close().await.unwrap();
    drop(two);
    assert!(!folder.exists());
}

#[tokio::test]
async fn a_database_in_utf_16_means_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wide.db");
    foreign(
        &path,
        "PRAGMA encoding = 'UTF-16'; CREATE TABLE anything (x)",
    )
    .await;
    let db = SqliteDatabase::open(&path).await.unwrap();
    let texts = ["a", "é", "\u{FF21}", "😀"];
    for text in texts {
        let fields = serde_json::json!({"s": text});
        db.create(Record::new(format!("id {text}"), fields).unwrap())
            .await
            .unwrap();
    }
    let read = db.read("id 😀").await.unwrap().unwrap();
    assert_eq!(read.fields(), "{\"s\":\"😀\"}");
    let sorted = search(&db, Query::all().sort("s", Order::Asc).unwrap()).await;
    let sorted: Vec<&str> = sorted.iter().map(|record| record.id().as_str()).collect();
    assert_eq!(sorted, texts.map(|text| format!("id {text}")));
    for (filter, count) in [
        ("s > '\u{FF21}'", 1),
        ("s = '😀'", 1),
        ("id > 'id é'", 2),
        ("id = 'id é'", 1),
    ] {
        assert_eq!(
            db.count(&Query::filter(filter).unwrap()).await.unwrap(),
            count,
            "{filter}"
        );
    }
    let error = db
        .catalog_host()
        .unwrap()
        .prepare_to_move(&Age::at("s").unwrap())
        .await
        .unwrap_err();
    assert!(error.message().contains("UTF-8"), "{error}");
}

#[tokio::test]
async fn what_python_could_not_read_is_refused() {
    let fixture = Fixture::new().await;
    for (fields, is_fine) in [
        (
            "{\"v\": {\"type\": \"vector\", \"value\": [1, 2.5], \"dimensions\": 2}}",
            true,
        ),
        ("{\"v\": {\"type\": \"vector\"}}", false),
        (
            "{\"v\": {\"t\\u0079pe\": \"vect\\u006fr\", \"value\": 1}}",
            false,
        ),
        ("{\"v\": {\"type\": \"vector\", \"value\": [\"1\"]}}", false),
        (
            "{\"v\": {\"inner\": {\"type\": \"vector\"}}, \"type\": \"vector\"}",
            true,
        ),
    ] {
        let written = fixture
            .db
            .upsert(Record::from_json("v", fields).unwrap())
            .await;
        assert_eq!(written.is_ok(), is_fine, "{fields}");
        if let Err(error) = written {
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(error.to_string().contains("python_readers"), "{error}");
        }
    }
    let db = SqliteDatabase::builder(fixture.path())
        .python_readers(false)
        .open()
        .await
        .unwrap();
    db.upsert(Record::from_json("v", "{\"v\": {\"type\": \"vector\"}}").unwrap())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_row_that_is_no_record_is_corrupt_where_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("loose.db");
    foreign(
        &path,
        "CREATE TABLE records (id TEXT PRIMARY KEY, data, metadata, created_at, updated_at);
         INSERT INTO records VALUES ('fine', '{\"n\": 1}', NULL, NULL, NULL), ('broken', 'no JSON', NULL, NULL, NULL)",
    )
    .await;
    let db = SqliteDatabase::open(&path).await.unwrap();
    assert!(db.read("fine").await.unwrap().is_some());
    let error = db.read("broken").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("broken"), "{error}");
    let found = db
        .count(&Query::filter("id = 'fine' and n = 1").unwrap())
        .await
        .unwrap();
    assert_eq!(found, 1);
}

#[tokio::test]
async fn a_search_that_is_dropped_gives_its_connection_back() {
    use futures::StreamExt;
    let folder = tempfile::tempdir().unwrap();
    let db = SqliteDatabase::builder(folder.path().join("x.db"))
        .readers(1)
        .snapshots(1)
        .open()
        .await
        .unwrap();
    let records = (0..2_000).map(|n| record(&format!("{n}"), n)).collect();
    db.upsert_many(records).await.unwrap();
    for _ in 0..20 {
        let mut stream = db.search(Query::filter("n >= 0").unwrap()).await.unwrap();
        assert!(stream.next().await.unwrap().is_ok());
        // One seat for snapshots: the next search waits for this one to be dropped, and reads do not.
        assert!(db.read("7").await.unwrap().is_some());
        drop(stream);
    }
    assert_eq!(search(&db, Query::all()).await.len(), 2_000);
}
