//! Several processes, many writers, readers that wait together.

use futures::future::join_all;
use serde_json::json;
use thermocline::{Database, DatabaseExt, Op, PostgresDatabase, Record, Write, Written};

use super::Scratch;

/// Everybody who opens a database at once finds one table, whoever made it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn a_table_is_made_once() {
    for _ in 0..5 {
        let scratch = Scratch::new().await;
        let opened = join_all((0..8).map(|_| {
            let url = scratch.url.clone();
            tokio::spawn(async move { PostgresDatabase::open(&url).await })
        }))
        .await;
        for db in opened {
            db.unwrap()
                .unwrap()
                .upsert(Record::new("a", json!({})).unwrap())
                .await
                .unwrap();
        }
        assert_eq!(
            scratch.ask("SELECT count(*)::text FROM records").await,
            ["1"]
        );
    }
}

/// Batches over the same ids in opposite orders neither lock each other out nor lose anything.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn batches_that_cross_do_not_dead_lock() {
    let (db, scratch) = super::open().await;
    let batch = |kind: u64, round: u64| -> Vec<Write> {
        let record =
            |id: u64| Record::new(format!("r{id}"), json!({"by": kind, "round": round})).unwrap();
        let mut writes: Vec<Write> = (0..50)
            .map(|id| match (kind + round + id) % 4 {
                0 => Op::Upsert(record(id).into()).into(),
                1 => Op::Delete(record(id).id().clone()).into(),
                2 => Op::Create(record(id).into()).into(),
                _ => Op::Update(record(id).into()).into(),
            })
            .collect();
        if kind % 2 == 1 {
            writes.reverse();
        }
        writes
    };
    let work = async |kind: u64| {
        for round in 0..20 {
            let written = db.write(batch(kind, round)).await.unwrap();
            assert_eq!(written.len(), 50);
            assert!(
                written
                    .iter()
                    .all(|written| !matches!(written, Written::Failed(_)))
            );
        }
    };
    join_all((0..6).map(work)).await;
    assert_eq!(
        scratch
            .ask("SELECT count(*)::text FROM records WHERE data->>'round' IS NULL")
            .await,
        ["0"]
    );
}

/// Whoever waits is answered by one statement together with others, each with his own record.
#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn readers_that_wait_go_together() {
    let (db, scratch) = super::open().await;
    let records = (0..200).map(|n| {
        Op::Upsert(
            Record::new(format!("r{n}"), json!({"n": n}))
                .unwrap()
                .into(),
        )
        .into()
    });
    db.write(records.collect()).await.unwrap();
    let read = async |n: u64| {
        let record = db.read(&format!("r{n}")).await.unwrap();
        assert_eq!(
            record.map(|record| record.fields().to_owned()),
            (n < 200).then(|| format!("{{\"n\":{n}}}"))
        );
    };
    join_all((0..400).map(read)).await;
    // A reader who goes away takes nobody else's answer along.
    for n in 0..20 {
        let mut gone: Vec<_> = (0..10).map(|n| Box::pin(read(n))).collect();
        for reader in &mut gone {
            let _begun = futures::poll!(reader);
        }
        let stays = read(n);
        futures::future::join(async { drop(gone) }, stays).await;
    }
    db.close().await.unwrap();
    drop(scratch);
}
