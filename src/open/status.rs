//! What lies where: one collection as `thermocline status` and the daemon tell it.

use jiff::Timestamp;
use serde::Serialize;

use super::Store;
use crate::{ArchiveContents, ArchiveRun, Backlog, Orphans, Query, Result, Storage, Tiers};

/// So many of the last runs are told.
const RUNS: usize = 10;

/// One collection: what lies in its tiers, and what waits to be moved.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct CollectionStatus {
    /// The collection's name.
    pub collection: String,
    /// The database that takes the writes.
    pub primary: PrimaryStatus,
    /// The archive, if there is one.
    pub archive: Option<ArchiveStatus>,
    /// What each policy would move now.
    pub backlog: Vec<BacklogStatus>,
    /// The last runs of the policies, the newest first, whichever process ran them.
    pub runs: Vec<ArchiveRun>,
    /// What a person should know.
    pub notes: Vec<String>,
}

/// The primary's part of a [`CollectionStatus`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PrimaryStatus {
    /// Records in the collection.
    pub records: u64,
    /// Bytes of the whole database on disk, where it can tell.
    pub bytes: Option<u64>,
    /// Bytes in it that are free for reuse.
    pub free_bytes: Option<u64>,
}

/// The archive's part of a [`CollectionStatus`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ArchiveStatus {
    /// Live records.
    pub records: u64,
    /// Segments.
    pub segments: u64,
    /// Bytes of the segments.
    pub bytes: u64,
    /// Rows of segments that are dead.
    pub dead_rows: u64,
    /// Those of them that the catalog notes itself.
    pub inlined_deletes: u64,
    /// The catalog's newest snapshot.
    pub snapshot: i64,
    /// Uploads that crashed runs began and never published.
    pub unpublished_batches: usize,
    /// Objects that nothing refers to.
    pub unknown_objects: usize,
    /// Uploads in parts that never became objects.
    pub unfinished_uploads: usize,
}

/// What a policy would move now, as exact as [`Backlog`] is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BacklogStatus {
    /// The policy's name.
    pub policy: String,
    /// Records.
    pub rows: u64,
    /// Bytes of their text.
    pub bytes: u64,
    /// The age of the oldest.
    pub oldest: Option<Timestamp>,
}

impl Store {
    /// What lies in the tiers of a collection, and what its policies would move at `now`.
    ///
    /// # Errors
    /// `Invalid`: there is no such collection. `Unavailable`: a tier does not answer.
    pub async fn status(&self, name: &str, now: Option<Timestamp>) -> Result<CollectionStatus> {
        let mut status = self.contents(name).await?;
        if self.config().policies_of(name).next().is_some() {
            let archiver = self.collection(name)?.archiver();
            let archiver = match now {
                Some(now) => archiver.at(now),
                None => archiver,
            };
            status.backlog = archiver.backlog().await?.into_iter().map(waiting).collect();
        }
        Ok(status)
    }

    /// The same without the backlog, which takes longest.
    pub(crate) async fn contents(&self, name: &str) -> Result<CollectionStatus> {
        let Tiers {
            primary, archive, ..
        } = self.tiers(name)?;
        let archive = match archive {
            Some(archive) => Some((archive.contents().await?, archive.find_orphans().await?)),
            None => None,
        };
        let runs = match &archive {
            Some((_, _)) => self.collection(name)?.last_runs(RUNS).await?,
            None => Vec::new(),
        };
        let storage = match primary.catalog_host() {
            Some(host) => Some(host.storage().await?),
            None => None,
        };
        let records = match &storage {
            Some(storage) => storage.rows,
            None => primary.count(&Query::all()).await?,
        };
        Ok(CollectionStatus {
            collection: name.to_owned(),
            primary: PrimaryStatus {
                records,
                bytes: storage.as_ref().map(|storage| storage.bytes),
                free_bytes: storage.as_ref().map(|storage| storage.free_bytes),
            },
            notes: notes(storage.as_ref(), archive.as_ref()),
            archive: archive.map(|(contents, orphans)| archived(&contents, &orphans)),
            backlog: Vec::new(),
            runs,
        })
    }
}

pub(crate) fn waiting(backlog: Backlog) -> BacklogStatus {
    BacklogStatus {
        policy: backlog.policy,
        rows: backlog.rows,
        bytes: backlog.bytes,
        oldest: backlog.oldest,
    }
}

fn archived(contents: &ArchiveContents, orphans: &Orphans) -> ArchiveStatus {
    ArchiveStatus {
        records: contents.records,
        segments: contents.segments,
        bytes: contents.bytes,
        dead_rows: contents.dead_rows,
        inlined_deletes: contents.inlined_deletes,
        snapshot: contents.snapshot,
        unpublished_batches: orphans.batches.len(),
        unknown_objects: orphans.unknown.len(),
        unfinished_uploads: orphans.unfinished.len(),
    }
}

fn notes(storage: Option<&Storage>, archive: Option<&(ArchiveContents, Orphans)>) -> Vec<String> {
    let mut notes = Vec::new();
    notes.extend(storage.and_then(|storage| storage.remedy.clone()));
    let Some((contents, orphans)) = archive else {
        return notes;
    };
    if let Some(elsewhere) = &contents.elsewhere {
        notes.push(format!(
            "other readers look for the segments in {elsewhere}, but they lie in {}",
            contents.root
        ));
    }
    if !orphans.batches.is_empty() || !orphans.unknown.is_empty() {
        notes.push(format!(
            "crashed runs left uploads begun and never published ({}), and objects that nobody knows ({})",
            orphans.batches.len(),
            orphans.unknown.len()
        ));
    }
    if !orphans.unfinished.is_empty() {
        notes.push(format!(
            "crashed runs left parts of objects that never became whole ({})",
            orphans.unfinished.len()
        ));
    }
    notes
}
