//! The steps of the demo.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::{
    BlobRequests, Database, DatabaseExt, Error, Op, Order, ParquetArchive, Policy, Query,
    ReadSource, Record, Store, TieredDatabase, Tiers, Write, Written,
};
use futures::TryStreamExt;
use jiff::Timestamp;

use super::flights::flights;
use super::story::{Story, median};
use crate::cli::archive;
use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::people::{counted, duration, number, size, table};
use crate::cli::progress::{Progress, Unit};

/// How many records are read to tell a time: the middle one is told.
const READS: usize = 1_000;

/// The demo's collection and what it needs on its way.
pub(super) struct Demo<'a> {
    flights: TieredDatabase,
    tiers: Tiers,
    archive: ParquetArchive,
    policy: Policy,
    now: Timestamp,
    pub(super) dir: &'a Path,
    context: &'a Context,
}

/// What the demo shows of a flight.
#[derive(serde::Deserialize)]
struct Flight<'a> {
    origin: &'a str,
    dep_delay: Option<i64>,
}

/// What is there at the end, counted.
#[derive(Debug, Default)]
pub(super) struct Figures {
    pub(super) records: u64,
    pub(super) archived: u64,
    pub(super) primary: u64,
    pub(super) segments: u64,
    pub(super) archive_bytes: u64,
    pub(super) primary_bytes: u64,
}

impl<'a> Demo<'a> {
    pub(super) fn new(
        store: &Store,
        now: Timestamp,
        dir: &'a Path,
        context: &'a Context,
    ) -> Result<Self, Failure> {
        let tiers = store.tiers("flights")?;
        let missing = || Error::unexpected("the demo's configuration has no archive or no policy");
        Ok(Self {
            flights: store.collection("flights")?,
            archive: tiers.archive.clone().ok_or_else(missing)?,
            tiers,
            policy: store
                .config()
                .policies_of("flights")
                .next()
                .ok_or_else(missing)?
                .clone(),
            now,
            dir,
            context,
        })
    }

    /// Plays all steps; none if it was interrupted.
    pub(super) async fn play(&self, story: &mut Story) -> Result<Option<Figures>, Failure> {
        let mut figures = Figures::default();
        let Some(ids) = self.load(story, &mut figures).await? else {
            return Ok(None);
        };
        self.read(story, &ids).await?;
        if !self.archive(story).await? {
            return Ok(None);
        }
        self.look_up(story).await?;
        self.search(story).await?;
        self.write(story).await?;
        self.sum_up(story, &mut figures).await?;
        self.go_on(story, &figures)?;
        Ok(Some(figures))
    }

    /// Writes all flights to the primary; a selection of their ids.
    async fn load(
        &self,
        story: &mut Story,
        figures: &mut Figures,
    ) -> Result<Option<Vec<String>>, Failure> {
        story.step("Load: every flight that left New York City in 2013")?;
        let (total, mut batches) = flights()?;
        let began = Instant::now();
        let mut progress = Progress::new("load", Unit::Records, Some(total));
        let mut ids = Vec::with_capacity(READS);
        let every = (total / READS as u64).max(1);
        let mut bytes = 0;
        while let Some(batch) = batches.recv().await {
            if self.context.stop.is_cancelled() {
                return Ok(None);
            }
            let batch = batch?;
            let mut writes = Vec::with_capacity(batch.len());
            for record in batch {
                if (figures.records + writes.len() as u64).is_multiple_of(every) {
                    ids.push(record.id().to_string());
                }
                bytes += record.bytes() as u64;
                writes.push(Write::from(Op::Create(Arc::new(record))));
            }
            figures.records += created(self.flights.write(writes).await?)?;
            progress.set(figures.records);
        }
        progress.finish();
        let took = story.took("load", began);
        let began = Instant::now();
        self.flights.archiver().prepare().await?;
        let prepared = story.took("prepare", began);
        let stored = self.primary_bytes().await?;
        story.tell(&format!(
            "{} records in {}: {} a second, each batch of {} durable before the next",
            number(figures.records),
            duration(took),
            number(rate(figures.records, took)),
            number(super::flights::BATCH as u64),
        ))?;
        story.tell(&format!(
            "{} of JSON became {} of SQLite, with an index on the age made in {}",
            size(bytes),
            size(stored),
            duration(prepared)
        ))?;
        Ok(Some(ids))
    }

