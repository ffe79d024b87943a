//! Reading what matches, as it lies: pruned by statistics, row groups in few large requests, bounded in memory.

use std::ops::Range;
use std::sync::Arc;

use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};

use super::ArchiveView;
use super::deleted::Deleted;
use super::group::Group;
use super::prune::{self, Known};
use crate::archive::catalog::{DataFile, InlinedRow, Place};
use crate::archive::segment::Tail;
use crate::{Error, Filter, Prepared, Record, RecordStream, Result};

/// Adjacent row groups are read in one request, up to so many bytes.
const REQUEST_BYTES: u64 = 4 << 20;

/// How many requests are under way while their answers are used.
const AHEAD: usize = 2;

/// A live row that matches.
#[derive(Debug)]
pub(super) struct Match {
    pub(super) place: Place,
    pub(super) record: Arc<Record>,
}

impl Match {
    fn of_inlined(row: &InlinedRow) -> Self {
        Self {
            place: Place::Inlined {
                table: Arc::clone(&row.table),
                row_id: row.row_id,
            },
            record: Arc::clone(&row.record),
        }
    }
}

/// Streams what matches in any order, with the query's limit and projection.
pub(super) fn search(view: ArchiveView, query: Prepared) -> RecordStream {
    let limit = query
        .query()
        .limit
        .and_then(|limit| usize::try_from(limit).ok());
    let records = matches(view, query.clone())
        .map_ok(|found| stream::iter(found.into_iter().map(Ok)))
        .try_flatten()
        .map_ok(move |found| query.project(found.record));
    records.take(limit.unwrap_or(usize::MAX)).boxed()
}

/// How many rows match.
pub(super) async fn count(view: &ArchiveView, query: &Prepared) -> Result<u64> {
    if query.query().filter == Filter::ALL {
        return count_all(view).await;
    }
    let counts = matches(view.clone(), query.clone()).map_ok(|found| found.len() as u64);
    counts
        .try_fold(0, |sum, count| async move { Ok(sum + count) })
        .await
}

/// The catalog's own counts; only where both stores name dead rows of a file, they are compared.
async fn count_all(view: &ArchiveView) -> Result<u64> {
    let mut count = view.state.inlined.len() as u64;
    for file in &view.state.files {
        let dead = match &file.delete_file {
            None => file.dead.len() as u64,
            Some(delete_file) if file.dead.is_empty() => delete_file.rows,
            Some(delete_file) => {
                let deleted = view.files.deleted(file, delete_file).await?;
                let only_inlined = file
                    .dead
                    .iter()
                    .filter(|dead| !deleted.contains(dead.position));
                delete_file.rows + only_inlined.count() as u64
            }
        };
        count += file.rows.saturating_sub(dead);
    }
    Ok(count)
}

/// Every live row that matches, some rows at a time.
pub(super) fn matches(
    view: ArchiveView,
    query: Prepared,
) -> BoxStream<'static, Result<Vec<Match>>> {
    let filter = Arc::new(query.query().filter.nnf());
    let inlined: Vec<Match> = view
        .state
        .inlined
        .iter()
        .filter(|row| query.matches(&row.record))
        .map(Match::of_inlined)
        .collect();
    let files: Vec<_> = view.state.files.iter().map(Arc::clone).collect();
    let jobs = stream::iter(files)
        .map({
            let view = view.clone();
            move |file| plan(view.clone(), file, Arc::clone(&filter))
        })
        .buffered(AHEAD)
        .map_ok(|jobs| stream::iter(jobs.into_iter().map(Ok::<_, Error>)))
        .try_flatten();
    let found = jobs
        .map_ok(move |job| job.run(view.clone(), query.clone()))
        .try_buffered(AHEAD);
    stream::iter([Ok(inlined)]).chain(found).boxed()
}

/// What one request reads.
struct Job {
    file: Arc<DataFile>,
    tail: Arc<Tail>,
    deleted: Option<Arc<Deleted>>,
    groups: Range<usize>,
}

/// The requests that a file takes.
async fn plan(view: ArchiveView, file: Arc<DataFile>, filter: Arc<Filter>) -> Result<Vec<Job>> {
    let table = &view.state.table;
    let of_file = |column, _| Known::of_file(&file, column).filter(|_| file.is_complete(column));
    if !prune::may_match(&filter, table, &of_file) {
        return Ok(Vec::new());
    }
    let tail = view.files.tail(&file).await?;
    let deleted = match &file.delete_file {
        None => None,
        Some(delete_file) => Some(view.files.deleted(&file, delete_file).await?),
    };
    let columns = view.records.field_ids(tail.is_ours());
    let mut jobs: Vec<Job> = Vec::new();
    let mut bytes = 0;
    for group in 0..tail.row_groups() {
        let of_group = |column, kind| {
            Known::of_group(&tail, group, column, kind).filter(|_| file.is_complete(column))
        };
        if !prune::may_match(&filter, table, &of_group) {
            continue;
        }
        let length = tail
            .ranges(group, &columns)?
            .iter()
            .map(|range| range.end - range.start)
            .sum::<u64>();
        match jobs.last_mut() {
            Some(job) if job.groups.end == group && bytes + length <= REQUEST_BYTES => {
                job.groups.end += 1;
                bytes += length;
            }
            _ => {
                jobs.push(Job {
                    file: Arc::clone(&file),
                    tail: Arc::clone(&tail),
                    deleted: deleted.clone(),
                    groups: group..group + 1,
                });
                bytes = length;
            }
        }
    }
    Ok(jobs)
}

impl Job {
    async fn run(self, view: ArchiveView, query: Prepared) -> Result<Vec<Match>> {
        let groups = view
            .files
            .adjacent_groups(&self.file, &self.tail, self.groups.clone(), &view.records)
            .await?;
        // Decoding takes milliseconds: not on a thread that others wait for.
        let decoded = tokio::task::spawn_blocking(move || self.decode(&groups, &query)).await;
        decoded
            .map_err(|error| Error::unexpected("decoding a segment stopped").with_source(error))?
    }

    fn decode(&self, groups: &[Group], query: &Prepared) -> Result<Vec<Match>> {
        let mut found = Vec::new();
        let is_live = |position| {
            !self.file.is_dead_inlined(position)
                && !self
                    .deleted
                    .as_ref()
                    .is_some_and(|deleted| deleted.contains(position))
        };
        for group in groups {
            let rows = group
                .records(&is_live)
                .map_err(|error| error.with("path", &self.file.path))?;
            let matching = rows.into_iter().filter(|(_, record)| query.matches(record));
            found.extend(matching.map(|(position, record)| Match {
                place: Place::File {
                    file: self.file.id,
                    position,
                },
                record,
            }));
        }
        Ok(found)
    }
}
