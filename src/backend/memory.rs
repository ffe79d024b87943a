//! Records in this process's memory: the reference that every other backend is compared with.

mod second_chance;
mod table;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures::{StreamExt, stream};
use parking_lot::{MappedRwLockReadGuard, MappedRwLockWriteGuard, RwLock};
use parking_lot::{RwLockReadGuard, RwLockWriteGuard};

use self::second_chance::SecondChance;
use self::table::Table;
use crate::{
    Capabilities, CatalogHost, Clock, Database, Entry, Error, ErrorKind, Health, HotCache,
    HotUsage, Query, Record, RecordStream, Result, SystemClock, Write, Written,
};

/// What the hot face may keep unless [`MemoryDatabase::with_hot_bytes`] says otherwise.
const DEFAULT_HOT_BYTES: u64 = 64 << 20;

/// Absent ids get this part of the hot bytes, so that they can never push out a record.
const ABSENT_SHARE: u64 = 16;

/// Records in memory: complete and consistent, and gone with the process.
///
/// As a [`Database`] it keeps everything it is given. Reads share the record (`Arc`), batches are atomic, and a search
/// sees the moment in which it was asked: it holds on to the matching records, not to copies.
///
/// As a [`HotCache`] it keeps entries apart from those records, within a budget of bytes. When it is full the entry that
/// was kept longest goes, unless it was read since: then it is passed over once (the "second chance" rule). Absent ids
/// have a sixteenth of the budget to themselves.
///
/// Share one as `Arc<MemoryDatabase>`. After [`close`](Database::close) the records are gone and every call answers
/// `Closed`; streams that were open go on.
pub struct MemoryDatabase {
    clock: Arc<dyn Clock>,
    /// None once closed.
    table: RwLock<Option<Table>>,
    hot: RwLock<Hot>,
}

struct Hot {
    records: SecondChance,
    absent: SecondChance,
}

impl MemoryDatabase {
    /// An empty database on the system's clock.
    pub fn new() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            table: RwLock::new(Some(Table::new())),
            hot: RwLock::new(Hot::of(DEFAULT_HOT_BYTES)),
        }
    }

    /// Takes the time from `clock`.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Keeps at most so many bytes as a [`HotCache`]; 64 MiB unless set.
    #[must_use]
    pub fn with_hot_bytes(mut self, bytes: u64) -> Self {
        self.hot = RwLock::new(Hot::of(bytes));
        self
    }

    fn table(&self) -> Result<MappedRwLockReadGuard<'_, Table>> {
        RwLockReadGuard::try_map(self.table.read(), Option::as_ref).map_err(|_| closed())
    }

    fn table_mut(&self) -> Result<MappedRwLockWriteGuard<'_, Table>> {
        RwLockWriteGuard::try_map(self.table.write(), Option::as_mut).map_err(|_| closed())
    }
}

impl Default for MemoryDatabase {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let records = self.table.read().as_ref().map(Table::len);
        f.debug_struct("MemoryDatabase")
            .field("records", &records)
            .field("hot", &self.usage())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Database for MemoryDatabase {
    async fn read(&self, id: &str) -> Result<Option<Arc<Record>>> {
        Ok(self.table()?.get(id))
    }

    async fn read_many(&self, ids: &[&str]) -> Result<Vec<Option<Arc<Record>>>> {
        let table = self.table()?;
        Ok(ids.iter().map(|id| table.get(id)).collect())
    }

    async fn write(&self, writes: Vec<Write>) -> Result<Vec<Written>> {
        let mut table = self.table_mut()?;
        let now = self.clock.now();
        let apply = |write| table.apply(write, now);
        Ok(writes.into_iter().map(apply).collect())
    }

    async fn search(&self, query: Query) -> Result<RecordStream> {
        let query = query.prepare(self.clock.now())?;
        let found = query.collect(self.table()?.candidates(&query.query().filter).cloned());
        Ok(stream::iter(found).map(Ok).boxed())
    }

    async fn count(&self, query: &Query) -> Result<u64> {
        let query = query.prepare(self.clock.now())?;
        let table = self.table()?;
        let candidates = table.candidates(&query.query().filter);
        let matching = candidates.filter(|record| query.matches(record)).count();
        Ok(query.count_of(matching as u64))
    }

    async fn clear(&self) -> Result<()> {
        self.table_mut()?.clear();
        Ok(())
    }

    async fn health(&self) -> Result<Health> {
        let _open = self.table()?;
        Ok(Health::of("memory"))
    }

    async fn close(&self) -> Result<()> {
        *self.table.write() = None;
        self.remove_all();
        Ok(())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            durable: false,
            ..Capabilities::ALL
        }
    }

    fn catalog_host(&self) -> Option<Arc<dyn CatalogHost>> {
        None
    }
}

impl HotCache for MemoryDatabase {
    fn get(&self, id: &str) -> Option<Entry> {
        let hot = self.hot.read();
        hot.records.get(id).or_else(|| hot.absent.get(id))
    }

    fn insert(&self, id: &str, entry: Entry) {
        let mut hot = self.hot.write();
        let Hot { records, absent } = &mut *hot;
        let (mine, other) = match entry.record {
            Some(_) => (records, absent),
            None => (absent, records),
        };
        other.remove(id);
        mine.insert(id, entry);
    }

    fn remove(&self, id: &str) {
        let mut hot = self.hot.write();
        hot.records.remove(id);
        hot.absent.remove(id);
    }

    fn remove_all(&self) {
        let mut hot = self.hot.write();
        hot.records.clear();
        hot.absent.clear();
    }

    fn usage(&self) -> HotUsage {
        let hot = self.hot.read();
        let (records, absent) = (hot.records.usage(), hot.absent.usage());
        HotUsage {
            entries: records.entries + absent.entries,
            bytes: records.bytes + absent.bytes,
        }
    }
}

impl Hot {
    fn of(bytes: u64) -> Self {
        let absent = bytes / ABSENT_SHARE;
        Self {
            records: SecondChance::within(bytes - absent),
            absent: SecondChance::within(absent),
        }
    }
}

fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the memory database was closed")
}
