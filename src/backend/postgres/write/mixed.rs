//! Batches of several kinds, with ids that repeat or versions that are expected: rows are locked, writes thought through.
//!
//! An id that nobody has cannot be locked. Where somebody else creates it meanwhile, its insert does nothing, and its
//! writes are thought through again on top of what is there then; the other ids do not notice.

use std::collections::HashMap;

use foldhash::fast::FixedState;
use jiff::Timestamp;

use crate::backend::postgres::Place;
use crate::backend::postgres::lease::{Lease, Sql};
use crate::backend::postgres::row::{self, Args};
use crate::record::{RowStamp, Stamp};
use crate::write::Effect;
use crate::{Error, Op, Record, RecordId, Result, Write, Written};

/// How often ids are thought through again that others create and delete meanwhile.
const ROUNDS: usize = 20;

/// Applies writes in order; what became of each.
pub(super) async fn apply(
    lease: &mut Lease,
    place: &Place,
    now: Timestamp,
    writes: &[Write],
) -> Result<Vec<Written>> {
    let mut outcomes: Vec<Option<Written>> = writes.iter().map(|_| None).collect();
    let mut slots = slots(writes);
    for _ in 0..ROUNDS {
        load(lease, place, &mut slots).await?;
        for slot in &mut slots {
            slot.think(writes, now, &mut outcomes);
        }
        let stored = store(lease, place, &slots).await?;
        for slot in slots.iter().filter(|slot| stored.holds(slot)) {
            slot.stamp(&mut outcomes, stored.xmin);
        }
        slots.retain(|slot| !stored.holds(slot));
        if slots.is_empty() {
            return Ok(outcomes.into_iter().flatten().collect());
        }
    }
    Err(
        Error::unavailable("others create and delete the same ids all the time; try again")
            .with("id", slots[0].id),
    )
}

/// One id of a batch.
#[derive(Debug)]
struct Slot<'a> {
    id: &'a str,
    /// Its writes, by their places in the batch.
    writes: Vec<usize>,
    /// Whether the table holds it.
    stored: bool,
    /// What it holds now: without fields where the writes have not touched it.
    current: Option<Record>,
    fate: Fate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Stays,
    Goes,
    /// The record is replaced; whether its time of creation is too.
    Comes {
        with_created_at: bool,
    },
}

fn slots(writes: &[Write]) -> Vec<Slot<'_>> {
    let mut by_id: HashMap<&str, Vec<usize>, FixedState> = HashMap::default();
    for (at, write) in writes.iter().enumerate() {
        by_id.entry(write.id().as_str()).or_default().push(at);
    }
    let mut slots: Vec<Slot<'_>> = by_id
        .into_iter()
        .map(|(id, writes)| Slot {
            id,
            writes,
            stored: false,
            current: None,
            fate: Fate::Stays,
        })
        .collect();
    slots.sort_unstable_by_key(|slot| slot.id);
    slots
}

/// Locks the rows that exist, in the order of their ids, and notes what they hold.
async fn load(lease: &mut Lease, place: &Place, slots: &mut [Slot<'_>]) -> Result<()> {
    let sql = format!(
        "SELECT id, xmin, created_at, updated_at FROM {} WHERE id = ANY($1) ORDER BY id COLLATE \"C\" FOR UPDATE",
        place.table.quoted()
    );
    let args = Args::default().texts(slots.iter().map(|slot| slot.id));
    let rows = lease.fetch(&sql.into(), args.finish()).await?;
    for slot in slots.iter_mut() {
        (slot.stored, slot.current, slot.fate) = (false, None, Fate::Stays);
    }
    for row in &rows {
        let id = row::text(row, 0)?;
        let Ok(at) = slots.binary_search_by_key(&id, |slot| slot.id) else {
            continue;
        };
        let stamp = RowStamp {
            xmin: row::xid(row, 1)?,
            ctid: [0; 6],
        };
        let record = Record::stored(
            RecordId::stored(id.to_owned()),
            "{}".into(),
            None,
            Stamp::Row(stamp),
        );
        let (created_at, updated_at) = (
            row::time(row, 2, &place.zone)?,
            row::time(row, 3, &place.zone)?,
        );
        slots[at].stored = true;
        slots[at].current = Some(record.with_times(created_at, updated_at));
    }
    Ok(())
}

impl Slot<'_> {
    fn think(&mut self, writes: &[Write], now: Timestamp, outcomes: &mut [Option<Written>]) {
        for at in &self.writes {
            let write = &writes[*at];
            let outcome = match write.clone().against(self.current.as_ref(), now) {
                Effect::Refused(outcome) => outcome,
                Effect::Remove => {
                    self.current = None;
                    self.fate = Fate::Goes;
                    Written::Deleted
                }
                Effect::Store { record, created } => {
                    let with_created_at = created
                        || matches!(write.op, Op::Put(_))
                        || self.fate
                            == Fate::Comes {
                                with_created_at: true,
                            };
                    self.current = Some(record);
                    self.fate = Fate::Comes { with_created_at };
                    // The transaction's number comes with what is stored.
                    let version = RowStamp::version_of(0);
                    if created {
                        Written::Created(version)
                    } else {
                        Written::Updated(version)
                    }
                }
            };
            outcomes[*at] = Some(outcome);
        }
    }

    /// Whether a row comes, goes or changes.
    fn shape(&self) -> Option<Shape> {
        match (self.fate, self.stored) {
            (Fate::Stays, _) | (Fate::Goes, false) => None,
            (Fate::Goes, true) => Some(Shape::Delete),
            (Fate::Comes { .. }, false) => Some(Shape::Insert),
            (
                Fate::Comes {
                    with_created_at: true,
                },
                true,
            ) => Some(Shape::Put),
            (
                Fate::Comes {
                    with_created_at: false,
                },
                true,
            ) => Some(Shape::Replace),
        }
    }

    /// Gives the outcomes the version that the row got.
    fn stamp(&self, outcomes: &mut [Option<Written>], xmin: u32) {
        for at in &self.writes {
            if let Some(Written::Created(version) | Written::Updated(version)) = &mut outcomes[*at]
            {
                *version = RowStamp::version_of(xmin);
            }
        }
    }
}

