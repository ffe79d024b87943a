//! What a write does to what is stored: the one meaning of the five operations.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{Op, Write, Written};
use crate::Record;

/// What becomes of an id by one write.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Nothing is written; this is the outcome.
    Refused(Written),
    /// The record goes.
    Remove,
    /// This record, with its times set, takes the place of what was there.
    Store {
        /// Still without the version that the backend gives it.
        record: Record,
        /// Whether the id was new.
        created: bool,
    },
}

impl Write {
    /// What this write does to an id under which `stored` is kept, at the time `now`.
    pub(crate) fn against(self, stored: Option<&Record>, now: Timestamp) -> Effect {
        if let Some(expect) = &self.expect {
            match stored {
                None => return Effect::Refused(Written::Missing),
                Some(stored) if stored.version().as_ref() != Some(expect) => {
                    return Effect::Refused(Written::Changed);
                }
                Some(_) => {}
            }
        }
        match (self.op, stored) {
            (Op::Create(_), Some(_)) => Effect::Refused(Written::Exists),
            (Op::Update(_) | Op::Delete(_), None) => Effect::Refused(Written::Missing),
            (Op::Delete(_), Some(_)) => Effect::Remove,
            (Op::Put(record), stored) => Effect::Store {
                record: record.owned(),
                created: stored.is_none(),
            },
            (Op::Create(record) | Op::Update(record) | Op::Upsert(record), stored) => {
                Effect::Store {
                    record: dated(record, stored, now),
                    created: stored.is_none(),
                }
            }
        }
    }
}

fn dated(record: Arc<Record>, stored: Option<&Record>, now: Timestamp) -> Record {
    let created_at = stored.map_or(Some(now), Record::created_at);
    let updated_at = updated_after(stored.and_then(Record::updated_at), now);
    record.owned().with_times(created_at, Some(updated_at))
}

/// The time of a write at `now` to a record that was last written at `last`: always later than that.
///
/// Two writes within one microsecond, or after the clock was set back, still leave two different states.
fn updated_after(last: Option<Timestamp>, now: Timestamp) -> Timestamp {
    let microsecond = SignedDuration::from_micros(1);
    last.and_then(|last| last.checked_add(microsecond).ok())
        .map_or(now, |earliest| now.max(earliest))
}
