//! The journal of batches: written before the first byte of them is uploaded.
//!
//! A batch is `open`, then either `published` by the transaction that makes its objects visible, or `dead` by whoever
//! removes them. Both steps must meet it open, so objects are never removed that a publish still counts on, and never
//! published once they may be gone.

use jiff::Timestamp;
use uuid::Uuid;

use super::bounds::{time_of, time_text};
use super::dialect::{Kind, Sql};
use super::rows::insert;
use crate::catalog_host::HostTransaction;
use crate::sql::SqlValue;
use crate::{Error, Result};

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BatchState {
    /// Being uploaded, or left over.
    Open,
    /// Its objects are, or were, part of the archive.
    Published,
    /// It will never be published.
    Dead,
}

/// A batch of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    /// Its id, part of its objects' names.
    pub(crate) id: Box<str>,
    /// When it was opened.
    pub(crate) opened_at: Timestamp,
    /// Its objects, from the root of the blob store.
    pub(crate) objects: Vec<Box<str>>,
}

impl BatchState {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Published => "published",
            Self::Dead => "dead",
        }
    }
}

/// A new batch id; later ones sort later.
pub(crate) fn new_batch_id() -> Box<str> {
    Uuid::now_v7().simple().to_string().into()
}

/// Opens a batch. The transaction has to be committed before anything is uploaded.
pub(super) async fn open(
    tx: &mut dyn HostTransaction,
    sql: Sql,
    batch: &Batch,
    table: i64,
) -> Result<()> {
    let row = [
        (&*batch.id).into(),
        table.into(),
        BatchState::Open.as_str().into(),
        time_text(batch.opened_at.as_microsecond()).into(),
    ];
    let columns = ["batch", "table_id", "state", "opened_at"];
    insert(tx, sql, "thermocline_journal", columns, &[row]).await?;
    let objects: Vec<[SqlValue; 2]> = (batch.objects.iter())
        .map(|path| [(&**path).into(), (&*batch.id).into()])
        .collect();
    insert(
        tx,
        sql,
        "thermocline_journal_object",
        ["path", "batch"],
        &objects,
    )
    .await?;
    Ok(())
}

/// Moves a batch on from `open`; false if it is not open any more.
pub(super) async fn settle(
    tx: &mut dyn HostTransaction,
    sql: Sql,
    batch: &str,
    state: BatchState,
) -> Result<bool> {
    let update = format!(
        "UPDATE {} SET state = $2 WHERE batch = $1 AND state = 'open'",
        sql.table("thermocline_journal")
    );
    let changed = tx
        .execute(&update, &[batch.into(), state.as_str().into()])
        .await?;
    Ok(changed == 1)
}

/// What became of a batch; none for one that the journal does not know (any more).
///
/// It waits for a transaction that is at work on the batch, so the answer is final once the batch is not open.
pub(super) async fn state(
    tx: &mut dyn HostTransaction,
    sql: Sql,
    batch: &str,
) -> Result<Option<BatchState>> {
    let select = format!(
        "SELECT state FROM {} WHERE batch = $1{}",
        sql.table("thermocline_journal"),
        sql.for_update(),
    );
    let rows = tx.query(&select, &[batch.into()]).await?;
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    let text = row.text(0)?;
    let states = [BatchState::Open, BatchState::Published, BatchState::Dead];
    let known = states.into_iter().find(|state| state.as_str() == text);
    known.map(Some).ok_or_else(|| {
        Error::corrupt("the archive's journal holds a state that does not exist")
            .with("batch", batch)
            .with("state", text)
    })
}

/// The batches of a table in one state that were opened before a time.
pub(super) async fn batches(
    tx: &mut dyn HostTransaction,
    sql: Sql,
    table: i64,
    state: BatchState,
    before: Timestamp,
) -> Result<Vec<Batch>> {
    let select = format!(
        "SELECT j.batch, {opened}, o.path FROM {journal} j LEFT JOIN {objects} o ON o.batch = j.batch \
         WHERE j.table_id = $1 AND j.state = $2 ORDER BY j.batch, o.path",
        opened = sql.read("j.opened_at", Kind::Time),
        journal = sql.table("thermocline_journal"),
        objects = sql.table("thermocline_journal_object"),
    );
    let mut batches: Vec<Batch> = Vec::new();
    for row in tx
        .query(&select, &[table.into(), state.as_str().into()])
        .await?
    {
        let id = row.text(0)?;
        let Some(opened_at) = time_of(row.text(1)?).filter(|at| *at < before) else {
            continue;
        };
        if batches.last().is_none_or(|last| &*last.id != id) {
            batches.push(Batch {
                id: id.into(),
                opened_at,
                objects: Vec::new(),
            });
        }
        if let (Some(batch), Some(path)) = (batches.last_mut(), row.opt_text(2)?) {
            batch.objects.push(path.into());
        }
    }
    Ok(batches)
}

/// Forgets a batch that is settled, once nothing of it is left to be done.
pub(super) async fn forget(tx: &mut dyn HostTransaction, sql: Sql, batch: &str) -> Result<()> {
    for table in ["thermocline_journal_object", "thermocline_journal"] {
        let delete = format!("DELETE FROM {} WHERE batch = $1", sql.table(table));
        tx.execute(&delete, &[batch.into()]).await?;
    }
    Ok(())
}

/// Forgets the published batches of a table that were opened before a time.
pub(super) async fn forget_published(
    tx: &mut dyn HostTransaction,
    sql: Sql,
    table: i64,
    before: Timestamp,
) -> Result<()> {
    for batch in batches(tx, sql, table, BatchState::Published, before).await? {
        forget(tx, sql, &batch.id).await?;
    }
    Ok(())
}
