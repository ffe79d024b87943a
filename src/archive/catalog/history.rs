//! What the last runs of each policy did, kept beside the catalog: bounded in number, whoever ran them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use super::bounds::{time_of, time_text};
use super::dialect::{Kind, Sql, int};
use super::rows::{count, insert};
use crate::catalog_host::HostTransaction;
use crate::sql::{SqlRow, SqlValue};
use crate::{Error, Result};

/// So many runs are kept of each policy of a collection.
const KEPT_OF_A_POLICY: u64 = 50;

/// So many runs are kept of a collection, whatever its policies are and were called.
const KEPT: u64 = 1_000;

/// The longest message of a failure that is kept.
const LONGEST_MESSAGE: usize = 1_000;

/// One run of a policy, as its history keeps it.
///
/// Runs that follow each other and found nothing to do share one line: `times` says how many they were.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ArchiveRun {
    /// The policy's name.
    pub policy: String,
    /// Which process ran it; the last one, where the line stands for several.
    pub holder: String,
    /// When it began; the last one, where the line stands for several.
    pub started: Timestamp,
    /// When it ended; none while it runs.
    pub ended: Option<Timestamp>,
    /// How it ended.
    pub outcome: RunOutcome,
    /// How many runs this line stands for.
    pub times: u64,
    /// Records that moved.
    pub moved: u64,
    /// Records that were due and stay, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// Segments that were written.
    pub segments: u64,
    /// Bytes of these segments.
    pub bytes: u64,
    /// Why it failed: the error's kind, and its message.
    pub error: Option<RunError>,
}

/// Why a run failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RunError {
    /// The name of its [`ErrorKind`](crate::ErrorKind).
    pub kind: String,
    /// What was said.
    pub message: String,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum RunOutcome {
    /// It is still at work.
    Running,
    /// It moved everything that was due.
    Done,
    /// It was asked to stop, between two batches.
    Stopped,
    /// It failed; what it had moved until then stays moved.
    Failed,
    /// Its process ended in the middle of it, or was taken for dead.
    Interrupted,
}

impl RunOutcome {
    const ALL: [Self; 5] = [
        Self::Running,
        Self::Done,
        Self::Stopped,
        Self::Failed,
        Self::Interrupted,
    ];

