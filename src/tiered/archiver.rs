//! Running a tiered database's policies: once, or again and again in the background.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::TieredDatabase;
use crate::archive::{
    ArchiveReport, ArchiveRun, Backlog, LEASE, ParquetArchive, Plan, Run, Shift, Sweep, Terms,
    plan, run,
};
use crate::telemetry::{PolicyMetrics, RunOutcome};
use crate::{Error, Policy, Result};

/// Runs policies, as [`TieredDatabase::archiver`] makes it.
#[must_use]
pub struct Archiver {
    database: TieredDatabase,
    only: Option<Box<str>>,
    policies: Option<Vec<Policy>>,
    now: Option<Timestamp>,
    lease: Duration,
    leaves: bool,
    stop: CancellationToken,
    progress: Box<dyn Fn(&ArchiveReport) + Send + Sync>,
}

impl TieredDatabase {
    /// Moves everything that a policy takes now; a report for each policy.
    ///
    /// # Errors
    /// As [`Archiver::run`].
    pub async fn archive_due(&self) -> Result<Vec<ArchiveReport>> {
        self.archiver().run().await
    }

    /// What the policies would move now, at the cost of a count.
    ///
    /// # Errors
    /// As [`Archiver::backlog`].
    pub async fn backlog(&self) -> Result<Vec<Backlog>> {
        self.archiver().backlog().await
    }

    /// Prepares a run of the policies, or a dry run.
    pub fn archiver(&self) -> Archiver {
        Archiver {
            database: self.clone(),
            only: None,
            policies: None,
            now: None,
            lease: LEASE,
            leaves: false,
            stop: CancellationToken::new(),
            progress: Box::new(|_| {}),
        }
    }

    /// Moves what is due now and then every `every`, until the handle is dropped.
    ///
    /// A run that fails is logged and tried again at the next time; [`ArchiverHandle::last`] tells of it. Where another
    /// process is at work on the collection, a turn is left to it.
    pub fn spawn_archiver(&self, every: Duration) -> ArchiverHandle {
        let stop = CancellationToken::new();
        let (tell, last) = watch::channel(None);
        let (database, token) = (self.clone(), stop.clone());
        let task = tokio::spawn(async move {
            loop {
                let archiver = database.archiver().leave_to_others();
                let outcome = archiver.stop(token.clone()).run().await;
                if let Err(error) = &outcome {
                    tracing::error!(%error, "archiving failed; it is tried again at the next time");
                }
                tell.send_replace(Some(outcome));
                tokio::select! {
                    () = tokio::time::sleep(every) => {}
                    () = token.cancelled() => return,
                }
                if token.is_cancelled() {
                    return;
                }
            }
        });
        ArchiverHandle {
            stop,
            last,
            task: Some(task),
        }
    }

    /// What the last runs of the policies did, the newest first, whichever process ran them.
    ///
    /// # Errors
    /// `Unsupported`: tiers that share no transaction. `Unavailable`: the primary.
    pub async fn last_runs(&self, most: usize) -> Result<Vec<ArchiveRun>> {
        self.parquet_archive()?.runs(None, most).await
    }

    pub(crate) fn parquet_archive(&self) -> Result<&ParquetArchive> {
        self.inner.cold.parquet().ok_or_else(|| {
            Error::unsupported(
                "records are moved only into a Parquet archive whose catalog lies in the primary's database",
            )
        })
    }
}

impl Archiver {
    fn chosen(&self) -> Result<Vec<&Policy>> {
        let only = self.only.as_deref();
        let all = (self.policies.as_ref()).unwrap_or(&self.database.inner.policies);
        let chosen: Vec<_> = all
            .iter()
            .filter(|policy| only.is_none_or(|name| name == policy.name()))
            .collect();
        if chosen.is_empty() {
            let known: Vec<_> = all.iter().map(Policy::name).collect();
            return Err(match only {
                Some(name) => Error::invalid("there is no policy of this name")
                    .with("policy", name)
                    .with("policies", known.join(", ")),
                None => {
                    Error::invalid("there is no policy to run: give one with builder().policy(..)")
                }
            });
        }
        Ok(chosen)
    }

    /// Runs these policies instead of the database's own.
    pub fn policies(mut self, policies: impl IntoIterator<Item = Policy>) -> Self {
        self.policies = Some(policies.into_iter().collect());
        self
    }

    /// Runs only the policy of this name.
    pub fn policy(mut self, name: &str) -> Self {
        self.only = Some(name.into());
        self
    }

    /// Judges ages as if it were `now`; what is written still bears the clock's time.
    pub fn at(mut self, now: Timestamp) -> Self {
        self.now = Some(now);
        self
    }

    /// Stops between two batches once `stop` is cancelled.
    pub fn stop(mut self, stop: CancellationToken) -> Self {
        self.stop = stop;
        self
    }

    /// Does nothing where another process is at work on the collection: the report says who.
    ///
    /// Without it the run goes on beside the other, which is safe, but what both read is done twice.
    pub fn leave_to_others(mut self) -> Self {
        self.leaves = true;
        self
    }

    /// Others take the collection for theirs once this run gave no sign of life for so long; 30 seconds unless said
    /// otherwise. It is for efficiency only: safety does not rest on it.
    pub fn lease(mut self, length: Duration) -> Self {
        self.lease = length;
        self
    }

