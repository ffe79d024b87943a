//! Searching: what SQL can say, then the matcher, then sort and limit.

use std::sync::Arc;

use futures::channel::mpsc;
use futures::{FutureExt, SinkExt, StreamExt, stream};

use super::SqliteDatabase;
use super::lease::Lease;
use super::row::{self, Args};
use crate::query::Collector;
use crate::{Prepared, Record, RecordStream, Result};

/// How many records wait for the reader of a stream.
const AHEAD: usize = 64;

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
    let mut matching = 0;
    let sql = everything(database);
    let mut answers = lease.start(&sql.into(), Args::default().finish())?;
    while let Some(row) = answers.row().await? {
        matching += u64::from(prepared.matches(&row::record(&row)?));
    }
    Ok(prepared.count_of(matching))
}

async fn search(database: SqliteDatabase, lease: Lease, prepared: Prepared, mut outlet: Outlet) {
    if let Err(error) = run(&database, lease, &prepared, &mut outlet).await {
        // A stream that nobody reads any more needs no error.
        let _ = outlet.send(Err(error)).await;
    }
}

async fn run(
    database: &SqliteDatabase,
    mut lease: Lease,
    prepared: &Prepared,
    outlet: &mut Outlet,
) -> Result<()> {
    let sql = everything(database);
    let mut collector = Collector::new(prepared.clone());
    let streamed = !prepared.is_ordered() && prepared.query().limit.is_none();
    let mut answers = lease.start(&sql.into(), Args::default().finish())?;
    while collector.wants_more() {
        let Some(row) = answers.row().await? else {
            break;
        };
        let record = Arc::new(row::record(&row)?);
        if !prepared.matches(&record) {
            continue;
        }
        if streamed {
            let _ = outlet.send(Ok(prepared.project(record))).await;
        } else {
            collector.push(record);
        }
    }
    drop(answers);
    lease.settle().await?;
    for record in collector.finish() {
        let _ = outlet.send(Ok(record)).await;
    }
    Ok(())
}

fn everything(database: &SqliteDatabase) -> String {
    format!(
        "SELECT id, data, metadata, created_at, updated_at FROM {}",
        database.table.quoted()
    )
}
