//! How segments become visible: the order that survives a crash at every step.
//!
//! 1. The journal names the objects, state `open`, committed.
//! 2. The objects are uploaded. No lock and no transaction is open meanwhile.
//! 3. One transaction: the journal's row goes from `open` to `published`; the primary's half; the catalog's half; the
//!    objects are looked at once more; commit.
//!
//! A crash before 3 leaves an orphan object and an open row of the journal, a crash after it nothing. Whoever collects
//! orphans first commits `open` to `dead`, so a publisher that slept meanwhile hits no row and gives up.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::TryStreamExt;
use futures::future::{join_all, try_join_all};
use tokio::time::Instant;

use super::catalog::{
    Batch, BatchState, Catalog, CatalogState, Change, NewDataFile, NewDeleteFile, SnapshotKey,
};
use crate::blob::BlobStore;
use crate::catalog_host::{CatalogHost, HostTransaction};
use crate::clock::Clock;
use crate::fault::{mutation, step};
use crate::telemetry::{AmbiguousOp, ArchiveMetrics, Step};
use crate::{Error, ErrorKind, Result};

/// The longest time from the journal's row to the commit: what is older may have been collected as an orphan.
pub(crate) const JOB_LIMIT: Duration = Duration::from_secs(3600);

/// How often a publish starts again because somebody else wrote the catalog first.
const ATTEMPTS: usize = 32;

/// How often a commit may fail without having happened: a disk that is full stays full.
const LOST_COMMITS: usize = 3;

/// An encoded object that nobody knows yet.
#[derive(Debug)]
pub(crate) struct Staged {
    /// What the catalog is to say of it, its path included.
    pub(crate) file: NewFile,
    /// The object.
    pub(crate) bytes: Bytes,
}

/// A file that is to become part of the archive.
#[derive(Clone, Debug)]
pub(crate) enum NewFile {
    /// A segment.
    Data(NewDataFile),
    /// A delete file.
    Deletes(NewDeleteFile),
}

impl NewFile {
    fn path(&self) -> &str {
        match self {
            Self::Data(file) => &file.path,
            Self::Deletes(file) => &file.path,
        }
    }
}

/// What else happens in the transaction that makes segments visible.
#[async_trait]
pub(crate) trait Companion: Send {
    /// Fetches what [`archived`](Self::archived) will need; nothing, unless said otherwise. It is called before each attempt,
    /// without any lock.
    async fn prepare(&mut self) -> Result<()> {
        Ok(())
    }

    /// Does the primary's half, where there is one. An attempt that is rolled back is followed by another, which starts from
    /// nothing.
    async fn primary(
        &mut self,
        _tx: &mut dyn HostTransaction,
        _change: &mut Change,
    ) -> Result<Half> {
        Ok(Half::Done)
    }

    /// Adds what follows for rows that are archived already, at the newest state, from memory alone.
    fn archived(&mut self, base: &CatalogState, change: &mut Change) -> Half;
}

/// What a companion says of its half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Half {
    /// Go on.
    Done,
    /// There is nothing to publish: roll back.
    Nothing,
    /// Something is not in memory: roll back, prepare, start again.
    Unprepared,
}

/// What became of a publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Published {
    /// It is visible, with this snapshot.
    At(SnapshotKey),
    /// The companion found nothing to publish; the objects were removed.
    Nothing,
}

/// What is published.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Job<'a> {
    /// The id of the journal's batch, which is in the names of its objects.
    pub(crate) batch: &'a str,
    /// What the snapshot says of itself.
    pub(crate) message: &'static str,
}

/// Makes segments visible in one archived table.
#[derive(Debug)]
pub(crate) struct Publisher<'a> {
    pub(crate) host: &'a dyn CatalogHost,
    pub(crate) catalog: &'a Catalog,
    pub(crate) blobs: &'a dyn BlobStore,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) metrics: &'a ArchiveMetrics,
}

