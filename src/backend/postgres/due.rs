//! Finding what may be old enough to move: pages in (age, id) order over the index of the age.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use sqlx::postgres::PgRow;

use super::Place;
use super::age::AgeColumn;
use super::lease::Lease;
use super::pushdown::{Pushdown, Values};
use super::row::{self, Args, COLUMN_COUNT, COLUMNS, Cells};
use crate::Result;
use crate::catalog_host::{DueCursor, DuePage, DueScan, SkipReason};
use crate::sql::SqlValue;
use crate::sql::dates::date_after;

/// How many rows one statement asks for: what a page does not want of them is thrown away.
const STEP: usize = 2_000;

/// How many placeholders come before the filter's.
const TAKEN: usize = 3;

/// Reads the next page.
pub(super) async fn page(lease: &mut Lease, place: &Place, scan: &DueScan<'_>) -> Result<DuePage> {
    let mut page = DuePage {
        records: Vec::new(),
        next: None,
        skipped: Vec::new(),
    };
    let age = AgeColumn::of(scan.age);
    if matches!(age, AgeColumn::Nowhere) {
        return Ok(page);
    }
    let filter = narrowed(scan, place, TAKEN)?;
    let high = high(&age, scan.before, place);
    let mut cursor = scan.after.clone();
    let (mut bytes, mut skipped) = (scan.bytes, 0);
    while page.records.len() < scan.rows && bytes > 0 {
        let step = STEP.min(scan.rows - page.records.len());
        let sql = sql(place, &age, &filter, cursor.is_some(), step);
        let args = args(&age, cursor.as_ref(), &high, &filter);
        let mut answers = lease.start(&sql.into(), args.finish())?;
        let mut met = 0;
        while let Some(row) = answers.row().await? {
            met += 1;
            if bytes == 0 {
                continue;
            }
            let Ok(record) = row::record(&row, &place.zone) else {
                // Not worth stopping a run for: the row stays, and is counted.
                skipped += 1;
                cursor = Some(cursor_at(&age, &row, row::text(&row, 0)?)?);
                continue;
            };
            bytes = bytes.saturating_sub(record.bytes() as u64);
            cursor = Some(cursor_at(&age, &row, record.id().as_str())?);
            page.records.push(Arc::new(record));
        }
        drop(answers);
        if met < step {
            // The end, if everything that was met was also wanted.
            if bytes > 0 {
                cursor = None;
            }
            break;
        }
    }
    if page.records.len() >= scan.rows || bytes == 0 || cursor.is_some() {
        page.next = cursor;
    }
    if skipped > 0 {
        page.skipped.push((SkipReason::Unsupported, skipped));
    }
    Ok(page)
}

fn sql(place: &Place, age: &AgeColumn, filter: &Pushdown, goes_on: bool, rows: usize) -> String {
    let (key, table) = (age.key(), place.table.quoted());
    let (cast, shown) = (age.cast(), age.shown());
    let from = if goes_on {
        format!("({key}, id COLLATE \"C\") > ($1::{cast}, $2::text)")
    } else {
        format!("{key} >= $1::{cast} AND $2::text IS NOT NULL")
    };
    format!(
        "SELECT {COLUMNS}, {shown} FROM {table} WHERE {from} AND {key} < $3::{cast} AND {is_age} AND ({filter}) \
         ORDER BY {key}, id COLLATE \"C\" LIMIT {rows}",
        is_age = age.is_age(),
        filter = filter.may.sql(),
    )
}

fn args(age: &AgeColumn, cursor: Option<&DueCursor>, high: &SqlValue, filter: &Pushdown) -> Args {
    let (low, id) = match cursor {
        Some(cursor) => (cursor.age.clone(), &*cursor.id),
        None => (low(age), ""),
    };
    let args = bound(Args::default(), &low).and(&id.into());
    filter.may_args().iter().fold(bound(args, high), Args::and)
}

/// Adds a bound of the key.
pub(super) fn bound(args: Args, value: &SqlValue) -> Args {
    match value {
        SqlValue::Integer(micros) => args.time(*micros),
        other => args.and(other),
    }
}

/// Above which key all ages lie.
pub(super) fn low(age: &AgeColumn) -> SqlValue {
    match age {
        AgeColumn::Time(_) => SqlValue::Integer(i64::MIN),
        AgeColumn::Number(..) => "-1e400".into(),
        AgeColumn::Text(_) | AgeColumn::Nowhere => "".into(),
    }
}

/// Below which key all due ages lie; what is exact is the caller's to judge.
pub(super) fn high(age: &AgeColumn, before: Timestamp, place: &Place) -> SqlValue {
    match age {
        AgeColumn::Time(_) => {
            // A day is more than any zone's clock was ever set.
            let widened = if place.zone.is_utc() {
                before
            } else {
                before.saturating_add(DAY).unwrap_or(before)
            };
            SqlValue::Integer(place.zone.write(widened).unwrap_or(i64::MAX))
        }
        AgeColumn::Text(_) | AgeColumn::Nowhere => {
            date_after(before).map_or_else(|| "\u{10FFFF}".into(), SqlValue::from)
        }
        AgeColumn::Number(_, per_second) => {
            let units = (before.as_second() + 1).saturating_mul(*per_second);
            units.to_string().into()
        }
    }
}

const DAY: SignedDuration = SignedDuration::from_hours(24);

pub(super) fn cursor_at(age: &AgeColumn, row: &PgRow, id: &str) -> Result<DueCursor> {
    let at = match age {
        AgeColumn::Time(_) => {
            let bytes = row.bytes(COLUMN_COUNT)?.unwrap_or_default();
            SqlValue::Integer(bytes.try_into().map_or(i64::MIN, i64::from_be_bytes))
        }
        _ => row::text(row, COLUMN_COUNT)?.into(),
    };
    Ok(DueCursor {
        age: at,
        id: id.into(),
    })
}

/// The filter as far as SQL can narrow by it.
pub(super) fn narrowed(scan: &DueScan<'_>, place: &Place, taken: usize) -> Result<Pushdown> {
    let filter = scan.timeless_filter()?;
    Ok(Pushdown::of(&filter, &place.zone, Values::Bound(taken)))
}
