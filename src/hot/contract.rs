//! What every hot tier keeps to; each one's own tests run these over it, with what makes it finish its work first.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on panics, wherever it stands"
)]

use std::sync::{Arc, Weak};
use std::time::Instant;

use super::{Entry, HotCache};
use crate::record::Stamp;
use crate::{Record, RecordId};

/// A record of about so many bytes.
pub(crate) fn record(id: &str, bytes: usize) -> Arc<Record> {
    let fields = format!(r#"{{"text":"{}"}}"#, "x".repeat(bytes));
    Arc::new(Record::stored(
        RecordId::stored(id),
        fields.into(),
        None,
        Stamp::None,
    ))
}

pub(crate) fn entry(record: Option<Arc<Record>>) -> Entry {
    Entry {
        generation: 7,
        expires: Instant::now(),
        record,
    }
}

/// The bytes of records that are alive, whatever the cache says.
pub(crate) fn alive(records: &[Weak<Record>]) -> u64 {
    records
        .iter()
        .filter_map(Weak::upgrade)
        .map(|record| record.bytes() as u64)
        .sum()
}

/// Inserts, reads and removes few ids with records of many sizes: what moves a sum that is kept apart from its parts.
pub(crate) fn use_keys_again(hot: &dyn HotCache, seed: u64, steps: usize) -> Vec<Weak<Record>> {
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

/// The same by several threads at once.
pub(crate) fn use_keys_again_by_threads(hot: &dyn HotCache) -> Vec<Weak<Record>> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = (1..5)
            .map(|seed| scope.spawn(move || use_keys_again(hot, seed, 10_000)))
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    })
}

pub(crate) fn entries_come_back_as_they_went_in(hot: &dyn HotCache) {
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
}

/// Over a cache of a mebibyte.
pub(crate) fn absent_ids_push_out_no_record<H: HotCache>(hot: &H, settle: impl Fn(&H)) {
    for n in 0..400 {
        let id = format!("r{n}");
        hot.insert(&id, entry(Some(record(&id, 1_000))));
    }
    settle(hot);
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
    settle(hot);
    assert_eq!(kept(), 400);
    assert!(hot.usage().bytes <= 1 << 20);
}

/// Over a cache of 64 KiB.
pub(crate) fn a_record_above_the_budget_is_not_kept<H: HotCache>(hot: &H, settle: impl Fn(&H)) {
    hot.insert("a", entry(Some(record("a", 100))));
    hot.insert("a", entry(Some(record("a", 100_000))));
    settle(hot);
    assert!(hot.get("a").is_none(), "nor what it replaces");
    assert_eq!(hot.usage().bytes, 0);
}
