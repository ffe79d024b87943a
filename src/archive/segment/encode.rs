//! Writing a segment, in memory.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::RecordBatch;
use bytes::Bytes;
use jiff::Timestamp;
use parquet::arrow::arrow_writer::{ArrowWriter, ArrowWriterOptions};
use parquet::file::metadata::{KeyValue, ParquetMetaData};

use super::batch::{Batcher, SegmentRow};
use super::checks::Checks;
use super::failed;
use super::id_index::{IdIndex, Repeated};
use super::imprint::{Imprint, KEY, Span};
use super::layout::{Layout, Style};
use super::tally::Tally;
use crate::archive::column::{Column, ColumnStats};
use crate::{Error, Result};

/// The most rows in a segment.
pub(crate) const MAX_ROWS: usize = 1 << 20;
const MAX_GROUPS: usize = 256;
const GROUP_ROWS: usize = 4096;
/// A row group is full once its records' text takes so much.
const GROUP_BYTES: usize = 16 << 20;
/// The four bytes of the footer's length, and `PAR1`.
pub(super) const TRAILER: usize = 8;

/// What a segment tells of itself, for the day on which the catalog is lost.
#[derive(Clone, Debug)]
pub(crate) struct SegmentLabel {
    /// The collection.
    pub(crate) table: Box<str>,
    /// Where the records came from.
    pub(crate) source: Box<str>,
    pub(crate) archived_at: Timestamp,
}

/// A segment, and what the catalog keeps of it.
#[derive(Clone, Debug)]
pub(crate) struct Encoded {
    pub(crate) bytes: Bytes,
    pub(crate) rows: u64,
    /// Bytes of the Parquet footer, without the eight of its trailer.
    pub(crate) footer_size: u64,
    /// Bytes from the beginning of the id index to the end.
    pub(crate) tail_length: u64,
    pub(crate) stats: Vec<ColumnStats>,
    /// Promoted columns in which a value is not told in full, by field id.
    pub(crate) incomplete: Vec<i64>,
}

/// How many of the first `rows` one segment takes; the rest goes to others.
pub(crate) fn fitting(rows: &[SegmentRow]) -> usize {
    let rows = &rows[..rows.len().min(MAX_ROWS)];
    groups(rows)
        .take(MAX_GROUPS)
        .last()
        .map_or(0, |group| group.end)
}

/// Writes rows, which stand in the order of (age, id), each id once, as one segment.
///
/// # Errors
/// `Invalid`: a record with a time that no other reader knows, an id that comes twice, more rows than [`fitting`] says.
pub(crate) fn encode(
    columns: &[Column],
    rows: &[SegmentRow],
    label: &SegmentLabel,
) -> Result<Encoded> {
    check(rows)?;
    let layout = Layout::of(columns)?;
    let mut batcher = Batcher::new(&layout, label.archived_at);
    let mut tallies: Vec<Tally> = layout.columns.iter().map(Tally::of).collect();
    let groups: Vec<Range<usize>> = groups(rows).collect();
    let first = batcher.batch(&rows[..groups.first().map_or(0, |group| group.end)])?;
    let styles = best_styles(&layout, &first)?;
    let mut writer = writer(&layout, &styles)?;
    let mut next = Some(first);
    for group in &groups {
        let batch = match next.take() {
            Some(first) => first,
            None => batcher.batch(&rows[group.clone()])?,
        };
        for (tally, array) in tallies.iter_mut().zip(batch.columns()) {
            tally.add(array);
        }
        writer
            .write(&batch)
            .and_then(|()| writer.flush())
            .map_err(failed)?;
    }
    let index = index(rows, &groups)?;
    let checks = vec![0; Checks::length(layout.columns.len(), groups.len())];
    let start = writer.bytes_written();
    let incomplete = batcher.incomplete();
    let imprint = Imprint::of(
        &layout,
        label,
        rows.len(),
        &incomplete,
        [
            Span::of(start, index.as_bytes().len()),
            Span::of(start + index.as_bytes().len(), checks.len()),
        ],
    );
    writer.append_key_value_metadata(KeyValue::new(KEY.to_owned(), imprint.to_json()?));
    writer
        .write_all(index.as_bytes())
        .and_then(|()| writer.write_all(&checks))
        .map_err(failed)?;
    let metadata = writer.finish().map_err(failed)?;
    // `finish` has flushed everything into it, and `into_inner` would finish again.
    let mut bytes = std::mem::take(writer.inner_mut());
    let footer = start + index.as_bytes().len() + checks.len();
    let checks = Checks::compute(&bytes, footer, &metadata);
    bytes[footer - checks.len()..footer].copy_from_slice(&checks);
    Ok(Encoded {
        rows: rows.len() as u64,
        footer_size: (bytes.len() - footer - TRAILER) as u64,
        tail_length: (bytes.len() - start) as u64,
        stats: (0..)
            .zip(tallies)
            .map(|(at, tally)| tally.finish(chunk_bytes(&metadata, at)))
            .collect(),
        incomplete,
        bytes: bytes.into(),
    })
}

