//! `run`: the daemon.

use std::net::SocketAddr;

use crate::daemon::{Daemon, Ended, Settings};
use clap::{Args, ValueEnum};
use tokio::sync::mpsc;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use super::context::Context;
use super::exit::{Exit, Failure};

/// Runs the policies on their schedules, and serves metrics, health and status
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  thermocline run --config /etc/thermocline.toml
  thermocline run --log-format json 2>> thermocline.log
  curl -s http://127.0.0.1:9464/status | jq '.collections[].policies'
  kill -HUP PID                                  (reads the policies again)

Serves /metrics (Prometheus), /healthz (the process lives), /readyz (it does its work; or why not), /status (JSON) and a page \
for people at /, on loopback unless [daemon] listen says otherwise.

A policy runs as its `every` or its `schedule` says; one that has neither is left to `thermocline archive --once`. A run that \
fails is tried again after growing pauses and keeps no other from running. Several daemons may run on one database: they \
share the collections out.

SIGTERM and Ctrl-C stop it between two batches: what is under way has [daemon] grace to end. A second one ends the process at \
once, which is safe too: nothing is lost, and the next run clears up. SIGHUP reads the policies again; if a new file is bad, \
the old policies stay in force, and /readyz says so until it is mended. THERMOCLINE_LOG sets what is logged (debug, \
thermocline=trace, ..).")]
pub(super) struct Run {
    /// Serves HTTP on this address and port instead of the configuration's
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,

    /// The form of the log on standard error
    #[arg(long, value_name = "FORM", default_value = "text")]
    log_format: LogFormat,
}

/// The forms of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// Lines for people
    Text,
    /// One JSON object a line
    Json,
}

impl Run {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let mut settings = Settings::new(&context.options.config);
        settings.listen = self.listen;
        // What is wrong from the start is told as every command tells it; the log begins with the work.
        let daemon = Daemon::bind(settings, clock()).await?;
        self.start_log();
        tracing::info!(
            address = %daemon.address(),
            version = env!("CARGO_PKG_VERSION"),
            pid = std::process::id(),
            "listening on http://{}",
            daemon.address()
        );
        let ended = daemon.run(context.stop.clone(), hangups()).await?;
        Ok(match ended {
            Ended::Drained => Exit::Done,
            Ended::CutShort => Exit::Failed,
        })
    }

    fn start_log(&self) {
        let filter = EnvFilter::try_from_env("THERMOCLINE_LOG")
            .unwrap_or_else(|_| EnvFilter::new("warn,thermocline=info"));
        let log = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            .with_span_events(FmtSpan::NONE)
            .with_target(false);
        let started = match self.log_format {
            LogFormat::Json => log.json().flatten_event(true).try_init(),
            LogFormat::Text => log
                .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
                .try_init(),
        };
        if let Err(error) = started {
            eprintln!("warning: nothing is logged: {error}");
        }
    }
}

#[cfg(not(feature = "faults"))]
fn clock() -> crate::SystemClock {
    crate::SystemClock
}

/// One that tests set.
#[cfg(feature = "faults")]
fn clock() -> crate::fault::SetClock {
    crate::fault::SetClock::from_env()
}

/// A message for each SIGHUP.
fn hangups() -> mpsc::Receiver<()> {
    let (tell, told) = mpsc::channel(1);
    #[cfg(unix)]
    tokio::spawn(async move {
        use tokio::signal::unix::{SignalKind, signal};
        let mut hangup = match signal(SignalKind::hangup()) {
            Ok(hangup) => hangup,
            Err(error) => return tracing::warn!(%error, "SIGHUP is not listened to"),
        };
        while hangup.recv().await.is_some() {
            // One that waits already stands for this one too.
            let _ = tell.try_send(());
        }
    });
    #[cfg(not(unix))]
    drop(tell);
    told
}