    /// Reads the same records twice: from where they lie, then from memory.
    async fn read(&self, story: &mut Story, ids: &[String]) -> Result<(), Failure> {
        story.step("Read: what was read once is in memory")?;
        let began = Instant::now();
        let (cold, from) = self.times(ids).await?;
        let (hot, then) = self.times(ids).await?;
        story.took("read", began);
        let mut times = table(["", "from", "a read takes"], &[2]);
        times.add_row(["first time".to_owned(), from.to_string(), median(cold)]);
        times.add_row(["second time".to_owned(), then.to_string(), median(hot)]);
        story.table(&times)?;
        story.tell(&format!(
            "the middle one of {} flights spread over the year",
            number(ids.len() as u64)
        ))
    }

    async fn times(&self, ids: &[String]) -> Result<(Vec<Duration>, ReadSource), Failure> {
        let mut times = Vec::with_capacity(ids.len());
        let mut last = ReadSource::Miss;
        for id in ids {
            let began = Instant::now();
            let (_, source) = self.flights.read_with_source(id).await?;
            times.push(began.elapsed());
            last = source;
        }
        Ok((times, last))
    }

    /// Moves what is old; false if it was interrupted.
    async fn archive(&self, story: &mut Story) -> Result<bool, Failure> {
        story.step("Archive: what is older than 90 days at 2014-01-01 moves into Parquet")?;
        let archiver = || {
            self.flights
                .archiver()
                .policy(self.policy.name())
                .at(self.now)
        };
        let began = Instant::now();
        let plans = archiver().plan().await?;
        let plan = plans.first().ok_or_else(|| Error::unexpected("no plan"))?;
        let took = story.took("plan", began);
        story.tell(&format!(
            "a dry run of {}: {} would move, {} stay",
            duration(took),
            number(plan.rows),
            number(plan.stay.values().sum()),
        ))?;
        let began = Instant::now();
        let report = archive::run(self.context, archiver(), Some(plan.rows)).await?;
        if report.stopped {
            return Ok(false);
        }
        let took = story.took("archive", began);
        story.tell(&format!(
            "{} records moved in {}: {} a second, in {}",
            number(report.moved),
            duration(took),
            number(rate(report.moved, took)),
            counted(report.batches, "transaction"),
        ))?;
        story.tell(&format!(
            "{} of JSON became {} segments of {}: {} bytes a record",
            size(report.moved_bytes),
            number(report.segments),
            size(report.bytes),
            number(report.bytes / report.moved.max(1)),
        ))?;
        Ok(true)
    }

    /// Reads archived records by id, counting what that asks of the files.
    async fn look_up(&self, story: &mut Story) -> Result<(), Failure> {
        story.step("Look up: an archived flight by its id")?;
        let began = Instant::now();
        let mut lookups = table(["", "from", "takes", "requests", "bytes"], &[2, 3, 4]);
        for (what, id) in [
            ("the first in its segment", "UA1714-2013-01-01T10:00:00Z"),
            ("another in that segment", "AA1141-2013-01-01T10:00:00Z"),
            ("the first one again", "UA1714-2013-01-01T10:00:00Z"),
            ("one that never flew", "UA1714-2013-01-01T10:00:01Z"),
        ] {
            let before = self.requests();
            let began = Instant::now();
            let (_, source) = self.flights.read_with_source(id).await?;
            let took = began.elapsed();
            let asked = self.requests().since(before);
            lookups.add_row([
                what.to_owned(),
                source.to_string(),
                duration(took),
                number(asked.reads),
                size(asked.read_bytes),
            ]);
        }
        story.took("lookup", began);
        story.table(&lookups)
    }

    /// Searches across the border.
    async fn search(&self, story: &mut Story) -> Result<(), Failure> {
        story.step("Search: both sides of the border, in one order, as of one moment")?;
        let filter = "dest = 'SFO' and carrier = 'UA' and time_hour > '2013-10-02T20' and time_hour < '2013-10-03T03'";
        story.tell(filter)?;
        let query = Query::filter(filter)?
            .sort("time_hour", Order::Asc)?
            .limit(8);
        let began = Instant::now();
        let found: Vec<_> = self
            .flights
            .search_with_source(query)
            .await?
            .try_collect()
            .await?;
        let took = story.took("search", began);
        let mut rows = table(["id", "source", "origin", "delay"], &[3]);
        for (record, source) in &found {
            let flight: Flight<'_> = record.parse()?;
            rows.add_row([
                record.id().to_string(),
                source.to_string(),
                flight.origin.to_owned(),
                flight
                    .dep_delay
                    .map_or_else(String::new, |delay| format!("{delay} min")),
            ]);
        }
        story.table(&rows)?;
        story.tell(&format!("{} flights in {}", found.len(), duration(took)))
    }

