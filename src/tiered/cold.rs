//! What lies below the hot tier: one database, or two with rules between them.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt};

use super::source::{Found, ReadSource, SourcedStream};
use crate::{Capabilities, Database, Error, Health, Prepared, Result, Tier, Write, Written};

/// The tiers below the hot one, taken together. Calls are executed to their end: the router sees to that.
#[async_trait]
pub(super) trait Cold: Send + Sync + Debug {
    /// Reads one record.
    async fn read(&self, id: &str) -> Result<Found>;

    /// Reads many, each tier asked once.
    async fn read_many(&self, ids: &[&str]) -> Result<Vec<Found>>;

    /// Applies writes in order.
    async fn write(&self, writes: Vec<Write>) -> Result<Vec<Written>>;

    /// Streams the records that match, each with its tier.
    async fn search(&self, query: Prepared) -> Result<SourcedStream>;

    /// Counts what `search` would stream.
    async fn count(&self, query: &Prepared) -> Result<u64>;

    /// Removes everything.
    async fn clear(&self) -> Result<()>;

    /// Asks the services.
    async fn health(&self) -> Result<Health>;

    /// Lets go of everything.
    async fn close(&self) -> Result<()>;

    /// What the tiers can do together.
    fn capabilities(&self) -> Capabilities;

    /// The archive that records are moved to; none where primary and archive share no transaction.
    #[cfg(feature = "archive")]
    fn parquet(&self) -> Option<&crate::ParquetArchive>;
}

/// Says of an error that the archive had it, unless it says so itself.
pub(super) fn of_archive(error: Error) -> Error {
    if error.context().any(|(key, _)| key == "tier") {
        return error;
    }
    error.with("tier", Tier::Archive)
}

/// A primary and an archive, whatever binds them: what both answer to together.
#[derive(Clone, Copy)]
pub(super) struct Both<'a> {
    pub(super) primary: &'a dyn Database,
    pub(super) archive: &'a dyn Database,
}

impl Both<'_> {
    pub(super) async fn health(self) -> Result<Health> {
        let primary = self.primary.health().await?;
        let archive = self.archive.health().await.map_err(of_archive)?;
        Ok(Health::of(format!(
            "{}, archive: {}",
            primary.service, archive.service
        )))
    }

    /// The archive first: its catalog may lie in the primary.
    pub(super) async fn close(self) -> Result<()> {
        let archive = self.archive.close().await.map_err(of_archive);
        self.primary.close().await.and(archive)
    }

    /// What is true of both tiers wherever a record lies; how they are bound decides about batches and snapshots.
    pub(super) fn capabilities(self) -> Capabilities {
        let (primary, archive) = (self.primary.capabilities(), self.archive.capabilities());
        Capabilities {
            durable: primary.durable && archive.durable,
            conditional_writes: primary.conditional_writes,
            exact_json: primary.exact_json && archive.exact_json,
            ..Capabilities::ALL
        }
    }
}

/// A primary without an archive.
#[derive(Debug)]
pub(super) struct PrimaryOnly(pub(super) Arc<dyn Database>);

#[async_trait]
impl Cold for PrimaryOnly {
    async fn read(&self, id: &str) -> Result<Found> {
        Ok(Found::from(ReadSource::Primary, self.0.read(id).await?))
    }

    async fn read_many(&self, ids: &[&str]) -> Result<Vec<Found>> {
        let records = self.0.read_many(ids).await?;
        let found = |record| Found::from(ReadSource::Primary, record);
        Ok(records.into_iter().map(found).collect())
    }

    async fn write(&self, writes: Vec<Write>) -> Result<Vec<Written>> {
        self.0.write(writes).await
    }

    async fn search(&self, query: Prepared) -> Result<SourcedStream> {
        let records = self.0.search(query.query().clone()).await?;
        Ok(records
            .map_ok(|record| (record, ReadSource::Primary))
            .boxed())
    }

    async fn count(&self, query: &Prepared) -> Result<u64> {
        self.0.count(query.query()).await
    }

    async fn clear(&self) -> Result<()> {
        self.0.clear().await
    }

    async fn health(&self) -> Result<Health> {
        self.0.health().await
    }

    async fn close(&self) -> Result<()> {
        self.0.close().await
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    #[cfg(feature = "archive")]
    fn parquet(&self) -> Option<&crate::ParquetArchive> {
        None
    }
}
