//! A primary whose database holds the archive's catalog too: one transaction spans both tiers.

mod search;
mod sought;
mod write;

use std::sync::Arc;

use async_trait::async_trait;

use super::archive::Terms;
use super::builder::Ids;
use super::cold::{Both, Cold, of_archive};
use super::guard::Guards;
use super::guarded::Guarded;
use super::source::{Found, ReadSource, SourcedStream};
use crate::archive::{ArchiveView, ParquetArchive};
use crate::catalog_host::CatalogHost;
use crate::fault::mutation;
use crate::telemetry::Operation;
use crate::{
    Capabilities, Clock, Database, Error, ErrorKind, Health, Prepared, Record, Result, Write,
    Written,
};

/// How often a read starts again because the archive was rewritten under it.
const ATTEMPTS: usize = 4;

/// A primary and a Parquet archive that share a database.
#[derive(Debug)]
pub(super) struct JoinedTiers {
    primary: Arc<dyn Database>,
    host: Arc<dyn CatalogHost>,
    archive: ParquetArchive,
    /// The archive, asked no longer than its guard allows.
    guarded: Arc<dyn Database>,
    ids: Ids,
    clock: Arc<dyn Clock>,
    guards: Guards,
}

impl JoinedTiers {
    /// Joins an archive to its primary.
    ///
    /// # Errors
    /// `Invalid`: the archive's catalog is not in the primary's database.
    pub(super) fn new(
        primary: Arc<dyn Database>,
        host: Arc<dyn CatalogHost>,
        archive: ParquetArchive,
        terms: Terms,
    ) -> Result<Self> {
        if archive.host().identity() != host.identity() {
            return Err(Error::invalid(
                "the archive's catalog lies in another database than the primary's records, so no transaction spans \
                 both; give the archive without `catalog`, and it gets the primary's",
            )
            .with("primary", host.identity())
            .with("catalog", archive.host().identity()));
        }
        Ok(Self {
            primary: Guarded::over(primary, &terms.guards.primary),
            host,
            guarded: Guarded::over(Arc::new(archive.clone()), &terms.guards.archive),
            archive,
            ids: terms.ids,
            clock: terms.clock,
            guards: terms.guards,
        })
    }

    fn both(&self) -> Both<'_> {
        Both {
            primary: &*self.primary,
            archive: &*self.guarded,
        }
    }

    /// The primary's records, and where one is missing the archive as it was in the same snapshot.
    ///
    /// One statement where the known state of the catalog is the one that it finds; else one transaction.
    async fn look(&self, ids: &[&str]) -> Result<(Vec<Option<Arc<Record>>>, Option<ArchiveView>)> {
        let catalog = self.archive.catalog();
        let (records, newest) = self.host.read_with(ids, catalog.newest_sql(), &[]).await?;
        if records.iter().all(Option::is_some) {
            return Ok((records, None));
        }
        if let Some(state) = catalog.known(&newest)? {
            return Ok((records, Some(self.archive.view_of(state))));
        }
        let mut tx = self.host.begin_read().await?;
        let records = tx.read_many(ids).await?;
        let view = self.archive.view_in(&mut *tx).await?;
        Ok((records, Some(view)))
    }

    async fn find(&self, ids: &[&str]) -> Result<Vec<Found>> {
        let primary = &self.guards.primary;
        let (records, view) = primary
            .run(Operation::Read, Box::pin(self.look(ids)))
            .await?;
        let mut found: Vec<Found> = records
            .into_iter()
            .map(|record| Found::from(ReadSource::Primary, record))
            .collect();
        let Some(view) = view else { return Ok(found) };
        let places: Vec<usize> = (0..found.len())
            .filter(|place| found[*place].record.is_none())
            .collect();
        let missing: Vec<&str> = places.iter().map(|place| ids[*place]).collect();
        let archived = Box::pin(view.read_many(&missing));
        let archived = match self.guards.archive.run(Operation::Read, archived).await {
            Err(error)
                if error.kind() == ErrorKind::Unavailable && mutation("unavailable_as_absent") =>
            {
                return Ok(found);
            }
            Err(error) => return Err(of_archive(self.archive.judged(&view, error).await)),
            Ok(archived) => archived,
        };
        for (place, record) in places.into_iter().zip(archived) {
            found[place] = Found::from(ReadSource::Archive, record);
        }
        Ok(found)
    }
}

#[async_trait]
impl Cold for JoinedTiers {
    async fn read(&self, id: &str) -> Result<Found> {
        let found = self.read_many(&[id]).await?.pop();
        Ok(found.unwrap_or(Found::MISS))
    }

    async fn read_many(&self, ids: &[&str]) -> Result<Vec<Found>> {
        for _ in 1..ATTEMPTS {
            match self.find(ids).await {
                Err(error) if ParquetArchive::is_rewritten(&error) => {}
                answer => return answer,
            }
        }
        self.find(ids).await
    }

    async fn write(&self, writes: Vec<Write>) -> Result<Vec<Written>> {
        self.apply(writes).await
    }

    async fn search(&self, query: Prepared) -> Result<SourcedStream> {
        self.merged(query).await
    }

    async fn count(&self, query: &Prepared) -> Result<u64> {
        for _ in 1..ATTEMPTS {
            match self.counted(query).await {
                Err(error) if ParquetArchive::is_rewritten(&error) => {}
                answer => return answer,
            }
        }
        self.counted(query).await
    }

    async fn clear(&self) -> Result<()> {
        self.clear_both().await
    }

    async fn health(&self) -> Result<Health> {
        self.both().health().await
    }

    async fn close(&self) -> Result<()> {
        self.both().close().await
    }

    fn capabilities(&self) -> Capabilities {
        self.both().capabilities()
    }

    fn parquet(&self) -> Option<&ParquetArchive> {
        Some(&self.archive)
    }
}
