//! `demo`: real records through all three tiers, with every figure measured on the way.

mod commands;
mod flights;
mod steps;
mod story;

use std::fs;
use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::{Error, Store};
use clap::Args;
use serde_json::json;

use self::steps::Demo;
use self::story::Story;
use super::context::{Context, time};
use super::exit::{Exit, Failure};
use super::init::{unwritable, write_new};

/// When the demo's policy looks: the flights are of 2013, and the border lies 90 days before.
const NOW: &str = "2014-01-01T00:00:00Z";

/// Takes 336,776 real flights through all three tiers, and leaves them for you to go on with
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  thermocline demo --dir demo
  thermocline demo --dir demo --output json

Writes thermocline.toml, thermocline.db, policies/ and archive/ into DIR, which must be empty or new. Needs no service and no \
network, about 250 MB of disk, and less than a minute. At the end it prints the commands to go on with.")]
pub(super) struct Run {
    /// The folder; it is made if it is not there
    #[arg(long, value_name = "DIR", default_value = "demo")]
    dir: PathBuf,
}

impl Run {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let mut story = Story::new(context.for_people()?);
        let config = prepare(&self.dir)?;
        let store = Store::from_config(Config::load(&config)?).await?;
        let now = time(NOW).map_err(Error::unexpected)?;
        let demo = Demo::new(&store, now, &self.dir, context)?;
        let Some(figures) = demo.play(&mut story).await? else {
            return Ok(Exit::Interrupted);
        };
        store.close().await?;
        if context.for_people()? {
            return Ok(Exit::Done);
        }
        let seconds: serde_json::Map<_, _> = story
            .seconds
            .iter()
            .map(|(step, seconds)| ((*step).to_owned(), json!(seconds)))
            .collect();
        let summary = json!({
            "records": figures.records,
            "archived": figures.archived,
            "primary": figures.primary,
            "segments": figures.segments,
            "archive_bytes": figures.archive_bytes,
            "primary_bytes": figures.primary_bytes,
            "seconds": seconds,
        });
        use std::io::Write;
        writeln!(std::io::stdout(), "{summary}")?;
        Ok(Exit::Done)
    }
}

/// Makes the folder with its configuration and its policy.
fn prepare(dir: &Path) -> Result<PathBuf, Failure> {
    let occupied = fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some());
    if occupied {
        return Err(Error::invalid(
            "the demo's folder is not empty: name a new one with --dir, or remove this one",
        )
        .with("dir", dir.display())
        .into());
    }
    fs::create_dir_all(dir.join("policies")).map_err(|error| unwritable(dir, error))?;
    let config = dir.join("thermocline.toml");
    write_new(&config, include_str!("demo/thermocline.toml"))?;
    write_new(
        &dir.join("policies/flights.toml"),
        include_str!("../../policies/flights.toml"),
    )?;
    Ok(config)
}
