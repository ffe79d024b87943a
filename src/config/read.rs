//! From TOML to [`Config`].

use std::collections::{BTreeMap, HashMap};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::document::Document;
use super::problem::{Problem, Problems};
use super::section::{Choice, Entry, Section};
use super::{
    BUSY_TIMEOUT, CollectionConfig, Columns, Config, DaemonConfig, DatabaseUrl, HotBackend,
    HotConfig, IdsConfig, PrimaryConfig, SEARCH_MAX_AGE, place, policy_file, validate,
};
use crate::{Age, AgeForm};

/// Reads a file and the policies that it names.
///
/// A value that is wrong is noted and its default goes on in its place, so that all problems are found in one run.
pub(super) fn load(path: &Path) -> Result<Config, Problems> {
    let text = read_file(path)?;
    let document = Document::new(path, &text);
    let Some(table) = document.parse() else {
        return Err(Problems::of(document.finish().0));
    };
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    let mut config = top(Section::top(&document, table.get_ref()), folder);
    drop(table);

    let (mut problems, lines) = document.finish();
    let mut lines_of = HashMap::from([(path.to_owned(), lines)]);
    if let Some(policies) = config.policies_dir.clone() {
        config.policies = policy_file::read_all(&policies, &mut problems, &mut lines_of);
    }
    for mut problem in validate::problems(&config) {
        let file = problem.file.get_or_insert_with(|| path.to_owned());
        let same =
            |known: &Problem| known.file.as_ref() == Some(file) && related(known, &problem.key);
        if problems.iter().any(same) {
            continue;
        }
        problem.line = lines_of
            .get(file)
            .and_then(|lines| lines.get(&problem.key).copied());
        problems.push(problem);
    }
    Problems::check(problems)?;
    Ok(config)
}

