use std::time::{Duration, Instant};

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::{DatabaseExt, ManualClock, Op};

mod behaviours {
    crate::conformance_tests!(async || crate::MemoryDatabase::new());
}

fn record(id: &str, bytes: usize) -> Arc<Record> {
    Arc::new(Record::new(id, serde_json::json!({"text": "x".repeat(bytes)})).unwrap())
}

fn entry(record: Option<Arc<Record>>) -> Entry {
    Entry {
        generation: 7,
        expires: Instant::now(),
        record,
    }
}

fn keep(hot: &MemoryDatabase, id: &str, bytes: usize) {
    hot.insert(id, entry(Some(record(id, bytes))));
}

fn kept(hot: &MemoryDatabase, ids: &[&str]) -> Vec<bool> {
    ids.iter().map(|id| hot.get(id).is_some()).collect()
}

#[tokio::test]
async fn reads_share_the_stored_record() {
    let db = MemoryDatabase::new();
    db.upsert(Record::new("a", serde_json::json!({"n": 1})).unwrap())
        .await
        .unwrap();
    let (one, two) = (
        db.read("a").await.unwrap().unwrap(),
        db.read("a").await.unwrap().unwrap(),
    );
    assert!(Arc::ptr_eq(&one, &two));
    let found: Vec<_> = db.search(Query::all()).await.unwrap().collect().await;
    assert!(Arc::ptr_eq(&one, found[0].as_ref().unwrap()));
}

#[tokio::test]
async fn a_record_that_nobody_shares_is_stored_without_a_copy() {
    let db = MemoryDatabase::new();
    let record = record("a", 100);
    let text = record.fields().as_ptr();
    db.write(vec![Op::Upsert(record).into()]).await.unwrap();
    assert_eq!(db.read("a").await.unwrap().unwrap().fields().as_ptr(), text);
}

#[tokio::test]
async fn the_injected_clock_dates_records() {
    let start: Timestamp = "2024-02-29T12:00:00Z".parse().unwrap();
    let clock = ManualClock::at(start);
    let db = MemoryDatabase::new().with_clock(clock.clone());
    let write = || db.upsert(Record::new("a", serde_json::json!({})).unwrap());
    let times = async || {
        let record = db.read("a").await.unwrap().unwrap();
        (record.created_at().unwrap(), record.updated_at().unwrap())
    };
    write().await.unwrap();
    assert_eq!(times().await, (start, start));
    clock.advance(Duration::from_secs(60));
    write().await.unwrap();
    assert_eq!(times().await, (start, start + Duration::from_secs(60)));
    clock.set("2020-01-01T00:00:00Z".parse().unwrap());
    write().await.unwrap();
    let just_after = start + Duration::from_secs(60) + Duration::from_micros(1);
    assert_eq!(
        times().await,
        (start, just_after),
        "a clock that was set back"
    );
}

#[tokio::test]
async fn versions_of_two_databases_never_agree() {
    let (one, two) = (MemoryDatabase::new(), MemoryDatabase::new());
    let record = || Record::new("a", serde_json::json!({})).unwrap();
    assert_ne!(
        one.create(record()).await.unwrap(),
        two.create(record()).await.unwrap()
    );
}

#[tokio::test]
async fn the_two_faces_do_not_see_each_other() {
    let db = MemoryDatabase::new();
    keep(&db, "hot", 1);
    db.upsert(Record::new("stored", serde_json::json!({})).unwrap())
        .await
        .unwrap();
    assert!(db.read("hot").await.unwrap().is_none());
    assert!(db.get("stored").is_none());
    db.clear().await.unwrap();
    assert!(db.get("hot").is_some());
    db.close().await.unwrap();
    assert!(db.get("hot").is_none());
}

#[test]
fn hot_entries_come_back_as_they_went_in() {
    let hot = MemoryDatabase::new();
    let expires = Instant::now() + Duration::from_secs(5);
    let record = record("a", 10);
    let entry = |record| Entry {
        generation: 3,
        expires,
        record,
    };
    hot.insert("a", entry(Some(Arc::clone(&record))));
    hot.insert("absent", entry(None));
    let got = hot.get("a").unwrap();
    assert!(Arc::ptr_eq(got.record.as_ref().unwrap(), &record));
    assert_eq!((got.generation, got.expires), (3, expires));
    assert!(hot.get("absent").unwrap().record.is_none());
    hot.insert("a", entry(None));
    assert!(hot.get("a").unwrap().record.is_none());
    assert_eq!(hot.usage().entries, 2);
    hot.remove("a");
    assert!(hot.get("a").is_none());
    hot.remove_all();
    assert_eq!(hot.usage(), HotUsage::default());
}

#[test]
fn the_longest_kept_goes_first_unless_it_was_read() {
    // Room for four records of this size, and not for five.
    let hot = MemoryDatabase::new().with_hot_bytes(6_600);
    for id in ["a", "b", "c", "d"] {
        keep(&hot, id, 900);
    }
    assert!(hot.get("a").is_some());
    keep(&hot, "e", 900);
    assert_eq!(kept(&hot, &["b", "c"]), [false, true]);
    // `a` had its chance and `c` was just read: `d` goes.
    keep(&hot, "f", 900);
    assert_eq!(kept(&hot, &["c", "d", "e", "f"]), [true, false, true, true]);
}

#[test]
fn a_record_above_the_budget_replaces_nothing_but_its_own_id() {
    let hot = MemoryDatabase::new().with_hot_bytes(10_000);
    keep(&hot, "a", 100);
    keep(&hot, "b", 100);
    keep(&hot, "a", 20_000);
    assert_eq!(kept(&hot, &["a", "b"]), [false, true]);
}

#[test]
fn absent_ids_push_out_no_record() {
    let hot = MemoryDatabase::new().with_hot_bytes(100_000);
    for n in 0..50 {
        keep(&hot, &format!("r{n}"), 1_000);
    }
    let before = hot.usage().entries;
    for n in 0..10_000 {
        hot.insert(&format!("absent-{n}"), entry(None));
    }
    assert!((0..50).all(|n| hot.get(&format!("r{n}")).is_some()));
    assert!(hot.usage().entries > before && hot.usage().bytes <= 100_000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is done, the budget holds, the bytes add up, and what is got is what was last inserted.
    #[test]
    fn the_hot_face_stays_within_its_bytes(steps in proptest::collection::vec((0..4_u8, 0..12_u8, 0..3_000_usize), 1..300)) {
        let hot = MemoryDatabase::new().with_hot_bytes(12_000);
        let mut last = std::collections::HashMap::new();
        for (step, id, bytes) in steps {
            let id = format!("id-{id}");
            match step {
                0 => { hot.get(&id); }
                1 => { hot.remove(&id); last.remove(&id); }
                2 => { hot.insert(&id, entry(None)); last.insert(id.clone(), None); }
                _ => {
                    let record = record(&id, bytes);
                    hot.insert(&id, entry(Some(Arc::clone(&record))));
                    last.insert(id.clone(), Some(record));
                }
            }
            prop_assert!(hot.usage().bytes <= 12_000);
            if let Some(got) = hot.get(&id) {
                let expected = last.get(&id).expect("nothing that was removed");
                prop_assert_eq!(got.record.as_ref().map(Arc::as_ptr), expected.as_ref().map(Arc::as_ptr));
            }
        }
        for id in 0..12 {
            hot.remove(&format!("id-{id}"));
        }
        prop_assert_eq!(hot.usage(), HotUsage::default());
    }
}
