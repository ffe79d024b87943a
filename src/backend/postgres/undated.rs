//! Counting the records whose age is not known: a scan in the order of the age never meets them.

use super::Place;
use super::age::AgeColumn;
use super::lease::Lease;
use super::row::{self, Args, COLUMNS};
use crate::catalog_host::Undated;
use crate::{Age, AgeAt, Result};

/// Counts them. SQL leaves out what is certainly a time; the rest is judged as the age itself is.
pub(super) async fn count(lease: &mut Lease, place: &Place, age: &Age) -> Result<Undated> {
    let sql = format!(
        "SELECT {COLUMNS} FROM {} WHERE ({}) IS NOT TRUE",
        place.table.quoted(),
        AgeColumn::of(age).is_certain()
    );
    let mut undated = Undated::default();
    let mut answers = lease.start(&sql.into(), Args::default().finish())?;
    while let Some(row) = answers.row().await? {
        match row::record(&row, &place.zone)
            .as_ref()
            .map(|record| age.of(record))
        {
            Ok(AgeAt::At(_)) => {}
            Ok(AgeAt::Absent) => undated.absent += 1,
            Ok(AgeAt::Unreadable(_)) | Err(_) => undated.unreadable += 1,
        }
    }
    Ok(undated)
}
