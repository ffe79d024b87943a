//! The databases themselves, each in a module of its own that knows none of the others.

pub(crate) mod memory;
#[cfg(feature = "moka")]
pub(crate) mod moka;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
#[cfg(feature = "quick_cache")]
pub(crate) mod quick_cache;
#[cfg(feature = "sqlite")]
pub(crate) mod sqlite;
