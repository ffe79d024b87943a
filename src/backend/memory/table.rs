//! The records of the database face, and how a write changes them.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use jiff::Timestamp;

use crate::record::{Stamp, VersionCounter};
use crate::write::Effect;
use crate::{Filter, Record, RecordId, Write, Written};

pub(super) struct Table {
    records: HashMap<RecordId, Arc<Record>, RandomState>,
    versions: VersionCounter,
}

impl Table {
    pub(super) fn new() -> Self {
        Self {
            records: HashMap::default(),
            versions: VersionCounter::new("memory"),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    pub(super) fn get(&self, id: &str) -> Option<Arc<Record>> {
        self.records.get(id).cloned()
    }

    /// The records that `filter` can match: one where it names the id, else all.
    pub(super) fn candidates(&self, filter: &Filter) -> impl Iterator<Item = &Arc<Record>> {
        let (one, all) = match filter.only_id() {
            Some(id) => (self.records.get(id), None),
            None => (None, Some(self.records.values())),
        };
        one.into_iter().chain(all.into_iter().flatten())
    }

    pub(super) fn apply(&mut self, write: Write, now: Timestamp) -> Written {
        let id = write.id().clone();
        let stored = self.records.get(&id).map(AsRef::as_ref);
        match write.against(stored, now) {
            Effect::Refused(outcome) => outcome,
            Effect::Remove => {
                self.records.remove(&id);
                Written::Deleted
            }
            Effect::Store { record, created } => {
                let version = self.versions.next();
                let record = record.with_stamp(Stamp::Given(version.clone()));
                // The key shares its text with the record that it leads to.
                self.records.remove(&id);
                self.records.insert(record.id().clone(), Arc::new(record));
                if created {
                    Written::Created(version)
                } else {
                    Written::Updated(version)
                }
            }
        }
    }

    pub(super) fn clear(&mut self) {
        self.records.clear();
    }
}
