//! The archive as a `Database`: segments, a catalog, and the two together.

mod age_text;
mod builder;
mod columns;
mod contents;
mod decide;
mod flush;
mod orphans;
mod write;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt};

pub use self::builder::ParquetArchiveBuilder;
pub use self::columns::Columns;
pub use self::contents::{ArchiveContents, ArchivedAt};
pub use self::orphans::{Leftover, Orphans};

use super::catalog::{ArchivedTable, Catalog, CatalogState};
use super::column::Column;
use super::publish::Publisher;
use super::view::{ArchiveReader, ArchiveView};
use crate::blob::BlobStore;
use crate::catalog_host::{CatalogHost, HostTransaction};
use crate::telemetry::ArchiveMetrics;
use crate::{
    Age, Capabilities, Clock, Database, Error, ErrorKind, Health, Prepared, Query, Record,
    RecordStream, Result, Write, Written,
};

/// Records in Parquet segments, catalogued as a DuckLake; a cheap handle.
///
/// As the archive of a tiered database it shares the primary's transactions. Alone it is a [`Database`] like any other,
/// for few large batches: each batch becomes one segment for every month of age in it. A record that is replaced or
/// deleted is marked dead in the catalog, in the transaction that makes its successor visible.
///
/// # Other programs
/// DuckDB may read and write the archive at the same time, through a process of its own. It must not insert an id that is
/// there: it knows no unique keys. Of an id that stands in several live rows all the same, a read finds the newest row,
/// searches and counts find each, and the next write of it ends them all; [`locate`](ParquetArchive::locate) tells.
#[derive(Clone, Debug)]
pub struct ParquetArchive(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    host: Arc<dyn CatalogHost>,
    catalog: Catalog,
    blobs: Arc<dyn BlobStore>,
    reader: Arc<ArchiveReader>,
    metrics: Arc<ArchiveMetrics>,
    collection: Box<str>,
    /// The collection's name in metrics.
    name: Box<str>,
    columns: Columns,
    age: Age,
    clock: Arc<dyn Clock>,
    /// Batches of this process stand in line; those of others collide, and start again.
    writing: tokio::sync::Mutex<()>,
    /// The catalog's database, where it is this archive's own.
    own: Option<Arc<dyn Database>>,
    is_closed: AtomicBool,
}

/// How often a read starts again because the archive was rewritten under it.
const ATTEMPTS: usize = 3;

/// The context of an error that another look at the catalog answers.
const REWRITTEN: &str = "rewritten_since";

impl ParquetArchive {
    /// An archive whose segments lie in a directory, which is made where it is missing.
    pub fn in_dir(path: impl Into<PathBuf>) -> ParquetArchiveBuilder {
        ParquetArchiveBuilder::in_dir(path.into())
    }

    /// An archive whose segments lie in a blob store of your own.
    pub fn with_blobs(blobs: Arc<dyn BlobStore>) -> ParquetArchiveBuilder {
        ParquetArchiveBuilder::with_blobs(blobs)
    }

    /// Makes the catalog where it is missing, and checks what is there.
    async fn init(&self) -> Result<()> {
        let mut tx = self.0.host.begin_read().await?;
        if !self.0.catalog.is_ready(&mut *tx).await? {
            drop(tx);
            self.0.host.despite_others(|| self.make_catalog()).await?;
            tx = self.0.host.begin_read().await?;
        }
        self.0
            .catalog
            .check_bound_age(&mut *tx, &self.age_text())
            .await?;
        if !self.0.catalog.knows_of_files(&mut *tx).await? {
            self.0.blobs.prepare().await?;
        }
        if let Some(other) = self.0.catalog.foreign_data_path(&mut *tx).await? {
            tracing::warn!(
                data_path = other,
                folder = %self.0.blobs.root(),
                "other readers of the archive look for its files in another folder than this one"
            );
        }
        Ok(())
    }

    async fn make_catalog(&self) -> Result<()> {
        let mut tx = self.0.host.begin_write().await?;
        self.0.catalog.init(&mut *tx, self.0.clock.now()).await?;
        tx.commit().await
    }

    /// The database in which the catalog lives.
    pub(crate) fn host(&self) -> &Arc<dyn CatalogHost> {
        &self.0.host
    }

    /// From when a record's age counts: what the segments are cut by.
    pub(crate) fn age(&self) -> &Age {
        &self.0.age
    }

    pub(crate) fn catalog(&self) -> &Catalog {
        &self.0.catalog
    }

    /// The archived table's name.
    pub(crate) fn collection(&self) -> &str {
        &self.0.collection
    }

    /// The collection's name in metrics.
    pub(crate) fn name(&self) -> &str {
        &self.0.name
    }

    /// What this archive counts.
    pub(crate) fn metrics(&self) -> &ArchiveMetrics {
        &self.0.metrics
    }

