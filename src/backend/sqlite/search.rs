//! Searching: what SQL can say exactly it says; for the rest the matcher, and sort and limit, come after it.

mod walk;

use std::sync::Arc;

use futures::channel::mpsc;
use futures::{FutureExt, SinkExt, StreamExt, stream};

use self::walk::Walk;
use super::SqliteDatabase;
use super::lease::Lease;
use super::pushdown::{Condition, Pushdown, order};
use super::row::{self, Args, sql_row};
use crate::query::Collector;
use crate::sql::SqlValue;
use crate::{Prepared, Record, RecordStream, Result};

/// How many records wait for the reader of a stream.
const AHEAD: usize = 64;

/// The largest answer that is held back until it is known whether SQL was right about all of it.
const MOST_HELD: u64 = 10_000;

type Outlet = mpsc::Sender<Result<Arc<Record>>>;

/// The records that match, out of the snapshot of `lease`, which the stream keeps.
pub(super) fn stream(database: SqliteDatabase, lease: Lease, prepared: Prepared) -> RecordStream {
    let (outlet, records) = mpsc::channel(AHEAD);
    // The reader's own polling drives the search: dropping the stream ends it.
    let work = search(database, lease, prepared, outlet).into_stream();
    stream::select(records, work.filter_map(async |()| None)).boxed()
}

/// Counts what [`stream`] would give.
pub(super) async fn count(
    database: &SqliteDatabase,
    lease: &mut Lease,
    prepared: &Prepared,
) -> Result<u64> {
    let plan = Plan::of(database, prepared);
    if plan.filter.must != Condition::Never {
        let sure = if plan.filter.is_exact() {
            String::new()
        } else {
            format!("FILTER (WHERE {})", plan.filter.must.sql())
        };
        let sql = format!(
            "SELECT count(*), count(*) {sure} FROM {}{}",
            plan.table,
            plan.where_clause(),
        );
        let rows = lease.fetch(&sql.into(), plan.args()).await?;
        for row in &rows {
            let counts = sql_row(row)?;
            if counts.get(0) == counts.get(1) {
                return Ok(prepared.count_of(counts.int(0)?.unsigned_abs()));
            }
        }
    }
    let mut matching = 0;
    let mut answers = lease.start(&plan.select("", "").into(), plan.args())?;
    while let Some(row) = answers.row().await? {
        matching += u64::from(prepared.matches(&row::record(&row)?));
    }
    Ok(prepared.count_of(matching))
}

async fn search(
    database: SqliteDatabase,
    mut lease: Lease,
    prepared: Prepared,
    mut outlet: Outlet,
) {
    let plan = Plan::of(&database, &prepared);
    if let Err(error) = plan.run(&mut lease, &prepared, &mut outlet).await {
        // A stream that nobody reads any more needs no error.
        let _ = outlet.send(Err(error)).await;
    }
}

/// A query as far as SQL answers it.
struct Plan<'a> {
    table: &'a str,
    filter: Pushdown,
    /// `ORDER BY ..`, or nothing where any order will do; none where SQL would order otherwise.
    order: Option<String>,
}

impl<'a> Plan<'a> {
    fn of(database: &'a SqliteDatabase, prepared: &Prepared) -> Self {
        let query = prepared.query();
        Self {
            table: database.table.quoted(),
            filter: Pushdown::of(&query.filter, database.reach, 0),
            order: if prepared.is_ordered() {
                order(&query.sort, database.reach).map(|keys| format!(" ORDER BY {keys}"))
            } else {
                Some(String::new())
            },
        }
    }

    async fn run(&self, lease: &mut Lease, prepared: &Prepared, outlet: &mut Outlet) -> Result<()> {
        let query = prepared.query();
        if let Some(walk) = Walk::of(self, query)
            && walk.is_indexed(self, lease).await?
        {
            return walk.run(self, lease, prepared, outlet).await;
        }
        let Some(order) = &self.order else {
            return self.collect(lease, prepared, outlet).await;
        };
        if self.filter.is_exact() {
            let limit = query
                .limit
                .map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
            let offset = i64::try_from(query.offset).unwrap_or(i64::MAX);
            let tail = format!("{order} LIMIT {limit} OFFSET {offset}");
            return self.pass(lease, prepared, &tail, outlet).await;
        }
        match query.limit {
            Some(limit) if query.offset == 0 && limit <= MOST_HELD => {
                let tail = format!("{order} LIMIT {limit}");
                match self.surely(lease, prepared, &tail).await? {
                    Some(records) => give(records, outlet).await,
                    None => return self.collect(lease, prepared, outlet).await,
                }
                Ok(())
            }
            Some(_) => self.collect(lease, prepared, outlet).await,
            None => self.sift(lease, prepared, order, outlet).await,
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
        let mut answers = lease.start(&self.select("", tail).into(), self.args())?;
        while let Some(row) = answers.row().await? {
            let record = Arc::new(row::record(&row)?);
            let _ = outlet.send(Ok(prepared.project(record))).await;
        }
        Ok(())
    }

    /// SQL's answer, if it is sure of every row.
    async fn surely(
        &self,
        lease: &mut Lease,
        prepared: &Prepared,
        tail: &str,
    ) -> Result<Option<Vec<Arc<Record>>>> {
        if self.filter.must == Condition::Never {
            return Ok(None);
        }
        let sure = format!(", ({}) IS TRUE", self.filter.must.sql());
        let rows = lease
            .fetch(&self.select(&sure, tail).into(), self.args())
            .await?;
        let mut records = Vec::with_capacity(rows.len());
        for row in &rows {
            if row::value(row, row::COLUMNS.len())? != SqlValue::Integer(1) {
                return Ok(None);
            }
            records.push(prepared.project(Arc::new(row::record(row)?)));
        }
        Ok(Some(records))
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
        let mut answers = lease.start(&self.select("", order).into(), self.args())?;
        while let Some(row) = answers.row().await? {
            let record = Arc::new(row::record(&row)?);
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
        let mut answers = lease.start(&self.select("", "").into(), self.args())?;
        while collector.wants_more() {
            let Some(row) = answers.row().await? else {
                break;
            };
            let record = Arc::new(row::record(&row)?);
            if prepared.matches(&record) {
                collector.push(record);
            }
        }
        drop(answers);
        lease.settle().await?;
        give(collector.finish(), outlet).await;
        Ok(())
    }

    fn select(&self, column: &str, tail: &str) -> String {
        format!(
            "SELECT id, data, metadata, created_at, updated_at{column} FROM {}{}{tail}",
            self.table,
            self.where_clause(),
        )
    }

    fn where_clause(&self) -> String {
        match &self.filter.may {
            Condition::Always => String::new(),
            may => format!(" WHERE {}", may.sql()),
        }
    }

    fn args(&self) -> sqlx::sqlite::SqliteArguments {
        Args::of(&self.filter.args).finish()
    }
}

async fn give(records: Vec<Arc<Record>>, outlet: &mut Outlet) {
    for record in records {
        let _ = outlet.send(Ok(record)).await;
    }
}