/// The ways to store what became of an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Delete,
    Insert,
    /// The id is there; its time of creation stays as it is stored.
    Replace,
    /// The id is there, and all its times are replaced.
    Put,
}

/// What was stored.
#[derive(Debug)]
struct Stored<'a> {
    /// The new ids that somebody else created meanwhile.
    taken: Vec<&'a str>,
    xmin: u32,
}

impl Stored<'_> {
    fn holds(&self, slot: &Slot<'_>) -> bool {
        self.taken.binary_search(&slot.id).is_err()
    }
}

async fn store<'a>(lease: &mut Lease, place: &Place, slots: &[Slot<'a>]) -> Result<Stored<'a>> {
    let mut stored = Stored {
        taken: Vec::new(),
        xmin: 0,
    };
    for shape in [Shape::Delete, Shape::Insert, Shape::Replace, Shape::Put] {
        let slots: Vec<&Slot<'a>> = slots
            .iter()
            .filter(|slot| slot.shape() == Some(shape))
            .collect();
        if slots.is_empty() {
            continue;
        }
        let rows = lease
            .fetch(&shape.sql(place), shape.args(place, &slots)?.finish())
            .await?;
        if let Some(row) = rows.first() {
            stored.xmin = row::xid(row, 1)?;
        }
        if shape == Shape::Insert && rows.len() < slots.len() {
            let mut new = rows
                .iter()
                .map(|row| row::text(row, 0))
                .collect::<Result<Vec<_>>>()?;
            new.sort_unstable();
            stored.taken = slots
                .iter()
                .map(|slot| slot.id)
                .filter(|id| new.binary_search(id).is_err())
                .collect();
        }
    }
    Ok(stored)
}

impl Shape {
    fn sql(self, place: &Place) -> Sql {
        let table = place.table.quoted();
        let new = "unnest($1::text[], $2::text[], $3::text[], $4::timestamp[], $5::timestamp[]) \
                   AS u(id, data, metadata, created_at, updated_at)";
        let set = "data = u.data::jsonb, metadata = u.metadata::jsonb, updated_at = u.updated_at";
        let sql = match self {
            // A deleted row still tells which transaction deletes it.
            Self::Delete => format!(
                "DELETE FROM {table} WHERE id = ANY($1) RETURNING id, pg_current_xact_id()::xid"
            ),
            Self::Insert => format!(
                "INSERT INTO {table} (id, data, metadata, created_at, updated_at) \
                 SELECT u.id, u.data::jsonb, u.metadata::jsonb, u.created_at, u.updated_at FROM {new} \
                 ON CONFLICT (id) DO NOTHING RETURNING id, xmin"
            ),
            Self::Replace => format!(
                "UPDATE {table} AS r SET {set} FROM {new} WHERE r.id = u.id RETURNING r.id, r.xmin"
            ),
            Self::Put => format!(
                "UPDATE {table} AS r SET {set}, created_at = u.created_at FROM {new} WHERE r.id = u.id \
                 RETURNING r.id, r.xmin"
            ),
        };
        sql.into()
    }

    fn args(self, place: &Place, slots: &[&Slot<'_>]) -> Result<Args> {
        let args = Args::default().texts(slots.iter().map(|slot| slot.id));
        if self == Self::Delete {
            return Ok(args);
        }
        let records: Vec<&Record> = slots
            .iter()
            .filter_map(|slot| slot.current.as_ref())
            .collect();
        let (mut created, mut updated) = (Vec::new(), Vec::new());
        for record in &records {
            created.push(place.opt_time(record, record.created_at())?);
            updated.push(place.opt_time(record, record.updated_at())?);
        }
        Ok(args
            .texts(records.iter().map(|record| record.fields()))
            .opt_texts(records.iter().map(|record| record.metadata()))
            .times(created)
            .times(updated))
    }
}
