use std::time::Duration;

use futures::{StreamExt, TryStreamExt};

use super::*;
use crate::{DatabaseExt, Error, ErrorKind, MemoryDatabase};

fn record(id: &str, n: u32) -> Record {
    Record::new(id, serde_json::json!({"n": n})).unwrap()
}

fn full() -> Error {
    Error::unavailable("the disk is full")
}

#[tokio::test]
async fn faults_are_met_one_by_one_and_counted() {
    let db = Faulty::new(MemoryDatabase::new());
    let script = db.script();
    script.next(Call::Write, Fault::Pass);
    script.next(Call::Write, Fault::Fail(full()));
    script.next(Call::Write, Fault::FailAfter(Error::ambiguous("no answer")));
    db.upsert(record("a", 1)).await.unwrap();
    let error = db.upsert(record("a", 2)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(
        db.inner().read("a").await.unwrap().unwrap().fields(),
        r#"{"n":1}"#
    );
    let error = db.upsert(record("a", 3)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Ambiguous);
    assert_eq!(db.read("a").await.unwrap().unwrap().fields(), r#"{"n":3}"#);
    assert_eq!(
        (script.count(Call::Write), script.count(Call::Read)),
        (3, 1)
    );
    script.reset();
    assert_eq!(script.count(Call::Write), 0);
}

#[tokio::test]
async fn a_lasting_fault_gives_way_to_the_next_one() {
    let db = Faulty::new(MemoryDatabase::new());
    let script = db.script();
    script.always(Call::Health, Fault::Fail(full()));
    script.next(Call::Health, Fault::Pass);
    assert!(db.health().await.is_ok());
    assert!(db.health().await.is_err());
    assert!(db.health().await.is_err());
    script.always(Call::Health, Fault::Pass);
    assert!(db.health().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_at_its_gate() {
    let db = Arc::new(Faulty::new(MemoryDatabase::new()));
    db.upsert(record("a", 1)).await.unwrap();
    let read = |db: &Arc<Faulty<MemoryDatabase>>| {
        let db = Arc::clone(db);
        tokio::spawn(async move { db.read("a").await.unwrap().unwrap().fields().to_owned() })
    };
    let (before, after) = (
        db.script().hold_before(Call::Read),
        db.script().hold_after(Call::Read),
    );
    let first = read(&db);
    before.arrived(1).await;
    let second = read(&db);
    after.arrived(1).await;
    db.upsert(record("a", 2)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(!first.is_finished() && !second.is_finished());
    before.open();
    after.open();
    assert_eq!(first.await.unwrap(), r#"{"n":2}"#, "read after the write");
    assert_eq!(
        second.await.unwrap(),
        r#"{"n":1}"#,
        "read before it, answered after it"
    );
}

#[tokio::test]
async fn a_search_breaks_off_with_an_error() {
    let db = Faulty::new(MemoryDatabase::new());
    db.upsert_many((0..5).map(|n| record(&format!("r{n}"), n)).collect())
        .await
        .unwrap();
    db.script().next(Call::Search, Fault::Break(3, full()));
    let found: Vec<_> = db.search(Query::all()).await.unwrap().collect().await;
    assert_eq!(found.iter().filter(|record| record.is_ok()).count(), 3);
    assert!(found.last().unwrap().is_err());
    db.script().next(Call::Search, Fault::Fail(full()));
    assert!(db.search(Query::all()).await.is_err());
    let all: Vec<_> = db
        .search(Query::all())
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(all.len(), 5);
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn the_catalog_host_follows_the_script() {
    let folder = tempfile::tempdir().unwrap();
    let db = crate::SqliteDatabase::open(folder.path().join("a.db"))
        .await
        .unwrap();
    let db = Faulty::new(db);
    let (script, host) = (db.script(), db.catalog_host().unwrap());
    script.next(Call::BeginWrite, Fault::Fail(full()));
    assert!(host.begin_write().await.is_err());
    script.next(Call::TransactionCommit, Fault::Fail(full()));
    script.next(
        Call::TransactionCommit,
        Fault::FailAfter(Error::ambiguous("no answer")),
    );
    for (n, expected) in [(1, None), (2, Some(r#"{"n":2}"#))] {
        let mut tx = host.begin_write().await.unwrap();
        let upsert = crate::Op::Upsert(record("a", n).into());
        tx.apply(&[upsert.into()]).await.unwrap();
        assert!(tx.commit().await.is_err());
        let stored = db.read("a").await.unwrap();
        assert_eq!(stored.as_ref().map(|record| record.fields()), expected);
    }
    script.next(Call::Search, Fault::Break(0, full()));
    let tx = host.begin_read().await.unwrap();
    assert!(tx.search(Query::all()).try_next().await.is_err());
    let (records, _) = host.read_with(&["a"], "SELECT 1", &[]).await.unwrap();
    assert!(records[0].is_some());
    assert_eq!(script.count(Call::ReadWith), 1);
}
