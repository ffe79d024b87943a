//! Adding up what is due without reading it.

use jiff::Timestamp;

use super::Place;
use super::age::AgeColumn;
use super::due::{bound, cursor_at, high, low, narrowed};
use super::lease::Lease;
use super::pushdown::Pushdown;
use super::row::{self, Args, COLUMNS};
use crate::catalog_host::{DueCount, DueScan};
use crate::sql::SqlValue;
use crate::{AgeAt, Result};

/// How many placeholders come before the filter's.
const TAKEN: usize = 2;

/// Counts the next part: about so many records in the order of age as the scan asks for.
pub(super) async fn count(
    lease: &mut Lease,
    place: &Place,
    scan: &DueScan<'_>,
) -> Result<DueCount> {
    let age = AgeColumn::of(scan.age);
    if matches!(age, AgeColumn::Nowhere) {
        return Ok(DueCount::default());
    }
    let part = Part {
        key: age.key(),
        is_due: format!("{} AND {}", age.is_age(), edge(&age, scan.before)),
        filter: narrowed(scan, place, TAKEN)?,
        low: scan
            .after
            .as_ref()
            .map_or_else(|| low(&age), |cursor| cursor.age.clone()),
        high: high(&age, scan.before, place),
        place,
        age,
    };
    let next = part.end(lease, scan.rows).await?;
    let (rows, bytes) = part.sums(lease, next.as_ref()).await?;
    let oldest = match rows {
        0 => None,
        _ => part.oldest(lease, scan, next.as_ref()).await?,
    };
    Ok(DueCount {
        rows,
        bytes,
        oldest,
        next,
    })
}

/// A condition that only ages before a time fulfil, if they are written in UTC, as dates, or as numbers.
///
/// One that is written with another offset is taken as if it were UTC's: within a day of the edge it may be miscounted.
fn edge(age: &AgeColumn, before: Timestamp) -> String {
    match age {
        // The bound of the scan is exact.
        AgeColumn::Time(_) | AgeColumn::Nowhere => "TRUE".to_owned(),
        AgeColumn::Number(place, per_second) => {
            let micros = i128::from(before.as_microsecond()) * i128::from(*per_second);
            format!("{} < '{micros}e-6'::jsonb", place.value())
        }
        AgeColumn::Text(place) => {
            let time = before.strftime("%Y-%m-%dT%H:%M:%S%.6f").to_string();
            let (day, key) = (&time[..10], place.text());
            let time = time.trim_end_matches('0').trim_end_matches('.');
            // A date means its midnight, which is not before itself.
            format!(
                "({key} < '{day}' OR ({key} > '{day}' AND replace({key}, ' ', 'T') COLLATE \"C\" < '{time}'))"
            )
        }
    }
}

/// A part of the index, and what is asked of its rows.
struct Part<'a> {
    place: &'a Place,
    age: AgeColumn,
    key: String,
    is_due: String,
    filter: Pushdown,
    low: SqlValue,
    high: SqlValue,
}

impl Part<'_> {
    /// The greatest age of the part; none where it is the last.
    async fn end(&self, lease: &mut Lease, rows: usize) -> Result<Option<SqlValue>> {
        let (key, cast) = (&self.key, self.age.cast());
        let sql = format!(
            "SELECT {COLUMNS}, {shown} FROM {table} WHERE {key} > $1::{cast} AND {key} < $2::{cast} AND {is_age} \
             ORDER BY {key} OFFSET {} LIMIT 1",
            rows.max(1) - 1,
            shown = self.age.shown(),
            table = self.place.table.quoted(),
            is_age = self.age.is_age(),
        );
        let args = bound(bound(Args::default(), &self.low), &self.high);
        let found = lease.fetch(&sql.into(), args.finish()).await?;
        let end = found.first().map(|row| cursor_at(&self.age, row, ""));
        Ok(end.transpose()?.map(|cursor| cursor.age))
    }

    /// How many rows, and about how many bytes.
    async fn sums(&self, lease: &mut Lease, next: Option<&SqlValue>) -> Result<(u64, u64)> {
        let sql = format!(
            "SELECT count(*), coalesce(sum(octet_length(id) + pg_column_size(data) + coalesce(pg_column_size(metadata), 0)), 0) \
             FROM {}",
            self.range(next)
        );
        let found = lease.fetch(&sql.into(), self.args(next).finish()).await?;
        let number = |column| found.first().map_or(Ok(0), |row| row::int(row, column));
        Ok((number(0)?.unsigned_abs(), number(1)?.unsigned_abs()))
    }

    async fn oldest(
        &self,
        lease: &mut Lease,
        scan: &DueScan<'_>,
        next: Option<&SqlValue>,
    ) -> Result<Option<Timestamp>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM {} ORDER BY {} LIMIT 1",
            self.range(next),
            self.key
        );
        let found = lease.fetch(&sql.into(), self.args(next).finish()).await?;
        let record = found.first().map(|row| row::record(row, &self.place.zone));
        Ok(record
            .and_then(Result::ok)
            .and_then(|record| match scan.age.of(&record) {
                AgeAt::At(time) => Some(time),
                AgeAt::Absent | AgeAt::Unreadable(_) => None,
            }))
    }

    fn range(&self, next: Option<&SqlValue>) -> String {
        let (key, cast) = (&self.key, self.age.cast());
        format!(
            "{table} WHERE {key} > $1::{cast} AND {key} {up_to} $2::{cast} AND {is_due} AND ({filter})",
            table = self.place.table.quoted(),
            up_to = if next.is_some() { "<=" } else { "<" },
            is_due = self.is_due,
            filter = self.filter.may.sql(),
        )
    }

    fn args(&self, next: Option<&SqlValue>) -> Args {
        let args = bound(
            bound(Args::default(), &self.low),
            next.unwrap_or(&self.high),
        );
        self.filter.may_args().iter().fold(args, Args::and)
    }
}