/// Whether a problem with a key above, at or below `key` is known already: what follows from it is not told again.
fn related(known: &Problem, key: &str) -> bool {
    let below = |long: &str, short: &str| {
        long.strip_prefix(short)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    below(&known.key, key) || below(key, &known.key)
}

fn read_file(path: &Path) -> Result<String, Problems> {
    std::fs::read_to_string(path).map_err(|error| {
        let mut problem = match error.kind() {
            ErrorKind::NotFound => Problem::new("", "there is no such configuration file").help(
                "`thermocline init` writes one; --config or THERMOCLINE_CONFIG names another",
            ),
            _ => Problem::new("", format!("cannot read the file: {error}")),
        };
        problem.file = Some(path.to_owned());
        Problems::of(vec![problem])
    })
}

fn top(section: Section<'_, '_>, folder: &Path) -> Config {
    let config = Config {
        policies_dir: policies_dir(&section, folder),
        search_max_age: section.duration("search_max_age").unwrap_or(SEARCH_MAX_AGE),
        hot: section.section("hot").map_or_else(HotConfig::default, hot),
        primary: primary(&section, folder),
        archive: section
            .section("archive")
            .map(|section| place::archive(section, folder)),
        s3: section
            .section("s3")
            .map(|section| place::s3(section, folder)),
        daemon: section
            .section("daemon")
            .map_or_else(DaemonConfig::default, daemon),
        collections: section
            .section("collections")
            .map_or_else(BTreeMap::new, collections),
        policies: Vec::new(),
    };
    section.finish();
    config
}

/// `policies/` counts without being named, for a policy that nobody runs would be a surprise.
fn policies_dir(section: &Section<'_, '_>, folder: &Path) -> Option<PathBuf> {
    let Some(entry) = section.entry("policies") else {
        return Some(folder.join("policies")).filter(|path| path.is_dir());
    };
    let path = folder.join(entry.text()?);
    if !path.is_dir() {
        entry.note(
            "there is no such folder",
            "make it, or take the key out; each policy is a file in it",
        );
        return None;
    }
    Some(path)
}

fn hot(section: Section<'_, '_>) -> HotConfig {
    let default = HotConfig::default();
    let hot = HotConfig {
        backend: section
            .choice(
                "backend",
                &[
                    ("moka", Choice::Value(HotBackend::Moka)),
                    ("quick_cache", Choice::Value(HotBackend::QuickCache)),
                    ("memory", Choice::Value(HotBackend::Memory)),
                    ("none", Choice::Value(HotBackend::None)),
                ],
            )
            .unwrap_or(default.backend),
        max_bytes: section.size("max_bytes").unwrap_or(default.max_bytes),
        ttl: section.duration("ttl").unwrap_or(default.ttl),
        absent_ttl: section.duration("absent_ttl").unwrap_or(default.absent_ttl),
    };
    section.finish();
    hot
}

#[derive(Clone, Copy)]
enum PrimaryBackend {
    Sqlite,
    Postgres,
    Memory,
}

fn primary(top: &Section<'_, '_>, folder: &Path) -> PrimaryConfig {
    let sqlite = |path: &str, busy_timeout: Option<Duration>| PrimaryConfig::Sqlite {
        path: folder.join(path),
        busy_timeout: busy_timeout.unwrap_or(BUSY_TIMEOUT),
    };
    let default = || sqlite("thermocline.db", None);
    let Some(section) = top.section("primary") else {
        if !top.has("primary") {
            top.note(
                "primary",
                "a primary tier is needed",
                "add [primary] with backend = \"sqlite\" and path = \"thermocline.db\"",
            );
        }
        return default();
    };
    let backend = section.choice(
        "backend",
        &[
            ("sqlite", Choice::Value(PrimaryBackend::Sqlite)),
            ("memory", Choice::Value(PrimaryBackend::Memory)),
            ("postgres", Choice::Value(PrimaryBackend::Postgres)),
            (
                "elasticsearch",
                Choice::NotBuilt("backend = \"postgres\" and backend = \"sqlite\" are"),
            ),
        ],
    );
    let path = section.entry("path");
    let busy_timeout = section.entry("busy_timeout");
    let url = section.entry("url");
    if let Some(url) = &url
        && matches!(
            backend,
            Some(PrimaryBackend::Sqlite | PrimaryBackend::Memory)
        )
    {
        url.note(
            "this backend has no url",
            "take the key out, or say backend = \"postgres\"",
        );
    }
    for key in ["urls", "catalog"] {
        section.not_built(key, "it belongs to backends that are not built yet");
    }
    let primary = match backend {
        Some(PrimaryBackend::Memory) => {
            for entry in [path, busy_timeout].into_iter().flatten() {
                entry.note("the memory backend has no file", "take the key out");
            }
            PrimaryConfig::Memory
        }
        Some(PrimaryBackend::Postgres) => {
            for entry in [path, busy_timeout].into_iter().flatten() {
                entry.note(
                    "a PostgreSQL primary has a url, not a file",
                    "take the key out",
                );
            }
            match url {
                Some(url) => PrimaryConfig::Postgres {
                    url: DatabaseUrl::new(url.text().unwrap_or_default()),
                },
                None => {
                    section.note(
                        "url",
                        "a PostgreSQL primary needs its url",
                        "add url = \"${DATABASE_URL}\", or url = \"postgres://user@host/database\"",
                    );
                    default()
                }
            }
        }
        Some(PrimaryBackend::Sqlite) => match path {
            Some(path) => sqlite(
                &path.text().unwrap_or_default(),
                busy_timeout.and_then(|entry| entry.duration()),
            ),
            None => {
                section.note(
                    "path",
                    "a SQLite primary needs its file",
                    "add path = \"thermocline.db\"",
                );
                default()
            }
        },
        None => {
            if !section.has("backend") {
                section.note(
                    "backend",
                    "a primary tier needs its backend",
                    "add backend = \"sqlite\" and path = \"thermocline.db\"",
                );
            }
            default()
        }
    };
    section.finish();
    primary
}

fn daemon(section: Section<'_, '_>) -> DaemonConfig {
    let default = DaemonConfig::default();
    let listen = section.parse("listen", |text| {
        text.parse().map_err(|_| {
            "an address has a port: \"127.0.0.1:9464\", \"[::1]:9464\", or \"0.0.0.0:9464\" for every network"
                .to_owned()
        })
    });
    let failures = section.entry("failures").and_then(|entry| {
        let number = entry.integer()?;
        let fits = u32::try_from(number).ok().filter(|number| *number > 0);
        if fits.is_none() {
            entry.note(
                "so many failures in a row cannot be counted",
                "failures = 3",
            );
        }
        fits
    });
    let config = DaemonConfig {
        listen: listen.unwrap_or(default.listen),
        grace: section.duration("grace").unwrap_or(default.grace),
        lease: section.duration("lease").unwrap_or(default.lease),
        retry: section.duration("retry").unwrap_or(default.retry),
        failures: failures.unwrap_or(default.failures),
        measure: section.duration("measure").unwrap_or(default.measure),
    };
    section.finish();
    config
}

fn collections(section: Section<'_, '_>) -> BTreeMap<String, CollectionConfig> {
    section
        .named_sections()
        .into_iter()
        .map(|(name, section)| {
            let config = collection(&name, section);
            (name, config)
        })
        .collect()
}

fn collection(name: &str, section: Section<'_, '_>) -> CollectionConfig {
    if let Some(entry) = section.entry("partition_by")
        && entry.texts().is_none_or(|keys| !keys.is_empty())
    {
        entry.not_built(
            "partitions are not built yet",
            "take the key out; segments are cut by month of the age anyway",
        );
    }
    section.choice(
        "writers",
        &[
            ("exclusive", Choice::Value(())),
            (
                "shared",
                Choice::NotBuilt("let Thermocline alone write the table: writers = \"exclusive\""),
            ),
        ],
    );
    let ids = section.choice(
        "ids",
        &[
            ("any", Choice::Value(IdsConfig::Any)),
            ("never_reused", Choice::Value(IdsConfig::NeverReused)),
        ],
    );
    let config = CollectionConfig {
        table: section.text("table").unwrap_or_else(|| name.to_owned()),
        age: section.entry("age").and_then(age).unwrap_or_default(),
        columns: section
            .entry("columns")
            .and_then(columns)
            .unwrap_or(Columns::Auto),
        ids: ids.unwrap_or_default(),
        python_readers: section
            .entry("python_readers")
            .and_then(|entry| entry.boolean())
            .unwrap_or(true),
        timestamp_zone: section.text("timestamp_zone"),
        hot_bytes: section.size("hot_bytes"),
    };
    section.finish();
    config
}

fn age(entry: Entry<'_, '_>) -> Option<Age> {
    let at = |path: &str, form| Age::with_form(path, form).map_err(|error| error.to_string());
    if !entry.is_table() {
        if !entry.is_text() {
            entry.note(
                "an age is a path, or a field with a unit",
                "age = \"created.at\" for ISO 8601 text, age = { field = \"ts\", unit = \"s\" } for numbers",
            );
            return None;
        }
        return entry.parse(|path| at(path, AgeForm::Text));
    }
    let section = entry.section()?;
    let form = section.choice(
        "unit",
        &[
            ("s", Choice::Value(AgeForm::Seconds)),
            ("ms", Choice::Value(AgeForm::Millis)),
        ],
    );
    for key in ["field", "unit"] {
        if !section.has(key) {
            section.note(
                key,
                "a numeric age needs a field and a unit",
                "age = { field = \"ts\", unit = \"s\" }, or \"ms\"",
            );
        }
    }
    let age = section.parse("field", |path| at(path, form.unwrap_or(AgeForm::Seconds)));
    section.finish();
    age
}

fn columns(entry: Entry<'_, '_>) -> Option<Columns> {
    if entry.is_text() {
        return entry
            .choice(&[
                ("auto", Choice::Value(true)),
                ("none", Choice::Value(false)),
            ])
            .map(|auto| if auto { Columns::Auto } else { Columns::None });
    }
    if entry.is_list() {
        return Some(Columns::Named(entry.texts()?));
    }
    entry.note(
        "columns are names of fields, or a word",
        "columns = [\"carrier\", \"origin\"], \"auto\" or \"none\"",
    );
    None
}
