//! A program that embeds Thermocline and shows its metrics where Prometheus finds them. It adds flights of 2013 to a
//! collection, in bursts, and reads some of them again and again:
//!
//! ```sh
//! thermocline demo --dir demo
//! thermocline run --config demo/thermocline.toml &
//! cargo run --release --example watched -- demo/thermocline.toml 127.0.0.1:9465
//! ```

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures::TryStreamExt;
use metrics_exporter_prometheus::{
    Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};
use thermocline::{Database, DatabaseExt, Error, Query, Record, Result, TieredDatabase, telemetry};
use tokio::net::TcpListener;

/// What others may want of it while it works.
#[derive(Debug, Default)]
pub(crate) struct Control {
    /// It writes no more, and reads on.
    pub(crate) stops_writing: AtomicBool,
    /// It comes to its end.
    pub(crate) ends: AtomicBool,
    /// Flights that it has written.
    pub(crate) written: AtomicU64,
}

/// Flights that are written at a time.
const PORTION: u64 = 200;
/// Portions of a burst, and the pause after it, in portions too.
const BURST: (u64, u64) = (150, 300);
/// The share of the reads that ask for one of the same few flights, in percent.
const POPULAR: u64 = 90;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(config), Some(address)) = (arguments.next(), arguments.next()) else {
        return Err(Error::invalid(
            "usage: watched thermocline.toml ADDRESS:PORT",
        ));
    };
    let recorder = recorder();
    let shown = recorder.handle();
    // Before the database is built: that is when it takes its handles.
    metrics::set_global_recorder(recorder).map_err(unexpected)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    runtime.map_err(unexpected)?.block_on(async {
        let listener = TcpListener::bind(address).await.map_err(unexpected)?;
        work(Path::new(&config), listener, shown, &Control::default()).await
    })
}

fn unexpected(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::unexpected("it cannot start").with_source(error)
}

/// A recorder whose histograms have the buckets that the dashboard expects.
pub(crate) fn recorder() -> PrometheusRecorder {
    let mut builder = PrometheusBuilder::new();
    for metric in telemetry::all().filter(|metric| !metric.buckets.is_empty()) {
        let name = Matcher::Full(metric.name.to_owned());
        builder = builder
            .set_buckets_for_metric(name, metric.buckets)
            .expect("a histogram has buckets");
    }
    builder.build_recorder()
}

/// Writes and reads until it is told to end; `shown` is served meanwhile.
pub(crate) async fn work(
    config: &Path,
    listener: TcpListener,
    shown: PrometheusHandle,
    control: &Control,
) -> Result<()> {
    let page = axum::routing::get(move || std::future::ready(shown.render()));
    let pages = axum::Router::new().route("/metrics", page);
    let serving = tokio::spawn(async move { axum::serve(listener, pages).await });
    let flights = thermocline::open(config.display().to_string()).await?;
    let mut turn = 0;
    while !control.ends.load(Ordering::SeqCst) {
        let is_burst = turn % (BURST.0 + BURST.1) < BURST.0;
        if is_burst && !control.stops_writing.load(Ordering::SeqCst) {
            let first = control.written.load(Ordering::SeqCst);
            let portion = (first..first + PORTION)
                .map(flight)
                .collect::<Result<_>>()?;
            flights.upsert_many(portion).await?;
            control.written.store(first + PORTION, Ordering::SeqCst);
        }
        read(&flights, turn, control.written.load(Ordering::SeqCst)).await?;
        if turn % 10 == 0 {
            search(&flights).await?;
            flights.observe().await?;
        }
        turn += 1;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    serving.abort();
    flights.close().await
}

/// A flight of 2013, under an id that no real one has.
fn flight(number: u64) -> Result<Record> {
    let (month, day, hour) = (1 + number / 2000 % 12, 1 + number / 24 % 28, number % 24);
    let time = format!("2013-{month:02}-{day:02}T{hour:02}:00:00Z");
    let fields = format!(r#"{{"carrier":"XX","flight":{number},"time_hour":"{time}"}}"#);
    Record::from_json(format!("XX{number}"), &fields)
}

/// Many reads of few flights, few of the others, wherever they lie by now; and of some that do not exist.
async fn read(flights: &TieredDatabase, turn: u64, written: u64) -> Result<()> {
    for step in 0..100 {
        let chance = mixed(turn * 100 + step);
        let number = match chance % 100 < POPULAR {
            true => chance % 50,
            false => mixed(chance) % written.max(50),
        };
        let id = format!("XX{number}");
        let (one, other) = tokio::join!(flights.read(&id), flights.read(&id));
        if number < written && (one?.is_none() || other?.is_none()) {
            return Err(Error::corrupt("a flight that was written is not there").with("id", id));
        }
    }
    let nobody = format!("nobody{}", turn % 7);
    flights.read(&nobody).await?;
    flights.read_many(&["XX1", "XX2", &nobody]).await?;
    Ok(())
}

async fn search(flights: &TieredDatabase) -> Result<()> {
    let few = Query::filter("carrier = 'XX' and flight < 100")?.limit(20);
    flights
        .search(few)
        .await?
        .try_collect::<Vec<Arc<Record>>>()
        .await?;
    flights.count(&Query::filter("flight = 7")?).await?;
    Ok(())
}

/// A number that looks like chance, and is the same at every run.
fn mixed(number: u64) -> u64 {
    let mixed = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB) >> 7
}
