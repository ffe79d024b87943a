//! Writes over both tiers, in one transaction: a record that is archived is met where it lies.
//!
//! Only an id that the primary does not hold can be archived, so the primary is written first and says which ones those
//! are. They are looked up in memory; where that does not tell, the transaction is rolled back, what is missing is fetched
//! and the write starts again. Then the primary's half is mended, the archived rows die, and both become visible at once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::JoinedTiers;
use super::sought::Sought;
use crate::archive::{CatalogState, Change, Located, ParquetArchive, Place};
use crate::catalog_host::HostTransaction;
use crate::fault::{mutation, step};
use crate::sql::Dialect;
use crate::telemetry::Operation;
use crate::tiered::batch::runs;
use crate::tiered::builder::Ids;
use crate::tiered::cold::of_archive;
use crate::write::Effect;
use crate::{Error, Op, RecordId, Result, Write, Written};

/// How often a write starts again: once to fetch what it needs, and as often as others change the catalog meanwhile.
const ATTEMPTS: usize = 64;

enum Attempt {
    Done(Vec<Written>),
    /// Something is not in memory.
    Unprepared,
    /// Somebody else changed the catalog.
    Overtaken,
}

/// What a batch does to the archive.
#[derive(Default)]
struct Toll {
    /// The state that every run of the batch saw.
    base: Option<Arc<CatalogState>>,
    dead: Vec<Place>,
    /// Ids whose archived row is among the dead.
    taken: HashSet<RecordId, RandomState>,
}

