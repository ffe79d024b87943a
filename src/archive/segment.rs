//! Segments: immutable Parquet files of archived records, as bytes. Nothing here does I/O.

mod batch;
mod checks;
mod chunks;
mod decode;
mod encode;
mod id_index;
mod imprint;
mod layout;
mod promote;
mod rows;
#[cfg(any(test, feature = "faults"))]
pub mod rubbish;
mod tail;
mod tally;
mod values;
mod verify;

#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use self::tests::flights::flights;

use parquet::errors::ParquetError;

pub(crate) use self::batch::SegmentRow;
pub(crate) use self::chunks::Chunks;
pub(crate) use self::decode::{Columns, RowGroup};
pub(crate) use self::encode::{SegmentLabel, encode, fitting};
pub(crate) use self::promote::number_text;
pub(crate) use self::rows::RecordReader;
pub(crate) use self::tail::{Extent, Tail};
pub(crate) use self::values::{boolean, double, integer, text, time};
pub(crate) use self::verify::verify;
use crate::Error;

/// A failure of the Parquet library where the input is ours.
fn failed(error: impl Into<ParquetError>) -> Error {
    Error::unexpected("a segment cannot be written").with_source(error.into())
}

/// A failure of the Parquet library over bytes that were read.
fn unreadable(error: impl Into<ParquetError>) -> Error {
    let error = error.into();
    let told = match &error {
        ParquetError::NYI(_) => {
            Error::unsupported("a data file uses a part of Parquet that is not read")
        }
        _ => Error::corrupt("a data file of the archive is damaged"),
    };
    told.with("problem", &error).with_source(error)
}
