//! Segments: immutable Parquet files of archived records, as bytes. Nothing here does I/O.

mod id_index;

pub(crate) use self::id_index::{IdIndex, Repeated};
