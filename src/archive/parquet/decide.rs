//! What a batch of writes makes of an archive.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;
use jiff::Timestamp;

use crate::archive::catalog::Place;
use crate::archive::view::Located;
use crate::record::{HashLayout, Stamp};
use crate::write::Effect;
use crate::{Record, RecordId, Write, Written};

/// What is to be done, and what became of each write if it is.
#[derive(Debug)]
pub(super) struct Decision {
    pub(super) written: Vec<Written>,
    /// What the ids hold afterwards, each once, where that is new.
    pub(super) records: Vec<Arc<Record>>,
    /// Where what they held before lies.
    pub(super) dead: Vec<Place>,
}

impl Decision {
    /// Thinks `writes` through, in order, over what their ids hold: `located` has an answer for each write.
    pub(super) fn of(writes: &[Write], located: Vec<Option<Located>>, now: Timestamp) -> Self {
        let mut held: HashMap<RecordId, Held, FixedState> = HashMap::default();
        let mut order = Vec::new();
        for (write, located) in writes.iter().zip(located) {
            held.entry(write.id().clone()).or_insert_with(|| {
                order.push(write.id().clone());
                Held::of(located)
            });
        }
        let mut written = Vec::with_capacity(writes.len());
        for write in writes {
            // Every id of a write was entered above.
            if let Some(held) = held.get_mut(write.id()) {
                written.push(held.apply(write.clone(), now));
            }
        }
        let mut decision = Self {
            written,
            records: Vec::new(),
            dead: Vec::new(),
        };
        for held in order.into_iter().filter_map(|id| held.remove(&id)) {
            if held.is_changed {
                decision.records.extend(held.record);
                decision.dead.extend(held.places);
            }
        }
        decision
    }

    /// Whether nothing is to be done.
    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty() && self.dead.is_empty()
    }

    /// Whether another decision stores the same records, whatever it makes dead.
    pub(super) fn stores_the_same(&self, other: &Self) -> bool {
        let same = |(one, other): (&Arc<Record>, &Arc<Record>)| one.same_content(other);
        self.records.len() == other.records.len()
            && self.records.iter().zip(&other.records).all(same)
    }
}

/// What one id holds.
#[derive(Debug)]
struct Held {
    /// Where it lay at first.
    places: Vec<Place>,
    record: Option<Arc<Record>>,
    is_changed: bool,
}

impl Held {
    fn of(located: Option<Located>) -> Self {
        let record = located.as_ref().map(|found| Arc::clone(&found.record));
        Self {
            places: located.into_iter().flat_map(Located::into_places).collect(),
            record,
            is_changed: false,
        }
    }

    fn apply(&mut self, write: Write, now: Timestamp) -> Written {
        match write.against(self.record.as_deref(), now) {
            Effect::Refused(written) => written,
            Effect::Remove => {
                self.record = None;
                self.is_changed = true;
                Written::Deleted
            }
            Effect::Store { record, created } => {
                let version = HashLayout::Archive.version(&record);
                self.record = Some(Arc::new(
                    record.with_stamp(Stamp::Hash(HashLayout::Archive)),
                ));
                self.is_changed = true;
                if created {
                    Written::Created(version)
                } else {
                    Written::Updated(version)
                }
            }
        }
    }
}
