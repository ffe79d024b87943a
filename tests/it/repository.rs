//! What the repository as a whole must not say, and what its dependencies must not bring.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use regex::Regex;

/// Families of crates that are built once: their types cross our API, and a second copy would double the build.
const ONE_VERSION: &[&str] = &[
    "arrow-array",
    "arrow-buffer",
    "arrow-schema",
    "parquet",
    "serde_json",
    "sqlx-core",
    "tokio",
];

#[test]
fn serde_json_changes_nothing_in_the_embedders_program() {
    for (package, features) in dependencies() {
        if package.starts_with("serde_json ") {
            assert!(
                !features.contains("arbitrary_precision"),
                "{package} has `arbitrary_precision` on, which changes serde_json for every crate of the program; \
                 `cargo tree -e features -i serde_json` shows who asked for it"
            );
        }
    }
}

#[test]
fn one_version_of_what_crosses_our_api() {
    let packages = dependencies();
    for name in ONE_VERSION {
        let versions: Vec<_> = packages
            .keys()
            .filter(|package| package.split(' ').next() == Some(name))
            .collect();
        assert_eq!(versions.len(), 1, "{name}: {versions:?}");
    }
}

#[test]
fn no_private_place_is_named() {
    // Each pattern is written so that it does not match itself.
    let private =
        Regex::new(r"(?i)/w[o]rk/|/r[o]ot/|/f[a]rm/|\.\./sh[a]red|\b(issue|session)s? #?\d+\b")
            .expect("a pattern");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = tracked(root);
    assert!(files.len() > 20, "the files were not found: {files:?}");
    let mut found = Vec::new();
    for file in files {
        let Ok(text) = std::fs::read_to_string(root.join(&file)) else {
            continue; // binary, or deleted and not yet committed
        };
        for (line, text) in (1..)
            .zip(text.lines())
            .filter(|(_, text)| private.is_match(text))
        {
            found.push(format!("{}:{line}: {}", file.display(), text.trim()));
        }
    }
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

/// What git knows of, or would add.
fn tracked(root: &Path) -> Vec<PathBuf> {
    let listing = run(Command::new("git")
        .args([
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "-z",
        ])
        .current_dir(root));
    listing
        .split('\0')
        .filter(|file| !file.is_empty() && *file != "Cargo.lock")
        .map(PathBuf::from)
        .collect()
}

/// Every package of a build with all features, as `name vX.Y.Z`, with the features it is built with.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let listing = run(Command::new(env!("CARGO"))
        .args([
            "tree",
            "--locked",
            "--all-features",
            "--prefix",
            "none",
            "--format",
            "{p}|{f}",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR")));
    let mut packages = BTreeMap::<_, BTreeSet<String>>::new();
    for line in listing.lines() {
        let (package, features) = line.split_once('|').expect("the format asked for");
        let package: Vec<&str> = package.split(' ').take(2).collect();
        let features = features
            .trim_end_matches(" (*)")
            .split(',')
            .map(str::to_owned);
        packages
            .entry(package.join(" "))
            .or_default()
            .extend(features);
    }
    packages
}

fn run(command: &mut Command) -> String {
    let output = command.output().expect("it starts");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {error}");
    String::from_utf8(output.stdout).expect("UTF-8")
}
