//! What is written, and what became of it.

mod effect;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod python;

use std::sync::Arc;

use futures::stream::BoxStream;

pub(crate) use self::effect::Effect;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) use self::python::check_for_python;

use crate::{Error, Record, RecordId, Result, Version};

/// A stream of records that owns its connection and its snapshot.
pub type RecordStream = BoxStream<'static, Result<Arc<Record>>>;

/// One write of a batch.
#[derive(Clone, Debug)]
pub struct Write {
    /// What to do.
    pub op: Op,
    /// Do it only if the stored record has this version; otherwise the outcome is [`Written::Changed`].
    pub expect: Option<Version>,
}

impl Write {
    /// The id that is written.
    pub fn id(&self) -> &RecordId {
        self.op.id()
    }

    /// The same write, done only if the stored record has the version `expect`.
    #[must_use]
    pub fn expecting(mut self, expect: Version) -> Self {
        self.expect = Some(expect);
        self
    }
}

impl From<Op> for Write {
    fn from(op: Op) -> Self {
        Self { op, expect: None }
    }
}

/// The operations on one record.
#[derive(Clone, Debug)]
pub enum Op {
    /// Writes a record that must not exist yet.
    Create(Arc<Record>),
    /// Replaces the whole of a record that must exist.
    Update(Arc<Record>),
    /// Writes a record whether it exists or not.
    Upsert(Arc<Record>),
    /// As `Upsert`, and keeps the record's own times: for imports, migrations, restores.
    Put(Arc<Record>),
    /// Removes a record.
    Delete(RecordId),
}

impl Op {
    /// The id that is written.
    pub fn id(&self) -> &RecordId {
        match self {
            Self::Create(record)
            | Self::Update(record)
            | Self::Upsert(record)
            | Self::Put(record) => record.id(),
            Self::Delete(id) => id,
        }
    }

    /// The record that is written; none for a delete.
    pub fn record(&self) -> Option<&Arc<Record>> {
        match self {
            Self::Create(record)
            | Self::Update(record)
            | Self::Upsert(record)
            | Self::Put(record) => Some(record),
            Self::Delete(_) => None,
        }
    }
}

/// What became of one write.
///
/// `Missing`, `Exists` and `Changed` are answers, not failures: the other writes of the batch stand.
#[derive(Clone, Debug)]
pub enum Written {
    /// The id was new.
    Created(Version),
    /// The id was there and was replaced.
    Updated(Version),
    /// The id was there and is gone.
    Deleted,
    /// An update, a delete or a conditional write of an id that is not there.
    Missing,
    /// A create of an id that is there.
    Exists,
    /// A conditional write of a record that has another version by now.
    Changed,
    /// This one failed; others of the batch may stand (only where batches are not atomic).
    Failed(Error),
}
