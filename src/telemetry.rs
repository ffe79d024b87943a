//! Every metric that Thermocline emits: name, kind, unit, labels, help, buckets.
//!
//! They go through the [`metrics`] facade, so whoever embeds Thermocline gets the same ones as the daemon, in a recorder
//! of their own. **Install the recorder before the database is built**: a database takes its handles once, when it is
//! built, and the hot path does no more than one relaxed add on one of them. What was built before there was a recorder
//! is recorded nowhere.
//!
//! Counters and histograms count by themselves. Gauges that need a look at the state (entries, segments, bytes) are set
//! by [`TieredDatabase::observe`](crate::TieredDatabase::observe): call it now and then, as the daemon does.
//!
//! ```
//! // Buckets for an exporter that wants to be told of them:
//! for metric in thermocline::telemetry::all().filter(|metric| !metric.buckets.is_empty()) {
//!     println!("{}: {:?}", metric.name, metric.buckets);
//! }
//! ```
//!
//! Labels have few values that are known beforehand; the names of collections and policies come from the configuration.
//! No metric has a record's id, a tenant or a batch as a label.

#[cfg(feature = "archive")]
mod archival;
#[cfg(feature = "archive")]
mod archive;
#[cfg(feature = "daemon")]
mod daemon;
mod integrity;
mod label;
mod metric;
mod router;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[cfg(feature = "archive")]
pub(crate) use self::archival::{BatchOutcome, PolicyMetrics, RunOutcome};
#[cfg(feature = "archive")]
pub(crate) use self::archive::{ArchiveMetrics, BlobOp, BlobStatus, Step, Stock};
#[cfg(feature = "daemon")]
pub(crate) use self::daemon::{
    Backlog, CollectionMetrics, ReloadOutcome, Reloads, ScheduleMetrics,
};
pub(crate) use self::integrity::{AmbiguousOp, Violation};
pub use self::label::Label;
pub use self::metric::{Metric, MetricKind};
pub(crate) use self::router::{Ended, Operation, RouterMetrics, circuit_gauge, timed};

const GROUPS: &[&[&Metric]] = &[
    router::METRICS,
    #[cfg(feature = "daemon")]
    daemon::METRICS,
    #[cfg(feature = "archive")]
    archival::METRICS,
    #[cfg(feature = "archive")]
    archive::METRICS,
    integrity::METRICS,
];

/// Every metric, in the order in which the reference lists them.
pub fn all() -> impl Iterator<Item = &'static Metric> {
    GROUPS.iter().copied().flatten().copied()
}

/// Tells the recorder each metric's unit and help. Building a database does so, too.
pub fn describe() {
    metrics::with_recorder(|recorder| all().for_each(|metric| metric.describe(recorder)));
    integrity::tell_build();
}

/// Now, as gauges of times have it: seconds since 1970.
fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0.0, |since: Duration| since.as_secs_f64())
}

#[cfg(test)]
mod tests;
