//! The first few in the order of an own time, found by going along the index of its column.

use std::sync::Arc;

use jiff::Timestamp;

use super::{MOST_HELD, Outlet, Plan, give};
use crate::backend::sqlite::lease::{Lease, Sql};
use crate::backend::sqlite::pushdown::Place;
use crate::backend::sqlite::row;
use crate::query::{Collector, Order, Root};
use crate::{Prepared, Query, Record, Result, Sort};

/// A way along an own time's column.
///
/// The texts of times are in the order of the times, but for whole seconds, which have two spellings. Text that is no time
/// may stand anywhere between them: those records are without a time, which is the last of all in a descending order only.
#[derive(Debug)]
pub(super) struct Walk {
    /// The rows in the order of the column.
    sql: Sql,
    time: fn(&Record) -> Option<Timestamp>,
}

impl Walk {
    /// None where the first few of the column need not be the first few of the query.
    pub(super) fn of(plan: &Plan, query: &Query) -> Option<Self> {
        let Sort { path, order } = query.sort.first()?;
        let time: fn(&Record) -> Option<Timestamp> = match path.root() {
            Root::CreatedAt => Record::created_at,
            Root::UpdatedAt => Record::updated_at,
            _ => return None,
        };
        if query.limit?.saturating_add(query.offset) > MOST_HELD {
            return None;
        }
        let way = match order {
            Order::Desc => "DESC",
            Order::Asc if query.filter.needs(path) => "ASC",
            Order::Asc => return None,
        };
        let tail = format!(" ORDER BY {} {way}", Place::of(path).column());
        Some(Self {
            sql: plan.select("", &tail).into(),
            time,
        })
    }

    /// Whether an index gives the order, so that only the rows are read that are asked for.
    pub(super) async fn is_indexed(&self, plan: &Plan<'_>, lease: &mut Lease) -> Result<bool> {
        let steps = lease.explain(&self.sql, plan.args()).await?;
        Ok(steps.iter().all(|step| !step.contains("TEMP B-TREE")))
    }

    pub(super) async fn run(
        &self,
        plan: &Plan<'_>,
        lease: &mut Lease,
        prepared: &Prepared,
        outlet: &mut Outlet,
    ) -> Result<()> {
        let mut collector = Collector::new(prepared.clone());
        let mut answers = lease.start(&self.sql, plan.args())?;
        while let Some(row) = answers.row().await? {
            let record = Arc::new(row::record(&row)?);
            if !prepared.matches(&record) {
                continue;
            }
            if (self.time)(&record).is_some() && collector.is_done_before(&record) {
                break;
            }
            collector.push(record);
        }
        drop(answers);
        lease.settle().await?;
        give(collector.finish(), outlet).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