impl Publisher<'_> {
    /// Uploads `staged` and publishes it together with what `companion` does.
    ///
    /// # Errors
    /// `Ambiguous`: whether it was committed could not be found out; the journal still knows.
    /// `Conflict`: the batch was collected as an orphan, or others were faster too often.
    pub(crate) async fn publish(
        &self,
        job: Job<'_>,
        staged: Vec<Staged>,
        companion: &mut dyn Companion,
    ) -> Result<Published> {
        let paths: Vec<&str> = staged.iter().map(|staged| staged.file.path()).collect();
        if !mutation("journal_after_upload") {
            let begun = Instant::now();
            let opened = self.host.despite_others(|| self.open(job, &paths));
            let opened = step("journal", opened).await;
            // Whether the row is there matters to nobody: it names objects that were never sent.
            opened.map_err(|error| match error.kind() {
                ErrorKind::Ambiguous => not_published(error),
                _ => error,
            })?;
            self.metrics.step(Step::Journal, begun.elapsed());
        }
        let done = self.send(job, &paths, &staged, companion).await;
        // Fencing the batch off meets it open, or it was published after all: then nothing happens.
        if !matches!(done, Ok(Published::At(_)))
            && let Err(error) = self.discard(job.batch, &paths).await
        {
            tracing::warn!(batch = job.batch, %error, "objects of a batch that was not published stay until orphans are collected");
        }
        done
    }

    async fn send(
        &self,
        job: Job<'_>,
        paths: &[&str],
        staged: &[Staged],
        companion: &mut dyn Companion,
    ) -> Result<Published> {
        let begun = Instant::now();
        step("upload", self.upload(staged)).await?;
        self.metrics.step(Step::Upload, begun.elapsed());
        if mutation("journal_after_upload") {
            step("journal", self.open(job, paths)).await?;
        }
        let begun = Instant::now();
        let published = self.until_published(job, staged, companion).await;
        self.metrics.step(Step::Publish, begun.elapsed());
        published
    }

    async fn until_published(
        &self,
        job: Job<'_>,
        staged: &[Staged],
        companion: &mut dyn Companion,
    ) -> Result<Published> {
        let begun = Instant::now();
        let mut lost = 0;
        for _ in 0..ATTEMPTS {
            if begun.elapsed() > JOB_LIMIT {
                return Err(Error::unavailable(
                    "the publish took longer than a job may; try again",
                )
                .with("batch", job.batch));
            }
            let attempt = self.attempt(job, staged, companion).await;
            match attempt.or_else(|error| self.again(error))? {
                Attempt::Committed(key) => return Ok(Published::At(key)),
                Attempt::Nothing => return Ok(Published::Nothing),
                Attempt::Again => self.metrics.conflict(),
                Attempt::Unknown(_, error) if mutation("unknown_outcome_no_wait") => {
                    return Err(Error::unavailable("the commit failed").with_source(error));
                }
                Attempt::Unknown(key, error) => {
                    self.metrics.integrity.ambiguous(AmbiguousOp::Publish);
                    let asked = self.host.despite_others(|| self.is_published(job.batch));
                    let asked = step("publish.outcome", asked).await;
                    if asked.map_err(|error| unknown(job, error))? {
                        return Ok(Published::At(key));
                    }
                    lost += 1;
                    if lost == LOST_COMMITS {
                        return Err(not_published(error));
                    }
                }
            }
        }
        Err(
            Error::conflict("other writers of the archive were faster every time; try again later")
                .with("batch", job.batch)
                .with("attempts", ATTEMPTS),
        )
    }

    /// A transaction that only another one was in the way of is no failure.
    fn again(&self, error: Error) -> Result<Attempt> {
        if self.host.is_collision(&error) {
            Ok(Attempt::Again)
        } else {
            Err(error)
        }
    }

    /// One transaction. An error says that it was rolled back.
    async fn attempt(
        &self,
        job: Job<'_>,
        staged: &[Staged],
        companion: &mut dyn Companion,
    ) -> Result<Attempt> {
        if !mutation("fetch_under_lock") {
            companion.prepare().await?;
        }
        let mut tx = step("publish.begin", self.host.begin_write()).await?;
        if mutation("fetch_under_lock") {
            companion.prepare().await?;
        }
        if !self
            .catalog
            .settle_batch(&mut *tx, job.batch, BatchState::Published)
            .await?
        {
            return Err(Error::conflict(
                "the batch was taken for an orphan while it was being written; try again",
            )
            .with("batch", job.batch));
        }
        let mut change = Change::default();
        for staged in staged {
            match staged.file.clone() {
                NewFile::Data(file) => change.added.push(file),
                NewFile::Deletes(file) => change.flushed.push(file),
            }
        }
        match step("publish.primary", companion.primary(&mut *tx, &mut change)).await? {
            Half::Done => {}
            Half::Nothing => return Ok(Attempt::Nothing),
            Half::Unprepared => return Ok(Attempt::Again),
        }
        if mutation("two_transactions") {
            tx.commit().await?;
            tx = self.host.begin_write().await?;
        }
        // The newest state is read after the primary's rows were written: what another published meanwhile is in it.
        let base = self.catalog.state(&mut *tx).await?;
        match companion.archived(&base, &mut change) {
            Half::Done => {}
            Half::Nothing => return Ok(Attempt::Nothing),
            Half::Unprepared => return Ok(Attempt::Again),
        }
        let commit = self
            .catalog
            .commit(&mut *tx, &base, &change, self.clock.now(), job.message);
        let Some(key) = step("publish.catalog", commit).await? else {
            return Ok(Attempt::Again);
        };
        if !mutation("publish_without_head") {
            step("publish.head", self.look_at_all(staged)).await?;
        }
        match step("publish.commit", tx.commit()).await {
            Ok(()) => Ok(Attempt::Committed(key)),
            Err(error) if error.kind() == ErrorKind::Ambiguous => Ok(Attempt::Unknown(key, error)),
            Err(error) => Err(error),
        }
    }

    /// Asks the journal under the lock that the commit took, so a commit that is still at work is waited for.
    async fn is_published(&self, batch: &str) -> Result<bool> {
        let mut tx = self.host.begin_write().await?;
        Ok(self.catalog.batch_state(&mut *tx, batch).await? == Some(BatchState::Published))
    }

    async fn open(&self, job: Job<'_>, paths: &[&str]) -> Result<()> {
        let opened = Batch {
            id: job.batch.into(),
            opened_at: self.clock.now(),
            objects: paths.iter().map(|&path| path.into()).collect(),
        };
        let mut tx = self.host.begin_write().await?;
        // Rows that are only taken away need a table as little as rows that do not exist.
        let table = self.catalog.state(&mut *tx).await?.table.id.unwrap_or(0);
        self.catalog.open_batch(&mut *tx, &opened, table).await?;
        tx.commit().await
    }

    async fn upload(&self, staged: &[Staged]) -> Result<()> {
        let put = |staged: &Staged| {
            let (path, bytes) = (staged.file.path().to_owned(), staged.bytes.clone());
            async move { self.blobs.put(&path, bytes).await }
        };
        // All of them, whatever becomes of one: an object that arrived after its batch was discarded would be an orphan
        // that no journal knows.
        let sent = join_all(staged.iter().map(put)).await;
        sent.into_iter().collect::<Result<()>>()?;
        self.look_at_all(staged).await
    }

    async fn look_at_all(&self, staged: &[Staged]) -> Result<()> {
        try_join_all(staged.iter().map(|staged| self.look_at(staged))).await?;
        Ok(())
    }

    /// Whether an object is there, whole.
    async fn look_at(&self, staged: &Staged) -> Result<()> {
        match self.blobs.size(staged.file.path()).await? {
            Some(size) if size == staged.bytes.len() as u64 => Ok(()),
            found => Err(Error::corrupt(
                "an uploaded segment is not there as it was sent; nothing was published",
            )
            .with("path", staged.file.path())
            .with("expected", staged.bytes.len())
            .with("found", format_args!("{found:?}"))),
        }
    }

    /// Fences a batch off that is not published, so that nobody can publish it any more, and removes its objects.
    ///
    /// Whether the batch was open; one that is published keeps its objects.
    pub(super) async fn discard(
        &self,
        batch: &str,
        paths: &[impl AsRef<str> + Sync],
    ) -> Result<bool> {
        if !self.host.despite_others(|| self.fence_off(batch)).await? {
            return Ok(false);
        }
        self.remove(batch, paths).await?;
        Ok(true)
    }

    /// Sees to it that nobody publishes a batch any more; false if it was not open.
    async fn fence_off(&self, batch: &str) -> Result<bool> {
        let mut tx = self.host.begin_write().await?;
        let dead = BatchState::Dead;
        if !mutation("gc_without_fence")
            && !self.catalog.settle_batch(&mut *tx, batch, dead).await?
        {
            return Ok(false);
        }
        step("discard.commit", tx.commit()).await?;
        Ok(true)
    }

    /// Removes the objects of a batch that is dead, and then its traces.
    pub(super) async fn remove(&self, batch: &str, paths: &[impl AsRef<str> + Sync]) -> Result<()> {
        let mut removed = Ok(());
        for path in paths {
            let gone = step("discard.delete", self.blobs.delete(path.as_ref())).await;
            removed = removed.and(gone).and(self.take_back(path.as_ref()).await);
        }
        // One that could not be removed keeps the batch in the journal, where it is found again.
        removed?;
        self.host.despite_others(|| self.forget(batch)).await
    }

    async fn forget(&self, batch: &str) -> Result<()> {
        let mut tx = self.host.begin_write().await?;
        self.catalog.forget_batch(&mut *tx, batch).await?;
        tx.commit().await
    }

    /// Takes back the parts of an object that a crash kept from becoming whole.
    async fn take_back(&self, path: &str) -> Result<()> {
        if mutation("crashed_parts_stay") {
            return Ok(());
        }
        let uploads = self.blobs.list_unfinished(path);
        uploads
            .try_for_each(|upload| async move { self.blobs.take_back(&upload).await })
            .await
    }
}

/// Of a commit that failed and is known not to have happened, with what is known of the place.
fn not_published(error: Error) -> Error {
    let mut told = Error::unavailable(
        "a commit failed, and nothing of it was published; see whether the disk is there and has room, then run it again",
    );
    for (key, value) in error.context() {
        told = told.with(key, value);
    }
    told.with_source(error)
}

fn unknown(job: Job<'_>, error: Error) -> Error {
    Error::ambiguous(
        "whether segments were published is not known, and the journal cannot be asked; read before you write again",
    )
    .with("batch", job.batch)
    .with_source(error)
}

enum Attempt {
    Committed(SnapshotKey),
    /// The commit may have happened, with this snapshot.
    Unknown(SnapshotKey, Error),
    Nothing,
    /// Somebody else took the snapshot's id, or was in the way.
    Again,
}

#[cfg(test)]
#[path = "publish_tests.rs"]
mod tests;
