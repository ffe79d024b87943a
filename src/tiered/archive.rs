//! What can be the archive of a router: a Parquet archive, open or still to be opened, or any other database.

use std::sync::Arc;

use super::builder::Ids;
use super::cold::{Cold, PrimaryOnly};
use super::guard::Guards;
use super::guarded::Guarded;
use super::loose::LooseTiers;
use crate::{Age, Clock, Database, Result};

/// What [`TieredDatabaseBuilder::archive`](super::TieredDatabaseBuilder::archive) takes: a
/// [`ParquetArchive`](crate::ParquetArchive) or its builder, or any other [`Database`].
pub trait IntoArchive: sealed::Sealed {
    #[doc(hidden)]
    fn into_archive(self) -> ArchivePart;
}

/// An archive on its way into a router.
#[derive(Debug)]
pub struct ArchivePart(pub(super) Part);

#[derive(Debug)]
pub(super) enum Part {
    /// Shares no transaction with the primary.
    Loose(Arc<dyn Database>),
    #[cfg(feature = "archive")]
    Parquet(crate::ParquetArchive),
    #[cfg(feature = "archive")]
    ParquetToOpen(Box<crate::ParquetArchiveBuilder>),
}

mod sealed {
    pub trait Sealed {}

    impl<D: crate::Database> Sealed for D {}
    #[cfg(feature = "archive")]
    impl Sealed for crate::ParquetArchiveBuilder {}
}

impl<D: Database + 'static> IntoArchive for D {
    fn into_archive(self) -> ArchivePart {
        ArchivePart(part_of(self))
    }
}

#[cfg(feature = "archive")]
impl IntoArchive for crate::ParquetArchiveBuilder {
    fn into_archive(self) -> ArchivePart {
        ArchivePart(Part::ParquetToOpen(Box::new(self)))
    }
}

/// A Parquet archive is known by its type: it shares the primary's transactions, or is refused.
#[cfg(feature = "archive")]
fn part_of<D: Database + 'static>(database: D) -> Part {
    let any: &dyn std::any::Any = &database;
    match any.downcast_ref::<crate::ParquetArchive>() {
        Some(archive) => Part::Parquet(archive.clone()),
        None => Part::Loose(Arc::new(database)),
    }
}

#[cfg(not(feature = "archive"))]
fn part_of<D: Database + 'static>(database: D) -> Part {
    Part::Loose(Arc::new(database))
}

/// What a router says of its archive.
pub(super) struct Terms {
    #[cfg_attr(
        not(feature = "archive"),
        expect(dead_code, reason = "the archive is counted by it")
    )]
    pub(super) name: String,
    pub(super) ids: Ids,
    #[cfg_attr(
        not(feature = "archive"),
        expect(dead_code, reason = "segments are cut by it")
    )]
    pub(super) age: Age,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) guards: Guards,
}

/// The tiers below the hot one.
///
/// # Errors
/// `Invalid`: a Parquet archive over a primary that cannot hold its catalog, or with a catalog elsewhere.
pub(super) async fn join(
    primary: Arc<dyn Database>,
    archive: Option<Part>,
    terms: Terms,
) -> Result<Box<dyn Cold>> {
    match archive {
        None => Ok(Box::new(PrimaryOnly(Guarded::over(
            primary,
            &terms.guards.primary,
        )))),
        Some(Part::Loose(archive)) => Ok(Box::new(LooseTiers::new(
            Guarded::over(primary, &terms.guards.primary),
            Guarded::over(archive, &terms.guards.archive),
            terms.ids,
            terms.clock,
        ))),
        #[cfg(feature = "archive")]
        Some(Part::Parquet(archive)) => {
            let host = host_of(&*primary)?;
            let joined = super::joined::JoinedTiers::new(primary, host, archive, terms)?;
            Ok(Box::new(joined))
        }
        #[cfg(feature = "archive")]
        Some(Part::ParquetToOpen(builder)) => {
            let host = host_of(&*primary)?;
            let archive = builder
                .catalog(Arc::clone(&host))?
                .age(terms.age.clone())
                .clock(Arc::clone(&terms.clock))
                .name(&terms.name)
                .build()
                .await?;
            let joined = super::joined::JoinedTiers::new(primary, host, archive, terms)?;
            Ok(Box::new(joined))
        }
    }
}

#[cfg(feature = "archive")]
fn host_of(primary: &dyn Database) -> Result<Arc<dyn crate::CatalogHost>> {
    primary.catalog_host().ok_or_else(|| {
        crate::Error::invalid(
            "this primary cannot hold the catalog of a Parquet archive; take SQLite as the primary, or another archive",
        )
        .with("primary", format_args!("{primary:?}"))
    })
}
