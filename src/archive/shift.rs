//! One run among others: the lease of its collection while it works, and its line in the history.

use std::pin::pin;
use std::sync::OnceLock;
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::ParquetArchive;
use super::catalog::{ArchiveRun, Lease, RunError, RunOutcome, Taken};
use super::mover::ArchiveReport;
use crate::clock::Clock;
use crate::{Error, ErrorKind, Result};

/// How long a lease lasts where nothing else is said.
pub(crate) const LEASE: Duration = Duration::from_secs(30);

/// Another process that is at work on a collection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeldBy {
    /// Which one: its machine, its process, and a word of its own.
    pub holder: String,
    /// When its lease ends, unless it renews it.
    pub until: Timestamp,
}

/// What a shift is begun with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms<'a> {
    pub(crate) archive: &'a ParquetArchive,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) policy: &'a str,
    /// How long the lease lasts without a sign of life.
    pub(crate) length: Duration,
}

/// A run that is noted, and its lease unless somebody else holds it.
#[derive(Debug)]
pub(crate) struct Shift<'a> {
    terms: Terms<'a>,
    lease: Option<Lease>,
    id: Box<str>,
    run: ArchiveRun,
}

impl<'a> Shift<'a> {
    /// Notes the beginning of a run and takes the lease, in one transaction; and who holds the lease, if others do.
    ///
    /// Where the run `leaves` the work to them, there is no shift then.
    pub(crate) async fn begin(
        terms: Terms<'a>,
        leaves: bool,
    ) -> Result<(Option<Self>, Option<HeldBy>)> {
        terms
            .archive
            .host()
            .despite_others(|| Self::try_begin(terms, leaves))
            .await
    }

    async fn try_begin(terms: Terms<'a>, leaves: bool) -> Result<(Option<Self>, Option<HeldBy>)> {
        let Terms {
            archive,
            clock,
            policy,
            length,
        } = terms;
        let catalog = archive.catalog();
        let mut tx = archive.host().begin_write().await?;
        let now = clock.now();
        let taken = catalog.take_lease(&mut *tx, holder(), now, length).await?;
        let (lease, held) = match taken {
            Taken::Ours(lease) => (Some(lease), None),
            Taken::Held(lease) => (
                None,
                Some(HeldBy {
                    holder: lease.holder.into(),
                    until: lease.expires,
                }),
            ),
        };
        if held.is_some() && leaves {
            return Ok((None, held));
        }
        let run = ArchiveRun::began(policy, holder(), now);
        let id = catalog.begin_run(&mut *tx, &run, lease.is_some()).await?;
        tx.commit().await.map_err(not_begun)?;
        let shift = Self {
            terms,
            lease,
            id,
            run,
        };
        Ok((Some(shift), held))
    }

    /// Does the work, and renews the lease meanwhile. Where others took it over, `stop` is cancelled.
    pub(crate) async fn during<T>(
        &mut self,
        stop: &CancellationToken,
        work: impl Future<Output = T>,
    ) -> T {
        let mut work = pin!(work);
        tokio::select! {
            biased;
            done = &mut work => return done,
            () = self.keep() => {}
        }
        tracing::warn!(
            collection = self.terms.archive.collection(),
            policy = self.terms.policy,
            "another process took the collection over, so this run stops after its batch"
        );
        stop.cancel();
        work.await
    }

    /// Renews the lease until others have it.
    async fn keep(&mut self) {
        let Terms {
            archive,
            clock,
            length,
            ..
        } = self.terms;
        let Some(lease) = &mut self.lease else {
            return std::future::pending().await;
        };
        loop {
            tokio::time::sleep(length / 3).await;
            let renewed = async {
                let mut tx = archive.host().begin_write().await?;
                let catalog = archive.catalog();
                let renewed = catalog
                    .renew_lease(&mut *tx, lease, clock.now(), length)
                    .await?;
                tx.commit().await?;
                Ok::<_, Error>(renewed)
            };
            match renewed.await {
                Ok(Some(renewed)) => *lease = renewed,
                Ok(None) => return,
                // Whatever keeps the lease from being renewed keeps the run from going on too, and is told there.
                Err(error) => tracing::debug!(%error, "the lease was not renewed"),
            }
        }
    }

    /// Notes how the run ended and gives the lease back, in one transaction.
    pub(crate) async fn end(mut self, outcome: &Result<ArchiveReport>, so_far: &ArchiveReport) {
        let Terms { archive, clock, .. } = self.terms;
        self.run.end(outcome, so_far, clock.now());
        let noted = || async {
            let catalog = archive.catalog();
            let mut tx = archive.host().begin_write().await?;
            catalog.end_run(&mut *tx, &self.id, &self.run).await?;
            if let Some(lease) = &self.lease {
                catalog.release_lease(&mut *tx, lease, clock.now()).await?;
            }
            tx.commit().await
        };
        if let Err(error) = archive.host().despite_others(noted).await {
            tracing::warn!(
                collection = archive.collection(),
                policy = self.run.policy,
                %error,
                "how a run ended could not be noted in the history"
            );
        }
    }
}

/// Whether a lease was taken and a beginning noted is nothing that anybody has to find out.
fn not_begun(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Ambiguous => Error::unavailable(
            "the run could not be noted in the database, so it did not begin; see whether the disk is there, well, and \
             has room",
        )
        .with_source(error),
        _ => error,
    }
}

impl ArchiveRun {
    fn began(policy: &str, holder: &str, now: Timestamp) -> Self {
        Self {
            policy: policy.to_owned(),
            holder: holder.to_owned(),
            started: now,
            ended: None,
            outcome: RunOutcome::Running,
            times: 1,
            moved: 0,
            skipped: std::collections::BTreeMap::new(),
            segments: 0,
            bytes: 0,
            error: None,
        }
    }

    /// What was moved before a failure stays moved, so `so_far` counts then.
    fn end(&mut self, outcome: &Result<ArchiveReport>, so_far: &ArchiveReport, now: Timestamp) {
        let report = outcome.as_ref().unwrap_or(so_far);
        self.ended = Some(now);
        self.outcome = match outcome {
            Ok(report) if report.stopped => RunOutcome::Stopped,
            Ok(_) => RunOutcome::Done,
            Err(_) => RunOutcome::Failed,
        };
        self.moved = report.moved;
        self.skipped = (report.skipped.iter())
            .map(|(reason, count)| (reason.as_str().to_owned(), *count))
            .collect();
        (self.segments, self.bytes) = (report.segments, report.bytes);
        self.error = outcome.as_ref().err().map(|error| RunError {
            kind: error.kind().as_str().to_owned(),
            message: error.to_string(),
        });
    }
}

/// What this process calls itself: `machine/process/word`, the word another one at each start.
fn holder() -> &'static str {
    static HOLDER: OnceLock<String> = OnceLock::new();
    HOLDER.get_or_init(|| {
        let machine = std::fs::read_to_string("/proc/sys/kernel/hostname");
        let machine = machine.as_deref().map_or("machine", str::trim);
        let (_, word) = uuid::Uuid::now_v7().as_u64_pair();
        format!("{machine}/{}/{:04x}", std::process::id(), word & 0xffff)
    })
}
