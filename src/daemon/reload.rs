//! Reading the policies again: new ones that are good take the place of the old ones.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::state::{State, Told};
use crate::config::{Config, PolicyConfig};
use crate::telemetry::{ReloadOutcome, Reloads};
use crate::{Clock, Error, Result};

/// Reads the configuration again when it is told to, and hands its policies out.
#[derive(Debug)]
pub(super) struct Reloader {
    file: PathBuf,
    /// What the daemon was started with.
    config: Config,
    policies: watch::Sender<Arc<[PolicyConfig]>>,
    state: Arc<State>,
    clock: Arc<dyn Clock>,
    metrics: Reloads,
}

impl Reloader {
    pub(super) fn new(
        file: PathBuf,
        config: Config,
        state: Arc<State>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (policies, _) = watch::channel(config.policies.clone().into());
        Self {
            file,
            config,
            policies,
            state,
            clock,
            metrics: Reloads::new(),
        }
    }

    /// The policies in force.
    pub(super) fn policies(&self) -> watch::Receiver<Arc<[PolicyConfig]>> {
        self.policies.subscribe()
    }

    /// Reads them again at each message, until `stop` is cancelled. What is bad is read again until it is good.
    pub(super) async fn serve(self, mut asked: mpsc::Receiver<()>, stop: CancellationToken) {
        let mut is_good = true;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                message = asked.recv() => {
                    if message.is_none() {
                        return stop.cancelled().await;
                    }
                    is_good = self.reload(true);
                }
                () = tokio::time::sleep(self.config.daemon.measure), if !is_good => is_good = self.reload(false),
            }
        }
    }

    /// Whether the new policies are good, and in force.
    fn reload(&self, was_asked: bool) -> bool {
        let now = self.clock.now();
        match self.read() {
            Ok(policies) => {
                self.metrics.reloaded(ReloadOutcome::Taken);
                self.state.change(|known| known.adopt(&policies, now));
                tracing::info!(policies = policies.len(), "the policies were read again");
                self.policies.send_replace(policies.into());
                true
            }
            Err(error) => {
                self.metrics.reloaded(ReloadOutcome::Refused);
                let told = Told::of(&error, now);
                self.state
                    .change(|known| known.configuration.problem = Some(told));
                if was_asked {
                    tracing::error!(
                        kind = error.kind().as_str(),
                        %error,
                        "the new policies are not taken: the old ones stay in force"
                    );
                }
                false
            }
        }
    }

    fn read(&self) -> Result<Vec<PolicyConfig>> {
        let new = Config::load(&self.file)?;
        let opened = &self.config.collections;
        if let Some(policy) = (new.policies.iter()).find(|p| !opened.contains_key(&p.collection)) {
            return Err(Error::invalid(
                "a policy is for a collection that was added since the daemon began; restart it",
            )
            .with("policy", policy.policy.name())
            .with("collection", &policy.collection));
        }
        if without_policies(&new) != without_policies(&self.config) {
            tracing::warn!(
                file = %self.file.display(),
                "more than the policies has changed in the configuration; the rest is taken at the next start"
            );
        }
        Ok(new.policies)
    }
}

/// Everything else, to be compared.
fn without_policies(config: &Config) -> Config {
    Config {
        policies: Vec::new(),
        ..config.clone()
    }
}
