use std::sync::Arc;

use super::*;
use crate::hot::contract::{self, alive, entry, record};

#[test]
fn entries_come_back_as_they_went_in() {
    let hot = QuickCache::with_max_bytes(1 << 20);
    contract::entries_come_back_as_they_went_in(&hot);
    assert_eq!(hot.usage(), HotUsage::default());
}

#[test]
fn threads_that_use_keys_again_stay_within_the_bytes() {
    const MAX: u64 = 4 << 20;
    let hot = QuickCache::with_max_bytes(MAX);
    let all = contract::use_keys_again_by_threads(&hot);
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
    contract::absent_ids_push_out_no_record(&hot, |_| {});
    assert!(!hot.absent.is_empty());
}

#[test]
fn a_record_above_the_budget_is_not_kept_and_neither_is_what_it_replaces() {
    contract::a_record_above_the_budget_is_not_kept(&QuickCache::with_max_bytes(64 << 10), |_| {});
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