    /// Updates one archived flight and deletes another.
    async fn write(&self, story: &mut Story) -> Result<(), Failure> {
        story.step("Write: archived flights are updated and deleted like any other")?;
        let began = Instant::now();
        let mut rows = table(["", "before", "after", "takes"], &[3]);
        let (kept, gone) = ("B6725-2013-01-01T10:00:00Z", "DL461-2013-01-01T11:00:00Z");

        let (record, before) = self.flights.read_with_source(kept).await?;
        let record = record.ok_or_else(|| missing(kept))?;
        let fields = record
            .fields()
            .replacen('{', "{\"note\":\"rewritten by the demo\",", 1);
        let one = Instant::now();
        self.flights
            .upsert(Record::from_json(kept, &fields)?)
            .await?;
        let took = one.elapsed();
        let after = self.flights.read_with_source(kept).await?.1;
        rows.add_row([
            format!("update {kept}"),
            of(before),
            of(after),
            duration(took),
        ]);

        let before = self.flights.read_with_source(gone).await?.1;
        let one = Instant::now();
        self.flights.delete(gone).await?;
        let took = one.elapsed();
        let after = self.flights.read_with_source(gone).await?.1;
        rows.add_row([
            format!("delete {gone}"),
            of(before),
            of(after),
            duration(took),
        ]);
        story.took("write", began);
        story.table(&rows)
    }

    /// Counts what lies where.
    async fn sum_up(&self, story: &mut Story, figures: &mut Figures) -> Result<(), Failure> {
        story.step("In the end")?;
        let began = Instant::now();
        let contents = self.archive.contents().await?;
        figures.primary = self.tiers.primary.count(&Query::all()).await?;
        figures.primary_bytes = self.primary_bytes().await?;
        figures.archived = self.archive.count(&Query::all()).await?;
        figures.segments = contents.segments;
        figures.archive_bytes = contents.bytes;
        story.took("count", began);
        let mut tiers = table(["tier", "records", "bytes", ""], &[1, 2]);
        if let Some(hot) = self.flights.hot_usage() {
            let what = "copies in this process's memory".to_owned();
            tiers.add_row(["hot".to_owned(), number(hot.entries), size(hot.bytes), what]);
        }
        tiers.add_row([
            "primary".to_owned(),
            number(figures.primary),
            size(figures.primary_bytes),
            "thermocline.db, SQLite, the catalog in it too".to_owned(),
        ]);
        tiers.add_row([
            "archive".to_owned(),
            number(figures.archived),
            size(figures.archive_bytes),
            format!("archive/, {} Parquet segments", number(figures.segments)),
        ]);
        story.table(&tiers)?;
        story.tell(&format!(
            "{} loaded, 1 deleted, {} there",
            number(figures.records),
            number(figures.primary + figures.archived),
        ))
    }

    fn requests(&self) -> BlobRequests {
        self.tiers
            .blobs
            .as_ref()
            .map(|blobs| blobs.requests())
            .unwrap_or_default()
    }

    async fn primary_bytes(&self) -> Result<u64, Failure> {
        match self.tiers.primary.catalog_host() {
            Some(host) => Ok(host.storage().await?.bytes),
            None => Ok(0),
        }
    }
}

/// How many were new; anything else is a failure of the demo.
fn created(outcomes: Vec<Written>) -> Result<u64, Failure> {
    let mut count = 0;
    for outcome in outcomes {
        match outcome {
            Written::Created(_) => count += 1,
            Written::Failed(error) => return Err(error.into()),
            other => {
                return Err(Error::unexpected("a flight was not new")
                    .with("outcome", format_args!("{other:?}"))
                    .into());
            }
        }
    }
    Ok(count)
}

fn missing(id: &str) -> Failure {
    Error::unexpected("a flight is gone").with("id", id).into()
}

fn of(source: ReadSource) -> String {
    match source {
        ReadSource::Miss => "absent".to_owned(),
        source => source.to_string(),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a rate for people"
)]
fn rate(count: u64, took: Duration) -> u64 {
    (count as f64 / took.as_secs_f64().max(1e-6)) as u64
}
