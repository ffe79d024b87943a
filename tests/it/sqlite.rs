//! SQLite as a tier and as the catalog's host: layout, locks, crashes, and what a move relies on.

use std::sync::Arc;
use std::time::Duration;

use thermocline::{
    Database, DatabaseExt, ErrorKind, ManualClock, Op, Record, SqliteDatabase, Write, Written,
};

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
    let names: Vec<&str> = written
        .iter()
        .map(|written| match written {
            Written::Created(_) => "created",
            Written::Updated(_) => "updated",
            Written::Deleted => "deleted",
            Written::Missing => "missing",
            Written::Exists => "exists",
            Written::Changed => "changed",
            _ => "failed",
        })
        .collect();
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
