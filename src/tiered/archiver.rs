//! Running a tiered database's policies: once, or again and again in the background.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::TieredDatabase;
use crate::archive::{ArchiveReport, ParquetArchive, Plan, Run, plan, run};
use crate::telemetry::{PolicyMetrics, RunOutcome};
use crate::{Error, Policy, Result};

/// Runs policies, as [`TieredDatabase::archiver`] makes it.
#[must_use]
pub struct Archiver {
    database: TieredDatabase,
    only: Option<Box<str>>,
    now: Option<Timestamp>,
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

    /// Prepares a run of the policies, or a dry run.
    pub fn archiver(&self) -> Archiver {
        Archiver {
            database: self.clone(),
            only: None,
            now: None,
            stop: CancellationToken::new(),
            progress: Box::new(|_| {}),
        }
    }

    /// Moves what is due now and then every `every`, until the handle is dropped.
    ///
    /// A run that fails is logged and tried again at the next time; [`ArchiverHandle::last`] tells of it.
    pub fn spawn_archiver(&self, every: Duration) -> ArchiverHandle {
        let stop = CancellationToken::new();
        let (tell, last) = watch::channel(None);
        let (database, token) = (self.clone(), stop.clone());
        let task = tokio::spawn(async move {
            loop {
                let outcome = database.archiver().stop(token.clone()).run().await;
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

    fn policies_called(&self, only: Option<&str>) -> Result<Vec<&Policy>> {
        let all = &self.inner.policies;
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

    fn parquet_archive(&self) -> Result<&ParquetArchive> {
        self.inner.cold.parquet().ok_or_else(|| {
            Error::unsupported(
                "records are moved only into a Parquet archive whose catalog lies in the primary's database",
            )
        })
    }
}

impl Archiver {
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
        for policy in self.database.policies_called(self.only.as_deref())? {
            let metrics = PolicyMetrics::new(archive.name(), policy.name());
            let run_of_policy = Run {
                archive,
                policy,
                now: self.now(),
                clock: &*self.database.inner.clock,
                metrics: &metrics,
                stop: &self.stop,
                progress: &*self.progress,
            };
            let outcome = run(&run_of_policy).await;
            metrics.ran(match &outcome {
                Ok(report) if report.stopped => RunOutcome::Stopped,
                Ok(_) => RunOutcome::Done,
                Err(_) => RunOutcome::Failed,
            });
            reports.push(outcome.map_err(|error| error.with("policy", policy.name()))?);
        }
        Ok(reports)
    }

    /// Tells what the policies would do now, and writes nothing.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn plan(self) -> Result<Vec<Plan>> {
        let archive = self.database.parquet_archive()?;
        let mut plans = Vec::new();
        for policy in self.database.policies_called(self.only.as_deref())? {
            plans.push(plan(&**archive.host(), policy, archive.age(), self.now()).await?);
        }
        Ok(plans)
    }
}

impl Archiver {
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
