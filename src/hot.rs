//! What the router asks of a hot tier: get and insert, at once.

#[cfg(all(test, any(feature = "moka", feature = "quick_cache")))]
pub(crate) mod contract;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Instant;

use crate::Record;

/// A bounded cache in this process, as the router uses it. It belongs to one router.
///
/// It need not know generations or lifetimes: it keeps entries and gives them back, the router judges them.
pub trait HotCache: Send + Sync + Debug {
    /// The entry of `id`, without copying the record.
    fn get(&self, id: &str) -> Option<Entry>;

    /// Keeps an entry, as long as there is room.
    fn insert(&self, id: &str, entry: Entry);

    /// Forgets an entry.
    fn remove(&self, id: &str);

    /// Forgets everything.
    fn remove_all(&self);

    /// How many entries there are and how many bytes they weigh, about.
    fn usage(&self) -> HotUsage;
}

/// What the hot tier keeps of an id.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The generation of the id's stripe before the load began; an older one than today's is no hit.
    pub generation: u64,
    /// When the entry stops being a hit, by the router's clock.
    pub expires: Instant,
    /// The record, or none: the id is known to be absent.
    pub record: Option<Arc<Record>>,
}

/// The size of a hot tier, about: caches count with a delay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HotUsage {
    /// Entries, absent ones too.
    pub entries: u64,
    /// Bytes, as the cache weighs them.
    pub bytes: u64,
}

impl<H: HotCache + ?Sized> HotCache for Arc<H> {
    fn get(&self, id: &str) -> Option<Entry> {
        (**self).get(id)
    }

    fn insert(&self, id: &str, entry: Entry) {
        (**self).insert(id, entry);
    }

    fn remove(&self, id: &str) {
        (**self).remove(id);
    }

    fn remove_all(&self) {
        (**self).remove_all();
    }

    fn usage(&self) -> HotUsage {
        (**self).usage()
    }
}
