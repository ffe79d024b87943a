//! A hot tier over moka: bounded by bytes, read by many threads at once.

#[cfg(test)]
mod tests;

use std::fmt;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ::moka::sync::Cache;
use async_trait::async_trait;
use foldhash::fast::RandomState;
use futures::{StreamExt, stream};
use parking_lot::{Mutex, MutexGuard};

use crate::record::{Stamp, VersionCounter};
use crate::write::Effect;
use crate::{
    Capabilities, CatalogHost, Clock, Database, Entry, Error, ErrorKind, Filter, Health, HotCache,
    HotUsage, Query, Record, RecordId, RecordStream, Result, SystemClock, Write, Written,
};

/// What an entry weighs beside its text: moka's nodes, the record and its version. Measured by the growth of a process
/// that keeps 200,000 small records: 652 bytes each.
const OVERHEAD: usize = 650;

/// Absent ids get this part of the bytes, so that they can never push out a record.
const ABSENT_SHARE: u64 = 16;

/// How many writers of different ids may be at work at once, about.
const STRIPES: u64 = 64;

/// The generation of what was written through [`Database`]: no router's counter gets there, so it is never a hit.
const OWN: u64 = u64::MAX;

/// A cache in memory within a budget of bytes, which keeps what is read often (moka's TinyLFU).
///
/// As a [`HotCache`] it weighs the record's text, the key and what moka needs per entry. Absent ids have a sixteenth of
/// the budget to themselves, so that a flood of questions for what does not exist pushes out no record. moka counts with
/// a short delay: for moments it may be above its budget by what a few hundred writes bring.
///
/// As a [`Database`] it is a cache still: **it may forget what it was given**, any record and at any time, once its
/// budget is used up. Use it so where forgetting is right. What a router keeps in it and what is written
/// through `Database` share the budget and do not see each other.
pub struct MokaDatabase {
    clock: Arc<dyn Clock>,
    records: Cache<RecordId, Entry, RandomState>,
    absent: Cache<RecordId, Entry, RandomState>,
    /// Whoever changes an id holds its stripe, so that no entry is ever replaced in place (see `replace`).
    stripes: Box<[Mutex<()>]>,
    hash: RandomState,
    versions: VersionCounter,
    closed: AtomicBool,
}

impl MokaDatabase {
    /// An empty cache of at most `bytes`.
    pub fn with_max_bytes(bytes: u64) -> Self {
        let absent = bytes / ABSENT_SHARE;
        Self {
            clock: Arc::new(SystemClock),
            records: cache(bytes - absent),
            absent: cache(absent),
            stripes: (0..STRIPES).map(|_| Mutex::new(())).collect(),
            hash: RandomState::default(),
            versions: VersionCounter::new("moka"),
            closed: AtomicBool::new(false),
        }
    }

    /// Takes the time from `clock`.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    fn open(&self) -> Result<()> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::new(ErrorKind::Closed, "the moka cache was closed"));
        }
        Ok(())
    }

    /// What was written through `Database`; a record that is just being replaced is waited for.
    fn own(&self, id: &str) -> Option<Arc<Record>> {
        let found = self.records.get(id).and_then(own);
        found.or_else(|| self.settled(id, &self.stripe(id)))
    }

    fn settled(&self, id: &str, _stripe: &MutexGuard<'_, ()>) -> Option<Arc<Record>> {
        self.records.get(id).and_then(own)
    }

    /// The records that `filter` can match: one where it names the id, else all.
    fn candidates(&self, filter: &Filter) -> Vec<Arc<Record>> {
        match filter.only_id() {
            Some(id) => self.own(id).into_iter().collect(),
            None => self
                .records
                .iter()
                .filter_map(|(_, entry)| own(entry))
                .collect(),
        }
    }

    fn stripe(&self, id: &str) -> MutexGuard<'_, ()> {
        let place = self.hash.hash_one(id) % STRIPES;
        self.stripes[usize::try_from(place).unwrap_or_default()].lock()
    }

    /// Puts an entry in the place of another one, under the id's stripe.
    ///
    /// moka counts an entry that is replaced and soon after removed by the weight of the new one, though it had added
    /// the old one's: its sum drifts away from what it holds, without bound. An entry that goes before the
    /// next one comes is counted rightly.
    fn replace(&self, id: RecordId, entry: Entry) {
        self.records.invalidate(&id);
        self.records.insert(id, entry);
    }

    fn apply(&self, write: Write) -> Written {
        let id = write.id().clone();
        let stripe = self.stripe(id.as_str());
        let stored = self.settled(id.as_str(), &stripe);
        match write.against(stored.as_deref(), self.clock.now()) {
            Effect::Refused(outcome) => outcome,
            Effect::Remove => {
                self.records.invalidate(&id);
                Written::Deleted
            }
            Effect::Store { record, created } => {
                let version = self.versions.next();
                let record = record.with_stamp(Stamp::Given(version.clone()));
                let entry = Entry {
                    generation: OWN,
                    expires: self.clock.instant(),
                    record: Some(Arc::new(record)),
                };
                self.replace(id, entry);
                if created {
                    Written::Created(version)
                } else {
                    Written::Updated(version)
                }
            }
        }
    }
}

