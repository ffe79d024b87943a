//! Every collection of one configuration.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

#[cfg(feature = "archive")]
use crate::config::Columns;
use crate::config::{CollectionConfig, Config, HotBackend, IdsConfig, PrimaryConfig};
#[cfg(feature = "archive")]
use crate::{BlobStore, CountedBlobs, ParquetArchive};
use crate::{
    Clock, Database, Error, HotCache, Ids, MemoryDatabase, Result, SystemClock, TieredDatabase,
};

/// All collections of a configuration, with the connections and the archive that they share.
///
/// Opening makes what is missing: the primary's file and tables, the archive's catalog. Handles that it gives out stay
/// usable after it is dropped.
pub struct Store {
    config: Config,
    collections: BTreeMap<String, (TieredDatabase, Tiers)>,
}

/// The tiers of one collection, each a [`Database`] of its own.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Tiers {
    /// The database that takes the writes.
    pub primary: Arc<dyn Database>,
    /// The archive, if there is one.
    #[cfg(feature = "archive")]
    pub archive: Option<ParquetArchive>,
    /// The archive's segments, and how many requests they got; shared by all collections.
    #[cfg(feature = "archive")]
    pub blobs: Option<Arc<CountedBlobs<Arc<dyn BlobStore>>>>,
}

impl Store {
    /// Opens what a configuration file describes.
    ///
    /// # Errors
    /// `Invalid`: everything that is wrong with the configuration. `Unsupported`: it asks for something that is not
    /// built. `Unavailable`: a file or folder cannot be used.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::from_config(Config::load(path)?).await
    }

    /// Opens what a configuration describes.
    ///
    /// # Errors
    /// As [`open`](Store::open).
    pub async fn from_config(config: Config) -> Result<Self> {
        Self::with_clock(config, SystemClock).await
    }

    /// Opens what a configuration describes, with a clock of your own.
    ///
    /// # Errors
    /// As [`open`](Store::open).
    pub async fn with_clock(config: Config, clock: impl Clock + 'static) -> Result<Self> {
        config.validate()?;
        let clock: Arc<dyn Clock> = Arc::new(clock);
        let mut collections = BTreeMap::new();
        let mut primaries = Primaries::default();
        let blobs = blobs(&config).await?;
        for (name, collection) in &config.collections {
            let primary = primaries.open(&config.primary, collection, &clock).await?;
            let opened = open(&config, name, primary, blobs.clone(), &clock).await?;
            collections.insert(name.clone(), opened);
        }
        Ok(Self {
            config,
            collections,
        })
    }

    /// The handle of a collection: a cheap clone.
    ///
    /// # Errors
    /// `Invalid`: there is no such collection.
    pub fn collection(&self, name: &str) -> Result<TieredDatabase> {
        Ok(self.find(name)?.0.clone())
    }

    /// The tiers of a collection, to be asked one by one.
    ///
    /// # Errors
    /// `Invalid`: there is no such collection.
    pub fn tiers(&self, name: &str) -> Result<Tiers> {
        Ok(self.find(name)?.1.clone())
    }

    /// The names of the collections, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.collections.keys().map(String::as_str)
    }

    /// The name of the only collection.
    ///
    /// # Errors
    /// `Invalid`: there are several.
    pub fn only_name(&self) -> Result<&str> {
        let mut names = self.names();
        match (names.next(), names.next()) {
            (Some(name), None) => Ok(name),
            _ => Err(Error::invalid(
                "the configuration has several collections: say which, as in `thermocline.toml#name`",
            )
            .with("collections", self.listed())),
        }
    }

    /// The configuration that it was opened with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Finishes what is under way and closes every tier.
    ///
    /// # Errors
    /// The first that occurs; the others are closed all the same.
    pub async fn close(&self) -> Result<()> {
        let mut outcome = Ok(());
        for (handle, _) in self.collections.values() {
            outcome = outcome.and(handle.close().await);
        }
        outcome
    }

    fn find(&self, name: &str) -> Result<&(TieredDatabase, Tiers)> {
        self.collections.get(name).ok_or_else(|| {
            Error::invalid("there is no such collection")
                .with("collection", name)
                .with("collections", self.listed())
        })
    }

    fn listed(&self) -> String {
        self.names().collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(
                self.collections
                    .iter()
                    .map(|(name, (handle, _))| (name, handle)),
            )
            .finish()
    }
}

/// The connections that the collections share.
#[derive(Default)]
struct Primaries {
    #[cfg(feature = "sqlite")]
    sqlite: Option<crate::SqliteDatabase>,
    #[cfg(feature = "postgres")]
    postgres: Option<crate::PostgresDatabase>,
}

