//! Finding what may be old enough to move: pages in (age, id) order over the index of the age.

use std::sync::Arc;

use jiff::Timestamp;

use super::layout::Table;
use super::lease::Lease;
use super::pushdown::{Place, Pushdown, Reach};
use super::row::{self, Args, sql_row};
use crate::catalog_host::{DueCursor, DuePage, DueScan, SkipReason};
use crate::sql::SqlValue;
use crate::sql::dates::date_after;
use crate::{Age, AgeForm, Result};

/// Stands in a range for what else is asked of a row.
const FILTERED: &str = "{filtered}";

/// Reads the next page.
pub(super) async fn page(
    lease: &mut Lease,
    table: &Table,
    reach: Reach,
    scan: &DueScan<'_>,
) -> Result<DuePage> {
    let age = Place::of(scan.age.path()).value();
    let (low, high) = bounds(scan.age, scan.before);
    let mut reader = PageReader {
        lease,
        table,
        age: &age,
        filter: narrowed(scan, reach, 2)?,
        rows: scan.rows,
        bytes: scan.bytes,
        page: DuePage {
            records: Vec::new(),
            next: None,
            skipped: Vec::new(),
        },
    };
    // Ranges of the index in its order, so that reading stops where the page is full.
    let younger = format!("{age} > $1 AND {age} < $2 {FILTERED} ORDER BY {age}, id");
    let at_end;
    match &scan.after {
        None => {
            reader.count_unnamed(&high).await?;
            at_end = reader.read(&younger, [&low, &high]).await?;
        }
        Some(DueCursor { age: at, id }) => {
            // First the rest of the records of this age, then the younger ones: each is a range of the index.
            let id = SqlValue::Text(id.clone());
            let equal = format!("{age} = $1 AND id > $2 {FILTERED} ORDER BY id");
            at_end =
                reader.read(&equal, [at, &id]).await? && reader.read(&younger, [at, &high]).await?;
        }
    }
    let mut page = reader.page;
    if at_end {
        page.next = None;
    }
    Ok(page)
}

/// Between which values of the index all due ages lie; what is exact is the caller's to judge.
pub(super) fn bounds(age: &Age, before: Timestamp) -> (SqlValue, SqlValue) {
    #[expect(
        clippy::cast_precision_loss,
        reason = "the bound is widened by more than is lost"
    )]
    let micros = before.as_microsecond() as f64;
    match age.form() {
        // Every text is greater than every number, and less than nothing that a date begins with.
        AgeForm::Text => {
            let high =
                date_after(before).map_or_else(|| SqlValue::Blob(Box::default()), SqlValue::from);
            ("".into(), high)
        }
        AgeForm::Seconds => (SqlValue::Real(f64::MIN), SqlValue::Real(micros / 1e6 + 1.0)),
        AgeForm::Millis => (
            SqlValue::Real(f64::MIN),
            SqlValue::Real(micros / 1e3 + 1_000.0),
        ),
    }
}

/// The filter as far as SQL can narrow by it, its placeholders after `taken` others.
pub(super) fn narrowed(scan: &DueScan<'_>, reach: Reach, taken: usize) -> Result<Pushdown> {
    Ok(Pushdown::of(&scan.timeless_filter()?, reach, taken))
}

struct PageReader<'a> {
    lease: &'a mut Lease,
    table: &'a Table,
    age: &'a str,
    filter: Pushdown,
    rows: usize,
    bytes: u64,
    page: DuePage,
}

impl PageReader<'_> {
    /// Adds the records of one range of the index; whether the page has room for more.
    async fn read(&mut self, range: &str, bounds: [&SqlValue; 2]) -> Result<bool> {
        let filtered = format!("AND typeof(id) = 'text' AND ({})", self.filter.may.sql());
        let sql = format!(
            "SELECT id, data, metadata, created_at, updated_at, {} FROM {} WHERE {}",
            self.age,
            self.table.quoted(),
            range.replace(FILTERED, &filtered),
        );
        let mut args = Args::with_capacity(2 + self.filter.args.len());
        bounds
            .into_iter()
            .chain(&self.filter.args)
            .for_each(|value| args.add(value));
        let mut answers = self.lease.start(&sql.into(), args.finish())?;
        let mut has_room = true;
        while let Some(row) = answers.row().await? {
            if self.page.records.len() == self.rows || self.bytes == 0 {
                has_room = false;
                break;
            }
            let at = row::value(&row, 5)?;
            let record = match row::record(&row) {
                Ok(record) => record,
                // Not worth stopping a run for: the row stays, and is counted.
                Err(_) => {
                    skip(&mut self.page, 1);
                    continue;
                }
            };
            self.bytes = self.bytes.saturating_sub(record.bytes() as u64);
            self.page.next = Some(DueCursor {
                age: at,
                id: record.id().as_str().into(),
            });
            self.page.records.push(Arc::new(record));
        }
        drop(answers);
        self.lease.settle().await?;
        Ok(has_room)
    }

    /// Counts, once in a scan, the due rows whose id is no text: no record can be named so.
    async fn count_unnamed(&mut self, high: &SqlValue) -> Result<()> {
        let sql = format!(
            "SELECT count(*) FROM {table} WHERE typeof(id) <> 'text' AND {age} < $1",
            table = self.table.quoted(),
            age = self.age,
        );
        let rows = self
            .lease
            .fetch(&sql.into(), Args::of(std::slice::from_ref(high)).finish())
            .await?;
        let count = rows.first().map(sql_row).transpose()?;
        let count = count.map_or(Ok(0), |row| row.int(0))?;
        skip(&mut self.page, count.unsigned_abs());
        Ok(())
    }
}

fn skip(page: &mut DuePage, rows: u64) {
    if rows == 0 {
        return;
    }
    match page.skipped.first_mut() {
        Some((_, count)) => *count += rows,
        None => page.skipped.push((SkipReason::Unsupported, rows)),
    }
}
