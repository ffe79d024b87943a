//! The newest snapshot, and the next.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::bounds::{time_of, time_text};
use super::dialect::{Kind, Sql};
use super::rows::insert;
use super::state::SnapshotKey;
use crate::catalog_host::HostTransaction;
use crate::fault::mutation;
use crate::sql::SqlRow;
use crate::{Error, ErrorKind, Result};

/// The version of DuckLake that we read and write.
pub(super) const VERSION: &str = "1.0";

/// The newest snapshot of a catalog, with what the next one goes on from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Newest {
    pub(crate) key: SnapshotKey,
    pub(super) schema_version: i64,
    pub(super) next_catalog_id: i64,
    pub(super) next_file_id: i64,
}

/// A snapshot that was inserted and is not committed yet.
#[derive(Clone, Debug)]
pub(super) struct Begun {
    pub(super) key: SnapshotKey,
}

/// What the next snapshot takes beyond the newest.
#[derive(Clone, Debug, Default)]
pub(super) struct Step {
    /// Whether it does more than its own rows tell: then everybody reads the table anew.
    pub(super) replaces: bool,
    pub(super) schema_changes: bool,
    pub(super) catalog_ids: i64,
    pub(super) file_ids: i64,
    pub(super) changes: String,
    pub(super) message: &'static str,
}

/// The statement that answers with the newest snapshot: one row.
pub(crate) fn newest_sql(sql: Sql) -> String {
    format!(
        "SELECT snapshot_id, {time}, schema_version, next_catalog_id, next_file_id, \
         (SELECT value FROM {meta} WHERE key = 'incarnation'), \
         (SELECT value FROM {metadata} WHERE key = 'version' AND scope IS NULL) \
         FROM {snapshot} ORDER BY snapshot_id DESC LIMIT 1",
        time = sql.read("snapshot_time", Kind::Time),
        meta = sql.table("thermocline_meta"),
        metadata = sql.table("ducklake_metadata"),
        snapshot = sql.table("ducklake_snapshot"),
    )
}

impl Newest {
    /// The answer of [`newest_sql`].
    ///
    /// # Errors
    /// `Unsupported`: a version of DuckLake that we do not know. `Corrupt`: there is no snapshot.
    pub(crate) fn of(rows: &[SqlRow]) -> Result<Self> {
        let Some(row) = rows.first() else {
            return Err(Error::corrupt(
                "the archive's catalog has no snapshot; restore the database from a backup",
            ));
        };
        check_version(row.opt_text(6)?)?;
        Ok(Self {
            key: SnapshotKey {
                incarnation: row.text(5)?.into(),
                id: row.int(0)?,
                time: row.text(1)?.into(),
            },
            schema_version: row.int(2)?,
            next_catalog_id: row.int(3)?,
            next_file_id: row.int(4)?,
        })
    }

    pub(super) async fn read(tx: &mut dyn HostTransaction, sql: Sql) -> Result<Self> {
        Self::of(&tx.query(&newest_sql(sql), &[]).await?)
    }

    /// Inserts the snapshot after this one; none if somebody else was faster.
    ///
    /// The key of this row is the lock of every writer of the catalog, so it is written before anything else of the
    /// catalog is read or changed.
    pub(super) async fn begin_next(
        &self,
        tx: &mut dyn HostTransaction,
        sql: Sql,
        now: Timestamp,
        step: Step,
    ) -> Result<Option<Begun>> {
        let id = self.key.id + 1;
        let time: Box<str> = time_text(self.time_after(now).as_microsecond()).into();
        let row = [
            id.into(),
            (&*time).into(),
            (self.schema_version + i64::from(step.schema_changes)).into(),
            (self.next_catalog_id + step.catalog_ids).into(),
            (self.next_file_id + step.file_ids).into(),
        ];
        let columns = [
            "snapshot_id",
            "snapshot_time",
            "schema_version",
            "next_catalog_id",
            "next_file_id",
        ];
        if let Err(error) = insert(tx, sql, "ducklake_snapshot", columns, &[row]).await {
            return if is_taken_snapshot(&error) {
                Ok(None)
            } else {
                Err(error)
            };
        }
        let key = SnapshotKey {
            incarnation: Arc::clone(&self.key.incarnation),
            id,
            time,
        };
        let row = [
            id.into(),
            step.changes.into(),
            AUTHOR.into(),
            step.message.into(),
            (!step.replaces).then(|| mark(&key)).into(),
        ];
        let columns = [
            "snapshot_id",
            "changes_made",
            "author",
            "commit_message",
            "commit_extra_info",
        ];
        insert(tx, sql, "ducklake_snapshot_changes", columns, &[row]).await?;
        Ok(Some(Begun { key }))
    }

    /// Now, but always after this snapshot: a clock that was set back does not mix up travels in time.
    fn time_after(&self, now: Timestamp) -> Timestamp {
        let next = |time: Timestamp| time.checked_add(SignedDuration::from_micros(1)).ok();
        match time_of(&self.key.time).and_then(next) {
            Some(next) if next > now => next,
            _ => now,
        }
    }
}

/// When a snapshot was made; of one that has expired, when the oldest after it was.
pub(super) async fn time_since(
    tx: &mut dyn HostTransaction,
    sql: Sql,
    id: i64,
) -> Result<Option<Timestamp>> {
    let select = format!(
        "SELECT {} FROM {} WHERE snapshot_id >= $1 ORDER BY snapshot_id LIMIT 1",
        sql.read("snapshot_time", Kind::Time),
        sql.table("ducklake_snapshot")
    );
    let rows = tx.query(&select, &[id.into()]).await?;
    let time = rows.first().map(|row| row.text(0)).transpose()?;
    Ok(time.and_then(time_of))
}

/// Who made a snapshot, as other readers see it.
const AUTHOR: &str = "thermocline";

/// What marks a snapshot as one of ours, so that we know everything that it did.
pub(super) fn mark(key: &SnapshotKey) -> String {
    format!("thermocline {} {}", key.incarnation, key.id)
}

/// Whether a unique violation says that the snapshot's id is taken, and not something else's.
///
/// Then the whole of it starts again on top of what the other wrote. Every other taken key is the caller's conflict.
fn is_taken_snapshot(error: &Error) -> bool {
    if mutation("any_unique_is_conflict") {
        return false;
    }
    let constraint = |(key, value): (&str, &str)| {
        key == "constraint" && value.contains("ducklake_snapshot") && !value.contains("changes")
    };
    error.kind() == ErrorKind::Conflict && error.context().any(constraint)
}

/// Refuses a catalog of a version that we do not know.
pub(super) fn check_version(version: Option<&str>) -> Result<()> {
    match version {
        Some(VERSION) => Ok(()),
        other => Err(Error::unsupported(
            "the archive's catalog is a DuckLake of a version that this release does not know; \
             use a newer release of thermocline, or go back to a backup from before the upgrade",
        )
        .with("version", other.unwrap_or("none"))
        .with("known", VERSION)),
    }
}
