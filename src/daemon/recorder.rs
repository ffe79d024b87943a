//! The process's metrics, in the form that Prometheus reads.

use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::{Error, Result, telemetry};

/// How often histograms are brought up to date: what nobody scrapes must not pile up.
const UPKEEP: Duration = Duration::from_secs(5);

/// Makes the process's metrics readable.
///
/// # Errors
/// `Unexpected`: the process has a recorder already.
pub(super) fn install() -> Result<PrometheusHandle> {
    let unusable = |error: &dyn std::fmt::Display| {
        Error::unexpected("the metrics cannot be recorded").with("problem", error)
    };
    let mut builder = PrometheusBuilder::new();
    for metric in telemetry::all().filter(|metric| !metric.buckets.is_empty()) {
        builder = builder
            .set_buckets_for_metric(Matcher::Full(metric.name.to_owned()), metric.buckets)
            .map_err(|error| unusable(&error))?;
    }
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|error| {
        Error::unexpected("this process records its metrics elsewhere already")
            .with("problem", error.to_string())
    })?;
    telemetry::describe();
    Ok(handle)
}

/// Keeps what was recorded bounded, until it is aborted.
pub(super) async fn keep(metrics: PrometheusHandle) {
    loop {
        tokio::time::sleep(UPKEEP).await;
        metrics.run_upkeep();
    }
}
