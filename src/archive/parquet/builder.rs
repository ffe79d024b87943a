//! Putting an archive together.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::columns::Columns;
use super::{Inner, ParquetArchive, age_text};
use crate::archive::catalog::Catalog;
use crate::archive::metered::MeteredBlobs;
use crate::archive::view::ArchiveReader;
use crate::blob::{BlobStore, DirectoryStore};
use crate::catalog_host::CatalogHost;
use crate::telemetry::{self, ArchiveMetrics};
use crate::{Age, Clock, Database, Error, Result, SystemClock};

/// A [`ParquetArchive`] in the making: where its segments lie, and how they are made.
///
/// Alone it needs a database for its catalog ([`catalog`](Self::catalog)); as the archive of a tiered database it gets
/// the primary's.
#[derive(Debug)]
pub struct ParquetArchiveBuilder {
    place: Place,
    host: Option<Arc<dyn CatalogHost>>,
    own: Option<Arc<dyn Database>>,
    table: Option<String>,
    name: Option<String>,
    columns: Columns,
    partition_by: Vec<String>,
    age: Option<Age>,
    clock: Arc<dyn Clock>,
}

#[derive(Debug)]
enum Place {
    Directory(PathBuf),
    Blobs(Arc<dyn BlobStore>),
}

impl ParquetArchiveBuilder {
    pub(super) fn in_dir(path: PathBuf) -> Self {
        Self::at(Place::Directory(path))
    }

    pub(super) fn with_blobs(blobs: Arc<dyn BlobStore>) -> Self {
        Self::at(Place::Blobs(blobs))
    }

    fn at(place: Place) -> Self {
        Self {
            place,
            host: None,
            own: None,
            table: None,
            name: None,
            columns: Columns::Auto,
            partition_by: Vec::new(),
            age: None,
            clock: Arc::new(SystemClock),
        }
    }

    /// The database in which the catalog lives: the one of [`Database::catalog_host`](crate::Database::catalog_host).
    ///
    /// # Errors
    /// `Invalid`: it was given already, and is another database.
    pub fn catalog(mut self, host: Arc<dyn CatalogHost>) -> Result<Self> {
        if let Some(known) = &self.host
            && known.identity() != host.identity()
        {
            return Err(Error::invalid(
                "an archive has its catalog in one database; as part of a tiered database, in the primary's: leave \
                 `catalog` out there",
            )
            .with("catalog", known.identity())
            .with("other", host.identity()));
        }
        self.host = Some(host);
        Ok(self)
    }

    /// The database in which the catalog lives, which is this archive's alone: closed together with it.
    ///
    /// # Errors
    /// `Invalid`: it cannot hold a catalog, or another one was given already.
    pub fn catalog_of(mut self, database: impl Database + 'static) -> Result<Self> {
        let host = database.catalog_host().ok_or_else(|| {
            Error::invalid("this database cannot hold an archive's catalog; take SQLite")
                .with("database", format_args!("{database:?}"))
        })?;
        self.own = Some(Arc::new(database));
        self.catalog(host)
    }

    /// The archived table's name; that of the collection's table unless said otherwise.
    #[must_use]
    pub fn table(mut self, name: impl Into<String>) -> Self {
        self.table = Some(name.into());
        self
    }

    /// The collection's name in metrics; that of the archived table unless said otherwise.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Which fields become columns of their own; decided with the first records that are archived.
    #[must_use]
    pub fn columns(mut self, columns: Columns) -> Self {
        self.columns = columns;
        self
    }

    /// Cuts segments by identity keys too. Not built yet: [`build`](Self::build) refuses it.
    #[must_use]
    pub fn partition_by<K: Into<String>>(mut self, keys: impl IntoIterator<Item = K>) -> Self {
        self.partition_by = keys.into_iter().map(Into::into).collect();
        self
    }

    /// From when a record's age counts: by default what the archive was begun with, `@created_at` for a new one. A
    /// record without one is as old as its writing.
    #[must_use]
    pub fn age(mut self, age: Age) -> Self {
        self.age = Some(age);
        self
    }

    /// Where times come from; the system's clock unless said otherwise.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Opens the archive: makes its folder and its catalog where they are missing.
    ///
    /// # Errors
    /// `Invalid`: no database for the catalog, or another age than the archive was begun with. `Unsupported`: a catalog
    /// of an unknown version, or `partition_by`. `Unavailable`: the folder or the database.
    pub async fn build(self) -> Result<ParquetArchive> {
        if let Some(key) = self.partition_by.first() {
            return Err(Error::unsupported(
                "`partition_by` is not built yet; segments are cut by the month of the age",
            )
            .with("key", key));
        }
        let Some(host) = self.host else {
            return Err(Error::invalid(
                "an archive alone needs a database for its catalog: `.catalog(database.catalog_host()..)`",
            ));
        };
        let blobs: Arc<dyn BlobStore> = match self.place {
            Place::Directory(path) => Arc::new(DirectoryStore::open(path)?),
            Place::Blobs(blobs) => blobs,
        };
        let collection = self.table.unwrap_or_else(|| host.table().to_owned());
        telemetry::describe();
        let metrics = Arc::new(ArchiveMetrics::new(
            self.name.as_deref().unwrap_or(&collection),
        ));
        let blobs: Arc<dyn BlobStore> = Arc::new(MeteredBlobs::new(blobs, Arc::clone(&metrics)));
        let catalog = Catalog::new(host.dialect(), &blobs.root(), &collection);
        let age = match self.age {
            Some(age) => age,
            None => begun_with(&*host, &catalog).await?.unwrap_or_default(),
        };
        let archive = ParquetArchive(Arc::new(Inner {
            catalog,
            reader: Arc::new(ArchiveReader::new(Arc::clone(&blobs), Arc::clone(&metrics))),
            metrics,
            name: self.name.unwrap_or_else(|| collection.clone()).into(),
            blobs,
            host,
            collection: collection.into(),
            columns: self.columns,
            age,
            clock: self.clock,
            writing: tokio::sync::Mutex::new(()),
            own: self.own,
            is_closed: AtomicBool::new(false),
        }));
        archive.init().await?;
        Ok(archive)
    }
}

/// The age that the collection's segments are cut by, if there is such an archive.
async fn begun_with(host: &dyn CatalogHost, catalog: &Catalog) -> Result<Option<Age>> {
    let mut tx = host.begin_read().await?;
    if !catalog.is_ready(&mut *tx).await? {
        return Ok(None);
    }
    let bound = catalog.bound_age(&mut *tx).await?;
    bound.map(|text| age_text::read(&text)).transpose()
}
