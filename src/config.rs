//! The configuration as data: read from TOML, checked as a whole, printed again.
//!
//! One file describes collections, the tiers that they share, and where their policies stand; each policy is a file of
//! its own. [`Config::load`] finds every problem at once, each with its key, line, value and remedy. A documented key
//! that this version does not act on is an error, never ignored.

mod document;
mod environment;
mod place;
mod policy_file;
mod problem;
mod read;
mod section;
mod show;
mod units;
mod validate;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) use self::document::without_passwords;
pub use self::place::ArchiveData;
pub use self::problem::{Problem, Problems};

use serde::Serialize;

use crate::{Age, Policy, S3Server, Schedule};

/// What a `thermocline.toml` and the policies beside it say, with every default filled in.
///
/// It serializes in the shape of its file; the policies have files of their own and serialize by themselves.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Config {
    /// The folder with the policy files, if there is one.
    #[serde(rename = "policies", skip_serializing_if = "Option::is_none")]
    pub policies_dir: Option<PathBuf>,
    /// The longest life of a search's snapshot.
    #[serde(serialize_with = "show::duration")]
    pub search_max_age: Duration,
    /// The hot tier, which all collections share.
    pub hot: HotConfig,
    /// The primary tier.
    pub primary: PrimaryConfig,
    /// The archive tier, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive: Option<ArchiveConfig>,
    /// How S3 is reached, where the archive lies there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub s3: Option<S3Server>,
    /// How `thermocline run` works.
    pub daemon: DaemonConfig,
    /// The collections by name.
    pub collections: BTreeMap<String, CollectionConfig>,
    /// The policies, in the order of their files' names.
    #[serde(skip)]
    pub policies: Vec<PolicyConfig>,
}

/// The hot tier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct HotConfig {
    /// What keeps the records.
    pub backend: HotBackend,
    /// One budget, split evenly over the collections that have none of their own.
    #[serde(serialize_with = "show::size")]
    pub max_bytes: u64,
    /// How long a record may be served from memory.
    #[serde(serialize_with = "show::duration")]
    pub ttl: Duration,
    /// How long "there is no such record" may be.
    #[serde(serialize_with = "show::duration")]
    pub absent_ttl: Duration,
}

/// What keeps the hot tier's records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum HotBackend {
    /// A cache that keeps what is read often.
    Moka,
    /// A cache whose hits cost less, and which a flood of keys that are read once disturbs a little more.
    #[serde(rename = "quick_cache")]
    QuickCache,
    /// A plain map.
    Memory,
    /// No hot tier.
    None,
}

/// The primary tier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "backend", rename_all = "lowercase")]
#[non_exhaustive]
pub enum PrimaryConfig {
    /// One SQLite file, with the archive's catalog in it.
    Sqlite {
        /// The file.
        path: PathBuf,
        /// How long to wait for another program's lock.
        #[serde(serialize_with = "show::duration")]
        busy_timeout: Duration,
    },
    /// A PostgreSQL database, with the archive's catalog in a schema of its own.
    Postgres {
        /// Where it is, and who asks.
        url: DatabaseUrl,
    },
    /// This process's memory: for trying things out.
    Memory,
}

/// The URL of a database, which is never shown with its password.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// A URL as it was written, password and all.
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// The URL with its password, for connecting.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_passwords(&self.0))
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Serialize for DatabaseUrl {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The archive tier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ArchiveConfig {
    /// Where the segments lie.
    pub data: ArchiveData,
}

/// How `thermocline run` works.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DaemonConfig {
    /// Where metrics, health, status and the page are served.
    pub listen: SocketAddr,
    /// How long a batch that is under way may take to end when the daemon is stopped.
    #[serde(serialize_with = "show::duration")]
    pub grace: Duration,
    /// How long another daemon waits for this one's sign of life before it takes its work over.
    #[serde(serialize_with = "show::duration")]
    pub lease: Duration,
    /// The first pause after a run that failed; each further one is twice as long, up to a quarter of an hour.
    #[serde(serialize_with = "show::duration")]
    pub retry: Duration,
    /// A policy that failed so often in a row makes `/readyz` say no.
    pub failures: u32,
    /// How often the tiers and the backlog are measured.
    #[serde(serialize_with = "show::duration")]
    pub measure: Duration,
}

