//! All integration tests: one binary, so that they link once and run side by side.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on panics, wherever it stands"
)]

#[cfg(all(feature = "archive", feature = "sqlite", feature = "faults"))]
mod archive;
#[cfg(all(feature = "archive", feature = "sqlite", feature = "faults"))]
mod archive_foreign;
#[cfg(feature = "conformance")]
mod backends;
#[cfg(feature = "archive")]
mod blob_contract;
#[cfg(feature = "cli")]
mod cli;
#[cfg(feature = "faults")]
mod coherence;
#[cfg(feature = "config")]
mod config;
#[cfg(all(
    feature = "config",
    feature = "archive",
    feature = "sqlite",
    feature = "faults"
))]
mod crash;
#[cfg(feature = "daemon")]
mod daemon;
mod differential;
#[cfg(feature = "archive")]
mod directory;
#[cfg(feature = "archive")]
mod flights;
mod floor_plan;
mod foreign;
#[cfg(feature = "archive")]
mod hooked_blobs;
#[cfg(feature = "cli")]
mod kill;
#[cfg(all(
    feature = "postgres",
    feature = "s3",
    feature = "conformance",
    feature = "cli"
))]
mod lake;
mod model;
#[cfg(all(feature = "sqlite", feature = "archive"))]
mod mover;
#[cfg(feature = "faults")]
mod mutant;
#[cfg(all(
    feature = "config",
    feature = "archive",
    feature = "sqlite",
    feature = "faults"
))]
mod open;
#[cfg(all(feature = "postgres", feature = "conformance"))]
mod postgres;
mod repository;
mod router;
#[cfg(all(
    feature = "s3",
    feature = "archive",
    feature = "sqlite",
    feature = "cli"
))]
mod s3;
#[cfg(all(feature = "archive", feature = "sqlite", feature = "faults"))]
mod segments;
#[cfg(feature = "sqlite")]
mod sqlite;
mod subjects;
#[cfg(all(feature = "daemon", feature = "faults"))]
mod telemetry;
#[cfg(feature = "daemon")]
mod watched;
