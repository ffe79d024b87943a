//! A query that was checked and made ready, and the local execution that backends share.

use std::sync::Arc;

use jiff::Timestamp;

use super::collect::Collector;
use super::key::SortKey;
use super::matcher::Matcher;
use super::projection::Projection;
use super::{Filter, Path, Query};
use crate::json::Json;
use crate::{Record, Result};

/// A [`Query`] that was checked, with `now()` resolved and its operands taken apart; cheap to clone.
#[derive(Clone, Debug)]
pub struct Prepared(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    query: Query,
    matcher: Matcher,
    projection: Option<Projection>,
}

impl Query {
    /// Checks the query and makes it ready; `now()` is `now` from here on.
    ///
    /// # Errors
    /// `Invalid`: bounds of two types, an order of arrays or objects, null as an operand, a path without a name, a time
    /// outside of the years 1 to 9999.
    pub fn prepare(&self, now: Timestamp) -> Result<Prepared> {
        for path in self
            .sort
            .iter()
            .map(|sort| &sort.path)
            .chain(self.fields.iter().flatten())
        {
            path.check()?;
        }
        let matcher = Matcher::of(&self.filter, now)?;
        let query = Self {
            filter: self.filter.at(now)?,
            ..self.clone()
        };
        Ok(Prepared(Arc::new(Inner {
            matcher,
            projection: query.fields.as_deref().map(Projection::of),
            query,
        })))
    }
}

impl Filter {
    /// Whether one record matches; for many, [`prepare`](Query::prepare) a query once.
    ///
    /// # Errors
    /// `Invalid`, as [`Query::prepare`].
    pub fn matches(&self, record: &Record, now: Timestamp) -> Result<bool> {
        Ok(Matcher::of(self, now)?.matches(record))
    }
}

impl Prepared {
    /// The query, with every `now()` replaced by the time it stands for.
    pub fn query(&self) -> &Query {
        &self.0.query
    }

    /// Whether the record matches the filter.
    pub fn matches(&self, record: &Record) -> bool {
        self.0.matcher.matches(record)
    }

    /// Whether a record matches of which only some values are known: none where that hangs on others. A value that is
    /// known to be missing is null.
    pub(crate) fn judge<'a>(&self, known: impl Fn(&Path) -> Option<Json<'a>>) -> Option<bool> {
        self.0.matcher.judge(&known)
    }

    /// Where the record stands in the query's order; by id if the query has no sort.
    pub fn sort_key(&self, record: &Record) -> SortKey {
        SortKey::of(record, &self.0.query.sort)
    }

    /// The record with only those fields that the query asks for; the same one if it asks for all.
    pub fn project(&self, record: Arc<Record>) -> Arc<Record> {
        match &self.0.projection {
            None => record,
            Some(projection) => Arc::new(record.projected(projection.apply(record.fields()))),
        }
    }

    /// Whether the answer has an order: a sort, or an offset.
    pub fn is_ordered(&self) -> bool {
        !self.0.query.sort.is_empty() || self.0.query.offset > 0
    }

    /// How many records a search returns if `matching` match.
    pub fn count_of(&self, matching: u64) -> u64 {
        let after_offset = matching.saturating_sub(self.0.query.offset);
        after_offset.min(self.0.query.limit.unwrap_or(u64::MAX))
    }

    /// The answer from records that are all in memory, in any order.
    pub fn collect(&self, records: impl IntoIterator<Item = Arc<Record>>) -> Vec<Arc<Record>> {
        let mut collector = Collector::new(self.clone());
        for record in records {
            if !collector.wants_more() {
                break;
            }
            if self.matches(&record) {
                collector.push(record);
            }
        }
        collector.finish()
    }
}
