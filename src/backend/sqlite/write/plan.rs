//! What a batch makes of one id: its writes thought through in order, before anything is stored.

use jiff::{SignedDuration, Timestamp};

use crate::record::HashLayout;
use crate::{Op, Record, Version, Write, Written};

/// The least distance between two writes of a record, so that no two states of it have the same version.
const TICK: SignedDuration = SignedDuration::from_micros(1);

/// One id of a batch.
#[derive(Debug, Default)]
pub(super) struct Slot<'a> {
    /// Whether a write of the batch expects a version.
    pub(super) needs_version: bool,
    /// Whether the table holds the id.
    stored: bool,
    /// Whether the stored row goes, even if another one comes.
    removed: bool,
    current: Option<Current<'a>>,
}

/// What an id holds after the writes so far.
#[derive(Debug)]
pub(super) struct Current<'a> {
    pub(super) created_at: Option<Timestamp>,
    pub(super) updated_at: Option<Timestamp>,
    version: Option<Version>,
    /// The record to store; none where the stored row stands.
    pub(super) record: Option<&'a Record>,
    /// Whether the stored time of creation is replaced too.
    pub(super) sets_created_at: bool,
}

/// What is to be done for an id.
#[derive(Debug)]
pub(super) enum Change<'s, 'a> {
    Nothing,
    Delete,
    Insert(&'s Current<'a>),
    /// Another row in place of a removed one.
    Renew(&'s Current<'a>),
    Replace(&'s Current<'a>),
}

impl<'a> Slot<'a> {
    /// The table holds the id.
    pub(super) fn found(
        &mut self,
        created_at: Option<Timestamp>,
        updated_at: Option<Timestamp>,
        version: Option<Version>,
    ) {
        self.stored = true;
        self.current = Some(Current {
            created_at,
            updated_at,
            version,
            record: None,
            sets_created_at: false,
        });
    }

    /// Does one write.
    pub(super) fn write(&mut self, write: &'a Write, now: Timestamp) -> Written {
        if let Some(expect) = &write.expect {
            match &self.current {
                None => return Written::Missing,
                Some(current) if current.version.as_ref() != Some(expect) => {
                    return Written::Changed;
                }
                Some(_) => {}
            }
        }
        match (&write.op, self.current.take()) {
            (Op::Create(_), Some(current)) => {
                self.current = Some(current);
                Written::Exists
            }
            (Op::Update(_), None) | (Op::Delete(_), None) => Written::Missing,
            (Op::Create(record) | Op::Upsert(record), None) => {
                Written::Created(self.set(record, Some(now), Some(now), true))
            }
            (Op::Update(record) | Op::Upsert(record), Some(before)) => {
                let next = before.updated_at.map(|time| time.saturating_add(TICK));
                let updated_at = next.into_iter().flatten().fold(now, Timestamp::max);
                let sets_created_at = before.sets_created_at;
                Written::Updated(self.set(
                    record,
                    before.created_at,
                    Some(updated_at),
                    sets_created_at,
                ))
            }
            (Op::Put(record), before) => {
                let version = self.set(record, record.created_at(), record.updated_at(), true);
                match before {
                    None => Written::Created(version),
                    Some(_) => Written::Updated(version),
                }
            }
            (Op::Delete(_), Some(_)) => {
                self.removed = self.stored;
                Written::Deleted
            }
        }
    }

    fn set(
        &mut self,
        record: &'a Record,
        created_at: Option<Timestamp>,
        updated_at: Option<Timestamp>,
        sets_created_at: bool,
    ) -> Version {
        let version = HashLayout::Sqlite.version_at(record, created_at, updated_at);
        self.current = Some(Current {
            created_at,
            updated_at,
            version: Some(version.clone()),
            record: Some(record),
            sets_created_at,
        });
        version
    }

    /// What the writes made of the id.
    pub(super) fn change(&self) -> Change<'_, 'a> {
        match &self.current {
            None if self.removed => Change::Delete,
            None => Change::Nothing,
            Some(current) if current.record.is_none() => Change::Nothing,
            Some(current) if self.removed => Change::Renew(current),
            Some(current) if self.stored => Change::Replace(current),
            Some(current) => Change::Insert(current),
        }
    }
}
