//! That what is counted is what happened, and that the reference of it is up to date.

use std::path::Path;
use std::sync::Arc;

use futures::TryStreamExt;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde_json::json;
use thermocline::{
    Call, Database, DatabaseExt, Error, Fault, Faulty, HotCache, ManualClock, MemoryDatabase,
    ParquetArchive, Policy, Query, Record, SqliteDatabase, TieredDatabase, telemetry,
};

use crate::cli::World;

/// What a recorder shows.
struct Shown(PrometheusHandle);

impl Shown {
    /// The sum over the series that have these labels; none where there is no series of this name.
    fn find(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let text = self.0.render();
        let values: Vec<f64> = text
            .lines()
            .filter(|line| {
                let series = line.split(' ').next().unwrap_or_default();
                let has = |(label, value): &(&str, &str)| {
                    series.contains(&format!("{label}=\"{value}\""))
                };
                series.split('{').next() == Some(name) && labels.iter().all(has)
            })
            .map(|line| line.rsplit(' ').next().unwrap().parse().unwrap())
            .collect();
        (!values.is_empty()).then(|| values.iter().sum())
    }

    fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.find(&format!("thermocline_{name}"), labels)
            .unwrap_or_else(|| panic!("there is no {name} {labels:?} in\n{}", self.0.render()))
    }

    fn requests(&self, tier: &str, op: &str, outcome: &str) -> f64 {
        let labels = [("tier", tier), ("op", op), ("outcome", outcome)];
        self.value("requests_total", &labels)
    }
}

fn record(number: usize) -> Record {
    let day = format!("2013-03-{:02}", 1 + number % 28);
    Record::new(format!("r{number:02}"), json!({"n": number, "day": day})).unwrap()
}

async fn flights_of(folder: &Path) -> TieredDatabase {
    TieredDatabase::builder()
        .name("flights")
        .hot(MemoryDatabase::new())
        .primary(
            SqliteDatabase::open(folder.join("records.db"))
                .await
                .unwrap(),
        )
        .archive(ParquetArchive::in_dir(folder.join("archive")))
        .age("day")
        .policy(Policy::older_than("90d").unwrap().named("old"))
        .clock(ManualClock::at("2014-01-01T00:00:00Z".parse().unwrap()))
        .build()
        .await
        .unwrap()
}

