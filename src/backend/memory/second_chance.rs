//! Entries within a budget of bytes: first in, first out, and what was read since is passed over once.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};

use foldhash::fast::RandomState;

use crate::{Entry, HotUsage, RecordId};

/// What an entry weighs beside its record's text, about: its places in two maps, the record itself, its version.
const OVERHEAD: u64 = 512;

pub(super) struct SecondChance {
    kept: HashMap<RecordId, Kept, RandomState>,
    /// Every kept id by the place at which it joined the queue.
    queue: BTreeMap<u64, RecordId>,
    next_place: u64,
    bytes: u64,
    max_bytes: u64,
}

struct Kept {
    entry: Entry,
    bytes: u64,
    place: u64,
    read_since: AtomicBool,
}

impl SecondChance {
    pub(super) fn within(max_bytes: u64) -> Self {
        Self {
            kept: HashMap::default(),
            queue: BTreeMap::new(),
            next_place: 0,
            bytes: 0,
            max_bytes,
        }
    }

    pub(super) fn get(&self, id: &str) -> Option<Entry> {
        let kept = self.kept.get(id)?;
        kept.read_since.store(true, Ordering::Relaxed);
        Some(kept.entry.clone())
    }

    /// Keeps an entry, or only forgets the older one where the new one alone is above the budget.
    pub(super) fn insert(&mut self, id: &str, entry: Entry) {
        self.remove(id);
        let bytes = OVERHEAD + weight(id, &entry);
        if bytes > self.max_bytes {
            return;
        }
        self.make_room(bytes);
        let id = match &entry.record {
            Some(record) if record.id().as_str() == id => record.id().clone(),
            _ => RecordId::stored(id),
        };
        let place = self.next_place();
        self.queue.insert(place, id.clone());
        self.bytes += bytes;
        let kept = Kept {
            entry,
            bytes,
            place,
            read_since: AtomicBool::new(false),
        };
        self.kept.insert(id, kept);
    }

    pub(super) fn remove(&mut self, id: &str) {
        if let Some(kept) = self.kept.remove(id) {
            self.queue.remove(&kept.place);
            self.bytes -= kept.bytes;
        }
    }

    pub(super) fn clear(&mut self) {
        self.kept.clear();
        self.queue.clear();
        self.bytes = 0;
    }

    pub(super) fn usage(&self) -> HotUsage {
        HotUsage {
            entries: self.kept.len() as u64,
            bytes: self.bytes,
        }
    }

    fn make_room(&mut self, bytes: u64) {
        while self.bytes + bytes > self.max_bytes {
            let Some((_, id)) = self.queue.pop_first() else {
                return;
            };
            let place = self.next_place();
            match self.kept.get_mut(&id) {
                // Each round clears the mark that saves an entry, so the queue cannot turn for ever.
                Some(kept) if kept.read_since.swap(false, Ordering::Relaxed) => {
                    kept.place = place;
                    self.queue.insert(place, id);
                }
                _ => self.remove(id.as_str()),
            }
        }
    }

    fn next_place(&mut self) -> u64 {
        self.next_place += 1;
        self.next_place
    }
}

/// The bytes of an entry's own text.
fn weight(id: &str, entry: &Entry) -> u64 {
    let record = entry.record.as_ref().map_or(0, |record| record.bytes());
    (id.len() + record) as u64
}
