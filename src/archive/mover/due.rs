//! Reads what is due, batch by batch, in the order of age.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::archive::segment::SegmentRow;
use crate::archive::slice::Slice;
use crate::archive::stage::{Rows, cut};
use crate::catalog_host::{CatalogHost, DueCursor, DueScan, SkipReason};
use crate::policy::{Policy, Verdict};
use crate::{Age, AgeAt, Filter, Prepared, Query, Record, Result};

/// Records of one batch by the month that they lie in.
type Months = BTreeMap<Slice, Vec<SegmentRow>>;

/// How many records are read at once; a batch may take several pages.
const PAGE: usize = 8192;

/// Which of the old records a [`DueReader`] is to meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Those that the policy's filter may take, as far as the database can tell: what a run needs.
    Candidates,
    /// All of them, so that the ones that stay are counted: what a plan needs.
    EveryOldRecord,
}

/// Walks over a collection in the order of age and hands out what a policy takes.
///
/// A batch ends where a month ends, unless one month fills it alone: the last month of a page is carried into the
/// next batch, so that months give few, large segments.
#[derive(Debug)]
pub(crate) struct DueReader<'a> {
    host: &'a dyn CatalogHost,
    policy: &'a Policy,
    age: &'a Age,
    matcher: Prepared,
    cutoff: Timestamp,
    reach: Reach,
    cursor: Option<DueCursor>,
    carried: Months,
    at_end: bool,
    /// Records that were met and stay, by the policy's verdict.
    pub(crate) stay: BTreeMap<Verdict, u64>,
    /// Records that were met and cannot be moved.
    pub(crate) skipped: BTreeMap<SkipReason, u64>,
}

impl<'a> DueReader<'a> {
    pub(crate) fn new(
        host: &'a dyn CatalogHost,
        policy: &'a Policy,
        age: &'a Age,
        now: Timestamp,
        reach: Reach,
    ) -> Result<Self> {
        Ok(Self {
            host,
            policy,
            age,
            matcher: Query::from(policy.only().clone()).prepare(now)?,
            cutoff: policy.cutoff(now)?,
            reach,
            cursor: None,
            carried: Months::new(),
            at_end: false,
            stay: BTreeMap::new(),
            skipped: BTreeMap::new(),
        })
    }

    /// The next batch; none at the end. No lock is held and no snapshot kept when it returns.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Rows>>> {
        let mut months = std::mem::take(&mut self.carried);
        let limit = self.policy.batches();
        let mut room = Room {
            rows: limit.rows,
            bytes: limit.bytes,
        };
        for row in months.values().flatten() {
            room.take(&row.record);
        }
        while !self.at_end && !room.is_full() && !is_cut_at_a_month(&months, limit.rows) {
            self.read_page(&mut months, &mut room).await?;
        }
        if !self.at_end && months.len() > 1 {
            // More may come for the newest month; it waits for that.
            self.carried.extend(months.pop_last());
        }
        Ok((!months.is_empty()).then(|| cut(months.into_values().flatten())))
    }

    async fn read_page(&mut self, months: &mut Months, room: &mut Room) -> Result<()> {
        let scan = DueScan {
            age: self.age,
            before: self.cutoff,
            filter: match self.reach {
                Reach::Candidates => self.policy.only(),
                Reach::EveryOldRecord => &Filter::ALL,
            },
            after: self.cursor.take(),
            rows: room.rows.min(PAGE),
            bytes: room.bytes,
        };
        let mut tx = self.host.begin_read().await?;
        let page = tx.scan_due(&scan).await?;
        drop(tx);
        self.at_end = page.next.is_none();
        self.cursor = page.next;
        for (reason, count) in page.skipped {
            *self.skipped.entry(reason).or_default() += count;
        }
        for record in page.records {
            let age = self.age.of(&record);
            if !is_archivable(&record) {
                *self.skipped.entry(SkipReason::Unsupported).or_default() += 1;
                continue;
            }
            let verdict = match self.policy.judge_age(&age, self.cutoff) {
                Some(verdict) => verdict,
                None if self.matcher.matches(&record) => Verdict::Due,
                None => Verdict::NotMatched,
            };
            match (verdict, age) {
                (Verdict::Due, AgeAt::At(at)) => {
                    room.take(&record);
                    months
                        .entry(Slice::of(at))
                        .or_default()
                        .push(SegmentRow::new(record, at));
                }
                (verdict, _) => *self.stay.entry(verdict).or_default() += 1,
            }
        }
        Ok(())
    }
}

/// Whether a batch of at most `limit` rows does well to end with the last whole month: another one as large would not
/// fit, so what is read of it would only be carried.
fn is_cut_at_a_month(months: &Months, limit: usize) -> bool {
    let mut whole = months.values().rev().skip(1).map(Vec::len).peekable();
    let another = whole.peek().copied().unwrap_or(0);
    another > 0 && whole.sum::<usize>() + another > limit
}

/// What still fits into a batch.
struct Room {
    rows: usize,
    bytes: u64,
}

impl Room {
    fn take(&mut self, record: &Record) {
        self.rows = self.rows.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(record.bytes() as u64);
    }

    fn is_full(&self) -> bool {
        self.rows == 0 || self.bytes == 0
    }
}

/// Whether the archive's columns can hold the record's times: the years that every reader of it knows.
fn is_archivable(record: &Record) -> bool {
    let years = |time: Timestamp| (1..=9999).contains(&TimeZone::UTC.to_datetime(time).year());
    [record.created_at(), record.updated_at()]
        .into_iter()
        .flatten()
        .all(years)
}

#[cfg(test)]
mod tests;
