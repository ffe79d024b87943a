//! Adding up what is due without reading it: the index of the age is enough where a policy has no filter.

use jiff::Timestamp;

use super::due::{bounds, narrowed};
use super::layout::Table;
use super::lease::Lease;
use super::pushdown::{Place, Pushdown, Reach};
use super::row::{self, Args, sql_row};
use crate::catalog_host::{DueCount, DueScan};
use crate::sql::SqlValue;
use crate::{Age, AgeAt, AgeForm, Filter, Result};

/// Of so many records in each part it is looked how long they are, where the index alone is enough for the rest.
const SAMPLE: usize = 200;

/// Counts the next part: about so many records in the order of age as the scan asks for.
pub(super) async fn count(
    lease: &mut Lease,
    table: &Table,
    reach: Reach,
    scan: &DueScan<'_>,
) -> Result<DueCount> {
    let age = Place::of(scan.age.path()).value();
    let (low, high) = bounds(scan.age, scan.before);
    let low = scan.after.as_ref().map_or(low, |cursor| cursor.age.clone());
    let next = end_of_part(lease, table, &age, [&low, &high], scan.rows).await?;
    let (edge, edge_args) = edge(&age, scan.age, scan.before);
    let mut args = vec![low, next.clone().unwrap_or(high)];
    args.extend(edge_args);
    let filter = narrowed(scan, reach, args.len())?;
    args.extend(filter.args.iter().cloned());
    let part = Part {
        table,
        range: format!(
            "{age} > $1 AND {age} {} $2 AND {edge} AND typeof(id) = 'text'{}",
            if next.is_some() { "<=" } else { "<" },
            filtered(scan.filter, &filter),
        ),
        age: &age,
        args,
    };
    let (rows, bytes, least) = match *scan.filter == Filter::ALL {
        true => part.by_index(lease).await?,
        false => part.by_rows(lease).await?,
    };
    let oldest = match least {
        SqlValue::Null => None,
        least => part.age_at(lease, scan.age, least).await?,
    };
    Ok(DueCount {
        rows,
        bytes,
        oldest,
        next,
    })
}

fn filtered(filter: &Filter, pushdown: &Pushdown) -> String {
    match *filter == Filter::ALL {
        true => String::new(),
        false => format!(" AND ({})", pushdown.may.sql()),
    }
}

/// The greatest age of the part; none where it is the last.
async fn end_of_part(
    lease: &mut Lease,
    table: &Table,
    age: &str,
    bounds: [&SqlValue; 2],
    rows: usize,
) -> Result<Option<SqlValue>> {
    let sql = format!(
        "SELECT {age} FROM {} WHERE {age} > $1 AND {age} < $2 ORDER BY {age} LIMIT 1 OFFSET {}",
        table.quoted(),
        rows.max(1) - 1
    );
    let bounds = bounds.map(Clone::clone);
    let found = lease.fetch(&sql.into(), Args::of(&bounds).finish()).await?;
    found.first().map(|row| row::value(row, 0)).transpose()
}

/// A condition that only ages before a time fulfil, if they are written in UTC, as dates, or as numbers.
///
/// One that is written with another offset is taken as if it were UTC's: within a day of the edge it may be miscounted.
fn edge(age: &str, form: &Age, before: Timestamp) -> (String, Vec<SqlValue>) {
    let micros = before.as_microsecond();
    #[expect(clippy::cast_precision_loss, reason = "ages as numbers are as exact")]
    let seconds = micros as f64 / 1e6;
    match form.form() {
        AgeForm::Seconds => (format!("{age} < $3"), vec![SqlValue::Real(seconds)]),
        AgeForm::Millis => (format!("{age} < $3"), vec![SqlValue::Real(seconds * 1e3)]),
        AgeForm::Text => {
            let time = before.strftime("%Y-%m-%dT%H:%M:%S%.6f").to_string();
            let time = time.trim_end_matches('0').trim_end_matches('.');
            let day = &time[..10];
            // Midnight is the date alone: a date means its midnight, which is not before it.
            let is_midnight = time[10..]
                .bytes()
                .all(|byte| !(b'1'..=b'9').contains(&byte));
            let time = if is_midnight { day } else { time };
            (
                format!("({age} < $3 OR replace({age}, ' ', 'T') < $4)"),
                vec![day.into(), time.into()],
            )
        }
    }
}

