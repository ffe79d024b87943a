//! Reading the archive: one table at one snapshot of its catalog.
//!
//! A lookup costs the tails of the files that may hold the id and are not in memory, then one request for a record that
//! is there and none for one that is not. A scan asks for what the statistics leave, a few row groups at a time.

mod dead;
mod group;
mod known;
mod lookup;
mod ordered;
mod probe;
mod prune;
mod reader;
mod scan;
mod scanned;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};

pub(crate) use self::lookup::{Located, Lookup};
pub(crate) use self::reader::ArchiveReader;
use super::catalog::CatalogState;
use super::metered::counting;
use crate::query::{Filter, Prepared};
use crate::{Error, Record, RecordStream, Result};

/// The archive at one snapshot; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct ArchiveView {
    state: Arc<CatalogState>,
    reader: Arc<ArchiveReader>,
}

impl ArchiveView {
    pub(crate) fn new(state: Arc<CatalogState>, reader: Arc<ArchiveReader>) -> Self {
        Self { state, reader }
    }

    /// What the catalog says at this snapshot.
    pub(crate) fn state(&self) -> &Arc<CatalogState> {
        &self.state
    }

    /// Sees that the objects can be read.
    ///
    /// # Errors
    /// `Unavailable`: their store. `Corrupt`: the newest is missing.
    pub(crate) async fn reach(&self) -> Result<()> {
        self.reader.reach(&self.state).await
    }

    /// Finds the live row of each id, in their order.
    ///
    /// # Errors
    /// `Corrupt`: stored bytes are not what was written, or an object is missing: a newer snapshot may not
    /// need it.
    pub(crate) async fn locate(&self, ids: &[&str]) -> Result<Vec<Option<Located>>> {
        let mut lookup = Lookup::new(ids);
        let (loaded, requests) = counting(Box::pin(lookup.load(self))).await;
        if ids.len() == 1 {
            self.reader.metrics.looked_up(requests);
        }
        loaded?;
        // What was loaded for this state answers at this state.
        Ok(lookup.resolve(&self.state).unwrap_or_default())
    }

    /// Reads records by their ids, in their order.
    ///
    /// # Errors
    /// As [`locate`](Self::locate).
    pub(crate) async fn read_many(&self, ids: &[&str]) -> Result<Vec<Option<Arc<Record>>>> {
        let located = self.locate(ids).await?;
        let records = located
            .into_iter()
            .map(|found| found.map(|found| found.record));
        Ok(records.collect())
    }

    /// The answer to a query: what matches, in its order, cut and projected as it says.
    ///
    /// The stream holds some megabytes, however large the archive; an order without a limit also the keys of what
    /// matches, up to 64 MiB, and says `Invalid` beyond that.
    pub(crate) fn search(&self, query: &Prepared) -> RecordStream {
        let asked = query.query();
        if asked.limit == Some(0) {
            return stream::empty().boxed();
        }
        let prepared = query.clone();
        if let Some(id) = asked.filter.only_id() {
            let (view, id) = (self.clone(), id.to_owned());
            let found = async move {
                let found = view.read_many(&[&id]).await?.into_iter().flatten();
                Ok::<_, Error>(stream::iter(prepared.collect(found).into_iter().map(Ok)))
            };
            return stream::once(found).try_flatten().boxed();
        }
        let matching = if query.is_ordered() {
            ordered::stream(self.clone(), query.clone())
        } else {
            let limit = asked.limit.and_then(|limit| usize::try_from(limit).ok());
            scan::stream(self.clone(), query.clone())
                .take(limit.unwrap_or(usize::MAX))
                .boxed()
        };
        matching
            .map_ok(move |record| prepared.project(record))
            .boxed()
    }

    /// How many records [`search`](Self::search) would return.
    ///
    /// # Errors
    /// As [`locate`](Self::locate).
    pub(crate) async fn count(&self, query: &Prepared) -> Result<u64> {
        let filter = &query.query().filter;
        let matching = if *filter == Filter::ALL {
            scan::count_all(self).await?
        } else if let Some(id) = filter.only_id() {
            let found = self.read_many(&[id]).await?.into_iter().flatten();
            found.filter(|record| query.matches(record)).count() as u64
        } else {
            scan::count(self, query).await?
        };
        Ok(query.count_of(matching))
    }
}
