//! `status`: what lies where, and what waits to be moved.

use crate::{ArchiveRun, CollectionStatus};
use clap::Args;
use jiff::Timestamp;
use serde_json::json;

use super::context::{Context, time};
use super::exit::{Exit, Failure};
use super::people::{counted, number, size, table, write_line};

/// Shows the tiers, what lies in them, and what waits to be moved
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  thermocline status
  thermocline status --output json | jq '.collections[0].archive.records'

The hot tier lives in each process: a command's own is empty. The backlog is what the policies would move now, counted by the \
index of the age: exact for ages in UTC, for dates and for numbers. The last runs are those of every process.")]
pub(super) struct Status {
    /// As if it were this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    now: Option<Timestamp>,
}

impl Status {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let people = context.for_people()?;
        let store = context.store().await?;
        let mut collections = Vec::new();
        for name in context.collections_of(store.config())? {
            let status = store.status(&name, self.now).await?;
            if people {
                tell(&status)?;
            }
            collections.push(status);
        }
        if !people {
            write_line(&json!({ "collections": collections }).to_string())?;
        }
        Ok(Exit::Done)
    }
}

fn tell(status: &CollectionStatus) -> Result<(), Failure> {
    write_line(&status.collection)?;
    let mut tiers = table(["", "records", "bytes", ""], &[1, 2]);
    let primary = &status.primary;
    tiers.add_row([
        "primary".to_owned(),
        number(primary.records),
        primary.bytes.map(size).unwrap_or_default(),
        (primary.free_bytes)
            .map(|free| format!("{} of it free for reuse", size(free)))
            .unwrap_or_default(),
    ]);
    if let Some(archive) = &status.archive {
        tiers.add_row([
            "archive".to_owned(),
            number(archive.records),
            size(archive.bytes),
            format!(
                "{}, {} ({} inlined), snapshot {}",
                counted(archive.segments, "segment"),
                counted(archive.dead_rows, "dead row"),
                number(archive.inlined_deletes),
                archive.snapshot
            ),
        ]);
    }
    write_line(&tiers.to_string())?;
    for backlog in &status.backlog {
        let oldest = backlog
            .oldest
            .map(|oldest| format!(", the oldest of {oldest}"));
        write_line(&format!(
            "backlog of {}: {}, {} of JSON{}",
            backlog.policy,
            counted(backlog.rows, "record"),
            size(backlog.bytes),
            oldest.unwrap_or_default()
        ))?;
    }
    if !status.runs.is_empty() {
        write_line(&runs(&status.runs))?;
    }
    for note in &status.notes {
        write_line(&format!("note: {note}"))?;
    }
    write_line("")
}

/// The last runs as a table.
fn runs(runs: &[ArchiveRun]) -> String {
    let mut table = table(["last runs", "policy", "", "moved", "stay", ""], &[3, 4]);
    for run in runs {
        let started = run.started.strftime("%F %T").to_string();
        let outcome = match run.times {
            1 => run.outcome.as_str().to_owned(),
            times => format!("{} {} times", run.outcome.as_str(), number(times)),
        };
        let error = run.error.as_ref().map(|error| error.message.clone());
        table.add_row([
            started,
            run.policy.clone(),
            outcome,
            number(run.moved),
            number(run.skipped.values().sum()),
            error.unwrap_or_default(),
        ]);
    }
    table.to_string()
}