    /// Calls `progress` after every batch with what was done so far.
    pub fn on_progress(
        mut self,
        progress: impl Fn(&ArchiveReport) + Send + Sync + 'static,
    ) -> Self {
        self.progress = Box::new(progress);
        self
    }

    /// Moves everything that the policies take now, one policy after the other.
    ///
    /// What was moved before an error stays moved: every batch is a transaction of its own.
    ///
    /// # Errors
    /// `Invalid`: no such policy. `Unsupported`: tiers that share no transaction, or a table whose rows a move would
    /// tear; the message says why. `Unavailable`, `Ambiguous`, `Conflict`: run it again later.
    pub async fn run(self) -> Result<Vec<ArchiveReport>> {
        let archive = self.database.parquet_archive()?;
        let mut reports = Vec::new();
        for policy in self.chosen()? {
            let metrics = PolicyMetrics::new(archive.name(), policy.name());
            let outcome = self.run_one(archive, policy, &metrics).await;
            match &outcome {
                Ok(report) if report.stopped => metrics.ran(RunOutcome::Stopped),
                // What was left to others is their run.
                Ok(report) if self.leaves && report.held_by.is_some() => {}
                Ok(_) => metrics.ran(RunOutcome::Done),
                Err(_) => metrics.ran(RunOutcome::Failed),
            }
            reports.push(outcome.map_err(|error| error.with("policy", policy.name()))?);
        }
        Ok(reports)
    }

    async fn run_one(
        &self,
        archive: &ParquetArchive,
        policy: &Policy,
        metrics: &PolicyMetrics,
    ) -> Result<ArchiveReport> {
        let clock = &*self.database.inner.clock;
        let terms = Terms {
            archive,
            clock,
            policy: policy.name(),
            length: self.lease,
        };
        let (shift, held_by) = Shift::begin(terms, self.leaves).await?;
        let Some(mut shift) = shift else {
            return Ok(ArchiveReport {
                policy: policy.name().to_owned(),
                held_by,
                ..ArchiveReport::default()
            });
        };
        let so_far = Mutex::new(ArchiveReport::default());
        let stop = self.stop.child_token();
        let run_of_policy = Run {
            archive,
            policy,
            now: self.now(),
            clock,
            metrics,
            stop: &stop,
            progress: &|report| {
                so_far.lock().clone_from(report);
                (self.progress)(report);
            },
        };
        let mut outcome = shift.during(&stop, run(&run_of_policy)).await;
        if let Ok(report) = &mut outcome {
            report.held_by = held_by;
        }
        shift.end(&outcome, &so_far.into_inner()).await;
        outcome
    }

    /// Checks what a move needs of the primary, and makes the index on the age where the table is ours.
    ///
    /// A run does this by itself. Without the index a [`plan`](Self::plan) or a [`backlog`](Self::backlog) sorts the whole
    /// collection for each batch.
    ///
    /// # Errors
    /// `Unsupported`: tiers that share no transaction, or a table whose rows a move would tear; the message says why.
    pub async fn prepare(self) -> Result<()> {
        let archive = self.database.parquet_archive()?;
        archive.host().prepare_to_move(archive.age()).await
    }

    /// Tells what the policies would do now, and writes nothing.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn plan(self) -> Result<Vec<Plan>> {
        let archive = self.database.parquet_archive()?;
        let mut plans = Vec::new();
        for policy in self.chosen()? {
            plans.push(plan(&**archive.host(), policy, archive.age(), self.now()).await?);
        }
        Ok(plans)
    }
}

impl Archiver {
    /// What the policies would move now, added up without a look at each record: see [`Backlog`] for how exact that is.
    ///
    /// Its cost is that of counting the index of the age, and for a policy with a filter of looking at its old records;
    /// [`plan`](Self::plan) reads them all and says more.
    ///
    /// # Errors
    /// As [`plan`](Self::plan).
    pub async fn backlog(self) -> Result<Vec<Backlog>> {
        let archive = self.database.parquet_archive()?;
        let mut all = Vec::new();
        for policy in self.chosen()? {
            let mut sweep = Sweep::new(policy, self.now())?;
            all.extend(sweep.go_on(&**archive.host(), archive.age(), None).await?);
        }
        Ok(all)
    }

    fn now(&self) -> Timestamp {
        self.now.unwrap_or_else(|| self.database.inner.clock.now())
    }
}

impl fmt::Debug for Archiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Archiver")
            .field("only", &self.only)
            .finish_non_exhaustive()
    }
}

/// A background archiver; dropping it stops it after the batch that is under way.
#[derive(Debug)]
#[must_use = "dropping it stops the archiver"]
pub struct ArchiverHandle {
    stop: CancellationToken,
    last: watch::Receiver<Option<Result<Vec<ArchiveReport>>>>,
    task: Option<JoinHandle<()>>,
}

impl ArchiverHandle {
    /// What the last run did; none before the first one ended.
    pub fn last(&self) -> Option<Result<Vec<ArchiveReport>>> {
        self.last.borrow().clone()
    }

    /// Waits for the end of the next run.
    pub async fn next(&mut self) -> Option<Result<Vec<ArchiveReport>>> {
        self.last.changed().await.ok()?;
        self.last.borrow_and_update().clone()
    }

    /// Stops it, and waits for the batch that is under way.
    pub async fn stop(mut self) {
        self.stop.cancel();
        if let Some(task) = self.task.take() {
            // A panic of a run was reported where it happened.
            let _ended = task.await;
        }
    }
}

impl Drop for ArchiverHandle {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
