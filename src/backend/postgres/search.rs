//! Searching: what SQL can say exactly it says; for the rest the matcher, and sort and limit, come after it.

mod rows;

use std::sync::Arc;

use futures::channel::mpsc;
use futures::{FutureExt, SinkExt, StreamExt, stream};

use self::rows::Rows;
use super::lease::Lease;
use super::pushdown::{Part, Pushdown, Values, order, parts};
use super::row::{self, Args, COLUMNS};
use super::{Place, PostgresDatabase};
use crate::query::Collector;
use crate::sql::clause::Condition;
use crate::{Prepared, Query, Record, RecordStream, Result};

/// How many records wait for the reader of a stream.
const AHEAD: usize = 256;

/// Up to so many records are streamed without a transaction around them.
const FEW: u64 = 10_000;

type Outlet = mpsc::Sender<Result<Arc<Record>>>;

/// Whether the answer is so small that the ordinary time limit of statements is enough.
pub(super) fn is_small(prepared: &Prepared) -> bool {
    prepared.query().limit.is_some_and(|limit| limit <= FEW)
}

/// The records that match, as `lease` sees them; the stream keeps it.
pub(super) fn stream(database: PostgresDatabase, lease: Lease, prepared: Prepared) -> RecordStream {
    let (outlet, records) = mpsc::channel(AHEAD);
    // The reader's own polling drives the search: dropping the stream ends it.
    let work = search(database, lease, prepared, outlet).into_stream();
    stream::select(records, work.filter_map(async |()| None)).boxed()
}

/// Counts what [`stream`] would give.
pub(super) async fn count(place: &Place, lease: &mut Lease, prepared: &Prepared) -> Result<u64> {
    let plan = Plan::of(place, prepared, Values::Bound(0));
    if plan.filter.must != Condition::Never {
        let sure = if plan.filter.is_exact() {
            String::new()
        } else {
            format!(" FILTER (WHERE {})", plan.filter.must.sql())
        };
        let sql = format!(
            "SELECT count(*), count(*){sure} FROM {}",
            rows(place, &plan.filter, None)
        );
        let args = match sure.as_str() {
            "" => plan.filter.may_args(),
            _ => plan.filter.args(),
        };
        for row in lease.fetch(&sql.into(), Args::of(args).finish()).await? {
            let counted = row::int(&row, 0)?;
            if counted == row::int(&row, 1)? {
                return Ok(prepared.count_of(counted.unsigned_abs()));
            }
        }
    }
    let mut matching = 0;
    let mut rows = plan.start(lease, "").await?;
    while let Some(record) = rows.next().await? {
        matching += u64::from(prepared.matches(&record));
    }
    Ok(prepared.count_of(matching))
}

async fn search(
    database: PostgresDatabase,
    mut lease: Lease,
    prepared: Prepared,
    mut outlet: Outlet,
) {
    let plan = Plan::of_search(&database.place, &prepared);
    // A connection that waited here for its COMMIT would be held as long as a merge reads its other side first, and with as
    // many searches as connections each would wait for one. So it is ended by its drop, which needs no reader.
    if let Err(error) = plan.run(&mut lease, &prepared, &mut outlet).await {
        // A stream that nobody reads any more needs no error.
        let _ = outlet.send(Err(error)).await;
    }
}

/// A query as far as SQL answers it.
struct Plan<'a> {
    place: &'a Place,
    values: Values,
    filter: Pushdown,
    /// What stands after `FROM`, without what orders or cuts it.
    source: String,
    /// ` ORDER BY ..`, or nothing where any order will do; none where SQL would order otherwise.
    order: Option<String>,
}

impl<'a> Plan<'a> {
    /// Without a limit the answer may be large, and comes as a copy.
    fn of_search(place: &'a Place, prepared: &Prepared) -> Self {
        let values = match prepared.query().limit {
            Some(_) => Values::Bound(0),
            None => Values::Spelled,
        };
        Self::of(place, prepared, values)
    }

    fn of(place: &'a Place, prepared: &Prepared, values: Values) -> Self {
        let query = prepared.query();
        let filter = Pushdown::of(&query.filter, &place.zone, values);
        Self {
            place,
            values,
            source: source(place, query, &filter),
            filter,
            order: if prepared.is_ordered() {
                order(&query.sort, &place.zone).map(|keys| format!(" ORDER BY {keys}"))
            } else {
                Some(String::new())
            },
        }
    }

