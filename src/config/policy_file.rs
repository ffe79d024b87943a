//! Policy files: one policy each, in one folder.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::PolicyConfig;
use super::document::{Document, Lines};
use super::problem::Problem;
use super::section::{Choice, Entry, Section};
use crate::{Batch, Error, ErrorKind, Filter, Policy, Schedule};

/// Reads every policy of a folder, in the order of the files' names.
pub(super) fn read_all(
    folder: &Path,
    problems: &mut Vec<Problem>,
    lines_of: &mut HashMap<PathBuf, Lines>,
) -> Vec<PolicyConfig> {
    let mut policies = Vec::new();
    for file in files(folder, problems) {
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) => {
                problems.push(of_file(file, format!("cannot read the policy: {error}")));
                continue;
            }
        };
        let document = Document::new(&file, &text);
        if let Some(table) = document.parse() {
            let section = Section::top(&document, table.get_ref());
            policies.extend(policy(section, &file));
        }
        let (found, lines) = document.finish();
        problems.extend(found);
        lines_of.insert(file, lines);
    }
    policies
}

fn files(folder: &Path, problems: &mut Vec<Problem>) -> Vec<PathBuf> {
    let entries = match std::fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
        Ok(entries) => entries,
        Err(error) => {
            let message = format!("cannot read the folder of policies: {error}");
            problems.push(of_file(folder.to_owned(), message));
            return Vec::new();
        }
    };
    let mut files = Vec::new();
    for path in entries.into_iter().map(|entry| entry.path()) {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("toml") => files.push(path),
            // Somebody meant it as a policy; one that never runs in silence is worse than a word too much.
            Some("yaml" | "yml" | "json") => {
                problems.push(of_file(path, "policies are written in TOML".to_owned()));
            }
            _ => {}
        }
    }
    files.sort();
    files
}

fn of_file(file: PathBuf, message: String) -> Problem {
    let mut problem = Problem::new("", message);
    problem.file = Some(file);
    problem
}

fn policy(section: Section<'_, '_>, file: &Path) -> Option<PolicyConfig> {
    for (key, help) in [
        (
            "window",
            "start `thermocline archive --once` when the load is low",
        ),
        (
            "limits",
            "`batch` bounds one step; Ctrl-C stops between steps",
        ),
        (
            "throttle",
            "start `thermocline archive --once` when the load is low",
        ),
        ("guard", "`thermocline plan` shows what a run would take"),
        (
            "expire",
            "archived records stay; delete those that are to go",
        ),
        (
            "hold",
            "keep such records with `where`: not (customer_id = 42)",
        ),
    ] {
        section.not_built(key, help);
    }
    section.choice(
        "action",
        &[
            ("move", Choice::Value(())),
            (
                "delete",
                Choice::NotBuilt("action = \"move\" archives; `thermocline delete` removes"),
            ),
        ],
    );
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let name = section.text("name").unwrap_or_else(|| stem.into_owned());
    for (key, help) in [
        (
            "collection",
            "add collection = \"..\", the NAME of a [collections.NAME]",
        ),
        (
            "older_than",
            "add older_than = \"90d\", or 3 months, or 7 years",
        ),
    ] {
        if !section.has(key) {
            section.note(key, "a policy needs this key", help);
        }
    }
    let collection = section.text("collection");
    let policy = section.parse("older_than", |span| {
        Policy::older_than(span).map_err(|error| error.message().to_owned())
    });
    let filter = section.entry("where").and_then(|entry| {
        let text = entry.text()?;
        Filter::parse(&text, &format!("{name}, where"))
            .map_err(|error| match error.kind() {
                ErrorKind::Unsupported => entry.not_built(error.message(), ""),
                _ => entry.note(error.message(), ""),
            })
            .ok()
    });
    let batch = section.section("batch").map(batch);
    let schedule = schedule(&section);
    section.finish();

    // What is missing was noted; the rest is judged all the same.
    let policy = match policy {
        Some(policy) => policy,
        None => Policy::older_than("90d").ok()?,
    };
    let policy = policy.named(&name).matching(filter.unwrap_or_default());
    Some(PolicyConfig {
        file: Some(file.to_owned()),
        collection: collection.unwrap_or_default(),
        policy: match batch {
            Some(batch) => policy.clone().batch(batch).unwrap_or(policy),
            None => policy,
        },
        schedule,
    })
}

/// `every`, or `schedule` with its `zone`; without either the policy runs only when somebody says so.
fn schedule(section: &Section<'_, '_>) -> Option<Schedule> {
    let said = |error: Error| match error.context().find(|(key, _)| *key == "problem") {
        Some((_, problem)) => format!("{}: {problem}", error.message()),
        None => error.message().to_owned(),
    };
    let every = section.entry("every");
    let line = section.entry("schedule");
    let zone = section.entry("zone");
    let zone_name = zone
        .as_ref()
        .map(|zone| zone.parse(|name| Schedule::zone(name).map(|_| name.to_owned()).map_err(said)));
    match (every, line) {
        (Some(every), Some(_)) => {
            every.note(
                "a policy has an interval or a cron line, not both",
                "take `every` or `schedule` out",
            );
            None
        }
        (Some(every), None) => {
            if let Some(zone) = zone {
                zone.note(
                    "a zone belongs to a cron line",
                    "take it out: an interval is the same everywhere",
                );
            }
            Schedule::every(every.duration()?)
                .map_err(|error| every.note(error.message(), "such as \"15m\", \"1h\" or \"7d\""))
                .ok()
        }
        (None, Some(line)) => {
            let zone = match zone_name {
                Some(zone) => zone?,
                None => "UTC".to_owned(),
            };
            line.parse(|text| Schedule::cron(text, &zone).map_err(said))
        }
        (None, None) => {
            if let Some(zone) = zone {
                zone.note(
                    "a zone belongs to a cron line, and there is none",
                    "add schedule = \"0 2 * * *\", or take the zone out",
                );
            }
            None
        }
    }
}

fn batch(section: Section<'_, '_>) -> Batch {
    let default = Batch::default();
    let rows = section
        .entry("rows")
        .and_then(|entry| positive(&entry, entry.integer()));
    let bytes = section
        .entry("bytes")
        .and_then(|entry| positive(&entry, entry.size()));
    section.finish();
    Batch {
        rows: rows.map_or(default.rows, |rows| {
            usize::try_from(rows).unwrap_or(usize::MAX)
        }),
        bytes: bytes.unwrap_or(default.bytes),
    }
}

fn positive(entry: &Entry<'_, '_>, number: Option<u64>) -> Option<u64> {
    if number == Some(0) {
        entry.note(
            "a batch of nothing moves nothing",
            "take the key out: the default suits most",
        );
    }
    number
}
