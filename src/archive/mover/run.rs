//! One run of one policy.

use std::sync::Arc;

use futures::join;
use jiff::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::due::{DueReader, Reach};
use super::primary_half::PrimaryHalf;
use super::report::ArchiveReport;
use crate::archive::ParquetArchive;
use crate::archive::catalog::new_batch_id;
use crate::archive::publish::{Job, Published, Staged};
use crate::archive::stage::{Rows, stage};
use crate::catalog_host::SkipReason;
use crate::clock::Clock;
use crate::policy::Policy;
use crate::telemetry::{BatchOutcome, PolicyMetrics, Step, Violation};
use crate::{Error, ErrorKind, Record, Result};

/// How much of the primary's freed space is given back after each batch: a step that other writers hardly feel.
const RELEASE_STEP: u64 = 16 << 20;

/// What a run works with.
pub(crate) struct Run<'a> {
    pub(crate) archive: &'a ParquetArchive,
    pub(crate) policy: &'a Policy,
    /// The time from which ages are judged.
    pub(crate) now: Timestamp,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) metrics: &'a PolicyMetrics,
    pub(crate) stop: &'a CancellationToken,
    pub(crate) progress: &'a (dyn Fn(&ArchiveReport) + Send + Sync),
}

/// Moves everything that the policy takes now, batch by batch, and stops cleanly between two of them.
pub(crate) async fn run(run: &Run<'_>) -> Result<ArchiveReport> {
    let begun = Instant::now();
    let host = run.archive.host();
    let mut report = ArchiveReport {
        policy: run.policy.name().to_owned(),
        ..ArchiveReport::default()
    };
    match run.archive.remove_leftovers().await {
        Ok(0) => {}
        Ok(objects) => tracing::info!(objects, "what nobody needs was removed from the archive"),
        // The next run finds it again.
        Err(error) => {
            tracing::warn!(%error, "what nobody needs stays in the archive for now")
        }
    }
    host.prepare_to_move(run.archive.age()).await?;
    let mut reader = DueReader::new(
        &**host,
        run.policy,
        run.archive.age(),
        run.now,
        Reach::Candidates,
    )?;
    let mut batch = run.metrics.begin_batch();
    let mut next = Box::pin(prepare(run, &mut reader)).await?;
    while let Some(prepared) = next.take_if(|_| !run.stop.is_cancelled()) {
        // While a batch is published, the next one is read and encoded: nobody knows anything of it yet.
        let (moved, ahead) = join!(
            Box::pin(move_batch(run, prepared, &mut report)),
            Box::pin(prepare(run, &mut reader)),
        );
        batch.end(moved.map_err(|error| so_far(error, &report))?);
        report.took = begun.elapsed();
        (run.progress)(&report);
        batch = run.metrics.begin_batch();
        next = ahead.map_err(|error| so_far(error, &report))?;
    }
    batch.none();
    // Other readers know delete files; what a run, and the writes before it, left inlined is shown to few of them.
    if !run.stop.is_cancelled()
        && let Err(error) = run.archive.flush().await
    {
        tracing::warn!(%error, "dead rows stay in the catalog, where some other readers do not look, until the next run");
    }
    report.stopped = run.stop.is_cancelled();
    for (reason, count) in &reader.skipped {
        report.skip(*reason, *count);
    }
    let undated = host
        .begin_read()
        .await?
        .count_undated(run.archive.age())
        .await?;
    report.skip(SkipReason::NoAge, undated.absent);
    report.skip(SkipReason::UnreadableAge, undated.unreadable);
    report.took = begun.elapsed();
    for (reason, count) in &report.skipped {
        run.metrics.skipped(reason.as_str(), *count);
    }
    Ok(report)
}

/// What was moved before an error stays moved: whoever reads of the error is told so.
fn so_far(error: Error, report: &ArchiveReport) -> Error {
    match report.moved {
        0 => error,
        moved => error.with("moved_before", moved),
    }
}

/// A batch that was read and encoded.
struct Prepared {
    id: Box<str>,
    segments: Vec<Arc<Rows>>,
    staged: Vec<Staged>,
}

/// Reads and encodes the next batch; none at the end, or where the run is to stop.
async fn prepare(run: &Run<'_>, reader: &mut DueReader<'_>) -> Result<Option<Prepared>> {
    let preparing = read_and_encode(run, reader);
    let prepared = run.stop.run_until_cancelled(preparing).await;
    prepared.unwrap_or(Ok(None))
}

async fn read_and_encode(run: &Run<'_>, reader: &mut DueReader<'_>) -> Result<Option<Prepared>> {
    let metrics = run.archive.metrics();
    let reading = Instant::now();
    let Some(segments) = reader.next().await? else {
        return Ok(None);
    };
    metrics.step(Step::Scan, reading.elapsed());
    let segments: Vec<Arc<Rows>> = segments.into_iter().map(Arc::new).collect();
    let id = new_batch_id();
    let table = run.archive.table_for(records(&segments)).await?;
    let encoding = Instant::now();
    let mut staged = Vec::with_capacity(segments.len());
    for segment in &segments {
        let segment = stage(&table, &id, Arc::clone(segment), run.clock.now()).await;
        staged.push(segment.inspect_err(|error| {
            if error.kind() == ErrorKind::Corrupt {
                metrics.integrity.violated(Violation::Verification, 1);
            }
        })?);
    }
    metrics.step(Step::Encode, encoding.elapsed());
    Ok(Some(Prepared {
        id,
        segments,
        staged,
    }))
}

fn records(segments: &[Arc<Rows>]) -> impl Iterator<Item = &Record> + Clone {
    let rows = segments.iter().flat_map(|segment| &segment.rows);
    rows.map(|row| &*row.record)
}

/// Publishes a batch, and gives back to the disk what it frees.
async fn move_batch(
    run: &Run<'_>,
    batch: Prepared,
    report: &mut ArchiveReport,
) -> Result<BatchOutcome> {
    let outcome = publish(run, batch, report).await?;
    let releasing = Instant::now();
    match run.archive.host().release(RELEASE_STEP).await {
        Ok(released) => report.released += released,
        // What was moved is moved; a later run gives the space back.
        Err(error) => {
            tracing::warn!(%error, "the space that a batch freed was not given back to the disk");
        }
    }
    let metrics = run.archive.metrics();
    metrics.step(Step::Release, releasing.elapsed());
    Ok(outcome)
}

async fn publish(
    run: &Run<'_>,
    batch: Prepared,
    report: &mut ArchiveReport,
) -> Result<BatchOutcome> {
    let Prepared {
        id,
        segments,
        staged,
    } = batch;
    let due = records(&segments).count() as u64;
    let bytes = staged
        .iter()
        .map(|staged| staged.bytes.len() as u64)
        .sum::<u64>();
    let mut half = PrimaryHalf::new(run.archive, &segments);
    let job = Job {
        batch: &id,
        message: "archive",
    };
    let published = run
        .archive
        .publisher()
        .publish(job, staged, &mut half)
        .await?;
    if published == Published::Nothing {
        report.skip(SkipReason::Changed, due);
        return Ok(BatchOutcome::Nothing);
    }
    report.moved += half.moved;
    report.moved_bytes += half.moved_bytes;
    report.repaired += half.repaired;
    report.skip(SkipReason::Changed, due - half.moved);
    report.segments += segments.len() as u64;
    report.bytes += bytes;
    report.batches += 1;
    run.metrics.moved(half.moved, half.moved_bytes);
    let integrity = &run.archive.metrics().integrity;
    integrity.violated(Violation::DoubleCopy, half.repaired);
    Ok(BatchOutcome::Published)
}
