//! Whether the daemon does what it is there for; and if not, why not.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::state::{Known, State, Told};
use crate::{Database, Store};

/// How long a tier may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// What `/readyz` tells.
#[derive(Debug, Serialize)]
pub(super) struct Readiness {
    pub(super) ready: bool,
    pub(super) reasons: Vec<Reason>,
}

/// Why it is not ready.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Reason {
    pub(super) what: What,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) collection: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) policy: Option<String>,
    pub(super) message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) since: Option<Timestamp>,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum What {
    /// It is being stopped.
    Stopping,
    /// The files of the last reload are bad.
    Configuration,
    /// No policy has a time to run at.
    Schedule,
    /// A tier is not open, or does not answer.
    Tier,
    /// A policy failed too often in a row.
    Policy,
}

/// Looks at everything, and asks the tiers.
pub(super) async fn look(state: &State, failures: u32) -> Readiness {
    let mut reasons = known_reasons(&state.known(), failures);
    if let Some(store) = state.store() {
        reasons.extend(silent_tiers(&store).await);
    }
    Readiness {
        ready: reasons.is_empty(),
        reasons,
    }
}

/// What is known without asking anybody.
pub(super) fn known_reasons(known: &Known, failures: u32) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if known.daemon.stopping {
        reasons.push(Reason::new(What::Stopping, "it is being stopped"));
    }
    if let Some(problem) = &known.configuration.problem {
        reasons.push(Reason::told(What::Configuration, problem));
    }
    if known.configuration.scheduled == 0 {
        reasons.push(Reason::new(
            What::Schedule,
            "no policy has `every` or `schedule`: nothing runs by itself",
        ));
    }
    if !known.tiers.open && !known.daemon.stopping {
        reasons.push(match &known.tiers.problem {
            Some(problem) => Reason::told(What::Tier, problem),
            None => Reason::new(What::Tier, "the tiers are being opened"),
        });
    }
    for collection in &known.collections {
        for policy in &collection.policies {
            if let Some(error) = &policy.error
                && policy.failures >= failures
            {
                reasons.push(Reason {
                    collection: Some(collection.name.clone()),
                    policy: Some(policy.policy.clone()),
                    message: format!(
                        "failed {} times in a row: {}",
                        policy.failures, error.message
                    ),
                    ..Reason::told(What::Policy, error)
                });
            }
        }
    }
    reasons
}

async fn silent_tiers(store: &Store) -> Vec<Reason> {
    let ask = |name: &str| {
        let (name, database) = (name.to_owned(), store.collection(name));
        async move {
            let message = match tokio::time::timeout(PATIENCE, database.ok()?.health()).await {
                Ok(Ok(_)) => return None,
                Ok(Err(error)) => error.to_string(),
                Err(_) => format!(
                    "a tier does not answer within {} seconds",
                    PATIENCE.as_secs()
                ),
            };
            Some(Reason {
                collection: Some(name),
                ..Reason::new(What::Tier, message)
            })
        }
    };
    let answers = futures::future::join_all(store.names().map(ask)).await;
    answers.into_iter().flatten().collect()
}

impl Reason {
    fn new(what: What, message: impl Into<String>) -> Self {
        Self {
            what,
            collection: None,
            policy: None,
            message: message.into(),
            since: None,
        }
    }

    fn told(what: What, told: &Told) -> Self {
        Self {
            since: Some(told.at),
            ..Self::new(what, told.message.clone())
        }
    }
}
