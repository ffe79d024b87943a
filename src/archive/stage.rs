//! From records to objects that are worth uploading: encoded, decoded again, and compared row by row.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::catalog::{ArchivedTable, NewDataFile};
use super::publish::{NewFile, Staged};
use super::segment::{SegmentLabel, SegmentRow, encode, fitting, verify};
use super::slice::Slice;
use crate::{Error, Result};

/// The rows of one segment: of one month, in the order of (age, id).
#[derive(Debug)]
pub(crate) struct Rows {
    slice: Slice,
    pub(crate) rows: Vec<SegmentRow>,
}

/// Cuts rows into segments: by the month of their age, and where one month's do not fit into one.
pub(crate) fn cut(rows: impl IntoIterator<Item = SegmentRow>) -> Vec<Rows> {
    let mut months: BTreeMap<Slice, Vec<SegmentRow>> = BTreeMap::new();
    for row in rows {
        months.entry(Slice::of(row.age_at)).or_default().push(row);
    }
    let mut cut = Vec::new();
    for (slice, mut rows) in months {
        rows.sort_by(|a, b| a.order().cmp(&b.order()));
        while !rows.is_empty() {
            let rest = rows.split_off(fitting(&rows).max(1));
            cut.push(Rows { slice, rows });
            rows = rest;
        }
    }
    cut
}

/// Encodes the rows of one segment, and checks that decoding gives every one of them back.
///
/// # Errors
/// `Invalid`: a record that cannot be archived. `Corrupt`: a row does not come back as it was; nothing of the batch may
/// be published.
pub(crate) async fn stage(
    table: &Arc<ArchivedTable>,
    batch: &str,
    rows: Arc<Rows>,
    archived_at: Timestamp,
) -> Result<Staged> {
    let (table, batch) = (Arc::clone(table), batch.to_owned());
    let work = move || stage_now(&table, &batch, &rows, archived_at);
    let staged = tokio::task::spawn_blocking(work).await;
    staged.map_err(|error| Error::unexpected("encoding a segment stopped").with_source(error))?
}

fn stage_now(
    table: &ArchivedTable,
    batch: &str,
    rows: &Rows,
    archived_at: Timestamp,
) -> Result<Staged> {
    let label = SegmentLabel {
        table: table.name.clone(),
        source: batch.into(),
        archived_at,
    };
    let encoded = encode(&table.columns, &rows.rows, &label)?;
    verify(&encoded, &table.columns, &rows.rows, &label)?;
    let name = format!("{batch}-{}.parquet", fingerprint(&encoded.bytes));
    Ok(Staged {
        file: NewFile::Data(NewDataFile {
            path: format!("{}{}/{name}", table.path, rows.slice).into(),
            batch: batch.into(),
            rows: encoded.rows,
            size: encoded.bytes.len() as u64,
            footer_size: encoded.footer_size,
            tail_length: encoded.tail_length,
            stats: encoded.stats,
            incomplete: encoded.incomplete,
            excluded: Vec::new(),
        }),
        bytes: encoded.bytes,
    })
}

/// The beginning of an object's SHA-256: a name says what is in it.
pub(super) fn fingerprint(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    hash.iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