    async fn run(&self, lease: &mut Lease, prepared: &Prepared, outlet: &mut Outlet) -> Result<()> {
        let query = prepared.query();
        match &self.order {
            Some(order) if self.filter.is_exact() => {
                let mut tail = order.clone();
                if let Some(limit) = query.limit {
                    tail.push_str(&format!(" LIMIT {}", within(limit)));
                }
                if query.offset > 0 {
                    tail.push_str(&format!(" OFFSET {}", within(query.offset)));
                }
                self.pass(lease, prepared, &tail, outlet).await
            }
            Some(order) if query.limit.is_none() => self.sift(lease, prepared, order, outlet).await,
            _ => self.collect(lease, prepared, outlet).await,
        }
    }

    /// SQL's answer is the answer.
    async fn pass(
        &self,
        lease: &mut Lease,
        prepared: &Prepared,
        tail: &str,
        outlet: &mut Outlet,
    ) -> Result<()> {
        let mut rows = self.start(lease, tail).await?;
        while let Some(record) = rows.next().await? {
            let _ = outlet.send(Ok(prepared.project(record))).await;
        }
        Ok(())
    }

    /// Rows in order through the matcher, none held.
    async fn sift(
        &self,
        lease: &mut Lease,
        prepared: &Prepared,
        order: &str,
        outlet: &mut Outlet,
    ) -> Result<()> {
        let mut left_out = prepared.query().offset;
        let mut rows = self.start(lease, order).await?;
        while let Some(record) = rows.next().await? {
            if !prepared.matches(&record) {
                continue;
            }
            if left_out > 0 {
                left_out -= 1;
                continue;
            }
            let _ = outlet.send(Ok(prepared.project(record))).await;
        }
        Ok(())
    }

    /// Rows in any order through the matcher; the best of them are held.
    async fn collect(
        &self,
        lease: &mut Lease,
        prepared: &Prepared,
        outlet: &mut Outlet,
    ) -> Result<()> {
        let mut collector = Collector::new(prepared.clone());
        let mut rows = self.start(lease, "").await?;
        while collector.wants_more() {
            let Some(record) = rows.next().await? else {
                break;
            };
            if prepared.matches(&record) {
                collector.push(record);
            }
        }
        drop(rows);
        for record in collector.finish() {
            let _ = outlet.send(Ok(record)).await;
        }
        Ok(())
    }

    async fn start<'l>(&'l self, lease: &'l mut Lease, tail: &str) -> Result<Rows<'l>> {
        let (sql, zone) = (self.select(tail), &self.place.zone);
        match self.values {
            Values::Spelled => Rows::copied(lease, &sql, zone).await,
            Values::Bound(_) => Rows::answered(lease, sql, self.args(), zone),
        }
    }

    fn select(&self, tail: &str) -> String {
        format!("SELECT {COLUMNS} FROM {}{tail}", self.source)
    }

    fn args(&self) -> Args {
        Args::of(self.filter.may_args())
    }
}

/// The rows that the filter lets pass. Of those that an own time orders and a limit cuts, the first of each part: the first
/// of all are among them, and an index of the column finds them.
fn source(place: &Place, query: &Query, filter: &Pushdown) -> String {
    if let Some(limit) = query.limit
        && filter.is_exact()
        && let Some(parts) = parts(&query.sort, &place.zone)
    {
        let most = within(limit.saturating_add(query.offset));
        let [one, other] = parts.map(|Part { condition, order }| {
            let rows = rows(place, filter, Some(&condition));
            format!("(SELECT {COLUMNS} FROM {rows} ORDER BY {order} LIMIT {most})")
        });
        return format!("({one} UNION ALL {other}) AS first");
    }
    rows(place, filter, None)
}

fn rows(place: &Place, filter: &Pushdown, condition: Option<&str>) -> String {
    let table = place.table.quoted();
    match (&filter.may, condition) {
        (Condition::Always, None) => table.to_owned(),
        (Condition::Always, Some(condition)) => format!("{table} WHERE {condition}"),
        (may, None) => format!("{table} WHERE {}", may.sql()),
        (may, Some(condition)) => format!("{table} WHERE ({}) AND {condition}", may.sql()),
    }
}

/// As many rows as SQL can count.
fn within(rows: u64) -> u64 {
    rows.min(i64::MAX.unsigned_abs())
}

#[cfg(test)]
mod tests;