/// One collection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CollectionConfig {
    /// The primary's table.
    pub table: String,
    /// From when a record's age counts.
    #[serde(serialize_with = "show::age")]
    pub age: Age,
    /// Which fields are copied into typed columns of the segments.
    #[serde(serialize_with = "show::columns")]
    pub columns: Columns,
    /// Whether ids come again.
    pub ids: IdsConfig,
    /// Whether Python's package reads the table too; then what would break its searches is refused.
    pub python_readers: bool,
    /// In whose local time a PostgreSQL table's own times are; that of a fresh session where it is not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp_zone: Option<String>,
    /// A budget of the hot tier for this collection alone.
    #[serde(
        serialize_with = "show::some_size",
        skip_serializing_if = "Option::is_none"
    )]
    pub hot_bytes: Option<u64>,
}

/// Whether ids come again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum IdsConfig {
    /// Any id may be written at any time.
    #[default]
    Any,
    /// Ids are made anew for every record (UUIDs): a create does not look for its id in the archive.
    NeverReused,
}

/// Which fields are promoted: copied into typed columns of the segments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Columns {
    /// Those of the first batch: top-level scalars.
    Auto,
    /// None.
    None,
    /// These.
    Named(Vec<String>),
}

/// One policy and the collection that it is for.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PolicyConfig {
    /// The file that it was read from, if it was.
    pub file: Option<PathBuf>,
    /// The collection's name.
    pub collection: String,
    /// What it says.
    pub policy: Policy,
    /// When `thermocline run` runs it; without one only `archive --once` does.
    pub schedule: Option<Schedule>,
}

impl Config {
    /// Reads a configuration file and the policies that it names.
    ///
    /// Relative paths count from the file's folder.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Problems> {
        read::load(path.as_ref())
    }

    /// Everything that is wrong with a configuration as a whole; a loaded one has passed this.
    ///
    /// # Errors
    /// All problems, each with the key that it would have in a file.
    pub fn validate(&self) -> Result<(), Problems> {
        Problems::check(validate::problems(self))
    }

    /// The hot budget of a collection, in bytes.
    pub fn hot_bytes(&self, collection: &str) -> u64 {
        let own = |name: &str| self.collections.get(name).and_then(|c| c.hot_bytes);
        own(collection).unwrap_or_else(|| {
            let taken: u64 = self.collections.values().filter_map(|c| c.hot_bytes).sum();
            let sharing = self
                .collections
                .values()
                .filter(|c| c.hot_bytes.is_none())
                .count();
            self.hot.max_bytes.saturating_sub(taken) / sharing.max(1) as u64
        })
    }

    /// The policies of a collection.
    pub fn policies_of<'a>(&'a self, collection: &'a str) -> impl Iterator<Item = &'a Policy> {
        self.policies
            .iter()
            .filter(move |policy| policy.collection == collection)
            .map(|policy| &policy.policy)
    }
}

impl Default for HotConfig {
    /// moka, 256 MiB, 10 minutes, half a minute for absent ids.
    fn default() -> Self {
        Self {
            backend: HotBackend::Moka,
            max_bytes: 256 << 20,
            ttl: Duration::from_secs(600),
            absent_ttl: Duration::from_secs(30),
        }
    }
}

impl Default for DaemonConfig {
    /// Loopback, port 9464, half a minute for everything that is waited for, ready until the third failure in a row.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 9464)),
            grace: Duration::from_secs(30),
            lease: Duration::from_secs(30),
            retry: Duration::from_secs(5),
            failures: 3,
            measure: Duration::from_secs(30),
        }
    }
}

/// How long to wait for another program's lock where nothing else is said.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest life of a search's snapshot where nothing else is said.
const SEARCH_MAX_AGE: Duration = Duration::from_secs(600);

#[cfg(test)]
mod tests;
