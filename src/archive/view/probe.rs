//! Asking one file for some ids.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use foldhash::fast::FixedState;

use super::ArchiveView;
use super::reader::{blocking, of_object};
use crate::archive::catalog::DataFile;
use crate::archive::column::SystemColumn;
use crate::archive::segment::{Chunks, RecordReader, RowGroup, Tail};
use crate::{Record, Result};

/// A row of a file that holds an id that was asked for, dead or alive: true for ever, since files never change.
#[derive(Clone, Debug)]
pub(super) struct Hit {
    pub(super) position: u64,
    pub(super) record: Arc<Record>,
}

/// Row groups are fetched together up to so many bytes.
const TOGETHER: u64 = 16 << 20;

/// The rows of `file` that hold one of `ids`.
pub(super) async fn probe(
    view: &ArchiveView,
    file: &DataFile,
    ids: Vec<Arc<str>>,
) -> Result<Vec<Hit>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let reader = RecordReader::new(&view.state.table.columns);
    let id_column = reader.id_of(SystemColumn::Id);
    let tail = view.reader.tail(file).await?;
    let mut groups: BTreeMap<usize, Vec<Arc<str>>> = BTreeMap::new();
    if tail.is_ours() {
        for id in ids {
            if let Some(group) = tail.row_group_of(&id) {
                groups.entry(group).or_default().push(id);
            }
        }
    } else {
        let scanned = view.reader.scanned(file, &tail, id_column).await?;
        for id in ids {
            for group in scanned.row_groups(&id) {
                groups.entry(group).or_default().push(Arc::clone(&id));
            }
        }
    }
    let columns = reader.field_ids(tail.is_ours());
    let mut hits = Vec::new();
    let mut groups = groups.into_iter().peekable();
    while groups.peek().is_some() {
        let (mut wanted, mut ranges, mut bytes) = (Vec::new(), Vec::new(), 0);
        while bytes < TOGETHER
            && let Some((group, ids)) = groups.next()
        {
            for range in tail.ranges(group, &columns)? {
                bytes += range.end - range.start;
                ranges.push(range);
            }
            wanted.push((group, ids));
        }
        let chunks = view.reader.fetch(file, ranges).await?;
        let (tail, reader) = (Arc::clone(&tail), reader.clone());
        let found = blocking(move || {
            let mut hits = Vec::new();
            for (group, ids) in wanted {
                find(&tail, group, &ids, &reader, &chunks, &mut hits)?;
            }
            Ok(hits)
        });
        hits.extend(found.await.map_err(|error| of_object(error, &file.path))?);
    }
    Ok(hits)
}

/// Decodes the ids of a row group, and the rest only of the rows that were asked for.
fn find(
    tail: &Tail,
    number: usize,
    ids: &[Arc<str>],
    reader: &RecordReader,
    chunks: &Chunks,
    hits: &mut Vec<Hit>,
) -> Result<()> {
    let is_ours = tail.is_ours();
    let group = RowGroup::open(tail, number, &reader.field_ids(is_ours), chunks.clone())?;
    let wanted: HashSet<&str, FixedState> = ids.iter().map(|id| &**id).collect();
    let rows = reader.places_of(&group, |id| wanted.contains(id))?;
    let start = tail.rows(number).start;
    let records = reader.read(&group, is_ours, Some(&rows))?;
    for (row, record) in rows.into_iter().zip(records) {
        if let Some(record) = record {
            hits.push(Hit {
                position: start + row as u64,
                record: Arc::new(record),
            });
        }
    }
    Ok(())
}
