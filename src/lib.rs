#![cfg_attr(feature = "cli", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "cli"),
    doc = "Thermocline: a tiered caching storage router for records."
)]

mod age;
#[cfg(feature = "archive")]
mod archive;
mod backend;
mod blob;
mod catalog_host;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
mod clock;
#[cfg(feature = "config")]
pub mod config;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
#[cfg(feature = "daemon")]
pub mod daemon;
mod database;
mod error;
#[cfg(feature = "faults")]
#[doc(hidden)]
pub mod fault;
#[cfg(not(feature = "faults"))]
mod fault;
mod hot;
mod json;
mod layer;
#[cfg(feature = "config")]
mod open;
mod policy;
pub mod prelude;
mod query;
mod record;
mod sql;
pub mod telemetry;
mod tier;
mod tiered;
#[cfg(any(feature = "config", feature = "postgres", feature = "s3"))]
mod url;
mod write;

pub use self::age::{Age, AgeAt, AgeForm};
#[cfg(all(feature = "archive", feature = "faults"))]
#[doc(hidden)]
pub use self::archive::rubbish;
#[cfg(feature = "archive")]
pub use self::archive::{
    ArchiveContents, ArchiveReport, ArchiveRun, ArchivedAt, Backlog, Columns, HeldBy, Leftover,
    Orphans, ParquetArchive, ParquetArchiveBuilder, Plan, RunError, RunOutcome,
};
#[cfg(feature = "bench")]
#[doc(hidden)]
pub use self::archive::{SegmentCodec, SegmentFile, SegmentRows};
pub use self::backend::memory::MemoryDatabase;
#[cfg(feature = "moka")]
pub use self::backend::moka::MokaDatabase;
#[cfg(feature = "postgres")]
pub use self::backend::postgres::{PostgresBuilder, PostgresDatabase};
#[cfg(feature = "quick_cache")]
pub use self::backend::quick_cache::QuickCache;
#[cfg(feature = "sqlite")]
pub use self::backend::sqlite::{SqliteBuilder, SqliteDatabase};
#[cfg(feature = "archive")]
pub use self::blob::DirectoryStore;
pub use self::blob::{BlobInfo, BlobRequests, BlobStore, CountedBlobs, UnfinishedUpload};
#[cfg(any(feature = "config", feature = "s3"))]
pub use self::blob::{S3Location, S3Server};
#[cfg(feature = "s3")]
pub use self::blob::{S3Store, S3StoreBuilder};
pub use self::catalog_host::{
    CatalogHost, DueCount, DueCursor, DuePage, DueScan, HostTransaction, SkipReason, Storage,
    Undated,
};
pub use self::clock::{Clock, ManualClock, SystemClock};
pub use self::database::{Capabilities, Database, DatabaseExt, Health};
pub use self::error::{Error, ErrorKind, Result};
pub use self::hot::{Entry, HotCache, HotUsage};
#[cfg(feature = "faults")]
pub use self::layer::faulty::{Call, Fault, Faulty, Gate, Script};
#[cfg(all(feature = "config", feature = "archive"))]
pub use self::open::{ArchiveStatus, BacklogStatus, CollectionStatus, PrimaryStatus};
#[cfg(feature = "config")]
pub use self::open::{Store, Tiers, database, open};
#[cfg(feature = "config")]
pub use self::policy::Schedule;
pub use self::policy::{Batch, Policy, Verdict};
pub use self::query::{
    Comparison, Filter, Instant, LikePattern, LikePiece, Number, Order, Path, Predicate, Prepared,
    Query, RegexPattern, Root, Sort, SortKey, Value,
};
pub use self::record::{MAX_RECORD_BYTES, Record, RecordId, Version};
pub use self::sql::{Dialect, SqlRow, SqlValue};
pub use self::tier::Tier;
pub use self::tiered::{
    ArchivePart, Circuit, DEFAULT_ABSENT_TTL, DEFAULT_SEARCH_MAX_AGE, DEFAULT_TIMEOUT, DEFAULT_TTL,
    Ids, IntoArchive, ReadSource, SourcedStream, TieredDatabase, TieredDatabaseBuilder,
};
#[cfg(feature = "archive")]
pub use self::tiered::{Archiver, ArchiverHandle};
pub use self::write::{Op, RecordStream, Write, Written};
