//! What a policy's runs count.

use metrics::{Counter, Gauge, Unit};

use super::label::{COLLECTION, Label, POLICY, label};
use super::metric::Metric;
use super::now;

label! {
    /// What became of a batch.
    BatchOutcome as "outcome" {
        /// Its records are archived.
        Published = "published",
        /// All of its records had changed meanwhile.
        Nothing = "nothing",
        /// An error.
        Failed = "failed",
    }
}

label! {
    /// How a run of a policy ended.
    RunOutcome as "outcome" {
        /// Everything that was due is archived.
        Done = "done",
        /// It was stopped between two batches.
        Stopped = "stopped",
        /// An error.
        Failed = "failed",
    }
}

/// Why a record that was due stays, as reports say it.
pub(super) const SKIP_REASONS: &[&str] = &["changed", "no_age", "unreadable_age", "unsupported"];

pub(super) static MOVED_ROWS: Metric = Metric::counter(
    "thermocline_moved_rows_total",
    Unit::Count,
    "Records that moved from the primary to the archive.",
)
.by(&[COLLECTION, POLICY]);

pub(super) static MOVED_BYTES: Metric = Metric::counter(
    "thermocline_moved_bytes_total",
    Unit::Bytes,
    "Bytes of the text of records that moved, uncompressed.",
)
.by(&[COLLECTION, POLICY]);

pub(super) static SKIPPED_ROWS: Metric = Metric::counter(
    "thermocline_skipped_rows_total",
    Unit::Count,
    "Records that were due and stayed in the primary; each run that meets one counts it.",
)
.by(&[COLLECTION, POLICY, Label::of("reason", SKIP_REASONS)]);

pub(super) static BATCHES: Metric = Metric::counter(
    "thermocline_batches_total",
    Unit::Count,
    "Batches of a policy's runs, each one transaction.",
)
.by(&[COLLECTION, POLICY, BatchOutcome::LABEL]);

pub(super) static BATCH_BEGUN: Metric = Metric::gauge(
    "thermocline_batch_begun_timestamp_seconds",
    Unit::Seconds,
    "When the batch under way was begun, in seconds since 1970; 0 where none is. Its age is time() minus this.",
)
.by(&[COLLECTION, POLICY]);

pub(super) static RUNS: Metric =
    Metric::counter("thermocline_runs_total", Unit::Count, "Runs of a policy.").by(&[
        COLLECTION,
        POLICY,
        RunOutcome::LABEL,
    ]);

pub(super) static LAST_SUCCESS: Metric = Metric::gauge(
    "thermocline_last_success_timestamp_seconds",
    Unit::Seconds,
    "When a run of the policy last came to its end, in seconds since 1970; 0 before the first one.",
)
.by(&[COLLECTION, POLICY]);

pub(super) static CONSECUTIVE_FAILURES: Metric = Metric::gauge(
    "thermocline_consecutive_failures",
    Unit::Count,
    "Runs of the policy that failed since the last one that did not.",
)
.by(&[COLLECTION, POLICY]);

pub(super) const METRICS: &[&Metric] = &[
    &MOVED_ROWS,
    &MOVED_BYTES,
    &SKIPPED_ROWS,
    &BATCHES,
    &BATCH_BEGUN,
    &RUNS,
    &LAST_SUCCESS,
    &CONSECUTIVE_FAILURES,
];

/// A policy's handles.
#[derive(Clone, Debug)]
pub(crate) struct PolicyMetrics {
    moved_rows: Counter,
    moved_bytes: Counter,
    skipped: [Counter; SKIP_REASONS.len()],
    batches: [Counter; 3],
    batch_begun: Gauge,
    runs: [Counter; 3],
    last_success: Gauge,
    consecutive_failures: Gauge,
}

impl PolicyMetrics {
    pub(crate) fn new(collection: &str, policy: &str) -> Self {
        let both = [collection, policy];
        let skipped =
            |place: usize| SKIPPED_ROWS.counter_of(&[collection, policy, SKIP_REASONS[place]]);
        let batch =
            |outcome: BatchOutcome| BATCHES.counter_of(&[collection, policy, outcome.as_str()]);
        let run = |outcome: RunOutcome| RUNS.counter_of(&[collection, policy, outcome.as_str()]);
        Self {
            moved_rows: MOVED_ROWS.counter_of(&both),
            moved_bytes: MOVED_BYTES.counter_of(&both),
            skipped: std::array::from_fn(skipped),
            batches: [
                batch(BatchOutcome::Published),
                batch(BatchOutcome::Nothing),
                batch(BatchOutcome::Failed),
            ],
            batch_begun: BATCH_BEGUN.gauge_of(&both),
            runs: [
                run(RunOutcome::Done),
                run(RunOutcome::Stopped),
                run(RunOutcome::Failed),
            ],
            last_success: LAST_SUCCESS.gauge_of(&both),
            consecutive_failures: CONSECUTIVE_FAILURES.gauge_of(&both),
        }
    }

    /// Records that moved, and the bytes of their text.
    pub(crate) fn moved(&self, rows: u64, bytes: u64) {
        self.moved_rows.increment(rows);
        self.moved_bytes.increment(bytes);
    }

    /// Records that stay, for a reason as reports say it.
    pub(crate) fn skipped(&self, reason: &str, rows: u64) {
        let known = SKIP_REASONS.iter().position(|known| *known == reason);
        debug_assert!(known.is_some(), "{reason} is no reason that is counted");
        if let Some(place) = known {
            self.skipped[place].increment(rows);
        }
    }

    /// A batch begins. It ends with what [`BatchUnderWay::end`] says, or failed where it is dropped.
    pub(crate) fn begin_batch(&self) -> BatchUnderWay<'_> {
        self.batch_begun.set(now());
        BatchUnderWay {
            metrics: self,
            outcome: Some(BatchOutcome::Failed),
        }
    }

    /// A run ended.
    pub(crate) fn ran(&self, outcome: RunOutcome) {
        self.runs[outcome as usize].increment(1);
        match outcome {
            RunOutcome::Done => {
                self.last_success.set(now());
                self.consecutive_failures.set(0.0);
            }
            RunOutcome::Stopped => {}
            RunOutcome::Failed => self.consecutive_failures.increment(1.0),
        }
    }
}

/// A batch whose age is shown until it ends.
#[derive(Debug)]
#[must_use]
pub(crate) struct BatchUnderWay<'a> {
    metrics: &'a PolicyMetrics,
    outcome: Option<BatchOutcome>,
}

impl BatchUnderWay<'_> {
    /// The batch ended like this.
    pub(crate) fn end(mut self, outcome: BatchOutcome) {
        self.outcome = Some(outcome);
    }

    /// There was nothing for a batch.
    pub(crate) fn none(mut self) {
        self.outcome = None;
    }
}

impl Drop for BatchUnderWay<'_> {
    fn drop(&mut self) {
        if let Some(outcome) = self.outcome {
            self.metrics.batches[outcome as usize].increment(1);
        }
        self.metrics.batch_begun.set(0.0);
    }
}
