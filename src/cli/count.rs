//! `count 'FILTER'`: how many records match.

use crate::{Database, Filter, Query};
use clap::Args;

use super::context::Context;
use super::exit::{Exit, Failure};
use super::people::write_line;

/// Counts the records that match, over all tiers
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  thermocline count
  thermocline count \"carrier = 'UA' and dep_delay > 60\"
  thermocline count \"time_hour < timestamp '2013-10-03T00:00:00Z'\"")]
pub(super) struct Count {
    /// Which records; all of them without it
    #[arg(value_name = "FILTER", default_value = "")]
    filter: String,
}

impl Count {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let query = Query::from(self.filter.parse::<Filter>()?);
        let collection = context.open().await?;
        write_line(&collection.count(&query).await?.to_string())?;
        Ok(Exit::Done)
    }
}