impl Primaries {
    async fn open(
        &mut self,
        config: &PrimaryConfig,
        collection: &CollectionConfig,
        clock: &Arc<dyn Clock>,
    ) -> Result<Arc<dyn Database>> {
        match config {
            PrimaryConfig::Memory => Ok(Arc::new(
                MemoryDatabase::new().with_clock(Arc::clone(clock)),
            )),
            #[cfg(feature = "sqlite")]
            PrimaryConfig::Sqlite { path, busy_timeout } => {
                let opened = match &self.sqlite {
                    Some(first) => first.table(&collection.table).await?,
                    None => {
                        crate::SqliteDatabase::builder(path)
                            .table(&collection.table)
                            .busy_timeout(*busy_timeout)
                            .python_readers(collection.python_readers)
                            .clock(Arc::clone(clock))
                            .open()
                            .await?
                    }
                };
                self.sqlite.get_or_insert_with(|| opened.clone());
                Ok(Arc::new(opened))
            }
            #[cfg(not(feature = "sqlite"))]
            PrimaryConfig::Sqlite { .. } => Err(super::not_built_in("sqlite")),
            #[cfg(feature = "postgres")]
            PrimaryConfig::Postgres { url } => {
                let zone = collection.timestamp_zone.as_deref();
                let opened = match &self.postgres {
                    Some(first) => first.table(&collection.table, zone).await?,
                    None => {
                        let mut builder = crate::PostgresDatabase::builder(url.reveal())
                            .table(&collection.table)
                            .python_readers(collection.python_readers)
                            .clock(Arc::clone(clock));
                        if let Some(zone) = zone {
                            builder = builder.timestamp_zone(zone);
                        }
                        builder.open().await?
                    }
                };
                self.postgres.get_or_insert_with(|| opened.clone());
                Ok(Arc::new(opened))
            }
            #[cfg(not(feature = "postgres"))]
            PrimaryConfig::Postgres { .. } => Err(super::not_built_in("postgres")),
        }
    }
}

async fn open(
    config: &Config,
    name: &str,
    primary: Arc<dyn Database>,
    blobs: Option<Blobs>,
    clock: &Arc<dyn Clock>,
) -> Result<(TieredDatabase, Tiers)> {
    let collection = &config.collections[name];
    let mut builder = TieredDatabase::builder()
        .name(name)
        .primary(Arc::clone(&primary))
        .age(collection.age.clone())
        .ids(match collection.ids {
            IdsConfig::Any => Ids::Any,
            IdsConfig::NeverReused => Ids::NeverReused,
        })
        .ttl(config.hot.ttl)
        .absent_ttl(config.hot.absent_ttl)
        .search_max_age(config.search_max_age)
        .clock(Arc::clone(clock));
    for policy in config.policies_of(name) {
        builder = builder.policy(policy.clone());
    }
    if let Some(hot) = hot(config, name, clock)? {
        builder = builder.hot(hot);
    }
    #[cfg(feature = "archive")]
    let archive = match &blobs {
        Some(blobs) => {
            let archive = archive(name, collection, &primary, blobs, clock).await?;
            builder = builder.archive(archive.clone());
            Some(archive)
        }
        None => None,
    };
    let tiers = Tiers {
        primary,
        #[cfg(feature = "archive")]
        archive,
        #[cfg(feature = "archive")]
        blobs,
    };
    Ok((builder.build().await?, tiers))
}

#[cfg(feature = "archive")]
type Blobs = Arc<CountedBlobs<Arc<dyn BlobStore>>>;

#[cfg(feature = "archive")]
async fn blobs(config: &Config) -> Result<Option<Blobs>> {
    let Some(archive) = &config.archive else {
        return Ok(None);
    };
    let blobs = super::blobs(&archive.data, config.s3.as_ref()).await?;
    Ok(Some(Arc::new(CountedBlobs::new(blobs))))
}

#[cfg(feature = "archive")]
async fn archive(
    name: &str,
    collection: &CollectionConfig,
    primary: &Arc<dyn Database>,
    blobs: &Blobs,
    clock: &Arc<dyn Clock>,
) -> Result<ParquetArchive> {
    let host = primary.catalog_host().ok_or_else(|| {
        Error::unsupported("an archive's catalog lives in the primary, and this one cannot hold it")
    })?;
    let columns = match &collection.columns {
        Columns::Auto => crate::Columns::Auto,
        Columns::None => crate::Columns::None,
        Columns::Named(names) => crate::Columns::List(names.clone()),
    };
    ParquetArchive::with_blobs(Arc::clone(blobs) as Arc<dyn BlobStore>)
        .catalog(host)?
        .name(name)
        .table(&collection.table)
        .columns(columns)
        .age(collection.age.clone())
        .clock(Arc::clone(clock))
        .build()
        .await
}

/// Without the feature there is no archive to keep segments in.
#[cfg(not(feature = "archive"))]
type Blobs = std::convert::Infallible;

#[cfg(not(feature = "archive"))]
#[expect(clippy::unused_async, reason = "with the feature it waits")]
async fn blobs(config: &Config) -> Result<Option<Blobs>> {
    match config.archive {
        None => Ok(None),
        Some(_) => Err(super::not_built_in("archive")),
    }
}

fn hot(config: &Config, name: &str, clock: &Arc<dyn Clock>) -> Result<Option<Arc<dyn HotCache>>> {
    let bytes = config.hot_bytes(name);
    match config.hot.backend {
        HotBackend::None => Ok(None),
        HotBackend::Memory => Ok(Some(Arc::new(
            MemoryDatabase::new()
                .with_clock(Arc::clone(clock))
                .with_hot_bytes(bytes),
        ))),
        #[cfg(feature = "moka")]
        HotBackend::Moka => Ok(Some(Arc::new(
            crate::MokaDatabase::with_max_bytes(bytes).with_clock(Arc::clone(clock)),
        ))),
        #[cfg(not(feature = "moka"))]
        HotBackend::Moka => Err(super::not_built_in("moka")),
        #[cfg(feature = "quick_cache")]
        HotBackend::QuickCache => Ok(Some(Arc::new(crate::QuickCache::with_max_bytes(bytes)))),
        #[cfg(not(feature = "quick_cache"))]
        HotBackend::QuickCache => Err(super::not_built_in("quick_cache")),
    }
}
