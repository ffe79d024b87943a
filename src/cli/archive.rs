//! `archive --once`: one run of the policies.

use std::collections::BTreeMap;

use crate::{Age, ArchiveReport, Archiver, SkipReason};
use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::context::{Context, time};
use super::exit::{Exit, Failure};
use super::people::{counted, duration, number, size, write_line};
use super::plan::chosen;
use super::progress::{Progress, Unit};

/// Moves what the policies take now to the archive
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  thermocline archive --once
  thermocline archive --once --policy orders-after-90d
  0 2 * * *  cd /srv/orders && thermocline archive --once --output json >> archive.log     (cron)

Ctrl-C stops between two batches; what was moved stays moved, and the next run goes on. A record that changes while it is \
being moved stays, and is counted as skipped. Where a daemon is at work on the same collection, this run says so and goes on \
beside it: no record is lost or doubled.")]
pub(super) struct Archive {
    /// One run, now; `thermocline run` runs again and again
    #[arg(long, required = true)]
    once: bool,

    /// Only this policy
    #[arg(long, value_name = "NAME")]
    policy: Option<String>,

    /// As if it were this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    now: Option<Timestamp>,
}

impl Archive {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let people = context.for_people()?;
        let store = context.store().await?;
        let mut reports = Vec::new();
        let mut stopped = false;
        for (name, policy) in chosen(context, &store, self.policy.as_deref())? {
            let collection = store.collection(&name)?;
            let archiver = || {
                let archiver = collection
                    .archiver()
                    .policy(policy.name())
                    .lease(store.config().daemon.lease);
                match self.now {
                    Some(now) => archiver.at(now),
                    None => archiver,
                }
            };
            // Only where somebody waits for the remaining time.
            let total = if Progress::is_watched() {
                let waiting = archiver().backlog().await?;
                waiting.first().map(|backlog| backlog.rows)
            } else {
                None
            };
            let report = run(context, archiver(), total).await?;
            if let Some(other) = &report.held_by {
                eprintln!(
                    "note: {name} was being archived by {} when this run began (until {}, unless it goes on); both do no \
                     harm, but what both found was done twice",
                    other.holder, other.until
                );
            }
            stopped |= report.stopped;
            if people {
                tell(&name, &store.config().collections[&name].age, &report)?;
            }
            reports.push((name, report));
            if stopped {
                break;
            }
        }
        if !people {
            write_line(&summary(&reports).to_string())?;
        }
        Ok(if stopped {
            Exit::Interrupted
        } else {
            Exit::Done
        })
    }
}

/// Runs one policy, with a bar where somebody watches.
pub(super) async fn run(
    context: &Context,
    archiver: Archiver,
    total: Option<u64>,
) -> Result<ArchiveReport, Failure> {
    let progress = parking_lot::Mutex::new(Progress::new("archive", Unit::Records, total));
    let reports = archiver
        .stop(context.stop.clone())
        .on_progress(move |report| progress.lock().set(report.moved))
        .run()
        .await?;
    reports
        .into_iter()
        .next()
        .ok_or_else(|| crate::Error::unexpected("a policy ran and told nothing").into())
}

fn tell(collection: &str, age: &Age, report: &ArchiveReport) -> Result<(), Failure> {
    let told = match report.moved {
        0 => format!("{collection}: {} moved nothing", report.policy),
        moved => format!(
            "{collection}: {} moved {} in {}: {} of JSON into {} of {}",
            report.policy,
            counted(moved, "record"),
            duration(report.took),
            size(report.moved_bytes),
            counted(report.segments, "segment"),
            size(report.bytes),
        ),
    };
    write_line(&told)?;
    for (reason, count) in &report.skipped {
        let why = match reason {
            SkipReason::NoAge => format!("no age, {age} is missing or null"),
            SkipReason::UnreadableAge => format!("an age that is no time, in {age}"),
            other => other.as_str().replace('_', " "),
        };
        write_line(&format!("{collection}: {} stay: {why}", number(*count)))?;
    }
    if report.repaired > 0 {
        write_line(&format!(
            "{collection}: {} older copies of moved records were still live in the archive, and are dead now",
            number(report.repaired)
        ))?;
    }
    if report.released > 0 {
        write_line(&format!(
            "{collection}: {} went back to the disk",
            size(report.released)
        ))?;
    }
    if report.stopped {
        write_line(&format!("{collection}: stopped; the next run goes on"))?;
    }
    Ok(())
}

fn summary(reports: &[(String, ArchiveReport)]) -> Value {
    let sum =
        |of: fn(&ArchiveReport) -> u64| reports.iter().map(|(_, report)| of(report)).sum::<u64>();
    let mut skipped: BTreeMap<&str, u64> = BTreeMap::new();
    for (_, report) in reports {
        for (reason, count) in &report.skipped {
            *skipped.entry(reason.as_str()).or_default() += count;
        }
    }
    let seconds: f64 = reports
        .iter()
        .map(|(_, report)| report.took.as_secs_f64())
        .sum();
    let policies: Vec<Value> = reports
        .iter()
        .map(|(collection, report)| {
            json!({
                "collection": collection,
                "policy": report.policy,
                "moved": report.moved,
                "segments": report.segments,
                "bytes": report.bytes,
                "batches": report.batches,
                "repaired": report.repaired,
                "released": report.released,
                "stopped": report.stopped,
                "seconds": report.took.as_secs_f64(),
            })
        })
        .collect();
    json!({
        "moved": sum(|report| report.moved),
        "skipped": skipped,
        "segments": sum(|report| report.segments),
        "bytes": sum(|report| report.bytes),
        "seconds": seconds,
        "policies": policies,
    })
}
