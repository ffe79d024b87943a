//! `completions`: what a shell needs to complete our commands and options.

use std::io::Write;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::Arguments;
use super::exit::{Exit, Failure};

/// Writes what a shell needs to complete commands and options
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  thermocline completions bash > ~/.local/share/bash-completion/completions/thermocline
  thermocline completions zsh > ~/.zfunc/_thermocline
  thermocline completions fish > ~/.config/fish/completions/thermocline.fish")]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(super) fn run(&self) -> Result<Exit, Failure> {
        // Written in one go: the generator panics where a reader goes away.
        let mut script = Vec::new();
        clap_complete::generate(
            self.shell,
            &mut Arguments::command(),
            "thermocline",
            &mut script,
        );
        std::io::stdout().write_all(&script)?;
        Ok(Exit::Done)
    }
}
