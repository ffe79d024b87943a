//! `check`: everything that can be wrong before a run.

use crate::{Age, AgeAt, Database, ErrorKind, Query, Store};
use clap::Args;
use futures::TryStreamExt;

use super::context::Context;
use super::exit::{Exit, Failure};
use super::people::{counted, number, write_line};

/// So many records are looked at where the field of the age is in question.
const SAMPLE: u64 = 1_000;

/// Checks the configuration, the policies, and that they fit the data; changes no record
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  thermocline check
  thermocline check --config /etc/thermocline.toml && systemctl restart app

Names every problem at once, each with its key, line, value and remedy. Then opens each tier (making what is missing, \
the index on the age included), and looks whether the records have the field from which their age counts and whether \
their table is one that a move leaves whole. Exit status 2 if something is wrong.")]
pub(super) struct Check {}

impl Check {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let config = context.config()?;
        write_line(&format!(
            "{}: {} of policies, {}",
            context.options.config.display(),
            counted(config.policies.len() as u64, "file"),
            counted(config.collections.len() as u64, "collection")
        ))?;
        let store = Store::from_config(config.clone()).await?;
        let mut exit = Exit::Done;
        for (name, settings) in &config.collections {
            let collection = store.collection(name)?;
            let health = collection.health().await?;
            write_line(&format!("{name}: {} answers", health.service))?;
            let policies: Vec<_> = config.policies_of(name).collect();
            let seen = ages(&collection, &settings.age).await?;
            if let Some(problem) = seen.problem(name, &settings.age, !policies.is_empty()) {
                eprintln!("{problem}");
                exit = Exit::Wrong;
            } else {
                write_line(&seen.said(name, &settings.age))?;
            }
            if !policies.is_empty() {
                match collection.archiver().prepare().await {
                    Err(error) if error.kind() == ErrorKind::Unsupported => {
                        eprintln!("error: policies cannot move records of {name}: {error}");
                        exit = Exit::Wrong;
                        continue;
                    }
                    prepared => prepared?,
                }
            }
            for policy in policies {
                write_line(&format!("{name}: policy {} is well", policy.name()))?;
            }
        }
        Ok(exit)
    }
}

/// What the sample's ages are like.
#[derive(Default)]
struct Ages {
    records: u64,
    readable: u64,
    absent: u64,
    unreadable: Option<String>,
}

async fn ages(collection: &impl Database, age: &Age) -> Result<Ages, Failure> {
    let mut ages = Ages::default();
    let mut records = collection.search(Query::all().limit(SAMPLE)).await?;
    while let Some(record) = records.try_next().await? {
        ages.records += 1;
        match age.of(&record) {
            AgeAt::At(_) => ages.readable += 1,
            AgeAt::Absent => ages.absent += 1,
            AgeAt::Unreadable(value) => {
                ages.unreadable.get_or_insert_with(|| value.into_owned());
            }
        }
    }
    Ok(ages)
}

impl Ages {
    fn problem(&self, name: &str, age: &Age, matters: bool) -> Option<String> {
        if !matters || self.records == 0 || self.readable > 0 {
            return None;
        }
        let records = number(self.records);
        Some(match &self.unreadable {
            Some(value) => format!(
                "error: the age of no record can be read: policies would move nothing\n  \
                 --> collections.{name}.age = \"{age}\", in each of {records} records, such as {value}\n  \
                 help: it is ISO 8601 text; for numbers write age = {{ field = \"{age}\", unit = \"s\" }}, or \"ms\""
            ),
            None => format!(
                "error: no record has the field of the age: policies would move nothing\n  \
                 --> collections.{name}.age = \"{age}\", in {records} records\n  \
                 help: name a field that the records have, or \"@created_at\""
            ),
        })
    }

    fn said(&self, name: &str, age: &Age) -> String {
        match self.records {
            0 => format!("{name}: no records yet"),
            records => format!(
                "{name}: the age {age} can be read in {} of {} records",
                number(self.readable),
                number(records)
            ),
        }
    }
}
