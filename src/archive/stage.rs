//! From records to an object that is worth uploading: encoded, decoded again, and compared row by row.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::catalog::{ArchivedTable, NewDataFile};
use super::publish::Staged;
use super::segment::{SegmentLabel, SegmentRow, encode, verify};
use super::slice::Slice;
use crate::{Error, Result};

/// Puts rows of one month into the order of a segment: by age, then by id.
pub(crate) fn in_order(rows: &mut [SegmentRow]) {
    rows.sort_by(|a, b| a.order().cmp(&b.order()));
}

/// Encodes rows of one month, in their order, and checks that decoding gives every one of them back.
///
/// # Errors
/// `Unexpected`: a row does not come back as it was; nothing of the batch may be published.
pub(crate) async fn stage(
    table: &Arc<ArchivedTable>,
    batch: &str,
    slice: Slice,
    rows: Vec<SegmentRow>,
    label: SegmentLabel,
) -> Result<Staged> {
    let (table, batch) = (Arc::clone(table), batch.to_owned());
    let work = move || stage_now(&table, &batch, slice, &rows, &label);
    let staged = tokio::task::spawn_blocking(work).await;
    staged.map_err(|error| Error::unexpected("encoding a segment stopped").with_source(error))?
}

fn stage_now(
    table: &ArchivedTable,
    batch: &str,
    slice: Slice,
    rows: &[SegmentRow],
    label: &SegmentLabel,
) -> Result<Staged> {
    let encoded = encode(&table.columns, rows, label)?;
    verify(&encoded, &table.columns, rows, label)?;
    Ok(Staged {
        file: NewDataFile {
            path: format!(
                "{}{slice}/{batch}-{}.parquet",
                table.path,
                fingerprint(&encoded.bytes)
            )
            .into(),
            batch: batch.into(),
            rows: rows.len() as u64,
            size: encoded.bytes.len() as u64,
            footer_size: encoded.footer_size,
            tail_length: encoded.tail_length,
            stats: encoded.stats,
            incomplete: encoded.incomplete,
            excluded: Vec::new(),
        },
        bytes: encoded.bytes,
    })
}

/// The beginning of an object's SHA-256: a name says what is in it.
fn fingerprint(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    hash.iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
