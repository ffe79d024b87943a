//! Objects that no snapshot needs any more, and that wait for those who may still be reading them.
//!
//! Merges, expired snapshots and flushes, of any program, note them in `ducklake_files_scheduled_for_deletion`.

use jiff::{SignedDuration, Timestamp};

use super::bounds::time_of;
use super::dialect::{Kind, Sql};
use super::load::{Source, resolve};
use super::meta::metadata;
use super::sightings::registered;
use crate::Result;
use crate::catalog_host::HostTransaction;
use crate::fault::mutation;

/// How long they wait, as `delete_older_than` tells every program that cleans up; DuckDB's own default.
pub(super) const DELETE_OLDER_THAN: &str = "2 days";

/// The same as a length of time.
const WAIT: SignedDuration = SignedDuration::from_hours(48);

/// An object that waits.
#[derive(Debug)]
pub(crate) struct Scheduled {
    /// Its place below the archive's root.
    pub(crate) object: String,
    /// Its path as the catalog writes it.
    path: Box<str>,
}

/// Those in `folder` that have waited long enough. None where somebody set another time: then it is his work.
pub(super) async fn due(
    tx: &mut dyn HostTransaction,
    source: Source<'_>,
    folder: &str,
    now: Timestamp,
) -> Result<Vec<Scheduled>> {
    let sql = source.sql;
    let select = format!(
        "SELECT path, {relative}, {start} FROM {scheduled}",
        relative = sql.read("path_is_relative", Kind::Bool),
        start = sql.read("schedule_start", Kind::Time),
        scheduled = sql.table("ducklake_files_scheduled_for_deletion"),
    );
    let rows = tx.query(&select, &[]).await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let option = metadata(tx, sql, "delete_older_than").await?;
    if option.is_some_and(|option| option != DELETE_OLDER_THAN) {
        return Ok(Vec::new());
    }
    let data_path = metadata(tx, sql, "data_path").await?.unwrap_or_default();
    let wait = match mutation("scheduled_at_once") {
        true => SignedDuration::ZERO,
        false => WAIT,
    };
    let mut due = Vec::new();
    for row in &rows {
        let start = row.opt_text(2)?.and_then(time_of);
        // What lies elsewhere belongs to another table, or to nobody.
        let Ok(object) = resolve(
            row.text(0)?,
            row.int(1)? != 0,
            "",
            &[source.root, &data_path],
        ) else {
            continue;
        };
        if object.starts_with(folder)
            && start.is_some_and(|start| now.duration_since(start) >= wait)
        {
            let path = row.text(0)?.into();
            due.push(Scheduled { object, path });
        }
    }
    if due.is_empty() {
        return Ok(due);
    }
    // A catalog that contradicts itself is no reason to lose a record.
    let in_use = registered(tx, source, &data_path).await?;
    due.retain(|scheduled| {
        !in_use.contains(&scheduled.object) || mutation("scheduled_though_in_use")
    });
    Ok(due)
}

/// Forgets those whose objects are gone.
pub(super) async fn forget(
    tx: &mut dyn HostTransaction,
    sql: Sql,
    scheduled: &[Scheduled],
) -> Result<()> {
    let delete = format!(
        "DELETE FROM {} WHERE path = $1",
        sql.table("ducklake_files_scheduled_for_deletion")
    );
    for scheduled in scheduled {
        tx.execute(&delete, &[(&*scheduled.path).into()]).await?;
    }
    Ok(())
}
