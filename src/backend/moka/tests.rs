use super::*;
use crate::DatabaseExt;
use crate::hot::contract::{self, alive, entry, record, use_keys_again};

mod behaviours {
    crate::conformance_tests!(async || crate::MokaDatabase::with_max_bytes(256 << 20));
}

fn settle(hot: &MokaDatabase) {
    hot.records.run_pending_tasks();
    hot.absent.run_pending_tasks();
}

#[test]
fn hot_entries_come_back_as_they_went_in() {
    contract::entries_come_back_as_they_went_in(&MokaDatabase::with_max_bytes(1 << 20));
}

/// What moka holds, weighed again.
fn held(hot: &MokaDatabase) -> u64 {
    let records = hot.records.iter();
    records
        .map(|(id, entry)| u64::from(weight(&id, &entry)))
        .sum()
}

#[test]
fn keys_that_are_used_again_stay_within_the_bytes() {
    const MAX: u64 = 4 << 20;
    let hot = MokaDatabase::with_max_bytes(MAX);
    for round in 1..5 {
        let all = use_keys_again(&hot, round, 20_000);
        // moka counts with a delay of some hundred writes, here of ten kilobytes each.
        assert!(alive(&all) < MAX + (8 << 20));
        settle(&hot);
        assert_eq!(hot.usage().bytes, held(&hot), "moka's sum has drifted");
        assert!(alive(&all) <= MAX);
        assert!(alive(&all) > MAX / 2, "it keeps little");
    }
}

#[test]
fn threads_that_use_keys_again_stay_within_the_bytes() {
    const MAX: u64 = 4 << 20;
    let hot = MokaDatabase::with_max_bytes(MAX);
    contract::use_keys_again_by_threads(&hot);
    settle(&hot);
    assert_eq!(hot.usage().bytes, held(&hot), "moka's sum has drifted");
    assert!(hot.usage().bytes <= MAX && held(&hot) > MAX / 2);
}

#[test]
fn absent_ids_push_out_no_record() {
    let hot = MokaDatabase::with_max_bytes(1 << 20);
    contract::absent_ids_push_out_no_record(&hot, settle);
    assert!(hot.absent.entry_count() > 0);
}

#[test]
fn a_record_above_the_budget_is_not_kept() {
    contract::a_record_above_the_budget_is_not_kept(
        &MokaDatabase::with_max_bytes(64 << 10),
        settle,
    );
}

#[test]
fn the_key_shares_its_text_with_the_record() {
    let hot = MokaDatabase::with_max_bytes(1 << 20);
    let record = record("a", 10);
    hot.insert("a", entry(Some(Arc::clone(&record))));
    let (key, _) = hot.records.iter().next().unwrap();
    assert_eq!(key.as_str().as_ptr(), record.id().as_str().as_ptr());
}

#[tokio::test]
async fn the_two_faces_do_not_see_each_other() {
    let db = MokaDatabase::with_max_bytes(1 << 20);
    db.insert("hot", entry(Some(record("hot", 1))));
    assert!(db.read("hot").await.unwrap().is_none());
    assert_eq!(db.count(&Query::all()).await.unwrap(), 0);
    assert!(!db.delete("hot").await.unwrap());
    db.create(Record::new("own", serde_json::json!({})).unwrap())
        .await
        .unwrap();
    assert_eq!(
        db.get("own").unwrap().generation,
        OWN,
        "no router's generation"
    );
}

#[tokio::test]
async fn what_was_cleared_is_missing_for_writes_too() {
    let db = MokaDatabase::with_max_bytes(1 << 20);
    let record = |n| Record::new("a", serde_json::json!({"n": n})).unwrap();
    db.create(record(1)).await.unwrap();
    db.clear().await.unwrap();
    assert_eq!(db.update(record(2)).await.unwrap(), None);
    db.create(record(3)).await.unwrap();
}

#[tokio::test]
async fn a_record_that_is_being_replaced_is_never_missing() {
    let db = Arc::new(MokaDatabase::with_max_bytes(1 << 20));
    let record = |n: u32| Record::new("a", serde_json::json!({"n": n})).unwrap();
    db.create(record(0)).await.unwrap();
    let writer = Arc::clone(&db);
    let writer = std::thread::spawn(move || {
        for n in 0..5_000 {
            writer.apply(crate::Op::Update(record(n).into()).into());
        }
    });
    while !writer.is_finished() {
        assert!(db.read("a").await.unwrap().is_some());
    }
    writer.join().unwrap();
}

#[tokio::test]
async fn writers_on_many_threads_lose_no_addition() {
    let db = Arc::new(MokaDatabase::with_max_bytes(1 << 20));
    db.create(Record::new("sum", serde_json::json!({"n": 0})).unwrap())
        .await
        .unwrap();
    let add = |db: Arc<MokaDatabase>| {
        move || {
            let mut added = 0;
            while added < 500 {
                let stored = db.own("sum").unwrap();
                let n: std::collections::HashMap<String, u64> = stored.parse().unwrap();
                let next = Record::new("sum", serde_json::json!({"n": n["n"] + 1})).unwrap();
                let write = Write::from(crate::Op::Update(next.into()));
                if let Written::Updated(_) = db.apply(write.expecting(stored.version().unwrap())) {
                    added += 1;
                }
            }
        }
    };
    let threads: Vec<_> = (0..4)
        .map(|_| std::thread::spawn(add(Arc::clone(&db))))
        .collect();
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
    assert_eq!(db.own("sum").unwrap().fields(), r#"{"n":2000}"#);
}