#[tokio::test]
async fn what_happened_is_counted_exactly() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let shown = Shown(recorder.handle());
    let _recording = metrics::set_default_local_recorder(&recorder);
    let folder = tempfile::tempdir().unwrap();
    let flights = flights_of(folder.path()).await;

    flights
        .upsert_many((0..10).map(record).collect())
        .await
        .unwrap();
    assert!(flights.create(record(3)).await.is_err(), "it exists");
    assert_eq!(shown.requests("primary", "write", "done"), 10.0);
    assert_eq!(shown.requests("primary", "write", "refused"), 1.0);

    flights.read("r01").await.unwrap().unwrap();
    flights.read("r01").await.unwrap().unwrap();
    flights.read("r01").await.unwrap().unwrap();
    assert!(flights.read("nobody").await.unwrap().is_none());
    assert!(flights.read("nobody").await.unwrap().is_none());
    assert_eq!(shown.requests("primary", "read", "found"), 1.0, "a miss");
    assert_eq!(shown.requests("hot", "read", "found"), 2.0, "hits");
    assert_eq!(shown.requests("archive", "read", "absent"), 1.0);
    assert_eq!(
        shown.requests("hot", "read", "absent"),
        1.0,
        "a negative hit"
    );

    flights.read("r02").await.unwrap().unwrap();
    assert_eq!(shown.requests("primary", "read", "found"), 2.0);

    let ids = ["r01", "r02", "r03", "r04", "nobody", "never"];
    flights.read_many(&ids).await.unwrap();
    assert_eq!(shown.requests("hot", "read_many", "found"), 2.0);
    assert_eq!(shown.requests("hot", "read_many", "absent"), 1.0);
    assert_eq!(shown.requests("primary", "read_many", "found"), 2.0);
    assert_eq!(shown.requests("archive", "read_many", "absent"), 1.0);

    let moved = flights.archive_due().await.unwrap().remove(0);
    assert_eq!(moved.moved, 10);
    let of_policy = [("collection", "flights"), ("policy", "old")];
    assert_eq!(shown.value("moved_rows_total", &of_policy), 10.0);
    assert_eq!(
        shown.value("moved_bytes_total", &of_policy),
        moved.moved_bytes as f64
    );
    assert_eq!(
        shown.value("batches_total", &[("outcome", "published")]),
        1.0
    );
    assert_eq!(shown.value("batches_total", &[]), 1.0, "none else");
    assert_eq!(shown.value("runs_total", &[("outcome", "done")]), 1.0);
    assert_eq!(shown.value("consecutive_failures", &of_policy), 0.0);
    assert_eq!(
        shown.value("batch_begun_timestamp_seconds", &of_policy),
        0.0
    );
    assert!(shown.value("last_success_timestamp_seconds", &of_policy) > 1.7e9);
    for step in ["scan", "encode", "journal", "upload", "publish", "release"] {
        let took = shown.value("step_duration_seconds_count", &[("step", step)]);
        assert_eq!(took, 1.0, "{step}");
    }
    assert_eq!(
        shown.value("blob_requests_total", &[("op", "put"), ("status", "ok")]),
        1.0
    );
    assert_eq!(
        shown.value("blob_written_bytes_total", &[]),
        moved.bytes as f64
    );

    let read_before = shown.value("blob_read_bytes_total", &[]);
    assert_eq!(read_before, 0.0);
    flights.read("r05").await.unwrap().unwrap();
    assert_eq!(shown.requests("archive", "read", "found"), 1.0);
    assert_eq!(
        shown.value("tail_lookups_total", &[("outcome", "miss")]),
        1.0
    );
    assert_eq!(
        shown.value("lookup_requests_sum", &[]),
        2.0,
        "the tail, and the row group"
    );
    assert!(shown.value("blob_read_bytes_total", &[]) > 0.0);
    flights.read("r06").await.unwrap().unwrap();
    assert_eq!(
        shown.value("tail_lookups_total", &[("outcome", "hit")]),
        1.0
    );
    assert_eq!(
        shown.value("lookup_requests_sum", &[]),
        3.0,
        "one more: the tail is known"
    );

    flights.delete("r07").await.unwrap();
    flights.count(&Query::all()).await.unwrap();
    let all: Vec<_> = flights
        .search(Query::all())
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(all.len(), 9);
    assert_eq!(shown.requests("archive", "search", "done"), 1.0);
    assert_eq!(shown.requests("archive", "count", "done"), 1.0);

    flights.observe().await.unwrap();
    let usage = flights.hot_usage().unwrap();
    assert_eq!(shown.value("hot_entries", &[]), usage.entries as f64);
    assert_eq!(shown.value("hot_bytes", &[]), usage.bytes as f64);
    assert_eq!(shown.value("archive_rows", &[]), 9.0);
    assert_eq!(shown.value("archive_segments", &[]), 1.0);
    assert_eq!(shown.value("archive_bytes", &[]), moved.bytes as f64);
    assert_eq!(shown.value("archive_dead_rows", &[]), 1.0);
    assert!(shown.value("catalog_snapshot_id", &[]) > 1.0);
    assert_eq!(shown.value("invariant_violations_total", &[]), 0.0);
    assert_eq!(shown.value("errors_total", &[]), 0.0);
}

#[tokio::test]
async fn what_goes_wrong_is_counted() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let shown = Shown(recorder.handle());
    let _recording = metrics::set_default_local_recorder(&recorder);
    let primary = Faulty::new(MemoryDatabase::new());
    let script = primary.script();
    let hot = Arc::new(MemoryDatabase::new());
    let events = TieredDatabase::builder()
        .hot(Arc::<MemoryDatabase>::clone(&hot))
        .primary(primary)
        .build()
        .await
        .unwrap();
    events.upsert(record(1)).await.unwrap();

    script.next(
        Call::Read,
        Fault::Fail(Error::unavailable("the disk is away")),
    );
    events.read("r01").await.unwrap_err();
    assert_eq!(shown.requests("primary", "read", "failed"), 1.0);
    assert_eq!(
        shown.value("errors_total", &[("reason", "unavailable")]),
        1.0
    );

    script.next(Call::Write, Fault::FailAfter(Error::ambiguous("no answer")));
    events.upsert(record(2)).await.unwrap_err();
    assert_eq!(
        shown.value("ambiguous_outcomes_total", &[("op", "write")]),
        1.0
    );
    assert_eq!(shown.requests("primary", "write", "failed"), 1.0);

    script.next(
        Call::Read,
        Fault::Fail(Error::corrupt("bytes are not what was written")),
    );
    events.read("r01").await.unwrap_err();
    assert_eq!(
        shown.value("invariant_violations_total", &[("reason", "corrupt")]),
        1.0
    );

    // Two readers of one record, one load.
    events.create(record(3)).await.unwrap();
    let gate = script.hold_after(Call::Read);
    let arrives = async {
        gate.arrived(1).await;
        gate.open();
    };
    let (one, other, ()) = tokio::join!(events.read("r03"), events.read("r03"), arrives);
    assert!(one.unwrap().is_some() && other.unwrap().is_some());
    assert_eq!(shown.value("coalesced_loads_total", &[]), 1.0);
    assert_eq!(shown.requests("primary", "read", "found"), 2.0);

    // A load that is overtaken by a write: it answers, and is not kept.
    let gate = script.hold_after(Call::Read);
    let overtaken = async {
        gate.arrived(1).await;
        events.upsert(record(1)).await.unwrap();
        gate.open();
    };
    let (read, ()) = tokio::join!(events.read("r01"), overtaken);
    read.unwrap().unwrap();
    assert_eq!(shown.value("stale_fills_rejected_total", &[]), 1.0);
    assert!(hot.get("r01").is_none());
}

