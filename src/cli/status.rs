//! `status`: what lies where, and what waits to be moved.

use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};
use thermocline::{Database, Plan, Query, Storage, Store, Tiers};

use super::context::{Context, time};
use super::exit::{Exit, Failure};
use super::people::{counted, number, size, table, write_line};

/// Shows the tiers, what lies in them, and what waits to be moved
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  thermocline status
  thermocline status --output json | jq '.collections[0].archive.records'

The hot tier lives in each process: a command's own is empty. The backlog is what the policies would move now.")]
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
            let state = State::of(&store, &name, self.now).await?;
            if people {
                state.tell(&name)?;
            }
            collections.push(state.described(&name));
        }
        if !people {
            write_line(&json!({ "collections": collections }).to_string())?;
        }
        Ok(Exit::Done)
    }
}

/// One collection.
struct State {
    primary_records: u64,
    storage: Option<Storage>,
    archive: Option<(thermocline::ArchiveContents, thermocline::Orphans)>,
    backlog: Vec<Plan>,
}

impl State {
    async fn of(store: &Store, name: &str, now: Option<Timestamp>) -> Result<Self, Failure> {
        let Tiers {
            primary, archive, ..
        } = store.tiers(name)?;
        let archive = match archive {
            Some(archive) => Some((archive.contents().await?, archive.find_orphans().await?)),
            None => None,
        };
        let storage = match primary.catalog_host() {
            Some(host) => Some(host.storage().await?),
            None => None,
        };
        let backlog = if store.config().policies_of(name).next().is_some() {
            let archiver = store.collection(name)?.archiver();
            let archiver = match now {
                Some(now) => archiver.at(now),
                None => archiver,
            };
            archiver.plan().await?
        } else {
            Vec::new()
        };
        Ok(Self {
            primary_records: primary.count(&Query::all()).await?,
            storage,
            archive,
            backlog,
        })
    }

    fn tell(&self, name: &str) -> Result<(), Failure> {
        write_line(name)?;
        let mut tiers = table(["", "records", "bytes", ""], &[1, 2]);
        let (bytes, free) = match &self.storage {
            Some(storage) => (
                size(storage.bytes),
                format!("{} of it free for reuse", size(storage.free_bytes)),
            ),
            None => (String::new(), String::new()),
        };
        tiers.add_row([
            "primary".to_owned(),
            number(self.primary_records),
            bytes,
            free,
        ]);
        if let Some((archive, _)) = &self.archive {
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
        for plan in &self.backlog {
            let oldest = plan
                .oldest
                .map(|oldest| format!(", the oldest of {oldest}"));
            write_line(&format!(
                "backlog of {}: {}, {} of JSON{}",
                plan.policy,
                counted(plan.rows, "record"),
                size(plan.bytes),
                oldest.unwrap_or_default()
            ))?;
        }
        for warning in self.warnings() {
            write_line(&format!("note: {warning}"))?;
        }
        write_line("")
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        warnings.extend(
            self.storage
                .as_ref()
                .and_then(|storage| storage.remedy.clone()),
        );
        if let Some((archive, orphans)) = &self.archive {
            if let Some(elsewhere) = &archive.elsewhere {
                warnings.push(format!(
                    "other readers look for the segments in {elsewhere}, but they lie in {}",
                    archive.root
                ));
            }
            if !orphans.batches.is_empty() || !orphans.unknown.is_empty() {
                warnings.push(format!(
                    "crashed runs left {} begun and never published, and {} that nobody knows",
                    counted(orphans.batches.len() as u64, "upload"),
                    counted(orphans.unknown.len() as u64, "object")
                ));
            }
        }
        warnings
    }

    fn described(&self, name: &str) -> Value {
        let backlog: Vec<Value> = self
            .backlog
            .iter()
            .map(|plan| {
                json!({
                    "policy": plan.policy,
                    "rows": plan.rows,
                    "bytes": plan.bytes,
                    "oldest": plan.oldest.map(|time| time.to_string()),
                })
            })
            .collect();
        json!({
            "collection": name,
            "primary": {
                "records": self.primary_records,
                "bytes": self.storage.as_ref().map(|storage| storage.bytes),
                "free_bytes": self.storage.as_ref().map(|storage| storage.free_bytes),
            },
            "archive": self.archive.as_ref().map(|(archive, orphans)| json!({
                "records": archive.records,
                "segments": archive.segments,
                "bytes": archive.bytes,
                "dead_rows": archive.dead_rows,
                "inlined_deletes": archive.inlined_deletes,
                "snapshot": archive.snapshot,
                "unpublished_batches": orphans.batches.len(),
                "unknown_objects": orphans.unknown.len(),
            })),
            "backlog": backlog,
            "notes": self.warnings(),
        })
    }
}
