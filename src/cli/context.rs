//! What every command is given: the options that all share, and what they open.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

use crate::config::Config;
use crate::{Database, Error, Store, TieredDatabase};
use clap::{Args, ValueEnum};
use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::exit::Failure;

/// The options of every command.
#[derive(Args, Clone, Debug)]
pub(super) struct Options {
    /// The configuration file
    #[arg(
        long,
        global = true,
        env = "THERMOCLINE_CONFIG",
        value_name = "FILE",
        default_value = "thermocline.toml"
    )]
    pub(super) config: PathBuf,

    /// The collection, where the configuration has several
    #[arg(long, global = true, value_name = "NAME")]
    pub(super) collection: Option<String>,

    /// The form of the output [default: a table on a terminal, else what suits scripts]
    #[arg(long, global = true, value_name = "FORM")]
    pub(super) output: Option<Output>,
}

/// The forms of output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    /// For people
    Table,
    /// One JSON value
    Json,
    /// One JSON value a line
    Ndjson,
    /// Comma-separated, with a head
    Csv,
    /// Parquet (export only)
    Parquet,
    /// Markdown (metrics only)
    Markdown,
}

/// What a command works with.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) options: Options,
    /// Cancelled by Ctrl-C.
    pub(super) stop: CancellationToken,
    /// What was opened, to be closed when the command has ended.
    opened: Mutex<Vec<TieredDatabase>>,
}

/// How long a command waits for what it opened to be closed.
const CLOSING: Duration = Duration::from_secs(5);

impl Context {
    pub(super) fn new(options: Options, stop: CancellationToken) -> Self {
        Self {
            options,
            stop,
            opened: Mutex::default(),
        }
    }

    /// The configuration, if nothing is wrong with it.
    pub(super) fn config(&self) -> Result<Config, Failure> {
        Ok(Config::load(&self.options.config)?)
    }

    /// The name of the collection that is meant: the only one, or the one that was named.
    pub(super) fn collection_of(&self, config: &Config) -> Result<String, Failure> {
        let names: Vec<&str> = config.collections.keys().map(String::as_str).collect();
        match (&self.options.collection, names.as_slice()) {
            (Some(name), names) if names.contains(&name.as_str()) => Ok(name.clone()),
            (Some(name), names) => Err(Error::invalid("there is no such collection")
                .with("collection", name)
                .with("collections", names.join(", "))
                .into()),
            (None, [name]) => Ok((*name).to_owned()),
            (None, names) => Err(Error::invalid(
                "the configuration has several collections: say which with --collection NAME",
            )
            .with("collections", names.join(", "))
            .into()),
        }
    }

    /// The names of the collections that are meant: all, or the one that was named.
    pub(super) fn collections_of(&self, config: &Config) -> Result<Vec<String>, Failure> {
        match &self.options.collection {
            Some(_) => Ok(vec![self.collection_of(config)?]),
            None => Ok(config.collections.keys().cloned().collect()),
        }
    }

    /// Opens everything that the configuration describes.
    pub(super) async fn store(&self) -> Result<Store, Failure> {
        let store = Store::from_config(self.config()?).await?;
        for name in store.names() {
            self.opened.lock().push(store.collection(name)?);
        }
        Ok(store)
    }

    /// Closes what was opened: SQLite writes its log back, so that the file alone holds everything.
    ///
    /// All that was acknowledged is durable before: a log that cannot be written back is read by the next command.
    pub(super) async fn close(&self) {
        let opened = std::mem::take(&mut *self.opened.lock());
        let closing = async {
            for database in opened {
                if let Err(error) = database.close().await {
                    tracing::debug!(%error, "a collection was not closed");
                }
            }
        };
        if tokio::time::timeout(CLOSING, closing).await.is_err() {
            tracing::debug!("closing takes long and is left to the next command");
        }
    }

    /// Opens the collection that is meant.
    pub(super) async fn open(&self) -> Result<TieredDatabase, Failure> {
        let store = self.store().await?;
        let name = self.collection_of(store.config())?;
        Ok(store.collection(&name)?)
    }

    /// The form that was asked for, or one for people on a terminal and one for scripts elsewhere.
    pub(super) fn output(&self, terminal: Output, elsewhere: Output) -> Output {
        match self.options.output {
            Some(output) => output,
            None if std::io::stdout().is_terminal() => terminal,
            None => elsewhere,
        }
    }

    /// Whether people read the output.
    pub(super) fn for_people(&self) -> Result<bool, Failure> {
        match self.output(Output::Table, Output::Table) {
            Output::Table => Ok(true),
            Output::Json | Output::Ndjson => Ok(false),
            other => Err(Error::invalid("this command has no such form of output")
                .with(
                    "output",
                    format_args!("{other:?}").to_string().to_lowercase(),
                )
                .with("forms", "table, json")
                .into()),
        }
    }
}

/// A time on the command line: `2014-01-01T00:00:00Z`, or a day, which begins at midnight UTC.
pub(super) fn time(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    let day: civil::Date = text
        .parse()
        .map_err(|_| "a time is written like 2014-01-01T00:00:00Z or 2014-01-01".to_owned())?;
    let midnight = day.at(0, 0, 0, 0).to_zoned_datetime(TimeZone::UTC);
    midnight
        .map(|midnight| midnight.timestamp())
        .map_err(|error| error.to_string())
}