impl JoinedTiers {
    pub(super) async fn apply(&self, writes: Vec<Write>) -> Result<Vec<Written>> {
        let runs = runs(writes);
        let mut sought = Sought::default();
        for _ in 0..ATTEMPTS {
            match self.attempt(&runs, &mut sought).await {
                Ok(Attempt::Done(written)) => return Ok(written),
                Ok(Attempt::Unprepared) => self.fetch(&mut sought).await?,
                Ok(Attempt::Overtaken) => {}
                Err(error) if self.host.is_collision(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::unavailable(
            "others changed the archive's catalog at every attempt; nothing was written, try again",
        )
        .with("attempts", ATTEMPTS))
    }

    async fn fetch(&self, sought: &mut Sought) -> Result<()> {
        let view = self.archive.view().await?;
        let load = self
            .guards
            .archive
            .run(Operation::Write, sought.load(&view));
        match load.await {
            Err(error) => match self.archive.judged(&view, error).await {
                // Gone with a former state: the next attempt sees the newer one.
                error if ParquetArchive::is_rewritten(&error) => Ok(()),
                error => Err(of_archive(error)),
            },
            Ok(()) => Ok(()),
        }
    }

    /// One transaction. An error, or anything but `Done`, says that it was rolled back.
    async fn attempt(&self, runs: &[Vec<Write>], sought: &mut Sought) -> Result<Attempt> {
        let mut tx = step("write.begin", self.host.begin_write()).await?;
        let mut toll = Toll::default();
        let mut outcomes = Vec::new();
        for run in runs {
            let mut written = step("write.primary", tx.apply(run)).await?;
            let open: Vec<usize> = (0..run.len())
                .filter(|number| {
                    self.may_be_archived(&run[*number], &written[*number])
                        && !toll.taken.contains(run[*number].id())
                })
                .collect();
            if !open.is_empty() {
                // Read after the rows were written: a move that they waited for is in it.
                let base = self.archive.catalog().state(&mut *tx).await?;
                if toll.base.as_ref().is_some_and(|seen| seen.key != base.key) {
                    return Ok(Attempt::Overtaken);
                }
                toll.base = Some(Arc::clone(&base));
                if !base.files.is_empty() || !base.inlined.is_empty() {
                    let view = self.archive.view_of(Arc::clone(&base));
                    let ids = open.iter().map(|number| run[*number].id());
                    sought.cover(ids, &view).await?;
                    if mutation("fetch_under_lock") {
                        sought.load(&view).await?;
                    }
                    let Some(found) = sought.resolve(&base) else {
                        return Ok(Attempt::Unprepared);
                    };
                    if self.came_back(&mut *tx, run, &written, &found).await? {
                        return Ok(Attempt::Overtaken);
                    }
                    let met = open
                        .into_iter()
                        .filter_map(|number| Some((number, found.get(run[number].id())?)));
                    self.meet(&mut *tx, run, met.collect(), &mut written, &mut toll)
                        .await?;
                }
            }
            outcomes.append(&mut written);
        }
        if !self.bury(&mut *tx, toll).await? {
            return Ok(Attempt::Overtaken);
        }
        step("write.commit", tx.commit()).await?;
        Ok(Attempt::Done(outcomes))
    }

    /// Whether the primary's answer leaves it open that the archive holds the id.
    fn may_be_archived(&self, write: &Write, written: &Written) -> bool {
        let is_lacking = matches!(written, Written::Created(_) | Written::Missing);
        let is_spared = self.ids == Ids::NeverReused && matches!(write.op, Op::Create(_));
        is_lacking && !is_spared
    }

    /// Whether a record that the primary lacked is there now: somebody took it out of the archive meanwhile.
    ///
    /// Where writers wait for each other from the start, nobody can.
    async fn came_back(
        &self,
        tx: &mut dyn HostTransaction,
        run: &[Write],
        written: &[Written],
        found: &HashMap<RecordId, Located, RandomState>,
    ) -> Result<bool> {
        if self.host.dialect() == Dialect::Sqlite || mutation("delete_once") {
            return Ok(false);
        }
        let missing: Vec<&str> = run
            .iter()
            .zip(written)
            .filter(|(write, written)| {
                matches!(written, Written::Missing) && found.get(write.id()).is_none()
            })
            .map(|(write, _)| write.id().as_str())
            .collect();
        if missing.is_empty() {
            return Ok(false);
        }
        let there = tx.read_many(&missing).await?;
        Ok(there.iter().any(Option::is_some))
    }

    /// Does to archived records what the primary could not know of.
    async fn meet(
        &self,
        tx: &mut dyn HostTransaction,
        run: &[Write],
        met: Vec<(usize, &Located)>,
        written: &mut [Written],
        toll: &mut Toll,
    ) -> Result<()> {
        let now = self.clock.now();
        let mut mends: Vec<(usize, Write)> = Vec::new();
        for (number, located) in met {
            let id = run[number].id().clone();
            match run[number].clone().against(Some(&located.record), now) {
                Effect::Refused(refused) => {
                    if matches!(written[number], Written::Created(_)) {
                        mends.push((number, Op::Delete(id).into()));
                    }
                    written[number] = refused;
                    continue;
                }
                Effect::Remove => written[number] = Written::Deleted,
                Effect::Store { record, .. } => {
                    mends.push((number, Op::Put(Arc::new(record)).into()));
                }
            }
            toll.dead.extend(located.clone().into_places());
            toll.taken.insert(id);
        }
        if mends.is_empty() {
            return Ok(());
        }
        let (numbers, mends): (Vec<usize>, Vec<Write>) = mends.into_iter().unzip();
        for (number, mended) in numbers.into_iter().zip(tx.apply(&mends).await?) {
            match mended {
                Written::Created(version) | Written::Updated(version) => {
                    written[number] = Written::Updated(version);
                }
                Written::Deleted => {}
                other => {
                    return Err(Error::unexpected(
                        "a primary that was just written refused the same id",
                    )
                    .with("id", run[number].id())
                    .with("outcome", format_args!("{other:?}")));
                }
            }
        }
        Ok(())
    }

    /// Marks the archived rows dead, with a snapshot of the catalog; false if somebody else took it.
    async fn bury(&self, tx: &mut dyn HostTransaction, toll: Toll) -> Result<bool> {
        let (Some(base), false) = (toll.base, toll.dead.is_empty()) else {
            return Ok(true);
        };
        let change = Change {
            dead: toll.dead,
            ..Change::default()
        };
        self.commit_catalog(tx, &base, &change, "write").await
    }

    /// Removes all records of both tiers at once.
    pub(super) async fn clear_both(&self) -> Result<()> {
        for _ in 0..ATTEMPTS {
            match self.clear_once().await {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) if self.host.is_collision(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::unavailable(
            "others changed the archive's catalog at every attempt; nothing was removed, try again",
        )
        .with("attempts", ATTEMPTS))
    }

    /// One transaction; false if somebody else changed the catalog meanwhile.
    async fn clear_once(&self) -> Result<bool> {
        let mut tx = self.host.begin_write().await?;
        tx.clear().await?;
        let base = self.archive.catalog().state(&mut *tx).await?;
        let inlined = base.inlined.iter().map(|row| Place::Inlined {
            table: Arc::clone(&row.table),
            row_id: row.row_id,
        });
        let change = Change {
            ended: base.files.iter().map(|file| file.id).collect(),
            dead: inlined.collect(),
            ..Change::default()
        };
        let is_nothing = change.ended.is_empty() && change.dead.is_empty();
        let is_clear = is_nothing
            || self
                .commit_catalog(&mut *tx, &base, &change, "clear")
                .await?;
        if is_clear {
            tx.commit().await?;
        }
        Ok(is_clear)
    }

    async fn commit_catalog(
        &self,
        tx: &mut dyn HostTransaction,
        base: &CatalogState,
        change: &Change,
        message: &'static str,
    ) -> Result<bool> {
        let catalog = self.archive.catalog();
        let now = self.clock.now();
        let key = catalog.commit(tx, base, change, now, message).await?;
        Ok(key.is_some())
    }
}
