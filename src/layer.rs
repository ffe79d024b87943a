//! Databases around a database: one concern each.

#[cfg(feature = "faults")]
pub(crate) mod faulty;