#[tokio::test]
async fn a_failed_run_is_counted_and_the_next_good_one_clears_it() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let shown = Shown(recorder.handle());
    let _recording = metrics::set_default_local_recorder(&recorder);
    let folder = tempfile::tempdir().unwrap();
    let flights = flights_of(folder.path()).await;
    flights.upsert(record(1)).await.unwrap();
    // Nothing can be written where the archive's folder was.
    let archive = folder.path().join("archive");
    std::fs::remove_dir_all(&archive).unwrap();
    std::fs::write(&archive, "a file").unwrap();
    flights.archive_due().await.unwrap_err();
    flights.archive_due().await.unwrap_err();
    assert_eq!(shown.value("runs_total", &[("outcome", "failed")]), 2.0);
    assert_eq!(shown.value("consecutive_failures", &[]), 2.0);
    assert_eq!(shown.value("batches_total", &[("outcome", "failed")]), 2.0);
    assert_eq!(shown.value("last_success_timestamp_seconds", &[]), 0.0);
    assert_eq!(shown.value("batch_begun_timestamp_seconds", &[]), 0.0);

    std::fs::remove_file(&archive).unwrap();
    std::fs::create_dir(&archive).unwrap();
    flights.archive_due().await.unwrap();
    assert_eq!(shown.value("consecutive_failures", &[]), 0.0);
    assert!(shown.value("last_success_timestamp_seconds", &[]) > 1.7e9);
}

#[tokio::test]
async fn every_series_is_declared_and_explained() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let folder = tempfile::tempdir().unwrap();
    let flights = flights_of(folder.path()).await;
    flights.upsert(record(1)).await.unwrap();
    flights.archive_due().await.unwrap();
    flights.observe().await.unwrap();
    let text = handle.render();
    let mut seen = 0;
    for line in text.lines().filter(|line| line.starts_with("# HELP ")) {
        let (name, help) = line["# HELP ".len()..].split_once(' ').unwrap();
        let metric = telemetry::all().find(|metric| metric.name == name);
        assert_eq!(metric.map(|metric| metric.help), Some(help), "{name}");
        seen += 1;
    }
    assert!(seen > 20, "{text}");
}

#[test]
fn the_reference_is_up_to_date() {
    let made = World::empty().ok(&["metrics", "--output", "markdown"]);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/metrics.md");
    let kept = std::fs::read_to_string(&path).unwrap();
    assert!(
        made == kept,
        "docs/metrics.md is not what the code says; make it again:\n\n    \
         cargo run -- metrics --output markdown > docs/metrics.md\n"
    );
}

#[test]
fn the_reference_is_there_for_people_and_for_scripts() {
    let world = World::empty();
    let table = world.ok(&["metrics"]);
    let json = world.json(&["metrics", "--output", "json"]);
    let listed = json["metrics"].as_array().unwrap();
    assert_eq!(listed.len(), telemetry::all().count());
    for metric in telemetry::all() {
        assert!(
            table.contains(metric.name.trim_start_matches("thermocline_")),
            "{}",
            metric.name
        );
        assert!(
            listed.iter().any(|one| one["name"] == metric.name),
            "{}",
            metric.name
        );
    }
    let ended = world.run(&["status", "--output", "markdown"]);
    assert_eq!(ended.code, Some(2), "{}", ended.err);
}
