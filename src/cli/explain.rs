//! `explain ID`: where a record lies, and why.

use crate::{AgeAt, Clock, Database, Policy, SystemClock, Verdict};
use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::context::{Context, time};
use super::exit::{Exit, Failure};
use super::get::absent;
use super::people::{number, write_line};

/// Tells where a record lies, and what each policy says of it
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  thermocline explain UA1545-2013-01-01T10:00:00Z
  thermocline explain order-42 --now 2027-01-01 --output json

Exit status 3 if there is no such record.")]
pub(super) struct Explain {
    /// The record's id
    #[arg(value_name = "ID")]
    id: String,

    /// As if it were this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    now: Option<Timestamp>,
}

impl Explain {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let people = context.for_people()?;
        let store = context.store().await?;
        let name = context.collection_of(store.config())?;
        let tiers = store.tiers(&name)?;
        let settings = &store.config().collections[&name];
        let now = self.now.unwrap_or_else(|| SystemClock.now());

        let mut facts: Vec<(&str, Value)> = Vec::new();
        let record = if let Some(record) = tiers.primary.read(&self.id).await? {
            facts.push(("tier", json!("primary")));
            facts.push(("table", json!(settings.table)));
            record
        } else {
            let found = match &tiers.archive {
                Some(archive) => archive.locate(&self.id).await?,
                None => None,
            };
            let Some((record, place)) = found else {
                return Ok(absent(&self.id));
            };
            facts.push(("tier", json!("archive")));
            match &place.segment {
                Some(segment) => {
                    facts.push(("segment", json!(segment)));
                    facts.push(("row", json!(place.position)));
                    facts.push(("segment_rows", json!(place.segment_rows)));
                    facts.push(("segment_bytes", json!(place.segment_bytes)));
                    facts.push(("since_snapshot", json!(place.since)));
                }
                None => facts.push(("segment", json!("none: DuckDB keeps it in the catalog"))),
            }
            facts.push(("snapshot", json!(place.snapshot)));
            if place.older_rows > 0 {
                facts.push(("older_rows", json!(place.older_rows)));
                eprintln!(
                    "note: another program inserted this id again; searches and counts find each of its rows, and the \
                     next put or delete ends them all"
                );
            }
            record
        };
        facts.push(("bytes", json!(record.bytes())));
        facts.push((
            "version",
            json!(record.version().map(|version| version.to_string())),
        ));
        facts.push(("age_path", json!(settings.age.to_string())));
        let age = match settings.age.of(&record) {
            AgeAt::At(time) => json!(time.to_string()),
            AgeAt::Absent => json!(null),
            AgeAt::Unreadable(value) => json!(format!("unreadable: {value}")),
        };
        facts.push(("age_counts_from", age));
        let archived = facts[0].1 == "archive";
        let mut policies = Vec::new();
        for policy in store.config().policies_of(&name) {
            let verdict = policy.judge(&record, &settings.age, now)?;
            policies.push((policy, verdict, why(policy, verdict, now, archived)?));
        }
        if people {
            for (fact, value) in &facts {
                let value = match value {
                    Value::String(text) => text.clone(),
                    Value::Number(count) => {
                        count.as_u64().map_or_else(|| count.to_string(), number)
                    }
                    other => other.to_string(),
                };
                write_line(&format!("{:16} {value}", fact.replace('_', " ")))?;
            }
            for (policy, verdict, why) in &policies {
                let verdict = verdict.as_str().replace('_', " ");
                write_line(&format!("policy {}: {verdict}: {why}", policy.name()))?;
            }
        } else {
            let policies: Vec<Value> = policies
                .iter()
                .map(|(policy, verdict, why)| {
                    json!({ "policy": policy.name(), "verdict": verdict.as_str(), "why": why })
                })
                .collect();
            let mut object: serde_json::Map<String, Value> = facts
                .into_iter()
                .map(|(fact, value)| (fact.to_owned(), value))
                .collect();
            object.insert("id".to_owned(), json!(self.id));
            object.insert("policies".to_owned(), json!(policies));
            write_line(&Value::Object(object).to_string())?;
        }
        Ok(Exit::Done)
    }
}

/// A verdict in a sentence.
fn why(
    policy: &Policy,
    verdict: Verdict,
    now: Timestamp,
    archived: bool,
) -> Result<String, Failure> {
    let cutoff = policy.cutoff(now)?;
    Ok(match verdict {
        Verdict::Due if archived => format!("it is older than {cutoff}, and was moved"),
        Verdict::Due => format!("it is older than {cutoff}: the next run moves it"),
        Verdict::TooYoung => format!("what is older than {cutoff} moves"),
        Verdict::NotMatched => format!("it is old enough, but not `{}`", policy.only()),
        Verdict::NoAge => "it has no age, so it stays".to_owned(),
        Verdict::UnreadableAge => "its age cannot be read, so it stays".to_owned(),
    })
}
