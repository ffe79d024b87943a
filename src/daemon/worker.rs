//! One collection's policies, one after the other, each at its time.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use jiff::Timestamp;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::hands::Hands;
use super::state::{Running, State, Told};
use super::turn::Turn;
use crate::config::PolicyConfig;
use crate::telemetry::{CollectionMetrics, ScheduleMetrics};
use crate::{ArchiveReport, Clock, Error, ErrorKind, HeldBy, Result, RunOutcome, TieredDatabase};

/// How long it is slept at most: the clock may be set while somebody sleeps, and then other turns are due.
const TICK: Duration = Duration::from_secs(1);

/// So many runs are looked through for the last one that did its work.
const RUNS: usize = 20;

/// Runs the policies of one collection.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) collection: String,
    pub(super) database: TieredDatabase,
    /// The policies of all collections.
    pub(super) policies: watch::Receiver<Arc<[PolicyConfig]>>,
    pub(super) state: Arc<State>,
    pub(super) clock: Arc<dyn Clock>,
    /// The first pause after a failure.
    pub(super) retry: Duration,
    /// How long its lease of the collection lasts without a sign of life.
    pub(super) lease: Duration,
    /// How many collections this daemon works on now.
    pub(super) hands: Arc<Hands>,
    pub(super) metrics: CollectionMetrics,
    /// Tells whoever measures that a run has changed what there is.
    pub(super) changed: Arc<Notify>,
    pub(super) stop: CancellationToken,
    /// To be cancelled once the tiers turn out to be closed.
    pub(super) lost: CancellationToken,
}

/// A policy that has a time to run at.
struct Scheduled {
    config: PolicyConfig,
    turn: Turn,
    metrics: ScheduleMetrics,
}

