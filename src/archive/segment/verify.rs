//! Reading a segment back before anything relies on it.

use arrow_array::ArrayRef;

use super::batch::{Batcher, SegmentRow};
use super::chunks::Chunks;
use super::decode::RowGroup;
use super::encode::{Encoded, SegmentLabel};
use super::layout::Layout;
use super::rows::RecordReader;
use super::tail::Tail;
use crate::archive::column::Column;
use crate::{Error, Result};

/// Decodes a segment as a reader would, and compares every record, every column and the id index with what was meant.
///
/// # Errors
/// `Corrupt`: they differ; the segment must not be used.
pub(crate) fn verify(
    encoded: &Encoded,
    columns: &[Column],
    rows: &[SegmentRow],
    label: &SegmentLabel,
) -> Result<()> {
    let bytes = &encoded.bytes;
    let size = bytes.len() as u64;
    let tail_start = bytes.len() - usize::try_from(encoded.tail_length).unwrap_or(bytes.len());
    let tail = Tail::parse(bytes.slice(tail_start..), size, Some(encoded.tail_length))?;
    if tail.row_count() != rows.len() as u64 {
        return Err(differs("its count of rows"));
    }
    let layout = Layout::of(columns)?;
    let mut batcher = Batcher::new(&layout, label.archived_at);
    let reader = RecordReader::new(columns);
    let ids: Vec<i64> = layout.columns.iter().map(|column| column.id).collect();
    let mut rest = rows;
    for number in 0..tail.row_groups() {
        let range = tail.rows(number);
        let count = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        let Some((meant, after)) = rest.split_at_checked(count) else {
            return Err(differs("its count of rows"));
        };
        rest = after;
        let chunks = Chunks::new(size, vec![(0, bytes.clone())]);
        let group = RowGroup::open(&tail, number, &ids, chunks)?;
        let found = group.columns(&ids, None)?;
        let expected = batcher.batch(meant)?;
        for (column, array) in layout.columns.iter().zip(expected.columns()) {
            if found.get(column.id).map(ArrayRef::as_ref) != Some(array.as_ref()) {
                return Err(differs("a column").with("column", &column.name));
            }
        }
        for (row, record) in meant.iter().zip(reader.records(&found, true)) {
            let id = row.record.id();
            if !record?.is_some_and(|record| record.same_content(&row.record)) {
                return Err(differs("a record").with("id", id));
            }
            if tail.row_group_of(id.as_str()) != Some(number) {
                return Err(differs("its id index").with("id", id));
            }
        }
    }
    Ok(())
}

fn differs(what: &'static str) -> Error {
    Error::corrupt(
        "a segment that was just written does not read back as what was meant; it was not used",
    )
    .with("differs", what)
}
