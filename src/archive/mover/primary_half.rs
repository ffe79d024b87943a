//! The primary's half of a move: the conditional delete, and what follows from what it did not delete.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;

use crate::archive::ParquetArchive;
use crate::archive::catalog::{CatalogState, Change};
use crate::archive::publish::{Companion, Half};
use crate::archive::stage::Rows;
use crate::archive::view::{Located, Lookup};
use crate::catalog_host::HostTransaction;
use crate::fault::mutation;
use crate::{Record, RecordId, Result};

/// Deletes from the primary those records that are still as they were read. A record that is not deleted (it changed,
/// vanished or was locked) stays the primary's, and its row is dead in the segment from the start.
#[derive(Debug)]
pub(super) struct PrimaryHalf<'a> {
    archive: &'a ParquetArchive,
    /// The records of each segment, in the order of its rows.
    rows: Vec<Vec<Arc<Record>>>,
    lookup: Lookup,
    gone: HashSet<RecordId>,
    pub(super) moved: u64,
    pub(super) moved_bytes: u64,
    pub(super) repaired: u64,
}

impl<'a> PrimaryHalf<'a> {
    pub(super) fn new(archive: &'a ParquetArchive, segments: &[Arc<Rows>]) -> Self {
        let records = |segment: &Arc<Rows>| {
            segment
                .rows
                .iter()
                .map(|row| Arc::clone(&row.record))
                .collect()
        };
        let rows: Vec<Vec<Arc<Record>>> = segments.iter().map(records).collect();
        let ids: Vec<&str> = rows
            .iter()
            .flatten()
            .map(|record| record.id().as_str())
            .collect();
        Self {
            archive,
            lookup: Lookup::new(&ids),
            rows,
            gone: HashSet::new(),
            moved: 0,
            moved_bytes: 0,
            repaired: 0,
        }
    }
}

#[async_trait]
impl Companion for PrimaryHalf<'_> {
    async fn prepare(&mut self) -> Result<()> {
        let view = self.archive.view().await?;
        self.lookup.load(&view).await
    }

    async fn primary(&mut self, tx: &mut dyn HostTransaction, change: &mut Change) -> Result<Half> {
        (self.moved, self.moved_bytes) = (0, 0);
        self.gone.clear();
        for (rows, file) in self.rows.iter().zip(&mut change.added) {
            self.gone.extend(tx.delete_unchanged(rows).await?);
            let mut excluded = Vec::new();
            for (position, record) in (0..).zip(rows) {
                if self.gone.contains(record.id()) {
                    self.moved += 1;
                    self.moved_bytes += record.bytes() as u64;
                } else {
                    excluded.push(position);
                }
            }
            if !mutation("excluded_forgotten") {
                file.excluded = excluded;
            }
        }
        Ok(if self.moved == 0 {
            Half::Nothing
        } else {
            Half::Done
        })
    }

    /// An older live copy of a moved record, which another program had put back into the primary, dies.
    fn archived(&mut self, base: &CatalogState, change: &mut Change) -> Half {
        if mutation("publish_ignores_archived_copy") {
            return Half::Done;
        }
        let Some(located) = self.lookup.resolve(base) else {
            return Half::Unprepared;
        };
        let records = self.rows.iter().flatten();
        let copies = records
            .zip(located)
            .filter(|(record, _)| self.gone.contains(record.id()));
        let before = change.dead.len();
        change.dead.extend(
            copies.flat_map(|(_, located)| located.into_iter().flat_map(Located::into_places)),
        );
        self.repaired = (change.dead.len() - before) as u64;
        Half::Done
    }
}