/// The rows of each row group.
pub(super) fn groups(rows: &[SegmentRow]) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let taken = rows[start..].iter().take(GROUP_ROWS).take_while(|row| {
            let is_open = bytes < GROUP_BYTES;
            bytes += row.record.bytes();
            is_open
        });
        let group = start..start + taken.count();
        start = group.end;
        (!group.is_empty()).then_some(group)
    })
}

fn check(rows: &[SegmentRow]) -> Result<()> {
    if rows.is_empty() || fitting(rows) < rows.len() {
        return Err(
            Error::invalid("a segment takes at least one row, and no more than fit in it")
                .with("rows", rows.len())
                .with("fitting", fitting(rows)),
        );
    }
    match rows
        .windows(2)
        .find(|pair| pair[0].order() >= pair[1].order())
    {
        None => Ok(()),
        Some(pair) if pair[0].record.id() == pair[1].record.id() => Err(twice(pair[0].record.id())),
        Some(pair) => Err(
            Error::unexpected("rows of a segment are not in their order")
                .with("id", pair[1].record.id()),
        ),
    }
}

fn twice(id: impl std::fmt::Display) -> Error {
    Error::invalid("an id comes twice in one segment; keep the newer one").with("id", id)
}

fn index(rows: &[SegmentRow], groups: &[Range<usize>]) -> Result<IdIndex> {
    let count = u32::try_from(groups.len()).unwrap_or(u32::MAX);
    let ids = (0..count).zip(groups).flat_map(|(number, group)| {
        let rows = rows[group.clone()].iter();
        rows.map(move |row| (row.record.id().as_str(), number))
    });
    IdIndex::build(ids, count).map_err(|Repeated(id)| twice(id))
}

/// The style for each column that makes the first row group smallest.
fn best_styles(layout: &Layout, first: &RecordBatch) -> Result<Vec<Style>> {
    let candidates: Vec<&[Style]> = layout.columns.iter().map(Style::candidates).collect();
    let mut best: Vec<(Style, u64)> = candidates
        .iter()
        .map(|styles| (styles[0], u64::MAX))
        .collect();
    let rounds = candidates.iter().map(|styles| styles.len()).max();
    for round in 0..rounds.unwrap_or(0) {
        // Only the columns that still have a choice are written again.
        let open: Vec<usize> = (0..candidates.len())
            .filter(|at| candidates[*at].len() > 1 && round < candidates[*at].len())
            .collect();
        let columns: Vec<Column> = open.iter().map(|at| layout.columns[*at].clone()).collect();
        let styles: Vec<Style> = open.iter().map(|at| candidates[*at][round]).collect();
        let part = Layout::of(&columns)?;
        let mut writer = writer(&part, &styles)?;
        writer
            .write(&first.project(&open).map_err(failed)?)
            .map_err(failed)?;
        let metadata = writer.finish().map_err(failed)?;
        for (index, at) in open.into_iter().enumerate() {
            let bytes = chunk_bytes(&metadata, index);
            if bytes < best[at].1 {
                best[at] = (candidates[at][round], bytes);
            }
        }
    }
    Ok(best.into_iter().map(|(style, _)| style).collect())
}

fn writer(layout: &Layout, styles: &[Style]) -> Result<ArrowWriter<Vec<u8>>> {
    let options = ArrowWriterOptions::new()
        .with_properties(layout.properties(styles)?)
        .with_parquet_schema(layout.parquet().clone())
        .with_skip_arrow_metadata(true);
    ArrowWriter::try_new_with_options(Vec::new(), Arc::clone(&layout.arrow), options)
        .map_err(failed)
}

fn chunk_bytes(metadata: &ParquetMetaData, column: usize) -> u64 {
    metadata
        .row_groups()
        .iter()
        .map(|group| group.column(column).byte_range().1)
        .sum()
}
