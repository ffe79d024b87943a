//! Flushing: dead rows that the catalog's SQL names become delete files, which every reader of the table knows.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

use super::ParquetArchive;
use crate::archive::catalog::{
    CatalogState, Change, DataFile, DeadRow, NewDeleteFile, new_batch_id,
};
use crate::archive::delete_file::encode;
use crate::archive::publish::{Companion, Half, Job, NewFile, Published, Staged};
use crate::archive::stage::fingerprint;
use crate::archive::view::ArchiveView;
use crate::fault::mutation;
use crate::{Error, Result};

/// How often a flush starts again because others rewrote the very files that it flushes.
const ATTEMPTS: usize = 16;

/// Data files that one transaction flushes: it holds up every other writer of the catalog.
const FILES: usize = 64;

impl ParquetArchive {
    /// Writes dead rows that only the catalog names into delete files; how many rows.
    ///
    /// Until then readers that know no inlined deletes show those rows, all but DuckDB and a few. Every run of a policy
    /// ends with it; what dies while it is at work waits for the next. Where the catalog lies in SQLite there is nothing to
    /// do: its readers know inlined deletes, and would see the change half done. A file of which another program ended a delete
    /// file keeps its dead rows in the catalog while one of them died before that end.
    ///
    /// # Errors
    /// `Conflict`: others rewrote the same files every time. `Ambiguous`: whether it was committed is not known; the rows
    /// are dead either way. `Unavailable`: the catalog's database or the place of the segments.
    pub async fn flush(&self) -> Result<u64> {
        self.check_open()?;
        if !self.catalog().flushes() {
            return Ok(0);
        }
        let begun = self.view().await?.state().key.id;
        let (mut rows, mut failures) = (0, 0);
        while failures < ATTEMPTS {
            let batch = new_batch_id();
            let view = self.view().await?;
            let files = self.to_flush(&view, begun).await?;
            if files.is_empty() {
                return Ok(rows);
            }
            let root = self.root_of_others().await?;
            let mut staged = Vec::with_capacity(files.len());
            for file in &files {
                staged.push(self.stage_deletes(&view, &batch, &root, file).await?);
            }
            let job = Job {
                batch: &batch,
                message: "flush",
            };
            match self.publisher().publish(job, staged, &mut Flush).await? {
                Published::At(_) => {
                    let flushed = files.iter().map(|file| file.dead.len() as u64).sum();
                    self.metrics().flushed(flushed);
                    rows += flushed;
                }
                Published::Nothing => failures += 1,
            }
        }
        Err(
            Error::conflict("others rewrote the same files every time; try again later")
                .with("collection", self.collection())
                .with("attempts", ATTEMPTS),
        )
    }

    /// Data files with inlined deletes from up to a snapshot, as many as one transaction flushes.
    async fn to_flush(&self, view: &ArchiveView, until: i64) -> Result<Vec<Arc<DataFile>>> {
        let state = view.state();
        let is_due = |file: &&Arc<DataFile>| file.dead.iter().any(|dead| dead.snapshot <= until);
        let mut files: Vec<_> = state.files.iter().filter(is_due).cloned().collect();
        let Some(table) = state.table.id.filter(|_| !files.is_empty()) else {
            return Ok(Vec::new());
        };
        let mut tx = self.host().begin_read().await?;
        let former = self.catalog().former_delete_files(&mut *tx, table).await?;
        // A delete file that begins before another ended would count beside it for whoever looks back.
        files.retain(|file| {
            let ended = former.get(&file.id).copied().unwrap_or(i64::MIN);
            file.dead.iter().all(|dead| dead.snapshot >= ended)
        });
        files.truncate(FILES);
        Ok(files)
    }

    async fn stage_deletes(
        &self,
        view: &ArchiveView,
        batch: &str,
        root: &str,
        file: &DataFile,
    ) -> Result<Staged> {
        let mut dead: BTreeMap<u64, i64> = BTreeMap::new();
        let mut add = |row: DeadRow| {
            let died = dead.entry(row.position).or_insert(row.snapshot);
            *died = row.snapshot.min(*died);
        };
        if let Some(old) = &file.delete_file
            && !mutation("flush_noncumulative")
        {
            self.0
                .reader
                .named_dead(old)
                .await?
                .into_iter()
                .for_each(&mut add);
        }
        file.dead.iter().copied().for_each(&mut add);
        let rows: Vec<DeadRow> = dead
            .into_iter()
            .map(|(position, snapshot)| DeadRow { position, snapshot })
            .collect();
        let died = rows.iter().map(|dead| dead.snapshot);
        let first = died.clone().min().unwrap_or(file.begin_snapshot);
        // Rows that were dead from the beginning need no snapshot each: every reader knows files without.
        let last = died.max().filter(|last| *last > file.begin_snapshot);
        let encoded = encode(&format!("{root}{}", file.path), &rows, last.is_some())?;
        let folder = file.path.rfind('/').map_or(0, |at| at + 1);
        let folder = match file.path[..folder].starts_with(&*view.state().table.path) {
            true => &file.path[..folder],
            false => &view.state().table.path,
        };
        let name = format!("{batch}-{}-deletes.parquet", fingerprint(&encoded.bytes));
        Ok(Staged {
            file: NewFile::Deletes(NewDeleteFile {
                data_file: file.id,
                path: format!("{folder}{name}").into(),
                rows: rows.len() as u64,
                size: encoded.bytes.len() as u64,
                footer_size: encoded.footer_size,
                begin_snapshot: first,
                partial_max: last,
                inlined: file.dead.to_vec(),
                replaced: file.delete_file.clone(),
            }),
            bytes: encoded.bytes,
        })
    }

    /// Where other readers look for the files.
    async fn root_of_others(&self) -> Result<String> {
        let mut tx = self.host().begin_read().await?;
        let other = self.catalog().foreign_data_path(&mut *tx).await?;
        Ok(other.unwrap_or_else(|| self.0.blobs.root()))
    }
}

/// Nothing but the flush itself.
struct Flush;

#[async_trait]
impl Companion for Flush {
    /// What was added since the files were read stays inlined; where what they were made of is another, they are useless.
    fn archived(&mut self, base: &CatalogState, change: &mut Change) -> Half {
        let is_good = change.flushed.iter().all(|new| is_still(base, new));
        match is_good || mutation("flush_reregister_only") {
            true => Half::Done,
            false => Half::Nothing,
        }
    }
}

/// Whether a data file still has all that a delete file was made of.
fn is_still(base: &CatalogState, new: &NewDeleteFile) -> bool {
    base.file(new.data_file).is_some_and(|file| {
        file.delete_file.as_ref().map(|old| old.id) == new.replaced.as_ref().map(|old| old.id)
            && (new.inlined.iter()).all(|dead| file.dead.binary_search(dead).is_ok())
    })
}
