//! `plan`: what the policies would move now.

use crate::{Plan as Planned, Policy, Store};
use clap::Args;
use comfy_table::Table;
use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};
use serde_json::{Value, json};

use super::context::{Context, time};
use super::exit::{Exit, Failure};
use super::people::{counted, number, size, table, width, write_line};
use super::record::identified;

/// Shows what the policies would move now, and what stays, with the reason; changes nothing
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  thermocline plan
  thermocline plan --policy orders-after-90d --now 2027-01-01
  thermocline plan --output json | jq '.policies[].rows'")]
pub(super) struct Plan {
    /// Only this policy
    #[arg(long, value_name = "NAME")]
    policy: Option<String>,

    /// As if it were this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    now: Option<Timestamp>,
}

impl Plan {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let people = context.for_people()?;
        let store = context.store().await?;
        let mut plans = Vec::new();
        for (name, policy) in chosen(context, &store, self.policy.as_deref())? {
            let mut archiver = store.collection(&name)?.archiver().policy(policy.name());
            if let Some(now) = self.now {
                archiver = archiver.at(now);
            }
            for plan in archiver.plan().await? {
                if people {
                    tell(&name, &plan)?;
                }
                plans.push(described(&name, &plan));
            }
        }
        if !people {
            write_line(&json!({ "policies": plans }).to_string())?;
        }
        Ok(Exit::Done)
    }
}

/// The policies that are meant, each with its collection.
pub(super) fn chosen(
    context: &Context,
    store: &Store,
    only: Option<&str>,
) -> Result<Vec<(String, Policy)>, Failure> {
    let config = store.config();
    let mut chosen = Vec::new();
    for name in context.collections_of(config)? {
        for policy in config.policies_of(&name) {
            if only.is_none_or(|only| only == policy.name()) {
                chosen.push((name.clone(), policy.clone()));
            }
        }
    }
    if !chosen.is_empty() {
        return Ok(chosen);
    }
    let known: Vec<&str> = config.policies.iter().map(|p| p.policy.name()).collect();
    let error = match only {
        Some(only) => crate::Error::invalid("there is no such policy")
            .with("policy", only)
            .with("policies", known.join(", ")),
        None => crate::Error::invalid(
            "there is no policy: write one into the folder of `policies`, as `init` does",
        ),
    };
    Err(error.into())
}

fn tell(collection: &str, plan: &Planned) -> Result<(), Failure> {
    write_line(&format!(
        "{collection}: {} takes what is older than {}",
        plan.policy, plan.cutoff
    ))?;
    let mut rows: Table = table(["", "records", ""], &[1]);
    let ages = match (plan.oldest, plan.newest) {
        (Some(oldest), Some(newest)) => format!(", {} to {}", day(oldest), day(newest)),
        _ => String::new(),
    };
    rows.add_row([
        "move".to_owned(),
        number(plan.rows),
        format!(
            "{} of JSON into {}{ages}",
            size(plan.bytes),
            counted(plan.segments, "segment")
        ),
    ]);
    for (verdict, count) in &plan.stay {
        rows.add_row([
            "stay".to_owned(),
            number(*count),
            verdict.as_str().replace('_', " "),
        ]);
    }
    for (reason, count) in &plan.skipped {
        rows.add_row([
            "stay".to_owned(),
            number(*count),
            reason.as_str().replace('_', " "),
        ]);
    }
    write_line(&rows.to_string())?;
    if !plan.sample.is_empty() {
        write_line("\nfor example")?;
        for record in &plan.sample {
            let line = identified(record, width().saturating_sub(2));
            write_line(&format!("  {line}"))?;
        }
    }
    Ok(())
}

/// The day of a time, in UTC.
fn day(time: Timestamp) -> civil::Date {
    TimeZone::UTC.to_datetime(time).date()
}

fn described(collection: &str, plan: &Planned) -> Value {
    let counts = |counts: Vec<(&'static str, u64)>| -> Value {
        counts
            .into_iter()
            .map(|(reason, count)| (reason.to_owned(), json!(count)))
            .collect()
    };
    json!({
        "collection": collection,
        "policy": plan.policy,
        "cutoff": plan.cutoff.to_string(),
        "rows": plan.rows,
        "bytes": plan.bytes,
        "segments": plan.segments,
        "oldest": plan.oldest.map(|time| time.to_string()),
        "newest": plan.newest.map(|time| time.to_string()),
        "sample": plan.sample.iter().map(|record| record.id().as_str()).collect::<Vec<_>>(),
        "stay": counts(plan.stay.iter().map(|(verdict, count)| (verdict.as_str(), *count)).collect()),
        "skipped": counts(plan.skipped.iter().map(|(reason, count)| (reason.as_str(), *count)).collect()),
    })
}
