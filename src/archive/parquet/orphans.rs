//! What crashed jobs left behind, and what nobody reads any more: found, never guessed.

use std::collections::HashSet;
use std::time::Duration;

use futures::TryStreamExt;
use futures::future::ready;
use jiff::Timestamp;

use super::ParquetArchive;
use crate::Result;
use crate::archive::catalog::{Batch, BatchState, Scheduled};
use crate::archive::publish::JOB_LIMIT;
use crate::blob::UnfinishedUpload;
use crate::catalog_host::HostTransaction;
use crate::fault::mutation;

/// Objects of an archive that nothing refers to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Orphans {
    /// Batches that were begun and never published: each the objects that it was to have, whether they are there or not.
    pub batches: Vec<Leftover>,
    /// Objects that nobody knows, seen at least twice, with more time between than any job takes.
    pub unknown: Vec<String>,
    /// Objects that nobody knows yet; another program may still be about to register them.
    pub suspected: u64,
    /// Uploads in parts that never became objects.
    pub unfinished: Vec<UnfinishedUpload>,
}

/// A batch that was begun and never published.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Leftover {
    /// The batch.
    pub batch: String,
    /// When it was begun.
    pub begun: Timestamp,
    /// Its objects.
    pub objects: Vec<String>,
}

impl ParquetArchive {
    /// Finds what jobs left behind that were begun longer ago than any job takes.
    pub async fn find_orphans(&self) -> Result<Orphans> {
        self.find_orphans_older_than(JOB_LIMIT).await
    }

    /// Finds what jobs left behind that were begun at least so long ago.
    ///
    /// A job that is still at work counts too if `age` is shorter than it takes.
    ///
    /// # Errors
    /// `Unavailable`: the objects cannot be listed.
    pub async fn find_orphans_older_than(&self, age: Duration) -> Result<Orphans> {
        self.check_open()?;
        let catalog = self.catalog();
        let now = self.0.clock.now();
        let before = now - age;
        let view = self.view().await?;
        let table = &view.state().table;
        let Some(id) = table.id else {
            return Ok(Orphans::default());
        };
        // Listed before the catalog is read: what is registered meanwhile is no orphan.
        let listed: Vec<_> = self.0.blobs.list(&table.path).try_collect().await?;
        let uploads = self.0.blobs.list_unfinished(&table.path);
        let old_uploads = uploads.try_filter(|upload| ready(upload.begun < before));
        let unfinished: Vec<_> = old_uploads.try_collect().await?;
        let old = listed.iter().filter(|object| object.modified < before);
        let old: Vec<Box<str>> = old.map(|object| object.path.as_str().into()).collect();
        let mut tx = self.host().begin_read().await?;
        let mut found = Orphans {
            batches: self.unpublished(&mut *tx, id, before).await?,
            unfinished,
            ..Orphans::default()
        };
        let unknown = catalog.unreferenced(&mut *tx, old).await?;
        let mut noted = catalog.noted_orphans(&mut *tx, &table.path).await?;
        drop(tx);
        let (mut new, mut suspected) = (Vec::new(), Vec::new());
        for path in unknown {
            match noted.remove(&path) {
                Some(since) if since < before => found.unknown.push(path.into()),
                Some(_) => suspected.push(path),
                None => new.push(path),
            }
        }
        found.suspected = (suspected.len() + new.len()) as u64;
        let batches = found.batches.iter().flat_map(|batch| &batch.objects);
        let orphans: HashSet<&str> = batches
            .chain(&found.unknown)
            .map(String::as_str)
            .chain(suspected.iter().chain(&new).map(|path| &**path))
            .collect();
        let orphaned = listed
            .iter()
            .filter(|object| orphans.contains(&*object.path));
        self.metrics()
            .orphans(orphaned.map(|object| object.size).sum());
        let gone: Vec<Box<str>> = noted.into_keys().collect();
        if !(new.is_empty() && gone.is_empty()) {
            let noted = || async {
                let mut tx = self.host().begin_write().await?;
                catalog.note_orphans(&mut *tx, &new, &gone, now).await?;
                tx.commit().await
            };
            self.host().despite_others(noted).await?;
        }
        Ok(found)
    }

