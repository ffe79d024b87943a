//! `init`: a configuration to begin with.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::{Error, Store};
use clap::Args;

use super::context::Context;
use super::exit::{Exit, Failure};
use super::people::counted;

/// Writes a configuration with every key explained and a policy; or adopts an archive whose folder was moved
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  thermocline init
  thermocline init --dir /srv/orders --collection orders

Writes thermocline.toml and policies/NAME.toml; a file that is there stays as it is. Where the configuration is there and \
its archive was moved, so that `status` says other readers look elsewhere: finds every segment in the new folder, then \
tells the catalog.")]
pub(super) struct Init {
    /// The folder; it is made if it is not there
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
}

impl Init {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let config = self.dir.join("thermocline.toml");
        if config.exists() && adopted(&config).await? {
            return Ok(Exit::Done);
        }
        let collection = context.options.collection.as_deref().unwrap_or("records");
        let fits = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
        if collection.is_empty() || !collection.chars().all(fits) {
            return Err(
                Error::invalid("a new collection's name has letters, digits, `_` and `-`")
                    .with("collection", collection)
                    .into(),
            );
        }
        let config = include_str!("init/thermocline.toml").replace("COLLECTION", collection);
        let policy = include_str!("init/policy.toml").replace("COLLECTION", collection);
        let policy_file = format!("policies/{collection}.toml");
        fs::create_dir_all(self.dir.join("policies"))
            .map_err(|error| unwritable(&self.dir, error))?;
        for (name, text) in [("thermocline.toml", config), (&policy_file, policy)] {
            write_new(&self.dir.join(name), &text)?;
        }
        eprintln!(
            "\nNext: thermocline check --config {}",
            self.dir.join("thermocline.toml").display()
        );
        Ok(Exit::Done)
    }
}

/// Corrects the place of archives that were moved; whether there were any.
async fn adopted(config: &Path) -> Result<bool, Failure> {
    let store = Store::open(config).await?;
    let mut adopted = false;
    for name in store.names() {
        let Some(archive) = store.tiers(name)?.archive else {
            continue;
        };
        let contents = archive.contents().await?;
        if let Some(elsewhere) = contents.elsewhere {
            archive.adopt_folder().await?;
            let segments = counted(contents.segments, "segment");
            eprintln!(
                "{name}: {segments} found in {}, no longer in {elsewhere}",
                contents.root
            );
            adopted = true;
        }
    }
    Ok(adopted)
}

/// Writes a file that must not be there yet.
pub(super) fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    let created = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path);
    match created.and_then(|mut file| file.write_all(text.as_bytes())) {
        Ok(()) => {
            eprintln!("wrote {}", path.display());
            Ok(())
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(Error::invalid(
            "this file is there already, and is not touched: name another folder with --dir",
        )
        .with("file", path.display())
        .into()),
        Err(error) => Err(unwritable(path, error)),
    }
}

/// Of a file or folder that cannot be written.
pub(super) fn unwritable(path: &Path, error: std::io::Error) -> Failure {
    Error::unavailable("cannot write here")
        .with("path", path.display())
        .with_source(error)
        .into()
}