    /// The outcome's name as it stands in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

/// A new id for a run; later ones sort later.
pub(super) fn new_run_id() -> Box<str> {
    Uuid::now_v7().simple().to_string().into()
}

/// Notes that a run has begun. Where it is `alone`, because it holds the collection's lease, one of the same policy that
/// never ended was interrupted.
pub(super) async fn begin(
    tx: &mut dyn HostTransaction,
    sql: Sql,
    collection: &str,
    id: &str,
    run: &ArchiveRun,
    alone: bool,
) -> Result<()> {
    if !alone {
        return write(tx, sql, collection, id, run).await;
    }
    let update = format!(
        "UPDATE {} SET outcome = 'interrupted', ended = {} \
         WHERE collection = $1 AND policy = $2 AND outcome = 'running'",
        sql.table("thermocline_run"),
        sql.bind(3, Kind::Time)
    );
    let args: [SqlValue; 3] = [collection.into(), (&*run.policy).into(), time(run.started)];
    tx.execute(&update, &args).await?;
    write(tx, sql, collection, id, run).await
}

/// Notes how a run ended, and forgets what is older than what is kept.
pub(super) async fn end(
    tx: &mut dyn HostTransaction,
    sql: Sql,
    collection: &str,
    id: &str,
    run: &ArchiveRun,
) -> Result<()> {
    let table = sql.table("thermocline_run");
    remove(tx, sql, &[id]).await?;
    let mut run = run.clone();
    if let Some((before, idle)) = last(tx, sql, collection, &run.policy).await?
        && is_idle(&idle)
        && is_idle(&run)
        && idle.skipped == run.skipped
    {
        run.times = idle.times.saturating_add(1);
        remove(tx, sql, &[&before]).await?;
    }
    write(tx, sql, collection, id, &run).await?;
    let kept = |of: &str, kept: u64| {
        format!(
            "DELETE FROM {table} WHERE {of} AND run NOT IN \
             (SELECT run FROM {table} WHERE {of} ORDER BY run DESC LIMIT {kept})"
        )
    };
    let of_policy = kept("collection = $1 AND policy = $2", KEPT_OF_A_POLICY);
    tx.execute(&of_policy, &[collection.into(), (&*run.policy).into()])
        .await?;
    tx.execute(&kept("collection = $1", KEPT), &[collection.into()])
        .await?;
    Ok(())
}

/// The last runs of a collection, the newest first; those of one policy, if it is named.
pub(super) async fn runs(
    tx: &mut dyn HostTransaction,
    sql: Sql,
    collection: &str,
    policy: Option<&str>,
    most: usize,
) -> Result<Vec<ArchiveRun>> {
    let found = list(tx, sql, collection, policy, most).await?;
    Ok(found.into_iter().map(|(_, run)| run).collect())
}

/// The last run of a policy, and its id.
async fn last(
    tx: &mut dyn HostTransaction,
    sql: Sql,
    collection: &str,
    policy: &str,
) -> Result<Option<(Box<str>, ArchiveRun)>> {
    let found = list(tx, sql, collection, Some(policy), 1).await?;
    Ok(found.into_iter().next())
}

const COLUMNS: [&str; 15] = [
    "run",
    "collection",
    "policy",
    "holder",
    "started",
    "ended",
    "outcome",
    "times",
    "moved",
    "skipped",
    "segments",
    "bytes",
    "error_kind",
    "error",
    "version",
];

async fn write(
    tx: &mut dyn HostTransaction,
    sql: Sql,
    collection: &str,
    id: &str,
    run: &ArchiveRun,
) -> Result<()> {
    let skipped = serde_json::to_string(&run.skipped).unwrap_or_else(|_| "{}".to_owned());
    let text = |of: fn(&RunError) -> &str| run.error.as_ref().map(of).into();
    let row: [SqlValue; 15] = [
        id.into(),
        collection.into(),
        (&*run.policy).into(),
        (&*run.holder).into(),
        time(run.started),
        run.ended.map_or(SqlValue::Null, time),
        run.outcome.as_str().into(),
        int(run.times),
        int(run.moved),
        skipped.into(),
        int(run.segments),
        int(run.bytes),
        text(|error| &error.kind),
        text(|error| shortened(&error.message)),
        env!("CARGO_PKG_VERSION").into(),
    ];
    insert(tx, sql, "thermocline_run", COLUMNS, &[row]).await?;
    Ok(())
}

async fn remove(tx: &mut dyn HostTransaction, sql: Sql, ids: &[&str]) -> Result<()> {
    for id in ids {
        let delete = format!(
            "DELETE FROM {} WHERE run = $1",
            sql.table("thermocline_run")
        );
        tx.execute(&delete, &[(*id).into()]).await?;
    }
    Ok(())
}

async fn list(
    tx: &mut dyn HostTransaction,
    sql: Sql,
    collection: &str,
    policy: Option<&str>,
    most: usize,
) -> Result<Vec<(Box<str>, ArchiveRun)>> {
    let of_policy = if policy.is_some() {
        " AND policy = $2"
    } else {
        ""
    };
    let select = format!(
        "SELECT run, policy, holder, {started}, {ended}, outcome, times, moved, skipped, segments, bytes, error_kind, \
         error FROM {table} WHERE collection = $1{of_policy} ORDER BY run DESC LIMIT {most}",
        started = sql.read("started", Kind::Time),
        ended = sql.read("ended", Kind::Time),
        table = sql.table("thermocline_run"),
    );
    let mut args: Vec<SqlValue> = vec![collection.into()];
    args.extend(policy.map(SqlValue::from));
    let rows = tx.query(&select, &args).await?;
    rows.iter().map(run_of).collect()
}

fn run_of(row: &SqlRow) -> Result<(Box<str>, ArchiveRun)> {
    let corrupt = |what: &'static str| {
        Error::corrupt("the history of runs holds what it cannot").with("column", what)
    };
    let outcome = row.text(5)?;
    let run = ArchiveRun {
        policy: row.text(1)?.to_owned(),
        holder: row.text(2)?.to_owned(),
        started: time_of(row.text(3)?).ok_or_else(|| corrupt("started"))?,
        ended: row.opt_text(4)?.and_then(time_of),
        outcome: (RunOutcome::ALL.into_iter())
            .find(|known| known.as_str() == outcome)
            .ok_or_else(|| corrupt("outcome"))?,
        times: count(row, 6)?,
        moved: count(row, 7)?,
        skipped: serde_json::from_str(row.text(8)?).map_err(|_| corrupt("skipped"))?,
        segments: count(row, 9)?,
        bytes: count(row, 10)?,
        error: match (row.opt_text(11)?, row.opt_text(12)?) {
            (Some(kind), message) => Some(RunError {
                kind: kind.to_owned(),
                message: message.unwrap_or_default().to_owned(),
            }),
            (None, _) => None,
        },
    };
    Ok((row.text(0)?.into(), run))
}

fn is_idle(run: &ArchiveRun) -> bool {
    run.outcome == RunOutcome::Done && run.moved == 0 && run.segments == 0
}

fn time(time: Timestamp) -> SqlValue {
    time_text(time.as_microsecond()).into()
}

fn shortened(message: &str) -> &str {
    match message.char_indices().nth(LONGEST_MESSAGE) {
        Some((end, _)) => &message[..end],
        None => message,
    }
}
