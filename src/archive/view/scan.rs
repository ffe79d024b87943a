//! Scans in any order: file after file, some row groups at a time, the next ones fetched meanwhile.

use std::sync::Arc;

use futures::{Stream, StreamExt, TryStreamExt, stream};

use super::ArchiveView;
use super::group::{FileScan, Question};
use super::reader::blocking;
use crate::archive::segment::Chunks;
use crate::query::Prepared;
use crate::{Record, Result};

/// How much is fetched at a time, at most.
const RUN_BYTES: u64 = 4 << 20;
/// How many fetches are under way, or wait to be used.
const AHEAD: usize = 2;

/// Row groups of one file that are fetched together.
struct Run {
    scan: Arc<FileScan>,
    groups: Vec<usize>,
}

/// All records that match, in no order.
pub(super) fn stream(
    view: ArchiveView,
    query: Prepared,
) -> impl Stream<Item = Result<Arc<Record>>> + Send {
    let inlined = inlined(&view, &query);
    let read = |scan: &FileScan, groups: &[usize], chunks: &Chunks| {
        let mut records = Vec::new();
        for group in groups {
            let matches = scan.matches(*group, chunks)?;
            records.extend(matches.into_iter().map(|found| found.record));
        }
        Ok(records)
    };
    let scanned = runs(&view, &query, read)
        .map_ok(|records| stream::iter(records.into_iter().map(Ok)))
        .try_flatten();
    stream::iter(inlined.into_iter().map(Ok)).chain(scanned)
}

/// How many records match.
pub(super) async fn count(view: &ArchiveView, query: &Prepared) -> Result<u64> {
    let inlined = inlined(view, query).len() as u64;
    let read = |scan: &FileScan, groups: &[usize], chunks: &Chunks| {
        let mut sum = 0;
        for group in groups {
            sum += scan.count(*group, chunks)?;
        }
        Ok(sum)
    };
    runs(view, query, read)
        .try_fold(inlined, async |sum, count| Ok(sum + count))
        .await
}

/// How many live records there are, as the catalog says.
pub(super) async fn count_all(view: &ArchiveView) -> Result<u64> {
    let mut sum = view.state.inlined.len() as u64;
    for file in &view.state.files {
        // Where a position may be noted twice, the union is counted.
        let dead = match &file.delete_file {
            Some(delete_file) if file.dead.is_empty() => delete_file.rows,
            Some(_) => view.reader.dead(file, &view.state).await?.len(),
            None => file.dead.len() as u64,
        };
        sum += file.rows.saturating_sub(dead);
    }
    Ok(sum)
}

/// The records among the inlined rows that match.
pub(super) fn inlined(view: &ArchiveView, query: &Prepared) -> Vec<Arc<Record>> {
    let records = view.state.inlined.iter().map(|row| &row.record);
    records
        .filter(|record| query.matches(record))
        .cloned()
        .collect()
}

/// What `read` makes of every row group that may hold a match.
fn runs<T, R>(
    view: &ArchiveView,
    query: &Prepared,
    read: R,
) -> impl Stream<Item = Result<T>> + Send + use<T, R>
where
    T: Send + 'static,
    R: Fn(&FileScan, &[usize], &Chunks) -> Result<T> + Clone + Send + 'static,
{
    let question = Question::new(view, query);
    let files: Vec<_> = view
        .state
        .files
        .iter()
        .filter(|file| question.may_match(&question.known(view, file), file))
        .cloned()
        .collect();
    let opening = view.clone();
    let reading = view.clone();
    let mut most = 1;
    stream::iter(files)
        .map(move |file| {
            let (view, question) = (opening.clone(), question.clone());
            async move { FileScan::open(&view, file, question).await }
        })
        .buffered(AHEAD)
        .map(move |scan| -> Result<_> {
            let runs = cut(scan?, &mut most)?;
            Ok(stream::iter(runs.into_iter().map(Ok)))
        })
        .try_flatten()
        .map_ok(move |run: Run| {
            let (view, read) = (reading.clone(), read.clone());
            async move {
                let chunks = run.scan.fetch(&view, &run.groups).await?;
                blocking(move || read(&run.scan, &run.groups, &chunks)).await
            }
        })
        .try_buffered(AHEAD)
}

/// Cuts the row groups of a file into runs, of one row group at first: a search with a limit needs few.
fn cut(scan: Arc<FileScan>, most: &mut usize) -> Result<Vec<Run>> {
    let (mut runs, mut groups, mut bytes) = (Vec::new(), Vec::new(), 0);
    let mut close = |groups: &mut Vec<usize>, most: &mut usize| {
        if !groups.is_empty() {
            runs.push(Run {
                scan: Arc::clone(&scan),
                groups: std::mem::take(groups),
            });
            *most = most.saturating_mul(2);
        }
    };
    for group in scan.groups() {
        let more = scan.bytes(group)?;
        if groups.len() >= *most || bytes + more > RUN_BYTES {
            close(&mut groups, most);
            bytes = 0;
        }
        groups.push(group);
        bytes += more;
    }
    close(&mut groups, most);
    Ok(runs)
}
