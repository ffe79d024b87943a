//! Writes: executed to their end whether the caller waits or not, and followed by the end of the keys' generations.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use tokio::sync::OwnedSemaphorePermit;

use super::coherence::{Bump, Outcome};
use super::{Inner, TieredDatabase};
use crate::fault::mutation;
use crate::telemetry::{AmbiguousOp, Ended, Operation};
use crate::{Error, ErrorKind, Op, RecordId, Result, Write, Written};

/// How many writes may be under way: no limit in practice. Closing takes them all, and so waits for each.
pub(super) const WRITES: u32 = 1 << 20;

impl TieredDatabase {
    pub(super) async fn apply(&self, writes: Vec<Write>) -> Result<Vec<Written>> {
        if writes.is_empty() {
            return self.inner.open().map(|()| Vec::new());
        }
        let ids: Vec<RecordId> = writes.iter().map(|write| write.id().clone()).collect();
        let writes = self.trusting_absent(writes);
        self.execute(Some(ids), move |inner| async move {
            let (asked, began) = (writes.len(), Instant::now());
            let outcome = inner.cold.write(writes).await;
            inner.count_written(&outcome, asked);
            inner.metrics.took(Operation::Write, began.elapsed());
            outcome
        })
        .await
    }

    pub(super) async fn remove_everything(&self) -> Result<()> {
        self.execute(None, |inner| async move {
            let began = Instant::now();
            let outcome = inner.cold.clear().await;
            inner.count_ended(Operation::Clear, outcome.as_ref().err(), began);
            outcome
        })
        .await
    }

    /// Lets no further call in, waits for the writes that are under way, then lets go of the tiers.
    pub(super) async fn shut(&self) -> Result<()> {
        let inner = &*self.inner;
        inner.closed.store(true, Ordering::Release);
        // Fails where another close was first: then there is nothing left to do.
        let Ok(all) = inner.writing.acquire_many(WRITES).await else {
            return Ok(());
        };
        inner.writing.close();
        drop(all);
        if let Some(hot) = inner.coherence.hot() {
            hot.remove_all();
        }
        inner.cold.close().await
    }

    /// Runs a write of these keys (none: of all) in a task of its own, which owns the guard.
    ///
    /// A caller that is cancelled leaves the task running: the write ends as it ends, and the guard goes after it.
    async fn execute<T, F>(
        &self,
        ids: Option<Vec<RecordId>>,
        write: impl FnOnce(Arc<Inner>) -> F,
    ) -> Result<T>
    where
        T: Outcome + Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let permit = self.inner.begin_write().await?;
        let coherence = Arc::clone(&self.inner.coherence);
        let bump = match ids {
            Some(ids) => Bump::of(coherence, ids),
            None => Bump::of_all(coherence),
        };
        let work = write(Arc::clone(&self.inner));
        if mutation("bump_in_caller_future") {
            let outcome = joined(tokio::spawn(work)).await;
            return settled(bump, permit, outcome);
        }
        joined(tokio::spawn(async move {
            let outcome = work.await;
            settled(bump, permit, outcome)
        }))
        .await
    }

    /// The mutation of a router that takes the hot tier's word for it that an id is new.
    fn trusting_absent(&self, mut writes: Vec<Write>) -> Vec<Write> {
        if mutation("absent_for_create") {
            for write in &mut writes {
                let stripe = self.inner.coherence.stripe(write.id().as_str());
                let hit = self.inner.coherence.hit(write.id().as_str(), stripe);
                if let Op::Create(record) = &write.op
                    && hit.is_some_and(|found| found.record.is_none())
                {
                    write.op = Op::Upsert(Arc::clone(record));
                }
            }
        }
        writes
    }
}

impl Inner {
    /// Counts what became of each write of a batch.
    fn count_written(&self, outcome: &Result<Vec<Written>>, asked: usize) {
        let op = Operation::Write;
        let failed = |error: &Error| {
            self.metrics.integrity.failed(error);
            if error.kind() == ErrorKind::Ambiguous {
                self.metrics.integrity.ambiguous(AmbiguousOp::Write);
            }
        };
        let written = match outcome {
            Ok(written) => written,
            Err(error) => {
                failed(error);
                return self.metrics.ended(op, Ended::Failed, asked as u64);
            }
        };
        for written in written {
            let outcome = match written {
                Written::Created(_) | Written::Updated(_) | Written::Deleted => Ended::Done,
                Written::Missing | Written::Exists | Written::Changed => Ended::Refused,
                Written::Failed(error) => {
                    failed(error);
                    Ended::Failed
                }
            };
            self.metrics.ended(op, outcome, 1);
        }
    }

    /// Counts a request that finds no single record.
    pub(super) fn count_ended(&self, op: Operation, error: Option<&Error>, began: Instant) {
        let outcome = match error {
            None => Ended::Done,
            Some(error) => {
                self.metrics.integrity.failed(error);
                Ended::Failed
            }
        };
        self.metrics.ended(op, outcome, 1);
        self.metrics.took(op, began.elapsed());
    }

    async fn begin_write(&self) -> Result<OwnedSemaphorePermit> {
        self.open()?;
        Arc::clone(&self.writing)
            .acquire_owned()
            .await
            .map_err(|_closed| super::closed())
    }
}

/// Ends the generations, then lets the outcome go: nobody learns of a write before.
fn settled<T: Outcome>(
    mut bump: Bump,
    permit: OwnedSemaphorePermit,
    outcome: Result<T>,
) -> Result<T> {
    bump.settle(&outcome);
    drop(bump);
    drop(permit);
    outcome
}

async fn joined<T>(task: tokio::task::JoinHandle<Result<T>>) -> Result<T> {
    task.await.unwrap_or_else(|error| {
        Err(Error::ambiguous(
            "the task that executed a write ended before it did; read before you write again",
        )
        .with_source(error))
    })
}
