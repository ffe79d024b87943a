//! Records that match and wait for their turn.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::archive::view::ArchiveView;
use crate::archive::view::group::{FileScan, Match};
use crate::archive::view::reader::{Limits, blocking};
use crate::query::{KeyBound, Prepared, SortKey};
use crate::{Error, Record, Result};

/// What a record takes beside its text, about.
const OVERHEAD: usize = 192;

/// Matching records by their keys.
pub(super) struct Held {
    query: Prepared,
    /// Only so many of the first count.
    need: u64,
    /// The number tells apart what two rows of one id have in common, where others wrote them.
    waiting: BTreeMap<(SortKey, u64), Waiting>,
    pushed: u64,
    limits: Limits,
    record_bytes: usize,
    key_bytes: usize,
}

/// A record, or where it lies.
pub(super) enum Waiting {
    Inlined(Arc<Record>),
    Here(Arc<Record>, Place),
    There(Place, usize),
}

/// Where a record lies.
#[derive(Clone)]
pub(super) struct Place {
    scan: Arc<FileScan>,
    group: usize,
    row: usize,
}

impl Held {
    pub(super) fn new(query: Prepared, need: u64, limits: Limits) -> Self {
        Self {
            query,
            need,
            limits,
            waiting: BTreeMap::new(),
            pushed: 0,
            record_bytes: 0,
            key_bytes: 0,
        }
    }

    /// Takes a record that is in memory anyway.
    pub(super) fn push_inlined(&mut self, record: Arc<Record>) {
        let key = self.query.sort_key(&record);
        self.enter(key, Waiting::Inlined(record));
    }

    /// Takes the matches of one row group.
    ///
    /// # Errors
    /// `Invalid`: the keys alone are more than may be held.
    pub(super) fn push(
        &mut self,
        scan: &Arc<FileScan>,
        group: usize,
        matches: Vec<Match>,
    ) -> Result<()> {
        for found in matches {
            let key = self.query.sort_key(&found.record);
            let place = Place {
                scan: Arc::clone(scan),
                group,
                row: found.row,
            };
            self.enter(key, Waiting::Here(found.record, place));
        }
        if self.record_bytes > self.limits.sorted_records {
            self.let_records_go();
        }
        if self.key_bytes > self.limits.sorted_keys {
            return Err(Error::invalid(
                "more records match than can be sorted in memory; add a limit, or sort by the age",
            )
            .with("records", self.waiting.len()));
        }
        Ok(())
    }

    /// Takes out the first records that stand before `frontier`, up to a portion.
    pub(super) fn portion_before(&mut self, frontier: Option<&KeyBound>) -> Vec<Waiting> {
        let (mut portion, mut bytes) = (Vec::new(), 0);
        while bytes < self.limits.portion
            && let Some(first) = self.waiting.first_entry()
            && frontier.is_none_or(|frontier| first.key().0.is_before(frontier))
        {
            let ((key, _), waiting) = first.remove_entry();
            self.left(&key, &waiting);
            self.need = self.need.saturating_sub(1);
            bytes += waiting.record_bytes();
            portion.push(waiting);
        }
        portion
    }

    /// Whether so many are held before `bound` that nothing from there on is needed.
    pub(super) fn is_full_before(&self, bound: &KeyBound) -> bool {
        let is_full = self.waiting.len() as u64 >= self.need;
        let last = self.waiting.last_key_value();
        is_full && last.is_none_or(|((key, _), _)| key.is_before(bound))
    }

    fn enter(&mut self, key: SortKey, waiting: Waiting) {
        self.record_bytes += waiting.bytes_here();
        self.key_bytes += key.bytes() + size_of::<Waiting>();
        self.pushed += 1;
        self.waiting.insert((key, self.pushed), waiting);
        if self.waiting.len() as u64 > self.need
            && let Some(((key, _), waiting)) = self.waiting.pop_last()
        {
            self.left(&key, &waiting);
        }
    }

    fn left(&mut self, key: &SortKey, waiting: &Waiting) {
        self.record_bytes -= waiting.bytes_here();
        self.key_bytes -= key.bytes() + size_of::<Waiting>();
    }

    fn let_records_go(&mut self) {
        for waiting in self.waiting.values_mut() {
            if let Waiting::Here(record, place) = waiting {
                *waiting = Waiting::There(place.clone(), record.bytes() + OVERHEAD);
            }
        }
        self.record_bytes = 0;
    }
}

impl Waiting {
    /// What the record takes of the budget for records.
    fn bytes_here(&self) -> usize {
        match self {
            Self::Here(record, _) => record.bytes() + OVERHEAD,
            Self::Inlined(_) | Self::There(..) => 0,
        }
    }

    fn record_bytes(&self) -> usize {
        match self {
            Self::Here(record, _) | Self::Inlined(record) => record.bytes() + OVERHEAD,
            Self::There(_, bytes) => *bytes,
        }
    }
}

/// The records of a portion, in its order; those that were let go are fetched again, each row group once.
pub(super) async fn records(view: &ArchiveView, portion: Vec<Waiting>) -> Result<Vec<Arc<Record>>> {
    type Rows = Vec<(usize, usize)>;
    let mut records: Vec<Option<Arc<Record>>> = vec![None; portion.len()];
    let mut away: BTreeMap<(Arc<str>, usize), (Arc<FileScan>, Rows)> = BTreeMap::new();
    for (turn, waiting) in portion.into_iter().enumerate() {
        match waiting {
            Waiting::Inlined(record) | Waiting::Here(record, _) => records[turn] = Some(record),
            Waiting::There(place, _) => {
                let key = (Arc::clone(&place.scan.file.path), place.group);
                let (_, rows) = away.entry(key).or_insert_with(|| (place.scan, Rows::new()));
                rows.push((place.row, turn));
            }
        }
    }
    for ((_, group), (scan, mut rows)) in away {
        rows.sort_unstable();
        let chunks = scan.fetch(view, &[group]).await?;
        let places: Vec<usize> = rows.iter().map(|(row, _)| *row).collect();
        let found = blocking(move || scan.records(group, &places, &chunks)).await?;
        for ((_, turn), record) in rows.into_iter().zip(found) {
            records[turn] = Some(record);
        }
    }
    Ok(records.into_iter().flatten().collect())
}
