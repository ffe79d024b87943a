//! What must fit together in a configuration.

use std::collections::{HashMap, HashSet};

use super::problem::Problem;
use super::section::nearest;
use super::{CollectionConfig, Columns, Config, PolicyConfig, PrimaryConfig};

/// The columns of every archived table.
const SYSTEM_COLUMNS: [&str; 7] = [
    "id",
    "created_at",
    "updated_at",
    "archived_at",
    "age_at",
    "metadata",
    "fields",
];

pub(super) fn problems(config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    tiers(config, &mut problems);
    collections(config, &mut problems);
    policies(config, &mut problems);
    problems
}

fn tiers(config: &Config, problems: &mut Vec<Problem>) {
    if config.primary == PrimaryConfig::Memory && config.archive.is_some() {
        problems.push(
            Problem::new(
                "archive",
                "an archive's catalog lives in the primary, and memory cannot hold one",
            )
            .not_built()
            .help("[primary] backend = \"sqlite\", or take [archive] out"),
        );
    }
    if !matches!(config.primary, PrimaryConfig::Postgres { .. }) {
        for (name, collection) in &config.collections {
            if let Some(zone) = &collection.timestamp_zone {
                problems.push(
                    Problem::new(
                        format!("collections.{name}.timestamp_zone"),
                        "only a PostgreSQL primary keeps times without a zone",
                    )
                    .value(format!("{zone:?}"))
                    .help("take the key out"),
                );
            }
        }
    }
    let named: u64 = config
        .collections
        .values()
        .filter_map(|c| c.hot_bytes)
        .sum();
    if named > config.hot.max_bytes {
        problems.push(
            Problem::new(
                "hot.max_bytes",
                "the collections' hot_bytes add up to more than the whole budget",
            )
            .help("raise max_bytes, or lower hot_bytes"),
        );
    }
    if config.hot.ttl.is_zero() {
        problems.push(
            Problem::new("hot.ttl", "a lifetime of zero keeps nothing")
                .help("backend = \"none\" turns the hot tier off"),
        );
    }
    for (key, value, default) in [
        ("daemon.lease", config.daemon.lease, "30s"),
        ("daemon.retry", config.daemon.retry, "5s"),
        ("daemon.measure", config.daemon.measure, "30s"),
    ] {
        if value.is_zero() {
            problems.push(
                Problem::new(key, "no time at all would be all of the daemon's time")
                    .help(format!("{default:?} is the default")),
            );
        }
    }
    if config.search_max_age.is_zero() {
        problems.push(
            Problem::new("search_max_age", "no search could be read within no time")
                .help("search_max_age = \"10m\" is the default"),
        );
    }
}

fn collections(config: &Config, problems: &mut Vec<Problem>) {
    if config.collections.is_empty() {
        problems.push(
            Problem::new("collections", "there is no collection")
                .help("add [collections.NAME]; every key in it has a default"),
        );
    }
    let readers = |c: &CollectionConfig| c.python_readers;
    if config.collections.values().any(readers) && !config.collections.values().all(readers) {
        let key = |(name, _): (&String, _)| format!("collections.{name}.python_readers");
        let odd = config.collections.iter().find(|(_, c)| !c.python_readers);
        problems.push(
            Problem::new(
                odd.map_or_else(String::new, key),
                "the collections share one database, and it is either read by Python's package or not",
            )
            .help("give all of them the same python_readers"),
        );
    }
    let mut tables: HashMap<&str, &str> = HashMap::new();
    for (name, collection) in &config.collections {
        let key = |key: &str| format!("collections.{name}.{key}");
        if name.is_empty() || name.contains(['#', '/', '?']) || name.chars().any(char::is_control) {
            problems.push(
                Problem::new(
                    format!("collections.{name}"),
                    "a collection's name is text without # / ? and control characters",
                )
                .help("`file#NAME` must say which one is meant"),
            );
        }
        if let Some(other) = tables.insert(&collection.table, name) {
            problems.push(
                Problem::new(
                    key("table"),
                    format!(
                        "the collections {other} and {name} have the same table {}",
                        collection.table
                    ),
                )
                .help("give each its own"),
            );
        }
        if collection.table.is_empty() || collection.table.starts_with("ducklake_") {
            problems.push(
                Problem::new(
                    key("table"),
                    format!("{:?} cannot be a collection's table", collection.table),
                )
                .help("names that begin with ducklake_ belong to the archive's catalog"),
            );
        }
        if let Columns::Named(names) = &collection.columns {
            columns(&key("columns"), names, problems);
        }
    }
}

fn columns(key: &str, names: &[String], problems: &mut Vec<Problem>) {
    let mut seen = HashSet::new();
    for name in names {
        let folded = name.to_lowercase();
        let message = if name.is_empty() || folded.starts_with("_ducklake_") {
            format!("{name:?} cannot be a column")
        } else if SYSTEM_COLUMNS.contains(&folded.as_str()) {
            format!("{name:?} is a column of every archived table already")
        } else if !seen.insert(folded) {
            format!("{name:?} stands here twice; SQL does not tell upper case from lower")
        } else {
            continue;
        };
        problems.push(Problem::new(key, message).help("leave it out: filters on it work anyway"));
    }
}

fn policies(config: &Config, problems: &mut Vec<Problem>) {
    let mut names = HashSet::new();
    for policy in &config.policies {
        if config.archive.is_none() {
            problems.push(of(
                policy,
                "collection",
                "there is no archive that this policy could move records to".to_owned(),
                "add [archive] with data = \"archive/\" to the configuration".to_owned(),
            ));
        }
        if !config.collections.contains_key(&policy.collection) {
            let known: Vec<&str> = config.collections.keys().map(String::as_str).collect();
            let all = format!("the collections are {}", known.join(", "));
            problems.push(of(
                policy,
                "collection",
                format!("there is no collection {:?}", policy.collection),
                match nearest(&policy.collection, &known) {
                    Some(near) => format!("did you mean {near:?}? {all}"),
                    None => all,
                },
            ));
        }
        let name = policy.policy.name();
        if !names.insert(name) {
            problems.push(of(
                policy,
                "name",
                format!("another policy is called {name:?} too"),
                "names stand in reports and metrics: give each its own".to_owned(),
            ));
        }
    }
}

/// A problem of one policy, under the key that it has in the policy's own file.
fn of(policy: &PolicyConfig, key: &str, message: String, help: String) -> Problem {
    let mut problem = match &policy.file {
        Some(_) => Problem::new(key, message),
        None => Problem::new(format!("policies.{}.{key}", policy.policy.name()), message),
    };
    problem.file.clone_from(&policy.file);
    problem.help(help)
}
