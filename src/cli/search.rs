//! `search 'FILTER'`: the records that match.

mod hint;

use crate::{Error, Filter, Order, Query};
use clap::Args;
use futures::TryStreamExt;

use super::context::{Context, Output};
use super::exit::{Exit, Failure};
use super::people::number;
use super::record::{RecordWriter, TABLE_ROWS};

/// Prints the records that match, from all tiers at one moment
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  thermocline search \"dest = 'SFO' and dep_delay > 300\" --sort dep_delay:desc --limit 10
  thermocline search \"carrier in ('UA', 'DL')\" --fields origin,dest,dep_delay
  thermocline search \"tailnum starts_with 'N1' and not (dest like 'S%')\" --output csv
  thermocline search \"@updated_at > now() - 1h\"

The filter: = != < <= > >=, in (..), between .. and .., like, ilike, regex, starts_with, exists, is null; \
and, or, not, parentheses; text in 'single quotes'; a.b for nested fields, id, metadata.x, @created_at. \
A table on a terminal, one JSON object a line elsewhere; `source` tells the tier.")]
pub(super) struct Search {
    /// Which records; all of them without it
    #[arg(value_name = "FILTER", default_value = "")]
    filter: String,

    /// In which order: `a,b:desc`; ties by id
    #[arg(long, value_name = "FIELD[:desc],..")]
    sort: Option<String>,

    /// At most so many
    #[arg(long, value_name = "N")]
    limit: Option<u64>,

    /// Leaves out so many of the first
    #[arg(long, value_name = "N", default_value_t = 0)]
    offset: u64,

    /// Only these fields
    #[arg(long, value_name = "a,b")]
    fields: Option<String>,
}

impl Search {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let output = context.output(Output::Table, Output::Ndjson);
        if output == Output::Parquet {
            return Err(Error::invalid(
                "`search` has no such form of output; `export --output parquet` has",
            )
            .with("output", "parquet")
            .into());
        }
        let mut query = self.query()?;
        let cut = output == Output::Table && query.limit.is_none();
        if cut {
            query.limit = Some(TABLE_ROWS + 1);
        }
        let fields = query.fields.clone();
        let filter = query.filter.clone();
        let collection = context.open().await?;
        let mut found = collection.search_with_source(query).await?;
        let mut writer = RecordWriter::new(output, fields.as_deref());
        let mut more = false;
        let mut written = 0_u64;
        while let Some((record, source)) = found.try_next().await? {
            if cut && written == TABLE_ROWS {
                more = true;
                break;
            }
            writer.write(&record, source)?;
            written += 1;
        }
        writer.finish()?;
        if written == 0 && self.offset == 0 && self.limit != Some(0) {
            hint::unknown_fields(&collection, &filter).await?;
        }
        if more {
            eprintln!("\nthe first {}; --limit N shows more", number(written));
        }
        Ok(Exit::Done)
    }

    fn query(&self) -> Result<Query, Failure> {
        let mut query = Query::from(self.filter.parse::<Filter>()?).offset(self.offset);
        query.limit = self.limit;
        for key in self.sort.as_deref().map(split_paths).unwrap_or_default() {
            let (path, order) = match key.rsplit_once(':') {
                Some((path, "desc")) => (path, Order::Desc),
                Some((path, "asc")) => (path, Order::Asc),
                Some((_, other)) if !other.contains('"') => {
                    return Err(Error::invalid("a sort goes `asc` or `desc`")
                        .with("sort", key)
                        .into());
                }
                _ => (key, Order::Asc),
            };
            query = query.sort(path.trim(), order)?;
        }
        if let Some(fields) = &self.fields {
            query = query.fields(split_paths(fields).into_iter().map(str::trim))?;
        }
        Ok(query)
    }
}

/// Splits at commas that stand outside of quotes.
pub(super) fn split_paths(text: &str) -> Vec<&str> {
    let mut quoted = false;
    text.split(|c| {
        quoted ^= c == '"';
        c == ',' && !quoted
    })
    .filter(|part| !part.trim().is_empty())
    .collect()
}
