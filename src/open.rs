//! From settings to components: the one module that names every backend.

mod address;
mod store;

use std::path::Path;
use std::sync::Arc;

pub use self::store::{Store, Tiers};

use self::address::Address;
use crate::{Database, Error, Result, TieredDatabase};

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
/// | `ducklake:sqlite:PATH?data=archive/&table=records` | a Parquet archive alone |
/// | `PATH`, `PATH#collection` | what a configuration file describes |
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
        Address::Archive { .. } => Err(Error::unsupported(
            "an archive alone cannot be opened by URL yet; a configuration file's archive can",
        )),
        Address::Configuration(path) => Ok(Arc::new(open(path).await?)),
    }
}

/// Of a backend whose feature was off when the crate was built.
#[cfg(not(all(feature = "sqlite", feature = "moka", feature = "archive")))]
fn not_built_in(feature: &'static str) -> Error {
    Error::unsupported("this build has no such backend: build with the feature")
        .with("feature", feature)
}
