//! The collection as a whole: clearing, closing, streams, and many callers at once.

use futures::future::{join, join_all};
use futures::{StreamExt, TryStreamExt};

use super::ground::{
    assert_fails, create, delete, fields, ids_in_any_order, matching, numbered, outcome, size,
    update, upsert, write,
};
use crate::{Database, ErrorKind, Query, Write};

fn many(n: u64, value: u64) -> Vec<Write> {
    (0..n)
        .map(|id| upsert(numbered(&format!("r{id:04}"), value)))
        .collect()
}

/// A cleared collection is empty and takes writes as a new one does.
pub async fn clear_removes_everything(db: &dyn Database) {
    db.clear().await.expect("clearing nothing");
    write(db, many(100, 1)).await;
    db.clear().await.expect("clearing");
    assert_eq!(size(db).await, 0);
    assert!(db.read("r0001").await.expect("a read").is_none());
    assert!(ids_in_any_order(db, Query::all()).await.is_empty());
    assert_eq!(
        write(db, vec![update(numbered("r0001", 2))]).await,
        ["missing"]
    );
    assert_eq!(
        write(db, vec![create(numbered("r0001", 2))]).await,
        ["created"]
    );
    assert_eq!(fields(db, "r0001").await, r#"{"n":2}"#);
}

/// A database that is well says what answered.
pub async fn health_names_the_service(db: &dyn Database) {
    let health = db.health().await.expect("a healthy database");
    assert!(!health.service.is_empty());
}

/// A closed handle answers `Closed` to everything; closing it again is no error.
pub async fn a_closed_handle_answers_closed(db: &dyn Database) {
    write(db, many(3, 1)).await;
    db.close().await.expect("closing");
    assert_fails(db.read("r0001").await, ErrorKind::Closed);
    assert_fails(db.read_many(&["r0001"]).await, ErrorKind::Closed);
    assert_fails(db.write(many(1, 2)).await, ErrorKind::Closed);
    assert_fails(db.search(Query::all()).await.map(drop), ErrorKind::Closed);
    assert_fails(db.count(&Query::all()).await, ErrorKind::Closed);
    assert_fails(db.clear().await, ErrorKind::Closed);
    assert_fails(db.health().await, ErrorKind::Closed);
    db.close().await.expect("closing again");
}

/// Streams that are dropped half way hold nothing back, however many there were.
pub async fn streams_may_be_dropped_half_way(db: &dyn Database) {
    write(db, many(1_000, 1)).await;
    for round in 0..40 {
        let mut stream = db.search(Query::all()).await.expect("a search");
        for _ in 0..round % 3 {
            stream
                .try_next()
                .await
                .expect("a record")
                .expect("more records");
        }
    }
    assert_eq!(size(db).await, 1_000);
    assert_eq!(
        write(db, vec![upsert(numbered("r0001", 2)), delete("r0002")]).await,
        ["updated", "deleted"]
    );
    db.clear().await.expect("clearing");
}

/// An open stream stands in nobody's way, and what is written meanwhile breaks it not.
pub async fn an_open_stream_blocks_nobody(db: &dyn Database) {
    write(db, many(1_000, 1)).await;
    let mut stream = db.search(Query::all()).await.expect("a search");
    stream
        .try_next()
        .await
        .expect("a record")
        .expect("more records");
    write(db, many(1_000, 2)).await;
    write(db, vec![create(numbered("new", 2)), delete("r0500")]).await;
    assert_eq!(fields(db, "r0001").await, r#"{"n":2}"#);
    assert_eq!(size(db).await, 1_000);
    let rest: Vec<_> = stream.try_collect().await.expect("the rest of the stream");
    assert!(rest.len() >= 900, "{} records", rest.len());
}

/// A stream shows the moment of its search to its end, whatever is written meanwhile.
pub async fn a_stream_is_a_snapshot(db: &dyn Database) {
    if !db.capabilities().snapshot_search {
        return;
    }
    write(db, many(1_000, 1)).await;
    let mut stream = db.search(Query::all()).await.expect("a search");
    let first = stream
        .try_next()
        .await
        .expect("a record")
        .expect("more records");
    write(db, many(1_000, 2)).await;
    write(
        db,
        (0..500).map(|id| delete(&format!("r{id:04}"))).collect(),
    )
    .await;
    write(db, vec![create(numbered("new", 1))]).await;
    let mut seen: Vec<_> = stream.try_collect().await.expect("the rest of the stream");
    seen.push(first);
    assert_eq!(seen.len(), 1_000);
    assert!(seen.iter().all(|record| record.fields() == r#"{"n":1}"#));
}

/// A batch is seen whole: no search finds one half of it written and the other not.
pub async fn a_batch_is_seen_whole(db: &dyn Database) {
    let capabilities = db.capabilities();
    if !capabilities.atomic_batches || !capabilities.snapshot_search {
        return;
    }
    write(db, many(20, 0)).await;
    let writer = async {
        for round in 1..30 {
            write(db, many(20, round)).await;
        }
    };
    let reader = async {
        for _ in 0..30 {
            let stream = db.search(Query::all()).await.expect("a search");
            let records: Vec<_> = stream.try_collect().await.expect("records");
            assert_eq!(records.len(), 20);
            assert!(
                records
                    .iter()
                    .all(|record| record.fields() == records[0].fields())
            );
        }
    };
    join(writer, reader).await;
}

/// Of many that create one id at once, exactly one succeeds; writers of other ids do not meet.
pub async fn concurrent_writers_agree(db: &dyn Database) {
    let compete = async |n: u64| {
        let own = format!("own-{n}");
        let written = db
            .write(vec![create(numbered("one", n)), create(numbered(&own, n))])
            .await;
        let written = written.expect("a batch");
        assert_eq!(outcome(&written[1]), "created");
        outcome(&written[0]) == "created"
    };
    let won = join_all((0..24).map(compete)).await;
    let winners: Vec<usize> = (0..24).filter(|n| won[*n]).collect();
    assert_eq!(winners.len(), 1, "{winners:?}");
    assert_eq!(
        fields(db, "one").await,
        format!(r#"{{"n":{}}}"#, winners[0])
    );
    assert_eq!(size(db).await, 25);
}

/// Readers that run beside a writer see its values in the order of its writes, never an older one again.
pub async fn readers_never_go_back(db: &dyn Database) {
    write(db, vec![create(numbered("a", 0))]).await;
    let writer = async {
        for n in 1..40 {
            write(db, vec![upsert(numbered("a", n))]).await;
        }
    };
    let reader = async || {
        let mut last = 0;
        for _ in 0..40 {
            let record = super::ground::read(db, "a").await;
            let now: std::collections::HashMap<String, u64> = record.parse().expect("a number");
            assert!(now["n"] >= last, "{} after {last}", now["n"]);
            last = now["n"];
        }
    };
    join(writer, join_all((0..4).map(|_| reader()))).await;
    assert_eq!(fields(db, "a").await, r#"{"n":39}"#);
}

/// A write whose caller goes away is done whole or not at all, and the next one works.
pub async fn a_dropped_write_is_whole_or_nothing(db: &dyn Database) {
    for round in 0..10 {
        let mut dropped = db.write(many(50, round));
        if round > 0 {
            let _pending = futures::poll!(&mut dropped);
        }
        drop(dropped);
        let counted = size(db).await;
        let whole = !db.capabilities().atomic_batches || counted == 0 || counted == 50;
        assert!(whole, "{counted} of 50 records");
        write(db, vec![upsert(numbered("r0000", 99))]).await;
        db.clear().await.expect("clearing");
    }
}

/// Questions of every kind at once are answered, each with its own answer.
pub async fn many_questions_at_once(db: &dyn Database) {
    let batch = (0..64).map(|n| upsert(numbered(&format!("r{n}"), n)));
    write(db, batch.collect()).await;
    let ask = async |n: u64| {
        let id = format!("r{n}");
        assert_eq!(fields(db, &id).await, format!(r#"{{"n":{n}}}"#));
        let mut stream = db
            .search(matching(&format!("n = {n}")))
            .await
            .expect("a search");
        let record = stream.next().await.expect("a record").expect("no error");
        assert_eq!(record.id().as_str(), id);
        assert_eq!(
            db.count(&matching(&format!("n < {n}")))
                .await
                .expect("a count"),
            n
        );
    };
    join_all((0..64).map(ask)).await;
}
