//! The verbs that people use, for every `Database`.

use std::sync::Arc;

use async_trait::async_trait;

use super::Database;
use crate::{Error, Op, Record, RecordId, Result, Version, Write, Written};

/// The verbs of every [`Database`]: one write at a time, or many of a kind.
///
/// Where [`Database::write`] answers with an outcome, these turn the unwelcome ones into errors: `create` of an id that
/// is there and `write_if` of a record that has changed are `Conflict`, `update` of one that is missing is `Ok(None)`.
#[async_trait]
pub trait DatabaseExt: Database {
    /// Writes a record that must not exist yet.
    ///
    /// # Errors
    /// `Conflict`: the id is there, in whichever tier.
    async fn create(&self, record: Record) -> Result<Version> {
        let id = record.id().clone();
        match one(self
            .write(vec![Op::Create(Arc::new(record)).into()])
            .await?)?
        {
            Written::Created(version) => Ok(version),
            Written::Exists => Err(Error::conflict(
                "a record with this id exists; upsert replaces it",
            )
            .with("id", id)),
            other => Err(unexpected(&other, &id)),
        }
    }

    /// Replaces the whole of a record; `None` where there is none.
    async fn update(&self, record: Record) -> Result<Option<Version>> {
        let id = record.id().clone();
        match one(self
            .write(vec![Op::Update(Arc::new(record)).into()])
            .await?)?
        {
            Written::Updated(version) => Ok(Some(version)),
            Written::Missing => Ok(None),
            other => Err(unexpected(&other, &id)),
        }
    }

    /// Writes a record whether it exists or not.
    async fn upsert(&self, record: Record) -> Result<Version> {
        let id = record.id().clone();
        match one(self
            .write(vec![Op::Upsert(Arc::new(record)).into()])
            .await?)?
        {
            Written::Created(version) | Written::Updated(version) => Ok(version),
            other => Err(unexpected(&other, &id)),
        }
    }

    /// Removes a record; whether it was there.
    ///
    /// # Errors
    /// `Invalid`: an id that cannot be written.
    async fn delete(&self, id: &str) -> Result<bool> {
        let id = RecordId::new(id)?;
        match one(self.write(vec![Op::Delete(id.clone()).into()]).await?)? {
            Written::Deleted => Ok(true),
            Written::Missing => Ok(false),
            other => Err(unexpected(&other, &id)),
        }
    }

    /// Whether a record is there. Never answered by a cache.
    async fn exists(&self, id: &str) -> Result<bool> {
        let filter = crate::Filter::id_is(id);
        Ok(self.count(&crate::Query::from(filter)).await? > 0)
    }

    /// Writes records whether they exist or not, in one batch.
    async fn upsert_many(&self, records: Vec<Record>) -> Result<Vec<Written>> {
        let upsert = |record| Op::Upsert(Arc::new(record)).into();
        self.write(records.into_iter().map(upsert).collect()).await
    }

    /// Removes records, in one batch; how many were there.
    ///
    /// # Errors
    /// `Invalid`: an id that cannot be written; nothing is removed.
    async fn delete_many(&self, ids: &[&str]) -> Result<u64> {
        let mut writes = Vec::with_capacity(ids.len());
        for id in ids {
            writes.push(Op::Delete(RecordId::new(id)?).into());
        }
        let mut deleted = 0;
        for written in self.write(writes).await? {
            match written {
                Written::Deleted => deleted += 1,
                Written::Failed(error) => return Err(error),
                _ => {}
            }
        }
        Ok(deleted)
    }

    /// Does `op` only if the stored record has the version `expect`.
    ///
    /// # Errors
    /// `Conflict`: the record has changed or is gone.
    async fn write_if(&self, op: Op, expect: Version) -> Result<Written> {
        let id = op.id().clone();
        match one(self.write(vec![Write::from(op).expecting(expect)]).await?)? {
            Written::Changed | Written::Missing => Err(Error::conflict(
                "the record has changed since it was read; read it again",
            )
            .with("id", id)),
            written => Ok(written),
        }
    }
}

impl<D: Database + ?Sized> DatabaseExt for D {}

fn one(mut written: Vec<Written>) -> Result<Written> {
    match (written.pop(), written.is_empty()) {
        (Some(Written::Failed(error)), true) => Err(error),
        (Some(written), true) => Ok(written),
        _ => Err(Error::unexpected(
            "a batch of one was not answered by one outcome",
        )),
    }
}

fn unexpected(written: &Written, id: &RecordId) -> Error {
    Error::unexpected("an outcome that this operation cannot have")
        .with("outcome", format_args!("{written:?}"))
        .with("id", id)
}
