use std::sync::{Arc, Weak};
use std::time::Instant;

use super::*;
use crate::Record;
use crate::record::Stamp;

fn record(id: &str, bytes: usize) -> Arc<Record> {
    let fields = format!(r#"{{"text":"{}"}}"#, "x".repeat(bytes));
    Arc::new(Record::stored(
        RecordId::stored(id),
        fields.into(),
        None,
        Stamp::None,
    ))
}

fn entry(record: Option<Arc<Record>>) -> Entry {
    Entry {
        generation: 7,
        expires: Instant::now(),
        record,
    }
}

/// The bytes of records that are alive, whatever the cache says.
fn alive(records: &[Weak<Record>]) -> u64 {
    records
        .iter()
        .filter_map(Weak::upgrade)
        .map(|record| record.bytes() as u64)
        .sum()
}

#[test]
fn entries_come_back_as_they_went_in() {
    let hot = QuickCache::with_max_bytes(1 << 20);
    let record = record("a", 10);
    hot.insert("a", entry(Some(Arc::clone(&record))));
    hot.insert("absent", entry(None));
    let got = hot.get("a").unwrap();
    assert!(Arc::ptr_eq(got.record.as_ref().unwrap(), &record));
    assert_eq!(got.generation, 7);
    assert!(hot.get("absent").unwrap().record.is_none());
    hot.insert("a", entry(None));
    assert!(
        hot.get("a").unwrap().record.is_none(),
        "the newer one counts"
    );
    hot.insert("a", entry(Some(record)));
    assert!(hot.get("a").unwrap().record.is_some());
    hot.remove("a");
    assert!(hot.get("a").is_none(), "both are gone");
    hot.remove_all();
    assert!(hot.get("absent").is_none());
    assert_eq!(hot.usage(), HotUsage::default());
}

/// Inserts, reads and removes few ids with records of many sizes: what moves a sum that is kept apart from its parts.
fn use_keys_again(hot: &QuickCache, seed: u64, steps: usize) -> Vec<Weak<Record>> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut all = Vec::new();
    for _ in 0..steps {
        let id = format!("id-{}", random.u32(..500));
        match random.u8(..4) {
            0 => hot.remove(&id),
            1 => drop(hot.get(&id)),
            _ => {
                let record = record(&id, random.usize(..20_000));
                all.push(Arc::downgrade(&record));
                hot.insert(&id, entry(Some(record)));
            }
        }
    }
    all
}

#[test]
fn threads_that_use_keys_again_stay_within_the_bytes() {
    const MAX: u64 = 4 << 20;
    let hot = QuickCache::with_max_bytes(MAX);
    let all: Vec<Weak<Record>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (1..5)
            .map(|seed| {
                scope.spawn({
                    let hot = &hot;
                    move || use_keys_again(hot, seed, 10_000)
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    let held: u64 = hot
        .records
        .iter()
        .map(|(id, entry)| Weight.weight(&id, &entry))
        .sum();
    assert_eq!(hot.usage().bytes, held, "its sum has drifted");
    assert!(alive(&all) <= MAX && held <= MAX);
    assert!(alive(&all) > MAX / 2, "it keeps little");
}

#[test]
fn absent_ids_push_out_no_record() {
    let hot = QuickCache::with_max_bytes(1 << 20);
    for n in 0..400 {
        let id = format!("r{n}");
        hot.insert(&id, entry(Some(record(&id, 1_000))));
    }
    let kept = || {
        (0..400)
            .filter(|n| hot.get(&format!("r{n}")).is_some())
            .count()
    };
    assert_eq!(kept(), 400);
    for n in 0..100_000 {
        let id = format!("absent-{n}");
        // Asked for several times each, as if they were popular.
        hot.insert(&id, entry(None));
        hot.get(&id);
        hot.get(&id);
    }
    assert_eq!(kept(), 400);
    assert!(!hot.absent.is_empty());
    assert!(hot.usage().bytes <= 1 << 20);
}

#[test]
fn a_record_above_the_budget_is_not_kept_and_neither_is_what_it_replaces() {
    let hot = QuickCache::with_max_bytes(64 << 10);
    hot.insert("a", entry(Some(record("a", 100))));
    hot.insert("a", entry(Some(record("a", 100_000))));
    assert!(hot.get("a").is_none());
    assert_eq!(hot.usage().bytes, 0);
}

#[test]
fn a_shard_takes_large_records_on_a_machine_of_many_cores() {
    for bytes in [1 << 20, 16 << 20, 100 << 20, 1 << 30] {
        let hot = QuickCache::with_max_bytes(bytes);
        let shard = hot.records.shard_capacity();
        assert!(
            shard >= SHARD_BYTES || hot.records.num_shards() == 1,
            "{bytes}: {shard}"
        );
        assert!(hot.records.capacity() + hot.absent.capacity() <= bytes + 64);
    }
}

#[test]
fn the_key_shares_its_text_with_the_record() {
    let hot = QuickCache::with_max_bytes(1 << 20);
    let record = record("a", 10);
    hot.insert("a", entry(Some(Arc::clone(&record))));
    let (key, _) = hot.records.iter().next().unwrap();
    assert_eq!(key.as_str().as_ptr(), record.id().as_str().as_ptr());
}

/// Bytes as malloc hands them out: each block has a head, and its size is a multiple of 16.
#[test]
fn an_entry_weighs_about_what_it_takes() {
    const MALLOC: i64 = 16;
    let hot = QuickCache::with_max_bytes(1 << 30);
    let ids: Vec<String> = (0..50_000).map(|n| format!("id-{n:033}")).collect();
    let taken = allocation_counter::measure(|| {
        for id in &ids {
            hot.insert(id, entry(Some(record(id, 100))));
        }
    });
    let taken = u64::try_from(taken.bytes_current + taken.count_current * MALLOC).unwrap();
    let weighed = hot.usage().bytes;
    println!(
        "{} an entry, weighed as {}",
        taken / 50_000,
        weighed / 50_000
    );
    assert!(weighed >= taken, "the budget would be exceeded");
    assert!(weighed < taken * 2, "the budget would be half empty");
}

/// A router with it in front passes what every database passes.
mod behaviours {
    crate::conformance_tests!(async || {
        crate::TieredDatabase::builder()
            .hot(crate::QuickCache::with_max_bytes(64 << 20))
            .primary(crate::MemoryDatabase::new())
            .build()
            .await
            .unwrap()
    });
}
