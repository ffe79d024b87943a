//! `flush`: dead rows into delete files.

use clap::Args;
use serde_json::json;

use super::context::Context;
use super::exit::{Exit, Failure};
use super::people::{counted, write_line};

/// Writes what was changed or deleted in the archive into delete files, which every reader of it knows
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  thermocline flush
  thermocline flush --collection orders

Every run of a policy ends with it. Call it where records of the archive are changed between two runs, and are read by a \
program that does not know the inlined deletes of a DuckLake, as DuckDB does. Where the catalog lies in SQLite there is \
nothing to do.")]
pub(super) struct Flush {}

impl Flush {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let people = context.for_people()?;
        let store = context.store().await?;
        let mut collections = Vec::new();
        for name in context.collections_of(store.config())? {
            let Some(archive) = store.tiers(&name)?.archive else {
                continue;
            };
            let rows = archive.flush().await?;
            if people {
                let rows = counted(rows, "dead row");
                write_line(&format!("{name}: {rows} written into delete files"))?;
            }
            collections.push(json!({ "collection": name, "rows": rows }));
        }
        if !people {
            write_line(&json!({ "collections": collections }).to_string())?;
        }
        Ok(Exit::Done)
    }
}
