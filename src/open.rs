//! From settings to components: the one module that names every backend.

mod address;
#[cfg(feature = "archive")]
mod status;
mod store;

use std::path::Path;
use std::sync::Arc;

#[cfg(feature = "daemon")]
pub(crate) use self::status::waiting;
#[cfg(feature = "archive")]
pub use self::status::{ArchiveStatus, BacklogStatus, CollectionStatus, PrimaryStatus};
pub use self::store::{Store, Tiers};

use self::address::Address;
#[cfg(feature = "archive")]
use self::address::Catalog;
use crate::{Database, Result, TieredDatabase};

/// Opens the collection of a configuration file: the only one, or with `#name` behind the path the one of that name.
///
/// # Errors
/// `Invalid`: everything that is wrong with the configuration, or several collections and no name.
/// `Unsupported`: it asks for something that is not built.
pub async fn open(path: impl AsRef<Path>) -> Result<TieredDatabase> {
    let text = path.as_ref().to_string_lossy();
    let (path, name) = match text.rsplit_once('#') {
        Some((path, name)) if !path.is_empty() => (Path::new(path), Some(name)),
        _ => (path.as_ref(), None),
    };
    let store = Store::open(path).await?;
    store.collection(match name {
        Some(name) => name,
        None => store.only_name()?,
    })
}

/// Opens the database that a URL names: one backend alone, or a configuration file's collection.
///
/// | URL | backend |
/// |---|---|
/// | `memory:` | this process's memory |
/// | `sqlite:PATH?table=records` | SQLite |
/// | `postgres://user:password@host/database?table=records` | PostgreSQL |
/// | `ducklake:sqlite:PATH?data=archive/&table=records` | a Parquet archive alone, its catalog in the file at `PATH` |
/// | `ducklake:sqlite:PATH?data=s3://bucket/prefix&endpoint=..&region=..` | the same with its segments in S3 |
/// | `ducklake:postgres://user:password@host/database?data=..&table=records` | the same with its catalog in PostgreSQL |
/// | `PATH`, `PATH#collection` | what a configuration file describes |
///
/// A path in a URL counts from the working folder. An archive that belongs to a tiered database is better opened by its
/// configuration: what is written to it alone, the primary does not know of.
///
/// # Errors
/// `Invalid`: no such URL. `Unsupported`: a backend that is not built yet, or not built in.
pub async fn database(url: &str) -> Result<Arc<dyn Database>> {
    match url.parse::<Address>()? {
        Address::Memory => Ok(Arc::new(crate::MemoryDatabase::new())),
        #[cfg(feature = "sqlite")]
        Address::Sqlite { path, table } => Ok(Arc::new(
            crate::SqliteDatabase::builder(path)
                .table(table)
                .open()
                .await?,
        )),
        #[cfg(not(feature = "sqlite"))]
        Address::Sqlite { .. } => Err(not_built_in("sqlite")),
        #[cfg(feature = "archive")]
        Address::Archive {
            catalog,
            table,
            data,
        } => {
            let blobs = blobs(&data, None).await?;
            let archive = crate::ParquetArchive::with_blobs(blobs);
            let archive = match catalog {
                #[cfg(feature = "sqlite")]
                Catalog::Sqlite(path) => {
                    let catalog = crate::SqliteDatabase::builder(path).table(table);
                    archive.catalog_of(catalog.open().await?)?
                }
                #[cfg(not(feature = "sqlite"))]
                Catalog::Sqlite(_) => return Err(not_built_in("sqlite")),
                #[cfg(feature = "postgres")]
                Catalog::Postgres(url) => {
                    let catalog = crate::PostgresDatabase::builder(url.reveal()).table(table);
                    archive.catalog_of(catalog.open().await?)?
                }
                #[cfg(not(feature = "postgres"))]
                Catalog::Postgres(_) => return Err(not_built_in("postgres")),
            };
            Ok(Arc::new(archive.build().await?))
        }
        #[cfg(not(feature = "archive"))]
        Address::Archive { .. } => Err(not_built_in("archive")),
        #[cfg(feature = "postgres")]
        Address::Postgres(url) => Ok(Arc::new(crate::PostgresDatabase::open(url.reveal()).await?)),
        #[cfg(not(feature = "postgres"))]
        Address::Postgres(_) => Err(not_built_in("postgres")),
        Address::Configuration(path) => Ok(Arc::new(open(path).await?)),
    }
}

/// The place of an archive's segments; `server` says how S3 is reached where the place itself does not.
#[cfg(feature = "archive")]
async fn blobs(
    data: &crate::config::ArchiveData,
    server: Option<&crate::S3Server>,
) -> Result<Arc<dyn crate::BlobStore>> {
    use crate::config::ArchiveData;
    match data {
        ArchiveData::Directory(path) => Ok(Arc::new(crate::DirectoryStore::open(path)?)),
        #[cfg(feature = "s3")]
        ArchiveData::S3(location) => {
            let mut location = location.clone();
            if let Some(server) = server {
                let said = location.server().clone().or(server);
                location = location.at(said);
            }
            Ok(Arc::new(
                // Boxed: what the SDK keeps while it looks for its settings would swell every future above.
                Box::pin(crate::S3Store::builder(location).open()).await?,
            ))
        }
        #[cfg(not(feature = "s3"))]
        ArchiveData::S3(location) => {
            let _only_for_s3 = server;
            Err(not_built_in("s3").with("archive", location))
        }
    }
}

/// Of a backend whose feature was off when the crate was built.
#[cfg(not(all(
    feature = "sqlite",
    feature = "moka",
    feature = "archive",
    feature = "quick_cache",
    feature = "postgres",
    feature = "s3"
)))]
fn not_built_in(feature: &'static str) -> crate::Error {
    crate::Error::unsupported("this build has no such backend: build with the feature")
        .with("feature", feature)
}
