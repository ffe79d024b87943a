//! One run of one policy.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::due::{DueReader, Reach};
use super::primary_half::PrimaryHalf;
use super::report::ArchiveReport;
use crate::archive::ParquetArchive;
use crate::archive::catalog::new_batch_id;
use crate::archive::publish::{Job, Published};
use crate::archive::stage::{Rows, stage};
use crate::catalog_host::SkipReason;
use crate::clock::Clock;
use crate::policy::Policy;
use crate::telemetry::{BatchOutcome, PolicyMetrics, Step, Violation};
use crate::{Error, ErrorKind, Result};

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
    while !run.stop.is_cancelled() {
        let batch = run.metrics.begin_batch();
        let read = Instant::now();
        let Some(segments) = reader.next().await? else {
            batch.none();
            break;
        };
        run.archive.metrics().step(Step::Scan, read.elapsed());
        let moved = move_batch(run, segments, &mut report).await;
        batch.end(moved.map_err(|error| so_far(error, &report))?);
        let releasing = Instant::now();
        match host.release(RELEASE_STEP).await {
            Ok(released) => report.released += released,
            // What was moved is moved; a later run gives the space back.
            Err(error) => {
                tracing::warn!(%error, "the space that a batch freed was not given back to the disk");
            }
        }
        run.archive
            .metrics()
            .step(Step::Release, releasing.elapsed());
        report.took = begun.elapsed();
        (run.progress)(&report);
    }
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

async fn move_batch(
    run: &Run<'_>,
    segments: Vec<Rows>,
    report: &mut ArchiveReport,
) -> Result<BatchOutcome> {
    let batch = new_batch_id();
    let segments: Vec<Arc<Rows>> = segments.into_iter().map(Arc::new).collect();
    let records = segments
        .iter()
        .flat_map(|segment| &segment.rows)
        .map(|row| &*row.record);
    let table = run.archive.table_for(records.clone()).await?;
    let due = records.count() as u64;
    let metrics = run.archive.metrics();
    let encoding = Instant::now();
    let mut staged = Vec::with_capacity(segments.len());
    for segment in &segments {
        let segment = stage(&table, &batch, Arc::clone(segment), run.clock.now()).await;
        staged.push(segment.inspect_err(|error| {
            if error.kind() == ErrorKind::Corrupt {
                metrics.integrity.violated(Violation::Verification, 1);
            }
        })?);
    }
    metrics.step(Step::Encode, encoding.elapsed());
    let bytes = staged
        .iter()
        .map(|staged| staged.bytes.len() as u64)
        .sum::<u64>();
    let mut half = PrimaryHalf::new(run.archive, &segments);
    let job = Job {
        batch: &batch,
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
    metrics
        .integrity
        .violated(Violation::DoubleCopy, half.repaired);
    Ok(BatchOutcome::Published)
}
