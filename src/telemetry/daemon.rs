//! What the daemon measures beside the work of its policies.

use std::time::Duration;

use jiff::Timestamp;
use metrics::{Counter, Gauge, Unit};

use super::label::{COLLECTION, POLICY, label};
use super::metric::Metric;

label! {
    /// What became of reading the policies again.
    ReloadOutcome as "outcome" {
        /// The new ones are in force.
        Taken = "taken",
        /// Something is wrong with them: the old ones stay in force.
        Refused = "refused",
    }
}

pub(super) static BACKLOG_ROWS: Metric = Metric::gauge(
    "thermocline_backlog_rows",
    Unit::Count,
    "Records that the policy would move now.",
)
.by(&[COLLECTION, POLICY]);

pub(super) static BACKLOG_BYTES: Metric = Metric::gauge(
    "thermocline_backlog_bytes",
    Unit::Bytes,
    "Bytes of the text of the records that the policy would move now.",
)
.by(&[COLLECTION, POLICY]);

pub(super) static BACKLOG_AGE: Metric = Metric::gauge(
    "thermocline_backlog_oldest_age_seconds",
    Unit::Seconds,
    "Age of the oldest record that the policy would move now; 0 where there is none.",
)
.by(&[COLLECTION, POLICY]);

pub(super) static NEXT_RUN: Metric = Metric::gauge(
    "thermocline_next_run_timestamp_seconds",
    Unit::Seconds,
    "When the policy is to run next, in seconds since 1970; 0 where it has no next time.",
)
.by(&[COLLECTION, POLICY]);

pub(super) static PRIMARY_ROWS: Metric = Metric::gauge(
    "thermocline_primary_rows",
    Unit::Count,
    "Records in the primary.",
)
.by(&[COLLECTION]);

pub(super) static PRIMARY_BYTES: Metric = Metric::gauge(
    "thermocline_primary_bytes",
    Unit::Bytes,
    "Bytes of the primary's database, all of its collections together.",
)
.by(&[COLLECTION]);

pub(super) static LEASE_HELD: Metric = Metric::gauge(
    "thermocline_lease_held",
    Unit::Count,
    "1 while this process holds the lease to move the collection's records, else 0.",
)
.by(&[COLLECTION]);

pub(super) static RELOADS: Metric = Metric::counter(
    "thermocline_policy_reloads_total",
    Unit::Count,
    "Times that the policies were read again.",
)
.by(&[ReloadOutcome::LABEL]);

pub(super) const METRICS: &[&Metric] = &[
    &BACKLOG_ROWS,
    &BACKLOG_BYTES,
    &BACKLOG_AGE,
    &NEXT_RUN,
    &PRIMARY_ROWS,
    &PRIMARY_BYTES,
    &LEASE_HELD,
    &RELOADS,
];

/// What a policy would take now.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Backlog {
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    pub(crate) oldest_age: Duration,
}

/// What is shown of a policy beside its runs.
#[derive(Clone, Debug)]
pub(crate) struct ScheduleMetrics {
    backlog_rows: Gauge,
    backlog_bytes: Gauge,
    backlog_age: Gauge,
    next_run: Gauge,
}

impl ScheduleMetrics {
    pub(crate) fn new(collection: &str, policy: &str) -> Self {
        let both = [collection, policy];
        Self {
            backlog_rows: BACKLOG_ROWS.gauge_of(&both),
            backlog_bytes: BACKLOG_BYTES.gauge_of(&both),
            backlog_age: BACKLOG_AGE.gauge_of(&both),
            next_run: NEXT_RUN.gauge_of(&both),
        }
    }

    /// What the policy would take now. Of a policy that is no longer in force: nothing.
    pub(crate) fn backlog(&self, backlog: Backlog) {
        self.backlog_rows.set(backlog.rows as f64);
        self.backlog_bytes.set(backlog.bytes as f64);
        self.backlog_age.set(backlog.oldest_age);
    }

    /// When the policy is to run next.
    pub(crate) fn next_run(&self, at: Option<Timestamp>) {
        let seconds = |at: Timestamp| at.as_millisecond() as f64 / 1000.0;
        self.next_run.set(at.map_or(0.0, seconds));
    }
}

/// What is shown of a collection beside its policies.
#[derive(Clone, Debug)]
pub(crate) struct CollectionMetrics {
    rows: Gauge,
    bytes: Gauge,
    lease_held: Gauge,
}

impl CollectionMetrics {
    pub(crate) fn new(collection: &str) -> Self {
        let one = [collection];
        let metrics = Self {
            rows: PRIMARY_ROWS.gauge_of(&one),
            bytes: PRIMARY_BYTES.gauge_of(&one),
            lease_held: LEASE_HELD.gauge_of(&one),
        };
        metrics.lease_held.set(0.0);
        metrics
    }

    /// What lies in the primary.
    pub(crate) fn primary(&self, rows: u64, bytes: u64) {
        self.rows.set(rows as f64);
        self.bytes.set(bytes as f64);
    }

    /// Whether this process holds the lease.
    pub(crate) fn lease(&self, is_held: bool) {
        self.lease_held.set(f64::from(is_held));
    }
}

/// How often the policies were read again.
#[derive(Clone, Debug)]
pub(crate) struct Reloads([Counter; 2]);

impl Reloads {
    pub(crate) fn new() -> Self {
        let counter = |outcome: ReloadOutcome| RELOADS.counter_of(&[outcome.as_str()]);
        Self([
            counter(ReloadOutcome::Taken),
            counter(ReloadOutcome::Refused),
        ])
    }

    /// The policies were read again.
    pub(crate) fn reloaded(&self, outcome: ReloadOutcome) {
        self.0[outcome as usize].increment(1);
    }
}
