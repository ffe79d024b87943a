//! The archive tier: records in Parquet segments, catalogued as a DuckLake in a database of the host's.
//!
//! Everybody who reads DuckLake can read the archive without this crate; everything that such a reader needs stands in
//! the catalog's standard tables, and what stands in tables of our own only makes our reading faster.

pub(crate) mod catalog;
mod column;
mod delete_file;
mod foreign;
mod metered;
mod mover;
mod parquet;
mod publish;
mod segment;
mod shift;
mod slice;
mod stage;
mod view;
#[cfg(feature = "bench")]
mod workbench;

pub use self::catalog::{ArchiveRun, RunError, RunOutcome};
pub(crate) use self::catalog::{CatalogState, Change, Place};
pub use self::mover::{ArchiveReport, Backlog, Plan};
pub(crate) use self::mover::{Run, Sweep, plan, run};
pub use self::parquet::{
    ArchiveContents, ArchivedAt, Columns, Leftover, Orphans, ParquetArchive, ParquetArchiveBuilder,
};
pub use self::shift::HeldBy;
pub(crate) use self::shift::{LEASE, Shift, Terms};
pub(crate) use self::view::{ArchiveView, Located, Lookup};
#[cfg(feature = "bench")]
pub use self::workbench::{SegmentCodec, SegmentFile, SegmentRows};

#[cfg(feature = "faults")]
pub use self::segment::rubbish;

#[cfg(all(test, feature = "faults", feature = "sqlite"))]
mod mutations;