    /// Publishes segments of this archive.
    pub(crate) fn publisher(&self) -> Publisher<'_> {
        Publisher {
            host: &*self.0.host,
            catalog: &self.0.catalog,
            blobs: &*self.0.blobs,
            clock: &*self.0.clock,
            metrics: &self.0.metrics,
        }
    }

    /// The archive as it is now. Where nothing changed since the last time, this takes one statement.
    pub(crate) async fn view(&self) -> Result<ArchiveView> {
        let catalog = &self.0.catalog;
        let (_, newest) = self
            .0
            .host
            .read_with(&[], catalog.newest_sql(), &[])
            .await?;
        if let Some(state) = catalog.known(&newest)? {
            return Ok(self.view_of(state));
        }
        let mut tx = self.0.host.begin_read().await?;
        self.view_in(&mut *tx).await
    }

    /// The archive at exactly the snapshot that `tx` sees.
    pub(crate) async fn view_in(&self, tx: &mut dyn HostTransaction) -> Result<ArchiveView> {
        Ok(self.view_of(self.0.catalog.state(tx).await?))
    }

    /// The archive at a state that is known.
    pub(crate) fn view_of(&self, state: Arc<CatalogState>) -> ArchiveView {
        ArchiveView::new(state, Arc::clone(&self.0.reader))
    }

    /// The table for records that are to be archived; created if these are the first.
    pub(crate) async fn table_for<'a>(
        &self,
        records: impl Iterator<Item = &'a Record> + Clone + Send,
    ) -> Result<Arc<ArchivedTable>> {
        loop {
            let view = self.view().await?;
            if view.state().table.id.is_some() {
                return Ok(Arc::clone(&view.state().table));
            }
            let columns = self.0.columns.of(records.clone())?;
            match self.make_table(&columns).await {
                Err(error) if !self.0.host.is_collision(&error) => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
    }

    /// Creates the table, unless another writer of the catalog is faster.
    async fn make_table(&self, columns: &[Column]) -> Result<()> {
        let mut tx = self.0.host.begin_write().await?;
        let (age, now) = (self.age_text(), self.0.clock.now());
        let made = self.0.catalog.ensure_table(&mut *tx, columns, &age, now);
        match made.await? {
            Some(()) => tx.commit().await,
            None => Ok(()),
        }
    }

    fn age_text(&self) -> String {
        age_text::written(&self.0.age)
    }

    fn check_open(&self) -> Result<()> {
        if self.0.is_closed.load(Ordering::Acquire) {
            return Err(Error::new(ErrorKind::Closed, "the archive was closed"));
        }
        Ok(())
    }

    /// Asks the archive as it is; once more where a file is gone that a newer state does not need.
    async fn ask<T, A>(&self, question: impl Fn(ArchiveView) -> A) -> Result<T>
    where
        A: Future<Output = Result<T>>,
    {
        self.check_open()?;
        for _ in 1..ATTEMPTS {
            let view = self.view().await?;
            let error = match question(view.clone()).await {
                Ok(answer) => return Ok(answer),
                Err(error) => self.judged(&view, error).await,
            };
            if !Self::is_rewritten(&error) {
                return Err(error);
            }
        }
        question(self.view().await?).await
    }

    /// The records of `view` that match; where a file of it is gone meanwhile, the stream ends as expired.
    pub(crate) fn stream(&self, view: ArchiveView, query: &Prepared) -> RecordStream {
        let archive = self.clone();
        view.search(query)
            .or_else(move |error| {
                let (archive, view) = (archive.clone(), view.clone());
                async move { Err(archive.judged(&view, error).await) }
            })
            .boxed()
    }

    /// What an error of a view's reader means: a file that is gone is no loss where a newer state does without it.
    pub(crate) async fn judged(&self, view: &ArchiveView, error: Error) -> Error {
        if error.kind() != ErrorKind::Corrupt {
            return error;
        }
        let read = &view.state().key;
        match self.view().await {
            Ok(now) if now.state().key != *read => Error::unavailable(
                "the snapshot of this answer has expired: the archive was rewritten, and a file of it is gone; ask again",
            )
            .with(REWRITTEN, read.id)
            .with_source(error),
            _ => error,
        }
    }

    /// Whether another look at the catalog answers this error.
    pub(crate) fn is_rewritten(error: &Error) -> bool {
        error.context().any(|(key, _)| key == REWRITTEN)
    }
}

#[async_trait]
impl Database for ParquetArchive {
    async fn read(&self, id: &str) -> Result<Option<Arc<Record>>> {
        Ok(self.read_many(&[id]).await?.pop().flatten())
    }

    async fn read_many(&self, ids: &[&str]) -> Result<Vec<Option<Arc<Record>>>> {
        self.ask(move |view| async move { view.read_many(ids).await })
            .await
    }

    async fn write(&self, writes: Vec<Write>) -> Result<Vec<Written>> {
        self.check_open()?;
        self.write_batch(writes).await
    }

    async fn search(&self, query: Query) -> Result<RecordStream> {
        self.check_open()?;
        let query = query.prepare(self.0.clock.now())?;
        Ok(self.stream(self.view().await?, &query))
    }

    async fn count(&self, query: &Query) -> Result<u64> {
        let query = &query.prepare(self.0.clock.now())?;
        self.ask(move |view| async move { view.count(query).await })
            .await
    }

    async fn clear(&self) -> Result<()> {
        self.check_open()?;
        self.end_everything().await
    }

    /// Asks the catalog, and the store for an object.
    async fn health(&self) -> Result<Health> {
        self.ask(|view| async move {
            view.reach().await?;
            Ok(Health::of(format!(
                "DuckLake 1.0 at snapshot {} with Parquet segments in {}",
                view.state().key.id,
                self.0.blobs.root()
            )))
        })
        .await
    }

    /// The catalog's database stays open, unless it was given by [`catalog_of`](ParquetArchiveBuilder::catalog_of).
    async fn close(&self) -> Result<()> {
        self.0.is_closed.store(true, Ordering::Release);
        // A batch that is under way ends first.
        let _idle = self.0.writing.lock().await;
        match &self.0.own {
            Some(database) => database.close().await,
            None => Ok(()),
        }
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::ALL
    }

    fn catalog_host(&self) -> Option<Arc<dyn CatalogHost>> {
        None
    }
}
