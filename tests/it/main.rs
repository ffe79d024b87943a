//! All integration tests: one binary, so that they link once and run side by side.

#[cfg(feature = "conformance")]
mod backends;
#[cfg(feature = "config")]
mod config;
#[cfg(feature = "archive")]
mod directory;
#[cfg(feature = "archive")]
mod flights;
mod floor_plan;
mod foreign;
#[cfg(feature = "cli")]
mod kill;
mod repository;
#[cfg(feature = "sqlite")]
mod sqlite;
