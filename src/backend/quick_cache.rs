//! A hot tier over quick_cache: a hit costs about a third of moka's.

#[cfg(test)]
mod tests;

use std::fmt;

use ::quick_cache::sync::{Cache, DefaultLifecycle};
use ::quick_cache::{OptionsBuilder, Weighter};
use foldhash::fast::RandomState;

use crate::{Entry, HotCache, HotUsage, RecordId};

/// What an entry weighs beside its text: the slot, the record and its version. A test holds it to what is allocated.
const OVERHEAD: usize = 400;

/// Absent ids get this part of the bytes, so that they can never push out a record.
const ABSENT_SHARE: u64 = 16;

/// What a record weighs in all, where nothing better is known: by this the places are reserved.
const TYPICAL: u64 = 1024;

/// No shard is smaller, as long as there is more than one: a record that is larger than its shard is not kept.
const SHARD_BYTES: u64 = 8 << 20;

/// A cache in memory within a budget of bytes, which keeps what is read again (quick_cache's kind of CLOCK-Pro).
///
/// It serves a router and nothing else: it is no [`Database`](crate::Database). Against [`MokaDatabase`](crate::MokaDatabase)
/// a hit takes less time and an entry less memory. moka estimates how often a key was asked for and so resists
/// a flood of keys that are read once a little better. The budget is exact at every moment, and is split among shards: a
/// record above a shard's part (8 MiB, or the whole budget where that is smaller) is not kept.
///
/// Absent ids have a sixteenth of the budget to themselves, so that a flood of questions for what does not exist pushes
/// out no record.
pub struct QuickCache {
    records: Store,
    absent: Store,
}

type Store = Cache<RecordId, Entry, Weight, RandomState, DefaultLifecycle<RecordId, Entry>>;

impl QuickCache {
    /// An empty cache of at most `bytes`.
    pub fn with_max_bytes(bytes: u64) -> Self {
        let absent = bytes / ABSENT_SHARE;
        Self {
            records: store(bytes - absent),
            absent: store(absent),
        }
    }
}

impl HotCache for QuickCache {
    fn get(&self, id: &str) -> Option<Entry> {
        self.records.get(id).or_else(|| self.absent.get(id))
    }

    /// Nobody else holds both stores at once, so an id that is inserted by two threads may stand in both for a moment;
    /// the router judges either by its generation.
    fn insert(&self, id: &str, entry: Entry) {
        match &entry.record {
            Some(record) => {
                // A key that shares its text with the record costs nothing.
                let key = if record.id().as_str() == id {
                    record.id().clone()
                } else {
                    RecordId::stored(id)
                };
                self.absent.remove(id);
                self.records.insert(key, entry);
            }
            None => {
                self.records.remove(id);
                self.absent.insert(RecordId::stored(id), entry);
            }
        }
    }

    fn remove(&self, id: &str) {
        self.records.remove(id);
        self.absent.remove(id);
    }

    fn remove_all(&self) {
        self.records.clear();
        self.absent.clear();
    }

    fn usage(&self) -> HotUsage {
        HotUsage {
            entries: (self.records.len() + self.absent.len()) as u64,
            bytes: self.records.weight() + self.absent.weight(),
        }
    }
}

impl fmt::Debug for QuickCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QuickCache")
            .field("usage", &self.usage())
            .field("max_bytes", &self.records.capacity())
            .finish_non_exhaustive()
    }
}

fn store(bytes: u64) -> Store {
    let shards = usize::try_from(bytes / SHARD_BYTES).unwrap_or(usize::MAX);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    // It rounds up to a power of two.
    let shards = shards.clamp(1, threads * 4);
    let shards = if shards.is_power_of_two() {
        shards
    } else {
        shards.next_power_of_two() / 2
    };
    let options = OptionsBuilder::new()
        .shards(shards)
        .weight_capacity(bytes)
        .estimated_items_capacity(usize::try_from(bytes / TYPICAL).unwrap_or(usize::MAX))
        .build()
        .expect("both capacities are set");
    Cache::with_options(
        options,
        Weight,
        RandomState::default(),
        DefaultLifecycle::default(),
    )
}

/// Weighs entries in bytes.
#[derive(Clone, Copy, Debug)]
struct Weight;

impl Weighter<RecordId, Entry> for Weight {
    fn weight(&self, id: &RecordId, entry: &Entry) -> u64 {
        let record = entry.record.as_ref().map_or(0, |record| record.bytes());
        (OVERHEAD + id.as_str().len() + record) as u64
    }
}
