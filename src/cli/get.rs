//! `get ID`: one record, whichever tier has it.

use clap::Args;

use super::context::Context;
use super::exit::{Exit, Failure};
use super::record;

/// Prints one record as JSON, with the tier that it came from
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  thermocline get UA1545-2013-01-01T10:00:00Z
  thermocline get UA1545-2013-01-01T10:00:00Z | jq .fields.dest

Exit status 3 if there is no such record.")]
pub(super) struct Get {
    /// The record's id
    #[arg(value_name = "ID")]
    id: String,
}

impl Get {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let collection = context.open().await?;
        match collection.read_with_source(&self.id).await? {
            (Some(found), source) => {
                record::print(context, &found, source)?;
                Ok(Exit::Done)
            }
            (None, _) => Ok(absent(&self.id)),
        }
    }
}

/// Says that there is no such record.
pub(super) fn absent(id: &str) -> Exit {
    eprintln!("there is no record {id:?}");
    Exit::NotFound
}
