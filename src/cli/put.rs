//! `put ID JSON`: writes one record.

use std::io::Read;

use crate::{DatabaseExt, Error, Record};
use clap::Args;

use super::context::Context;
use super::exit::{Exit, Failure};
use super::record;

/// Writes one record, new or in place of the old one, and prints it
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  thermocline put order-42 '{\"status\": \"closed\", \"total\": 12.50}'
  jq -c . order.json | thermocline put order-42 -

The whole record is replaced. If the archive has it, it becomes a record of the primary again.")]
pub(super) struct Put {
    /// The record's id: 1 to 512 bytes without control characters
    #[arg(value_name = "ID")]
    id: String,

    /// Its fields, a JSON object; `-` reads standard input
    #[arg(value_name = "JSON")]
    fields: String,

    /// Its metadata, a JSON object
    #[arg(long, value_name = "JSON")]
    metadata: Option<String>,
}

impl Put {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let mut record = match self.fields.as_str() {
            "-" => Record::from_json(&*self.id, &standard_input()?)?,
            fields => Record::from_json(&*self.id, fields)?,
        };
        if let Some(metadata) = &self.metadata {
            record = record.with_metadata_json(metadata)?;
        }
        let collection = context.open().await?;
        collection.upsert(record).await?;
        match collection.read_with_source(&self.id).await? {
            (Some(stored), source) => record::print(context, &stored, source)?,
            (None, _) => eprintln!("{:?} was written, and removed by somebody since", self.id),
        }
        Ok(Exit::Done)
    }
}

fn standard_input() -> Result<String, Failure> {
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| {
            Error::invalid("standard input cannot be read as text").with_source(error)
        })?;
    Ok(text)
}
