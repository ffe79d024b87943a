//! The databases themselves, each in a module of its own that knows none of the others.

#[cfg(feature = "sqlite")]
pub(crate) mod sqlite;
