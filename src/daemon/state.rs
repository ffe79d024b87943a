//! What the daemon knows of itself: written by its tasks, read by whoever asks over HTTP.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use parking_lot::Mutex;
use serde::Serialize;

use crate::config::{Config, PolicyConfig};
use crate::open::{ArchiveStatus, BacklogStatus, CollectionStatus, PrimaryStatus};
use crate::{ArchiveReport, ArchiveRun, Clock, Error, Store};

/// Shared by all tasks of a daemon.
#[derive(Debug)]
pub(super) struct State {
    known: Mutex<Known>,
    store: Mutex<Option<Arc<Store>>>,
}

/// Everything that `/status` tells.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Known {
    pub(super) daemon: About,
    pub(super) configuration: Configuration,
    pub(super) tiers: Opening,
    pub(super) collections: Vec<Collection>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct About {
    pub(super) version: &'static str,
    pub(super) pid: u32,
    pub(super) started: Timestamp,
    pub(super) stopping: bool,
}

/// The configuration in force, and what is wrong with the one that was to follow it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Configuration {
    pub(super) file: String,
    pub(super) loaded: Timestamp,
    /// Policies that have a time to run at.
    pub(super) scheduled: usize,
    pub(super) problem: Option<Told>,
}

/// Whether the tiers are open.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Opening {
    pub(super) open: bool,
    pub(super) problem: Option<Told>,
}

/// A failure that somebody should know of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Told {
    pub(super) at: Timestamp,
    pub(super) kind: &'static str,
    pub(super) message: String,
}

#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Collection {
    #[serde(rename = "collection")]
    pub(super) name: String,
    /// When the contents were measured.
    pub(super) measured: Option<Timestamp>,
    /// Why they could not be measured since.
    pub(super) problem: Option<Told>,
    #[serde(flatten)]
    pub(super) contents: Option<Contents>,
    pub(super) policies: Vec<PolicyState>,
}

/// [`CollectionStatus`] without the name, which is known before.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Contents {
    pub(super) primary: PrimaryStatus,
    pub(super) archive: Option<ArchiveStatus>,
    pub(super) backlog: Vec<BacklogStatus>,
    pub(super) runs: Vec<ArchiveRun>,
    pub(super) notes: Vec<String>,
}

#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct PolicyState {
    pub(super) policy: String,
    /// When it runs; none: only `archive --once` runs it.
    pub(super) schedule: Option<String>,
    pub(super) next: Option<Timestamp>,
    pub(super) running: Option<Running>,
    /// The process that is at work on the collection, while this one waits for it.
    pub(super) held_by: Option<String>,
    /// Failures in a row.
    pub(super) failures: u32,
    /// The last of them.
    pub(super) error: Option<Told>,
    pub(super) last_success: Option<Timestamp>,
}

/// A run under way.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Running {
    pub(super) since: Timestamp,
    pub(super) moved: u64,
    pub(super) segments: u64,
    pub(super) bytes: u64,
}

impl State {
    pub(super) fn new(file: &Path, config: &Config, clock: &dyn Clock) -> Self {
        let now = clock.now();
        let mut known = Known {
            daemon: About {
                version: env!("CARGO_PKG_VERSION"),
                pid: std::process::id(),
                started: now,
                stopping: false,
            },
            configuration: Configuration {
                file: file.display().to_string(),
                loaded: now,
                scheduled: 0,
                problem: None,
            },
            tiers: Opening {
                open: false,
                problem: None,
            },
            collections: config
                .collections
                .keys()
                .map(|name| Collection {
                    name: name.clone(),
                    ..Collection::default()
                })
                .collect(),
        };
        known.adopt(&config.policies, now);
        Self {
            known: Mutex::new(known),
            store: Mutex::new(None),
        }
    }

    /// A copy of everything.
    pub(super) fn known(&self) -> Known {
        self.known.lock().clone()
    }

    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Known) -> T) -> T {
        change(&mut self.known.lock())
    }

    /// Changes what is known of a collection.
    pub(super) fn collection(&self, name: &str, change: impl FnOnce(&mut Collection)) {
        let mut known = self.known.lock();
        if let Some(collection) = known.collections.iter_mut().find(|c| c.name == name) {
            change(collection);
        }
    }

    /// Changes what is known of a policy; nothing if a reload took it away meanwhile.
    pub(super) fn policy(
        &self,
        collection: &str,
        policy: &str,
        change: impl FnOnce(&mut PolicyState),
    ) {
        self.collection(collection, |collection| {
            if let Some(policy) = collection.policies.iter_mut().find(|p| p.policy == policy) {
                change(policy);
            }
        });
    }

    /// The tiers, while they are open.
    pub(super) fn store(&self) -> Option<Arc<Store>> {
        self.store.lock().clone()
    }

    pub(super) fn set_store(&self, store: Option<Arc<Store>>) {
        self.change(|known| {
            known.tiers.open = store.is_some();
            if store.is_some() {
                known.tiers.problem = None;
            }
        });
        *self.store.lock() = store;
    }
}

impl Known {
    /// Takes other policies; what is known of those that stay is kept.
    pub(super) fn adopt(&mut self, policies: &[PolicyConfig], now: Timestamp) {
        self.configuration.loaded = now;
        self.configuration.problem = None;
        self.configuration.scheduled = policies.iter().filter(|p| p.schedule.is_some()).count();
        for collection in &mut self.collections {
            let mut before: BTreeMap<String, PolicyState> = collection
                .policies
                .drain(..)
                .map(|policy| (policy.policy.clone(), policy))
                .collect();
            let here = policies.iter().filter(|p| p.collection == collection.name);
            collection.policies = here
                .map(|config| {
                    let name = config.policy.name();
                    PolicyState {
                        schedule: config.schedule.as_ref().map(ToString::to_string),
                        policy: name.to_owned(),
                        ..before.remove(name).unwrap_or_default()
                    }
                })
                .collect();
        }
    }
}

impl Told {
    pub(super) fn of(error: &Error, at: Timestamp) -> Self {
        Self {
            at,
            kind: error.kind().as_str(),
            message: error.to_string(),
        }
    }
}

impl Running {
    pub(super) fn since(since: Timestamp) -> Self {
        Self {
            since,
            moved: 0,
            segments: 0,
            bytes: 0,
        }
    }

    pub(super) fn progress(&mut self, report: &ArchiveReport) {
        self.moved = report.moved;
        self.segments = report.segments;
        self.bytes = report.bytes;
    }
}

impl From<CollectionStatus> for Contents {
    fn from(status: CollectionStatus) -> Self {
        Self {
            primary: status.primary,
            archive: status.archive,
            backlog: status.backlog,
            runs: status.runs,
            notes: status.notes,
        }
    }
}
