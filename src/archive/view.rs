//! Reading the archive at one snapshot: the catalog says what exists, the reader fetches it.

mod deleted;
mod group;
mod lookup;
mod prune;
mod reader;
mod scan;
mod sorted;

use std::sync::Arc;

pub(crate) use self::lookup::{Located, Lookup};
pub(crate) use self::reader::ArchiveReader;

use super::catalog::CatalogState;
use super::segment::RecordReader;
use crate::{Prepared, Record, RecordStream, Result};

/// The archive at one snapshot; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct ArchiveView {
    state: Arc<CatalogState>,
    files: Arc<ArchiveReader>,
    records: RecordReader,
}

impl ArchiveView {
    pub(crate) fn new(state: Arc<CatalogState>, files: Arc<ArchiveReader>) -> Self {
        let records = RecordReader::new(&state.table.columns);
        Self {
            state,
            files,
            records,
        }
    }

    pub(crate) fn state(&self) -> &Arc<CatalogState> {
        &self.state
    }

    /// Reads records by id: what is missing of the candidates' tails, and one request for each row group that holds one.
    pub(crate) async fn read_many(&self, ids: &[&str]) -> Result<Vec<Option<Arc<Record>>>> {
        let located = self.locate(ids).await?;
        Ok(located
            .into_iter()
            .map(|located| located.map(|located| located.record))
            .collect())
    }

    /// Finds records by id, and where they lie.
    pub(crate) async fn locate(&self, ids: &[&str]) -> Result<Vec<Option<Located>>> {
        let mut lookup = Lookup::new(ids);
        lookup.load(self).await?;
        // Everything that this very state asks for was just loaded.
        Ok(lookup.resolve(&self.state).unwrap_or_default())
    }

    /// Streams what matches: in the query's order if it has one, else as it lies. Limit, offset and projection apply.
    pub(crate) fn search(&self, query: &Prepared) -> RecordStream {
        if query.is_ordered() {
            sorted::search(self.clone(), query.clone())
        } else {
            scan::search(self.clone(), query.clone())
        }
    }

    /// Counts what [`search`](Self::search) would return.
    pub(crate) async fn count(&self, query: &Prepared) -> Result<u64> {
        Ok(query.count_of(scan::count(self, query).await?))
    }
}