impl fmt::Debug for MokaDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MokaDatabase")
            .field("usage", &self.usage())
            .field("max_bytes", &self.records.policy().max_capacity())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Database for MokaDatabase {
    async fn read(&self, id: &str) -> Result<Option<Arc<Record>>> {
        self.open()?;
        Ok(self.own(id))
    }

    async fn read_many(&self, ids: &[&str]) -> Result<Vec<Option<Arc<Record>>>> {
        self.open()?;
        Ok(ids.iter().map(|id| self.own(id)).collect())
    }

    async fn write(&self, writes: Vec<Write>) -> Result<Vec<Written>> {
        self.open()?;
        Ok(writes.into_iter().map(|write| self.apply(write)).collect())
    }

    async fn search(&self, query: Query) -> Result<RecordStream> {
        self.open()?;
        let query = query.prepare(self.clock.now())?;
        let found = query.collect(self.candidates(&query.query().filter));
        Ok(stream::iter(found).map(Ok).boxed())
    }

    async fn count(&self, query: &Query) -> Result<u64> {
        self.open()?;
        let query = query.prepare(self.clock.now())?;
        let candidates = self.candidates(&query.query().filter);
        let matching = candidates
            .iter()
            .filter(|record| query.matches(record))
            .count();
        Ok(query.count_of(matching as u64))
    }

    async fn clear(&self) -> Result<()> {
        self.open()?;
        self.remove_all();
        Ok(())
    }

    async fn health(&self) -> Result<Health> {
        self.open()?;
        Ok(Health::of("moka"))
    }

    async fn close(&self) -> Result<()> {
        self.closed.store(true, Ordering::Release);
        self.remove_all();
        Ok(())
    }

    /// Neither durable, nor atomic, nor a snapshot: a cache.
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            durable: false,
            atomic_batches: false,
            snapshot_search: false,
            ..Capabilities::ALL
        }
    }

    fn catalog_host(&self) -> Option<Arc<dyn CatalogHost>> {
        None
    }
}

impl HotCache for MokaDatabase {
    fn get(&self, id: &str) -> Option<Entry> {
        self.records.get(id).or_else(|| self.absent.get(id))
    }

    fn insert(&self, id: &str, entry: Entry) {
        let _stripe = self.stripe(id);
        match &entry.record {
            Some(record) => {
                // A key that shares its text with the record costs nothing.
                let id = if record.id().as_str() == id {
                    record.id().clone()
                } else {
                    RecordId::stored(id)
                };
                self.absent.invalidate(&id);
                self.replace(id, entry);
            }
            None => {
                self.records.invalidate(id);
                self.absent.insert(RecordId::stored(id), entry);
            }
        }
    }

    fn remove(&self, id: &str) {
        let _stripe = self.stripe(id);
        self.records.invalidate(id);
        self.absent.invalidate(id);
    }

    fn remove_all(&self) {
        self.records.invalidate_all();
        self.absent.invalidate_all();
    }

    fn usage(&self) -> HotUsage {
        HotUsage {
            entries: self.records.entry_count() + self.absent.entry_count(),
            bytes: self.records.weighted_size() + self.absent.weighted_size(),
        }
    }
}

fn cache(bytes: u64) -> Cache<RecordId, Entry, RandomState> {
    Cache::builder()
        .max_capacity(bytes)
        .weigher(weight)
        .build_with_hasher(RandomState::default())
}

fn weight(id: &RecordId, entry: &Entry) -> u32 {
    let record = entry.record.as_ref().map_or(0, |record| record.bytes());
    u32::try_from(OVERHEAD + id.as_str().len() + record).unwrap_or(u32::MAX)
}

fn own(entry: Entry) -> Option<Arc<Record>> {
    entry.record.filter(|_| entry.generation == OWN)
}
