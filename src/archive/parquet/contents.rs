//! What lies in an archive, and where a record lies in it.

use std::sync::Arc;

use super::ParquetArchive;
use crate::archive::catalog::{ArchiveRun, CatalogState, Place};
use crate::telemetry::Stock;
use crate::{Error, Record, Result};

/// What lies in an archive at one snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ArchiveContents {
    /// The catalog's snapshot.
    pub snapshot: i64,
    /// Live records.
    pub records: u64,
    /// Segments.
    pub segments: u64,
    /// Bytes of the segments.
    pub bytes: u64,
    /// Rows of the segments that are dead: replaced, deleted, or not moved after all.
    pub dead_rows: u64,
    /// Those of the dead rows that stand in the catalog's SQL and in no delete file.
    pub inlined_deletes: u64,
    /// Live records that DuckDB keeps in the catalog itself.
    pub inlined_records: u64,
    /// Where the segments lie.
    pub root: String,
    /// Where other readers look for them, if that is another place:
    /// [`adopt_folder`](ParquetArchive::adopt_folder) tells them.
    pub elsewhere: Option<String>,
}

/// Where an archived record lies.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ArchivedAt {
    /// The catalog's snapshot that was asked.
    pub snapshot: i64,
    /// The segment's path below the archive's root; none where DuckDB keeps the record in the catalog itself.
    pub segment: Option<String>,
    /// Rows of the segment, dead ones too.
    pub segment_rows: u64,
    /// Bytes of the segment.
    pub segment_bytes: u64,
    /// The snapshot with which the segment became visible.
    pub since: i64,
    /// The row's position in the segment, from 0.
    pub position: u64,
    /// Older live rows of the same id, which another program left: a read finds this one, searches and counts find each,
    /// and the next write of the id ends them all.
    pub older_rows: u64,
}

impl ParquetArchive {
    /// Tells what lies in the archive now; no segment is read.
    ///
    /// # Errors
    /// `Unavailable`: the catalog's database. `Corrupt`: the catalog.
    pub async fn contents(&self) -> Result<ArchiveContents> {
        self.check_open()?;
        let view = self.view().await?;
        let mut tx = self.0.host.begin_read().await?;
        let elsewhere = self.0.catalog.foreign_data_path(&mut *tx).await?;
        Ok(ArchiveContents {
            root: self.0.blobs.root(),
            elsewhere,
            ..counted(view.state())
        })
    }

    /// Sets the gauges of what lies in the archive: one statement where nothing has changed and nothing waits for a flush.
    pub(crate) async fn observe(&self) -> Result<()> {
        let view = self.view().await?;
        let found = counted(view.state());
        let oldest_inlined = match self.0.catalog.flushes() {
            true => self.oldest_inlined(view.state()).await?,
            false => 0,
        };
        self.metrics().holds(Stock {
            records: found.records,
            segments: found.segments,
            bytes: found.bytes,
            dead_rows: found.dead_rows,
            inlined_deletes: found.inlined_deletes,
            oldest_inlined,
            snapshot: found.snapshot,
        });
        Ok(())
    }

    /// When the first of the rows died that only the catalog's SQL names, in seconds since 1970; 0 if there is none.
    async fn oldest_inlined(&self, state: &CatalogState) -> Result<i64> {
        let dead = state.files.iter().flat_map(|file| &*file.dead);
        let Some(first) = dead.map(|row| row.snapshot).min() else {
            return Ok(0);
        };
        let mut tx = self.0.host.begin_read().await?;
        let died = self.0.catalog.time_since(&mut *tx, first).await?;
        Ok(died.map_or(0, |died| died.as_second()))
    }

    /// The last runs of the collection's policies, the newest first; those of one policy, if it is named.
    pub(crate) async fn runs(&self, policy: Option<&str>, most: usize) -> Result<Vec<ArchiveRun>> {
        self.check_open()?;
        let mut tx = self.0.host.begin_read().await?;
        self.0.catalog.runs(&mut *tx, policy, most).await
    }

    /// Tells other readers that the segments lie where this archive finds them, after its folder was moved.
    ///
    /// Whether they looked elsewhere: where they did not, nothing is changed.
    ///
    /// # Errors
    /// `Invalid`: a live segment is not there, or has another size, so this is not the archive's folder; nothing is
    /// changed.
    pub async fn adopt_folder(&self) -> Result<bool> {
        self.check_open()?;
        let view = self.view().await?;
        let mut tx = self.0.host.begin_read().await?;
        if self.0.catalog.foreign_data_path(&mut *tx).await?.is_none() {
            return Ok(false);
        }
        drop(tx);
        for file in &view.state().files {
            let found = self.0.blobs.size(&file.path).await?;
            if found != Some(file.size) {
                let found =
                    found.map_or_else(|| "missing".to_owned(), |size| format!("{size} bytes"));
                return Err(Error::invalid(
                    "a segment of the archive is not in this folder as it should be; name the folder that holds it",
                )
                .with("folder", self.0.blobs.root())
                .with("segment", &file.path)
                .with("expected", format_args!("{} bytes", file.size))
                .with("found", found));
            }
        }
        tx = self.0.host.begin_write().await?;
        self.0.catalog.correct_data_path(&mut *tx).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Finds a record and tells where it lies.
    ///
    /// # Errors
    /// As [`read`](crate::Database::read).
    pub async fn locate(&self, id: &str) -> Result<Option<(Arc<Record>, ArchivedAt)>> {
        self.ask(move |view| async move {
            let Some(located) = view.locate(&[id]).await?.pop().flatten() else {
                return Ok(None);
            };
            let place = ArchivedAt {
                older_rows: located.older.len() as u64,
                ..described(view.state(), located.place)
            };
            Ok(Some((located.record, place)))
        })
        .await
    }
}

fn counted(state: &CatalogState) -> ArchiveContents {
    let mut contents = ArchiveContents {
        snapshot: state.key.id,
        segments: state.files.len() as u64,
        inlined_records: state.inlined.len() as u64,
        ..ArchiveContents::default()
    };
    for file in &state.files {
        let inlined = file.dead.len() as u64;
        let in_file = file.delete_file.as_ref().map_or(0, |deletes| deletes.rows);
        contents.bytes += file.size;
        contents.records += file.rows.saturating_sub(inlined + in_file);
        contents.dead_rows += inlined + in_file;
        contents.inlined_deletes += inlined;
    }
    contents.records += contents.inlined_records;
    contents
}

fn described(state: &CatalogState, place: Place) -> ArchivedAt {
    let nowhere = ArchivedAt {
        snapshot: state.key.id,
        segment: None,
        segment_rows: 0,
        segment_bytes: 0,
        since: state.key.id,
        position: 0,
        older_rows: 0,
    };
    match place {
        Place::Inlined { .. } => nowhere,
        Place::File { file, position } => {
            let found = state.files.iter().find(|known| known.id == file);
            found.map_or(nowhere, |file| ArchivedAt {
                snapshot: state.key.id,
                segment: Some(file.path.to_string()),
                segment_rows: file.rows,
                segment_bytes: file.size,
                since: file.begin_snapshot,
                position,
                older_rows: 0,
            })
        }
    }
}
