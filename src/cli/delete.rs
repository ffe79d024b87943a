//! `delete ID`: removes one record.

use crate::DatabaseExt;
use clap::Args;

use super::context::Context;
use super::exit::{Exit, Failure};
use super::get::absent;

/// Removes one record, whichever tier has it
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  thermocline delete UA1545-2013-01-01T10:00:00Z

Exit status 3 if there is no such record. An archived record is dead at once; its bytes stay in its segment.")]
pub(super) struct Delete {
    /// The record's id
    #[arg(value_name = "ID")]
    id: String,
}

impl Delete {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let collection = context.open().await?;
        if collection.delete(&self.id).await? {
            Ok(Exit::Done)
        } else {
            Ok(absent(&self.id))
        }
    }
}