    /// The batches of a table that were begun before a time and never published.
    async fn unpublished(
        &self,
        tx: &mut dyn HostTransaction,
        table: i64,
        before: Timestamp,
    ) -> Result<Vec<Leftover>> {
        let mut leftovers = Vec::new();
        for state in [BatchState::Open, BatchState::Dead] {
            let batches = self.catalog().batches(tx, table, state, before).await?;
            leftovers.extend(batches.into_iter().map(Leftover::from));
        }
        Ok(leftovers)
    }

    /// Removes what nobody needs, as far as the catalog knows it: what crashed jobs left behind, and what other files have
    /// taken the place of. Nothing is listed. How many objects.
    ///
    /// # Errors
    /// As [`remove_orphans`](Self::remove_orphans).
    pub(crate) async fn remove_leftovers(&self) -> Result<u64> {
        let view = self.view().await?;
        let table = &view.state().table;
        let Some(id) = table.id else {
            return Ok(0);
        };
        let now = self.0.clock.now();
        let mut tx = self.host().begin_read().await?;
        let found = Orphans {
            batches: self.unpublished(&mut *tx, id, now - JOB_LIMIT).await?,
            ..Orphans::default()
        };
        let scheduled = self.catalog().scheduled(&mut *tx, &table.path, now);
        let scheduled = scheduled.await?;
        drop(tx);
        let mut removed = self.remove_scheduled(&scheduled).await?;
        if !found.batches.is_empty() {
            removed += self.remove_orphans(&found).await?;
        }
        Ok(removed)
    }

    /// Removes the objects before the catalog forgets them: what fails is done again.
    async fn remove_scheduled(&self, scheduled: &[Scheduled]) -> Result<u64> {
        for scheduled in scheduled {
            self.0.blobs.delete(&scheduled.object).await?;
        }
        if !scheduled.is_empty() {
            let forgotten = || async {
                let mut tx = self.host().begin_write().await?;
                self.catalog().forget_scheduled(&mut *tx, scheduled).await?;
                tx.commit().await
            };
            self.host().despite_others(forgotten).await?;
        }
        Ok(scheduled.len() as u64)
    }

    /// Removes orphans that were found: the batches are fenced off first, so that none of them can be published later.
    /// How many objects and uploads it removed or found gone.
    ///
    /// # Errors
    /// `Unavailable`: an object cannot be removed; what is left is found again.
    pub async fn remove_orphans(&self, orphans: &Orphans) -> Result<u64> {
        self.check_open()?;
        let publisher = self.publisher();
        let mut removed = 0;
        for leftover in &orphans.batches {
            let mut tx = self.host().begin_write().await?;
            let state = match mutation("gc_without_fence") {
                true => Some(BatchState::Open),
                false => {
                    self.catalog()
                        .batch_state(&mut *tx, &leftover.batch)
                        .await?
                }
            };
            drop(tx);
            match state {
                Some(BatchState::Open) => {
                    publisher
                        .discard(&leftover.batch, &leftover.objects)
                        .await?;
                }
                Some(BatchState::Dead) => {
                    publisher.remove(&leftover.batch, &leftover.objects).await?
                }
                Some(BatchState::Published) | None => continue,
            }
            removed += leftover.objects.len() as u64;
        }
        removed += self.remove_unknown(&orphans.unknown).await?;
        for upload in &orphans.unfinished {
            self.0.blobs.take_back(upload).await?;
            removed += 1;
        }
        let view = self.view().await?;
        if let Some(table) = view.state().table.id {
            let before = self.0.clock.now() - 24 * JOB_LIMIT;
            let forgotten = || async {
                let mut tx = self.host().begin_write().await?;
                self.catalog()
                    .forget_published(&mut *tx, table, before)
                    .await?;
                tx.commit().await
            };
            self.host().despite_others(forgotten).await?;
        }
        Ok(removed)
    }

    /// Removes objects that nobody knows, unless somebody registered them since they were found.
    async fn remove_unknown(&self, paths: &[String]) -> Result<u64> {
        let paths: Vec<Box<str>> = paths.iter().map(|path| path.as_str().into()).collect();
        let mut tx = self.host().begin_read().await?;
        let paths = self.catalog().unreferenced(&mut *tx, paths).await?;
        drop(tx);
        for path in &paths {
            self.0.blobs.delete(path).await?;
        }
        Ok(paths.len() as u64)
    }
}

impl From<Batch> for Leftover {
    fn from(batch: Batch) -> Self {
        Self {
            batch: batch.id.into(),
            begun: batch.opened_at,
            objects: batch.objects.into_iter().map(Into::into).collect(),
        }
    }
}