impl Worker {
    /// Works until it is told to stop, or the tiers are closed.
    pub(super) async fn work(mut self) {
        let mut all = Vec::new();
        loop {
            self.adopt(&mut all).await;
            let mut reloaded = self.policies.clone();
            let due = tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                () = changed(&mut reloaded) => continue,
                due = self.next_due(&mut all) => due,
            };
            if let Some(scheduled) = all.get_mut(due)
                && self.run(scheduled).await == Next::Leave
            {
                return;
            }
        }
    }

    /// Takes the policies that are in force now; the turns of those that stay are kept.
    async fn adopt(&mut self, all: &mut Vec<Scheduled>) {
        let now = self.clock.now();
        let policies = Arc::clone(&self.policies.borrow_and_update());
        let mut before = std::mem::take(all);
        for config in policies.iter().filter(|p| p.collection == self.collection) {
            let Some(schedule) = config.schedule.clone() else {
                continue;
            };
            let known =
                (before.iter()).position(|s| s.config.policy.name() == config.policy.name());
            let turn = match known {
                Some(place) => {
                    let mut turn = before.swap_remove(place).turn;
                    turn.reschedule(schedule, now);
                    turn
                }
                None => {
                    let last = self.last_run(config.policy.name()).await;
                    Turn::new(schedule, last, now)
                }
            };
            let scheduled = Scheduled {
                metrics: ScheduleMetrics::new(&self.collection, config.policy.name()),
                config: config.clone(),
                turn,
            };
            self.tell(&scheduled);
            all.push(scheduled);
        }
        // What is not in force any more has no next run.
        for gone in before {
            gone.metrics.next_run(None);
        }
    }

    /// Waits until a policy is due; which one: the one that has waited longest.
    async fn next_due(&self, all: &mut [Scheduled]) -> usize {
        loop {
            let now = self.clock.now();
            let mut first: Option<(Timestamp, usize)> = None;
            let mut is_due = false;
            for (place, scheduled) in all.iter_mut().enumerate() {
                is_due |= scheduled.turn.is_due(now);
                let due = scheduled.turn.due.map(|due| (due, place));
                first = [first, due].into_iter().flatten().min();
            }
            match first {
                Some((_, place)) if is_due => return place,
                Some((due, _)) => {
                    let rest = Duration::try_from(due.duration_since(now)).unwrap_or(TICK);
                    tokio::time::sleep(rest.min(TICK)).await;
                }
                None => std::future::pending().await,
            }
        }
    }

    async fn run(&self, scheduled: &mut Scheduled) -> Next {
        let Scheduled { config, turn, .. } = &mut *scheduled;
        let name = config.policy.name();
        let taken = tokio::select! {
            taken = self.hands.take() => taken,
            () = self.stop.cancelled() => return Next::Leave,
        };
        if let Some(began) = self.last_run(name).await
            && turn.is_done_by(began, self.clock.now())
        {
            self.tell(scheduled);
            return Next::GoOn;
        }
        let began = self.clock.now();
        self.state.policy(&self.collection, name, |policy| {
            policy.running = Some(Running::since(began));
        });
        self.metrics.lease(true);
        let outcome = self.archive(config).await;
        self.metrics.lease(false);
        if outcome.as_ref().map_or(true, |report| report.batches > 0) {
            self.changed.notify_one();
        }
        drop(taken);
        let now = self.clock.now();
        let told = outcome.as_ref().err().map(|error| Told::of(error, now));
        let mut next = Next::GoOn;
        let is_done = outcome.as_ref().is_ok_and(|report| !report.stopped);
        match outcome {
            Ok(ArchiveReport {
                held_by: Some(held_by),
                ..
            }) => {
                tracing::debug!(
                    collection = self.collection,
                    policy = name,
                    holder = held_by.holder,
                    "another process is at work on the collection"
                );
                let soon = later(now, Duration::from_secs_f64(0.5 + chance()));
                turn.postponed(soon.min(held_by.until).max(now));
                self.held(name, held_by);
                self.tell(scheduled);
                return Next::GoOn;
            }
            Ok(report) if report.stopped => turn.postponed(now),
            Ok(report) => {
                turn.succeeded(began, now);
                self.log(name, &report);
            }
            Err(error) => {
                turn.failed(began, now, self.retry, chance());
                if error.kind() == ErrorKind::Closed {
                    self.lost.cancel();
                    next = Next::Leave;
                } else {
                    tracing::error!(
                        collection = self.collection,
                        policy = name,
                        kind = error.kind().as_str(),
                        %error,
                        because = %Sources(&error),
                        failures = turn.failures,
                        again = turn.due.map(tracing::field::display),
                        "a run failed; it is tried again"
                    );
                }
            }
        }
        let name = scheduled.config.policy.name();
        self.tell(scheduled);
        self.state.policy(&self.collection, name, |policy| {
            policy.running = None;
            policy.held_by = None;
            if is_done {
                policy.last_success = Some(now);
            }
            policy.error = told;
        });
        next
    }

    /// One run of one policy. It stops between two batches when a reload takes the policy away or changes it.
    async fn archive(&self, config: &PolicyConfig) -> Result<ArchiveReport> {
        let stop = self.stop.child_token();
        let run = self
            .database
            .archiver()
            .policies([config.policy.clone()])
            .leave_to_others()
            .lease(self.lease)
            .stop(stop.clone())
            .on_progress({
                let (state, collection) = (Arc::clone(&self.state), self.collection.clone());
                move |report| {
                    state.policy(&collection, &report.policy, |policy| {
                        if let Some(running) = &mut policy.running {
                            running.progress(report);
                        }
                    });
                }
            })
            .run();
        let mut reloaded = self.policies.clone();
        let mut run = std::pin::pin!(AssertUnwindSafe(run).catch_unwind());
        let ended = loop {
            tokio::select! {
                ended = &mut run => break ended,
                () = changed(&mut reloaded) => {
                    if !reloaded.borrow_and_update().iter().any(|other| is_same(other, config)) {
                        stop.cancel();
                    }
                }
            }
        };
        let reports = ended.unwrap_or_else(|panic| Err(panicked(&*panic)))?;
        reports
            .into_iter()
            .next()
            .ok_or_else(|| Error::unexpected("a policy ran and told nothing"))
    }

    /// When the last run began that did a policy's work, whichever process ran it.
    async fn last_run(&self, policy: &str) -> Option<Timestamp> {
        let archive = self.database.parquet_archive().ok()?;
        // Where the history cannot be read the run itself says why.
        let runs = archive.runs(Some(policy), RUNS).await.ok()?;
        let done = runs.iter().find(|run| run.outcome == RunOutcome::Done);
        done.map(|run| run.started)
    }

    fn held(&self, policy: &str, held_by: HeldBy) {
        self.state.policy(&self.collection, policy, |policy| {
            policy.running = None;
            policy.held_by = Some(held_by.holder);
        });
    }

    fn tell(&self, scheduled: &Scheduled) {
        let (due, failures) = (scheduled.turn.due, scheduled.turn.failures);
        scheduled.metrics.next_run(due);
        let name = scheduled.config.policy.name();
        self.state.policy(&self.collection, name, |policy| {
            policy.next = due;
            policy.failures = failures;
        });
    }

    fn log(&self, policy: &str, report: &ArchiveReport) {
        if report.moved == 0 {
            return tracing::debug!(collection = self.collection, policy, "nothing to move");
        }
        tracing::info!(
            collection = self.collection,
            policy,
            moved = report.moved,
            segments = report.segments,
            bytes = report.bytes,
            seconds = report.took.as_secs_f64(),
            "records moved to the archive"
        );
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    GoOn,
    Leave,
}

fn later(now: Timestamp, by: Duration) -> Timestamp {
    now.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// Waits for other policies; for ever once there will be none.
async fn changed(policies: &mut watch::Receiver<Arc<[PolicyConfig]>>) {
    if policies.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Whether a run of one is a run of the other.
fn is_same(one: &PolicyConfig, other: &PolicyConfig) -> bool {
    one.collection == other.collection && one.policy == other.policy
}

fn panicked(panic: &(dyn Any + Send)) -> Error {
    let said = (panic.downcast_ref::<&str>().copied())
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Error::unexpected("the run ended in a bug; please report it")
        .with("panic", said.unwrap_or("without a word"))
}

/// A number from 0 to 1, another one each time.
fn chance() -> f64 {
    let (_, random) = uuid::Uuid::now_v7().as_u64_pair();
    // The upper bits say which kind of id it is.
    f64::from(u32::try_from(random & 0xffff_ffff).unwrap_or(0)) / f64::from(u32::MAX)
}

/// What lies below an error, on one line.
struct Sources<'a>(&'a Error);

impl std::fmt::Display for Sources<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut below = std::error::Error::source(self.0);
        let mut separator = "";
        while let Some(source) = below {
            write!(f, "{separator}{source}")?;
            (below, separator) = (source.source(), ": ");
        }
        Ok(())
    }
}
