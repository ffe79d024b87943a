//! Writing to an archive that stands alone.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use super::ParquetArchive;
use super::decide::Decision;
use crate::archive::catalog::{CatalogState, Change, Place, new_batch_id};
use crate::archive::publish::{Companion, Half, Job, Published, Staged};
use crate::archive::segment::SegmentRow;
use crate::archive::stage::{cut, stage};
use crate::archive::view::Lookup;
use crate::{AgeAt, Error, Record, Result, Write, Written};

/// How often a batch starts again because others changed the very records that it writes.
const ATTEMPTS: usize = 16;

impl ParquetArchive {
    /// Applies a batch: what it stores becomes visible, and what it replaces dead, in one transaction.
    pub(super) async fn write_batch(&self, writes: Vec<Write>) -> Result<Vec<Written>> {
        let _turn = self.0.writing.lock().await;
        let ids: Vec<&str> = writes.iter().map(|write| write.id().as_str()).collect();
        let mut lookup = Lookup::new(&ids);
        let now = self.0.clock.now();
        for _ in 0..ATTEMPTS {
            let view = self.view().await?;
            lookup.load(&view).await?;
            let located = lookup.resolve(view.state()).unwrap_or_default();
            let decision = Decision::of(&writes, located, now);
            if decision.is_empty() {
                return Ok(decision.written);
            }
            let batch = new_batch_id();
            let staged = self.stage_all(&batch, &decision.records, now).await?;
            let mut companion = Rewrite {
                archive: self,
                writes: &writes,
                lookup,
                decision,
                now,
            };
            let published = self
                .publisher()
                .publish(
                    Job {
                        batch: &batch,
                        message: "write",
                    },
                    staged,
                    &mut companion,
                )
                .await?;
            match published {
                Published::At(_) => return Ok(companion.decision.written),
                Published::Nothing => lookup = companion.lookup,
            }
        }
        Err(Error::conflict(
            "other programs changed the same archived records every time; try again later",
        )
        .with("collection", self.collection())
        .with("attempts", ATTEMPTS))
    }

    /// Encodes records: at least one segment for every month of age.
    async fn stage_all(
        &self,
        batch: &str,
        records: &[Arc<Record>],
        now: Timestamp,
    ) -> Result<Vec<Staged>> {
        if records.is_empty() {
            return Ok(Vec::new());
        }
        let table = self.table_for(records.iter().map(AsRef::as_ref)).await?;
        let rows = records.iter().map(|record| {
            let age = match self.0.age.of(record) {
                AgeAt::At(at) => at,
                AgeAt::Absent | AgeAt::Unreadable(_) => now,
            };
            SegmentRow::new(Arc::clone(record), age)
        });
        let mut staged = Vec::new();
        for rows in cut(rows) {
            staged.push(stage(&table, batch, Arc::new(rows), now).await?);
        }
        Ok(staged)
    }

    /// Ends every file and every inlined row.
    pub(super) async fn end_everything(&self) -> Result<()> {
        let _turn = self.0.writing.lock().await;
        let view = self.view().await?;
        if view.state().files.is_empty() && view.state().inlined.is_empty() {
            return Ok(());
        }
        self.publisher()
            .publish(
                Job {
                    batch: &new_batch_id(),
                    message: "clear",
                },
                Vec::new(),
                &mut End,
            )
            .await?;
        Ok(())
    }
}

/// The half of a batch that an archive alone has: what its records replace dies.
#[derive(Debug)]
struct Rewrite<'a> {
    archive: &'a ParquetArchive,
    writes: &'a [Write],
    lookup: Lookup,
    decision: Decision,
    now: Timestamp,
}

#[async_trait]
impl Companion for Rewrite<'_> {
    async fn prepare(&mut self) -> Result<()> {
        self.lookup.load(&self.archive.view().await?).await
    }

    /// Decides once more, by what the ids hold now. Where another program changed what would be stored, the segments
    /// that were uploaded are of no use.
    fn archived(&mut self, base: &CatalogState, change: &mut Change) -> Half {
        let Some(located) = self.lookup.resolve(base) else {
            return Half::Unprepared;
        };
        let decision = Decision::of(self.writes, located, self.now);
        let is_usable = decision.stores_the_same(&self.decision);
        self.decision = decision;
        if !is_usable || self.decision.is_empty() {
            return Half::Nothing;
        }
        change.dead.extend_from_slice(&self.decision.dead);
        Half::Done
    }
}

/// The end of everything that is there.
struct End;

#[async_trait]
impl Companion for End {
    fn archived(&mut self, base: &CatalogState, change: &mut Change) -> Half {
        change.ended.extend(base.files.iter().map(|file| file.id));
        change
            .dead
            .extend(base.inlined.iter().map(|row| Place::Inlined {
                table: Arc::clone(&row.table),
                row_id: row.row_id,
            }));
        Half::Done
    }
}