/// A part of the index, and what is asked of its rows.
struct Part<'a> {
    table: &'a Table,
    range: String,
    age: &'a str,
    args: Vec<SqlValue>,
}

/// How many rows, how many bytes, the least age.
type Sums = (u64, u64, SqlValue);

const LENGTH: &str = "octet_length(id) + octet_length(data) + ifnull(octet_length(metadata), 0)";

impl Part<'_> {
    /// From the index alone; bytes by a sample.
    async fn by_index(&self, lease: &mut Lease) -> Result<Sums> {
        let (age, table) = (self.age, self.table.quoted());
        let sums = format!(
            "SELECT count(*), min({age}) FROM {table} WHERE {}",
            self.range
        );
        let found = lease.fetch(&sums.into(), self.args()).await?;
        let Some(row) = found.first() else {
            return Ok((0, 0, SqlValue::Null));
        };
        let rows = sql_row(row)?.int(0)?.unsigned_abs();
        let least = row::value(row, 1)?;
        if rows == 0 {
            return Ok((0, 0, SqlValue::Null));
        }
        let sample = format!(
            "SELECT ifnull(sum({LENGTH}), 0), count(*) FROM \
             (SELECT id, data, metadata FROM {table} WHERE {} ORDER BY {age} LIMIT {SAMPLE})",
            self.range
        );
        let found = lease.fetch(&sample.into(), self.args()).await?;
        let bytes = match found.first().map(sql_row).transpose()? {
            Some(row) => {
                let (bytes, sampled) = (row.int(0)?.unsigned_abs(), row.int(1)?.unsigned_abs());
                (u128::from(bytes) * u128::from(rows)) / u128::from(sampled.max(1))
            }
            None => 0,
        };
        Ok((rows, u64::try_from(bytes).unwrap_or(u64::MAX), least))
    }

    /// From the rows themselves, which the filter looks at anyway.
    async fn by_rows(&self, lease: &mut Lease) -> Result<Sums> {
        let (age, table) = (self.age, self.table.quoted());
        let sums = format!(
            "SELECT count(*), ifnull(sum({LENGTH}), 0), min({age}) FROM {table} WHERE {}",
            self.range
        );
        let found = lease.fetch(&sums.into(), self.args()).await?;
        let Some(row) = found.first() else {
            return Ok((0, 0, SqlValue::Null));
        };
        let counts = sql_row(row)?;
        Ok((
            counts.int(0)?.unsigned_abs(),
            counts.int(1)?.unsigned_abs(),
            row::value(row, 2)?,
        ))
    }

    /// The time of an age as it stands in the index.
    async fn age_at(
        &self,
        lease: &mut Lease,
        age: &Age,
        value: SqlValue,
    ) -> Result<Option<Timestamp>> {
        let sql = format!(
            "SELECT id, data, metadata, created_at, updated_at FROM {} WHERE {} = $1 LIMIT 1",
            self.table.quoted(),
            self.age
        );
        let found = lease
            .fetch(&sql.into(), Args::of(&[value]).finish())
            .await?;
        let record = found.first().and_then(|row| row::record(row).ok());
        Ok(record.and_then(|record| match age.of(&record) {
            AgeAt::At(time) => Some(time),
            AgeAt::Absent | AgeAt::Unreadable(_) => None,
        }))
    }

    fn args(&self) -> sqlx::sqlite::SqliteArguments {
        Args::of(&self.args).finish()
    }
}

#[cfg(test)]
mod tests;
