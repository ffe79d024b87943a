//! `config`: the effective settings.

use std::io::Write;

use crate::Error;
use clap::Args;
use serde_json::json;

use super::context::Context;
use super::exit::{Exit, Failure};

/// Prints the effective configuration: every default filled in, the environment put in, no secrets
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  thermocline config
  thermocline config --output json | jq .hot.max_bytes

What it prints is a configuration itself; each policy follows under its file's name.")]
pub(super) struct Settings {}

impl Settings {
    pub(super) fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let config = context.config()?;
        let mut out = std::io::stdout().lock();
        if !context.for_people()? {
            let value = json!({ "config": config, "policies": config.policies });
            writeln!(out, "{value}")?;
            return Ok(Exit::Done);
        }
        writeln!(out, "# {}\n", context.options.config.display())?;
        writeln!(out, "{}", toml(&config)?.trim_end())?;
        for policy in &config.policies {
            let file = policy
                .file
                .as_deref()
                .map(|file| file.display().to_string());
            writeln!(out, "\n# {}\n", file.unwrap_or_default())?;
            writeln!(out, "{}", toml(policy)?.trim_end())?;
        }
        Ok(Exit::Done)
    }
}

fn toml(value: &impl serde::Serialize) -> Result<String, Failure> {
    toml::to_string(value).map_err(|error| {
        Error::unexpected("the configuration cannot be printed")
            .with_source(error)
            .into()
    })
}
