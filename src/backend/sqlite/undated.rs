//! Counting the records whose age is not known: a scan in the order of the age never meets them.

use super::layout::Table;
use super::lease::Lease;
use super::pushdown::Place;
use super::row::{self, Args};
use super::times;
use crate::catalog_host::Undated;
use crate::query::Root;
use crate::{Age, AgeAt, AgeForm, Result};

/// Counts them. SQL leaves out what is certainly a time; the rest is judged as the age itself is.
pub(super) async fn count(lease: &mut Lease, table: &Table, age: &Age) -> Result<Undated> {
    // The inner query reads the index of the age alone, where there is one.
    let sql = format!(
        "SELECT id, data, metadata, created_at, updated_at FROM {table} \
         WHERE rowid IN (SELECT rowid FROM {table} WHERE ({}) IS NOT TRUE)",
        certainly_dated(age),
        table = table.quoted(),
    );
    let mut undated = Undated::default();
    let mut answers = lease.start(&sql.into(), Args::default().finish())?;
    while let Some(row) = answers.row().await? {
        match row::record(&row).as_ref().map(|record| age.of(record)) {
            Ok(AgeAt::At(_)) => {}
            Ok(AgeAt::Absent) => undated.absent += 1,
            Ok(AgeAt::Unreadable(_)) | Err(_) => undated.unreadable += 1,
        }
    }
    Ok(undated)
}

/// An SQL expression that is true only of records that have an age.
fn certainly_dated(age: &Age) -> String {
    let place = Place::of(age.path());
    let value = place.value();
    match (age.path().root(), age.form()) {
        (Root::CreatedAt | Root::UpdatedAt, AgeForm::Text) => times::is_time_sql(place.column()),
        (Root::Fields | Root::Metadata, AgeForm::Text) => is_iso(&value),
        (Root::Fields | Root::Metadata, AgeForm::Seconds) => is_number(&place, 1),
        (Root::Fields | Root::Metadata, AgeForm::Millis) => is_number(&place, 1_000),
        _ => "FALSE".to_owned(),
    }
}

/// A date, or a date and a time of day in UTC, between the years 1 and 9999.
fn is_iso(value: &str) -> String {
    let whole = format!("substr({value}, 1, 19)");
    let rest = format!("substr({value}, 20)");
    let fraction = format!("ltrim(substr({value}, 21), '0123456789')");
    format!(
        "{value} >= '0001' AND {value} < '9999-12-30' AND CASE \
         WHEN length({value}) = 10 THEN strftime('%Y-%m-%d', {value}) IS {value} \
         ELSE strftime('%Y-%m-%dT%H:%M:%S', {whole}) IS replace({whole}, ' ', 'T') \
         AND substr({value}, 12, 2) < '24' AND ({rest} IN ('', 'Z', '+00:00') OR ({rest} GLOB '.[0-9]*' AND {fraction} IN ('', 'Z', '+00:00') \
         AND length({rest}) - length({fraction}) BETWEEN 2 AND 10)) END"
    )
}

/// A number of units since 1970 between the years 1 and 9999.
fn is_number(place: &Place, per_second: i64) -> String {
    const FIRST: i64 = -62_135_596_799;
    const LAST: i64 = 253_402_200_000;
    format!(
        "{kind} IN ('integer', 'real') AND {value} BETWEEN {first} AND {last}",
        kind = place.kind(),
        value = place.value(),
        first = FIRST * per_second,
        last = LAST * per_second,
    )
}
