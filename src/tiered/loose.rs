//! Two tiers without a database in common: order and locks of this process in the place of a transaction.

mod locks;
mod search;
mod write;

use std::sync::Arc;

use async_trait::async_trait;

use self::locks::Locks;
use super::builder::Ids;
use super::cold::{Both, Cold, of_archive};
use super::source::{Found, ReadSource, SourcedStream};
use crate::fault::mutation;
use crate::{
    Capabilities, Clock, Database, ErrorKind, Health, Prepared, Record, Result, Write, Written,
};

/// A primary and an archive that share no transaction.
///
/// A write holds its keys' locks, puts into the primary before it deletes from the archive, and deletes from the archive
/// before the primary. So a record that stands in both, after a failure between two steps, is the primary's, and
/// deleting it leaves none.
#[derive(Debug)]
pub(super) struct LooseTiers {
    primary: Arc<dyn Database>,
    archive: Arc<dyn Database>,
    ids: Ids,
    clock: Arc<dyn Clock>,
    locks: Locks,
}

impl LooseTiers {
    pub(super) fn new(
        primary: Arc<dyn Database>,
        archive: Arc<dyn Database>,
        ids: Ids,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            primary,
            archive,
            ids,
            clock,
            locks: Locks::new(),
        }
    }

    fn both(&self) -> Both<'_> {
        Both {
            primary: &*self.primary,
            archive: &*self.archive,
        }
    }

    async fn read_archive(&self, ids: &[&str]) -> Result<Vec<Option<Arc<Record>>>> {
        match self.archive.read_many(ids).await {
            Err(error)
                if error.kind() == ErrorKind::Unavailable && mutation("unavailable_as_absent") =>
            {
                Ok(vec![None; ids.len()])
            }
            answer => answer.map_err(of_archive),
        }
    }
}

#[async_trait]
impl Cold for LooseTiers {
    async fn read(&self, id: &str) -> Result<Found> {
        let mark = self.locks.mark(id);
        if let Some(record) = self.primary.read(id).await? {
            return Ok(Found::from(ReadSource::Primary, Some(record)));
        }
        let archived = self.read_archive(&[id]).await?.pop().flatten();
        if archived.is_some() || self.locks.is_undisturbed(id, mark) {
            return Ok(Found::from(ReadSource::Archive, archived));
        }
        // A write may have taken the record out of the archive after the primary was asked: then it is there by now.
        Ok(Found::from(
            ReadSource::Primary,
            self.primary.read(id).await?,
        ))
    }

    async fn read_many(&self, ids: &[&str]) -> Result<Vec<Found>> {
        let marks: Vec<_> = ids.iter().map(|id| self.locks.mark(id)).collect();
        let mut found: Vec<Found> = vec![Found::MISS; ids.len()];
        let fill = |found: &mut Vec<Found>, places: &[usize], source, records| {
            for (place, record) in places.iter().zip::<Vec<Option<Arc<Record>>>>(records) {
                found[*place] = Found::from(source, record);
            }
        };
        let all: Vec<usize> = (0..ids.len()).collect();
        fill(
            &mut found,
            &all,
            ReadSource::Primary,
            self.primary.read_many(ids).await?,
        );
        let places = missing(&found);
        if places.is_empty() {
            return Ok(found);
        }
        let archived = self.read_archive(&pick(ids, &places)).await?;
        fill(&mut found, &places, ReadSource::Archive, archived);
        let mut places = missing(&found);
        places.retain(|place| !self.locks.is_undisturbed(ids[*place], marks[*place]));
        if !places.is_empty() {
            let again = self.primary.read_many(&pick(ids, &places)).await?;
            fill(&mut found, &places, ReadSource::Primary, again);
        }
        Ok(found)
    }

    async fn write(&self, writes: Vec<Write>) -> Result<Vec<Written>> {
        self.apply(writes).await
    }

    async fn search(&self, query: Prepared) -> Result<SourcedStream> {
        self.merged(query).await
    }

    async fn count(&self, query: &Prepared) -> Result<u64> {
        self.counted(query).await
    }

    async fn clear(&self) -> Result<()> {
        let _held = self.locks.hold_all().await;
        self.archive.clear().await.map_err(of_archive)?;
        self.primary.clear().await
    }

    async fn health(&self) -> Result<Health> {
        self.both().health().await
    }

    async fn close(&self) -> Result<()> {
        self.both().close().await
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            atomic_batches: false,
            snapshot_search: false,
            ..self.both().capabilities()
        }
    }

    #[cfg(feature = "archive")]
    fn parquet(&self) -> Option<&crate::ParquetArchive> {
        None
    }
}

fn missing(found: &[Found]) -> Vec<usize> {
    let absent = |place: &usize| found[*place].record.is_none();
    (0..found.len()).filter(absent).collect()
}

fn pick<'a>(ids: &[&'a str], places: &[usize]) -> Vec<&'a str> {
    places.iter().map(|place| ids[*place]).collect()
}
