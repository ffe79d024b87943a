//! Sort, offset and limit over records that come one by one; with a limit, only so many are held.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::Arc;

use super::key::SortKey;
use super::prepared::Prepared;
use crate::Record;

/// Takes the records that match, and gives the answer in its order.
#[derive(Debug)]
pub(crate) struct Collector {
    prepared: Prepared,
    /// How many records the answer and its offset need at most.
    need: usize,
    held: Held,
}

#[derive(Debug)]
enum Held {
    /// Any records will do.
    Unordered(Vec<Arc<Record>>),
    /// The first so many; the last of them is on top.
    Ordered(BinaryHeap<Keyed>),
}

#[derive(Debug)]
struct Keyed {
    key: SortKey,
    record: Arc<Record>,
}

impl Collector {
    pub(crate) fn new(prepared: Prepared) -> Self {
        let query = prepared.query();
        let need = match query.limit {
            None => usize::MAX,
            Some(0) => 0,
            Some(limit) => {
                usize::try_from(limit.saturating_add(query.offset)).unwrap_or(usize::MAX)
            }
        };
        let held = if prepared.is_ordered() {
            Held::Ordered(BinaryHeap::new())
        } else {
            Held::Unordered(Vec::new())
        };
        Self {
            prepared,
            need,
            held,
        }
    }

    /// Whether another record could change the answer.
    pub(crate) fn wants_more(&self) -> bool {
        match &self.held {
            Held::Unordered(records) => records.len() < self.need,
            Held::Ordered(_) => self.need > 0,
        }
    }

    /// Whether the answer is complete, if no record to come stands before this one in the order's first key.
    #[cfg(feature = "sqlite")]
    pub(crate) fn is_done_before(&self, record: &Record) -> bool {
        match &self.held {
            Held::Ordered(heap) if heap.len() == self.need => heap
                .peek()
                .is_none_or(|last| last.key.is_before_all_like(&self.prepared.sort_key(record))),
            _ => false,
        }
    }

    /// Takes one record that matches.
    pub(crate) fn push(&mut self, record: Arc<Record>) {
        match &mut self.held {
            Held::Unordered(records) => {
                if records.len() < self.need {
                    records.push(record);
                }
            }
            Held::Ordered(heap) => {
                let key = self.prepared.sort_key(&record);
                if heap.len() < self.need {
                    heap.push(Keyed { key, record });
                } else if let Some(mut last) = heap.peek_mut()
                    && key < last.key
                {
                    *last = Keyed { key, record };
                }
            }
        }
    }

    /// The answer.
    pub(crate) fn finish(self) -> Vec<Arc<Record>> {
        let query = self.prepared.query();
        let offset = usize::try_from(query.offset).unwrap_or(usize::MAX);
        let records: Vec<Arc<Record>> = match self.held {
            Held::Unordered(records) => records,
            Held::Ordered(heap) => {
                let keyed = heap.into_sorted_vec().into_iter();
                keyed.skip(offset).map(|keyed| keyed.record).collect()
            }
        };
        records
            .into_iter()
            .map(|record| self.prepared.project(record))
            .collect()
    }
}

impl Ord for Keyed {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.cmp(&other.key)
    }
}

impl PartialOrd for Keyed {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Keyed {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Keyed {}

#[cfg(test)]
mod tests;
