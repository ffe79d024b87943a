//! `man`: the manual, one page for each command.

use std::path::PathBuf;

use crate::Error;
use clap::{Args, CommandFactory};

use super::Arguments;
use super::exit::{Exit, Failure};

/// Writes the manual, one page for each command
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  thermocline man ~/.local/share/man/man1
  thermocline man /tmp && man -l /tmp/thermocline-search.1")]
pub(super) struct Man {
    /// The folder for the pages; it must be there
    dir: PathBuf,
}

impl Man {
    pub(super) fn run(&self) -> Result<Exit, Failure> {
        clap_mangen::generate_to(Arguments::command(), &self.dir).map_err(|error| {
            Error::unavailable("the manual cannot be written; name a folder that is there")
                .with("folder", self.dir.display())
                .with("problem", error)
        })?;
        Ok(Exit::Done)
    }
}
