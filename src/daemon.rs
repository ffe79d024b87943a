//! `thermocline run`: the policies of one configuration on their schedules, watched over HTTP.
//!
//! ```text
//! Daemon::bind    configuration, listen address, recorder: what a person must mend is said at once
//! Daemon::run     opens the tiers, again and again until they open
//!                   a worker per collection: its policies one after the other, each at its time
//!                   a measurer per collection: contents and backlog, now and then
//!                 reloads the policies when told, drains when told
//! ```
//!
//! Whatever fails while it runs is logged once, shown by `/status`, said by `/readyz`, and tried again by itself.

mod hands;
mod http;
mod measure;
mod page;
mod readiness;
mod recorder;
mod reload;
mod session;
mod state;
mod turn;
mod worker;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use self::http::App;
use self::reload::Reloader;
use self::session::Session;
use self::state::State;
use crate::config::Config;
use crate::{Clock, Error, Result};

/// What a daemon is started with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// The configuration file; it is read again at each reload.
    pub config: PathBuf,
    /// Serves HTTP here, whatever the configuration says.
    pub listen: Option<SocketAddr>,
}

impl Settings {
    /// Everything as the configuration file says.
    pub fn new(config: impl Into<PathBuf>) -> Self {
        Self {
            config: config.into(),
            listen: None,
        }
    }
}

/// How a daemon ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Everything that was under way had come to its end.
    Drained,
    /// The grace period ran out first: a batch was given up, and nothing of it was moved.
    CutShort,
}

/// The policies of one configuration, about to run on their schedules.
#[derive(Debug)]
pub struct Daemon {
    settings: Settings,
    config: Config,
    listener: TcpListener,
    address: SocketAddr,
    metrics: PrometheusHandle,
    clock: Arc<dyn Clock>,
}

impl Daemon {
    /// Reads the configuration, takes the listen address, and becomes the process's recorder of metrics.
    ///
    /// # Errors
    /// `Invalid`, `Unsupported`: everything that is wrong with the configuration. `Unavailable`: the address is in use.
    /// `Unexpected`: the process records its metrics elsewhere already.
    pub async fn bind(settings: Settings, clock: impl Clock + 'static) -> Result<Self> {
        let config = Config::load(&settings.config)?;
        let wanted = settings.listen.unwrap_or(config.daemon.listen);
        let unusable = |error: std::io::Error| {
            let problem = match error.kind() {
                std::io::ErrorKind::AddrInUse => {
                    "another program listens on this address, perhaps another daemon; \
                     set [daemon] listen, or --listen, to another one"
                }
                _ => {
                    "cannot listen on this address; set [daemon] listen, or --listen, to one of this machine's"
                }
            };
            Error::unavailable(problem)
                .with("listen", wanted)
                .with_source(error)
        };
        let listener = TcpListener::bind(wanted).await.map_err(unusable)?;
        Ok(Self {
            address: listener.local_addr().map_err(unusable)?,
            listener,
            metrics: recorder::install()?,
            clock: Arc::new(clock),
            settings,
            config,
        })
    }

    /// Where it listens; the port is the one that the system chose where 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Runs until `stop` is cancelled; a message on `reload` makes it read the policies again.
    ///
    /// Once it is told to stop, no batch begins any more, and one that is under way has the configuration's grace
    /// period to end. What is given up after that is undone by the database, and its upload collected later.
    ///
    /// # Errors
    /// `Invalid`, `Unsupported`, `Corrupt`: the tiers cannot be opened as they are configured. Whatever time may mend is
    /// tried again instead.
    pub async fn run(self, stop: CancellationToken, reload: mpsc::Receiver<()>) -> Result<Ended> {
        let state = Arc::new(State::new(
            &self.settings.config,
            &self.config,
            &*self.clock,
        ));
        let served = CancellationToken::new();
        let app = App {
            state: Arc::clone(&state),
            metrics: self.metrics.clone(),
            failures: self.config.daemon.failures,
        };
        let server = tokio::spawn(http::serve(self.listener, app, served.clone()));
        let upkeep = tokio::spawn(recorder::keep(self.metrics));
        let reloader = Reloader::new(
            self.settings.config,
            self.config.clone(),
            Arc::clone(&state),
            Arc::clone(&self.clock),
        );
        let session = Session {
            config: self.config,
            policies: reloader.policies(),
            state: Arc::clone(&state),
            clock: self.clock,
        };
        let reloading = tokio::spawn(reloader.serve(reload, stop.clone()));
        let ended = session.run(stop).await;
        // Whoever watches sees it drain; only then is nothing served any more.
        served.cancel();
        reloading.abort();
        upkeep.abort();
        if let Err(error) = server.await {
            tracing::error!(%error, "serving HTTP failed");
        }
        ended
    }
}
