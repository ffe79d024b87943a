//! The tiers from their opening to their closing, and everybody who works on them meanwhile.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Ended;
use super::hands::Hands;
use super::measure::Measurer;
use super::state::{State, Told};
use super::worker::Worker;
use crate::config::{Config, PolicyConfig, PrimaryConfig};
use crate::telemetry::CollectionMetrics;
use crate::{Clock, Error, ErrorKind, Result, Store};

/// How long it is waited for connections that close.
const CLOSING: Duration = Duration::from_secs(5);

/// Opens the tiers, again where they were lost, and lets the workers work.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) config: Config,
    pub(super) policies: watch::Receiver<Arc<[PolicyConfig]>>,
    pub(super) state: Arc<State>,
    pub(super) clock: Arc<dyn Clock>,
}

impl Session {
    /// Works until `stop` is cancelled.
    ///
    /// # Errors
    /// `Invalid`, `Unsupported`, `Corrupt`: the tiers cannot be opened at all as they are configured.
    pub(super) async fn run(self, stop: CancellationToken) -> Result<Ended> {
        let mut opened_before = false;
        loop {
            let opened = tokio::select! {
                opened = self.open(opened_before) => opened?,
                () = stop.cancelled() => return Ok(Ended::Drained),
            };
            opened_before = true;
            let store = Arc::new(opened);
            self.state.set_store(Some(Arc::clone(&store)));
            tracing::info!("the tiers are open");
            if let Some(ended) = self.serve(&store, &stop).await {
                return Ok(ended);
            }
        }
    }

    /// Opens the tiers, however often it takes.
    async fn open(&self, opened_before: bool) -> Result<Store> {
        let mut pause = self.config.daemon.retry;
        loop {
            let error = match self.try_to_open(opened_before).await {
                Ok(store) => return Ok(store),
                // Nothing that time would mend, unless it was well before.
                Err(error) if !opened_before && !error.is_retryable() => return Err(error),
                Err(error) => error,
            };
            let told = Told::of(&error, self.clock.now());
            let is_new = self.state.change(|known| {
                let before = known.tiers.problem.replace(told.clone());
                before.is_none_or(|before| before.message != told.message)
            });
            if is_new {
                tracing::error!(kind = error.kind().as_str(), %error, "the tiers cannot be opened; it is tried again");
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(60));
        }
    }

    async fn try_to_open(&self, opened_before: bool) -> Result<Store> {
        if let PrimaryConfig::Sqlite { path, .. } = &self.config.primary
            && opened_before
            && !path.exists()
        {
            // An empty one in its place would be worse than none.
            return Err(Error::unavailable(
                "the database file is gone; put it back, and the daemon goes on",
            )
            .with("file", path.display()));
        }
        Store::with_clock(self.config.clone(), Arc::clone(&self.clock)).await
    }

    /// Lets everybody work; none once the tiers are lost.
    async fn serve(&self, store: &Arc<Store>, stop: &CancellationToken) -> Option<Ended> {
        let (halt, lost) = (stop.child_token(), CancellationToken::new());
        let hands = Arc::new(Hands::default());
        let mut workers = JoinSet::new();
        for name in store.names() {
            let Ok(database) = store.collection(name) else {
                continue;
            };
            let changed = Arc::new(Notify::new());
            let measurer = Measurer {
                collection: name.to_owned(),
                store: Arc::clone(store),
                policies: self.policies.clone(),
                state: Arc::clone(&self.state),
                clock: Arc::clone(&self.clock),
                every: self.config.daemon.measure,
                metrics: CollectionMetrics::new(name),
                changed: Arc::clone(&changed),
                lost: lost.clone(),
            };
            let halted = halt.clone();
            workers.spawn(async move {
                halted.run_until_cancelled(measurer.measure()).await;
            });
            let worker = Worker {
                collection: name.to_owned(),
                database,
                policies: self.policies.clone(),
                state: Arc::clone(&self.state),
                clock: Arc::clone(&self.clock),
                retry: self.config.daemon.retry,
                lease: self.config.daemon.lease,
                hands: Arc::clone(&hands),
                metrics: CollectionMetrics::new(name),
                changed,
                stop: halt.clone(),
                lost: lost.clone(),
            };
            workers.spawn(worker.work());
        }
        let stopped = tokio::select! {
            () = stop.cancelled() => true,
            () = lost.cancelled() => false,
        };
        halt.cancel();
        if stopped {
            self.state.change(|known| known.daemon.stopping = true);
            tracing::info!(grace = ?self.config.daemon.grace, "stopping: what is under way comes to its end first");
        } else {
            self.lose();
        }
        let ended = self.drain(workers).await;
        self.state.set_store(None);
        if let Ok(Err(error)) = tokio::time::timeout(CLOSING, store.close()).await {
            tracing::warn!(%error, "the tiers could not be closed");
        }
        stopped.then_some(ended)
    }

    /// Waits for the workers, for as long as the grace period is.
    async fn drain(&self, mut workers: JoinSet<()>) -> Ended {
        let all = async {
            while let Some(ended) = workers.join_next().await {
                if let Err(error) = ended {
                    tracing::error!(%error, "a part of the daemon ended in a bug; please report it");
                }
            }
        };
        match tokio::time::timeout(self.config.daemon.grace, all).await {
            Ok(()) => Ended::Drained,
            Err(_) => {
                workers.abort_all();
                tracing::warn!(
                    "the grace period is over: a batch was given up, and nothing of it was moved"
                );
                Ended::CutShort
            }
        }
    }

    fn lose(&self) {
        let error = Error::new(
            ErrorKind::Closed,
            "the database file was replaced or removed; the new one is opened",
        );
        tracing::error!(%error, "the tiers are lost");
        let told = Told::of(&error, self.clock.now());
        self.state.change(|known| known.tiers.problem = Some(told));
    }
}
