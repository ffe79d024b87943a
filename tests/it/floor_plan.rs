//! The floors of ARCHITECTURE.md, kept: who may use whom inside the crate, and how long a file may be.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// From the ground up. A module uses lower floors, and what stands before it on its own.
const FLOORS: &[&[&str]] = &[
    &[
        "error",
        "clock",
        "tier",
        "fault",
        "json",
        "telemetry",
        "url",
    ],
    &["record", "query", "age", "policy"],
    &[
        "sql",
        "write",
        "catalog_host",
        "database",
        "hot",
        "conformance",
    ],
    &["blob", "backend", "layer"],
    &["archive"],
    &["tiered", "migrate"],
    &["config", "open", "prelude"],
    &["daemon"],
    &["cli", "main"],
];

/// The module whose children know nothing of each other.
const STRANGERS: &str = "backend";

/// Lines of a file in `src`: half of them, nine of ten, all of them.
const LINES: [(usize, usize); 3] = [(50, 150), (90, 350), (100, 500)];

#[test]
fn modules_use_only_what_stands_below_them() {
    let names = reexports(&read("lib.rs"));
    let problems: Vec<String> = sources()
        .iter()
        .filter(|file| file.as_path() != Path::new("lib.rs"))
        .flat_map(|file| violations(&module(file), &read(file), &names))
        .collect();
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn the_root_only_reexports() {
    let words = [
        "fn",
        "struct",
        "enum",
        "trait",
        "impl",
        "const",
        "static",
        "macro_rules",
    ];
    let found: Vec<_> = tokens(&read("lib.rs"))
        .into_iter()
        .filter(|token| matches!(token, TokenTree::Ident(word) if words.iter().any(|w| word == w)))
        .map(|token| token.to_string())
        .collect();
    assert!(
        found.is_empty(),
        "src/lib.rs has logic of its own: {found:?}"
    );
}

#[test]
fn files_stay_short() {
    let mut sizes: Vec<(usize, PathBuf)> = sources()
        .into_iter()
        .map(|file| (read(&file).lines().count(), file))
        .collect();
    sizes.sort();
    for (percent, limit) in LINES {
        let (lines, file) = &sizes[(sizes.len() * percent).div_ceil(100) - 1];
        let file = file.display();
        assert!(
            *lines <= limit,
            "{percent} of 100 files shall have at most {limit} lines, but the one there, src/{file}, has {lines}"
        );
    }
}

#[test]
fn the_check_sees_what_it_must() {
    let names =
        reexports("pub use self::error::{Error, Result}; pub use self::backend::moka::Moka;");
    let found = |module: &[&str], source: &str| {
        let module: Vec<String> = module.iter().map(|&part| part.to_owned()).collect();
        violations(&module, source, &names).len()
    };
    assert_eq!(
        found(&["record"], "use crate::{Error, clock::{Clock, System}};"),
        0
    );
    assert_eq!(
        found(
            &["query"],
            "use super::record::Record; fn f() -> crate::Result<()> {}"
        ),
        0
    );
    assert_eq!(
        found(
            &["query", "text"],
            "use super::Filter; use crate::query::path::Path;"
        ),
        0
    );
    assert_eq!(
        found(
            &["backend", "sqlite"],
            "mod sql { use super::Rows; } use self::a::B;"
        ),
        0
    );
    assert_eq!(
        found(
            &["tier"],
            "/// See [`crate::tiered::Router`].\nenum Tier {}"
        ),
        0
    );

    assert_eq!(
        found(&["record"], "use crate::{Error, query::{Query, Filter}};"),
        2,
        "later on its own floor"
    );
    assert_eq!(
        found(&["hot"], "fn f() { debug!(\"{}\", crate::archive::NAME) }"),
        1,
        "inside a macro"
    );
    assert_eq!(
        found(&["query", "text"], "use super::super::tiered;"),
        1,
        "by way of super"
    );
    assert_eq!(found(&["clock"], "pub(in crate::daemon) fn f() {}"), 1);
    assert_eq!(
        found(&["backend", "sqlite"], "use super::memory::Rows;"),
        1,
        "a sibling backend"
    );
    assert_eq!(
        found(&["backend", "sqlite"], "use crate::Moka;"),
        1,
        "a sibling backend's new name"
    );
    assert_eq!(
        found(&["tiered"], "use crate::nowhere::X;"),
        1,
        "a module outside the plan"
    );
    assert_eq!(found(&["nowhere"], ""), 1, "a file outside the plan");
}

/// What `module` uses against the plan, in words.
fn violations(
    module: &[String],
    source: &str,
    names: &BTreeMap<String, Vec<String>>,
) -> Vec<String> {
    let here = module.join("::");
    let Some(mine) = place(&module[0]) else {
        return vec![format!(
            "{here} stands on no floor: give it one in tests/it/floor_plan.rs"
        )];
    };
    let mut paths = Vec::new();
    collect(tokens(source), module, &mut paths);
    paths
        .into_iter()
        .filter_map(|path| {
            let named = path.first().and_then(|name| names.get(name));
            let path = named.unwrap_or(&path);
            let top = path.first().map_or("the whole crate", String::as_str);
            let allowed = if top == module[0] {
                top != STRANGERS || module.len() < 2 || path.len() < 2 || path[1] == module[1]
            } else {
                place(top).is_some_and(|theirs| theirs < mine)
            };
            (!allowed).then(|| format!("{here} uses {}, which it must not know", path.join("::")))
        })
        .collect()
}

/// Floor and place on it.
fn place(module: &str) -> Option<(usize, usize)> {
    FLOORS.iter().enumerate().find_map(|(floor, modules)| {
        let at = modules.iter().position(|name| *name == module)?;
        Some((floor, at))
    })
}

/// The names that the root hands on, each with the path it stands for.
fn reexports(root: &str) -> BTreeMap<String, Vec<String>> {
    let mut paths = Vec::new();
    collect(tokens(root), &[], &mut paths);
    paths
        .into_iter()
        .filter(|path| path.len() > 1)
        .filter_map(|path| Some((path.last()?.clone(), path)))
        // A function may be called as a module is: `database`. A path through that name goes by the module.
        .filter(|(name, _)| !FLOORS.iter().any(|floor| floor.contains(&name.as_str())))
        .collect()
}

/// Finds every path that begins with `crate`, `self` or `super`, written out from the root.
fn collect(tokens: Vec<TokenTree>, here: &[String], found: &mut Vec<Vec<String>>) {
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => {
                let inside = match tokens[..at] {
                    [.., TokenTree::Ident(ref word), TokenTree::Ident(ref name)]
                        if word == "mod" =>
                    {
                        [here, &[name.to_string()]].concat()
                    }
                    _ => here.to_vec(),
                };
                collect(group.stream().into_iter().collect(), &inside, found);
            }
            TokenTree::Ident(word) if after_colons(&tokens[at + 1..]).is_some() => {
                let continued = tokens[..at].last().is_some_and(|before| is(before, ':'));
                let start = match word.to_string().as_str() {
                    _ if continued => continue,
                    "crate" => &[],
                    "self" => here,
                    "super" => &here[..here.len().saturating_sub(1)],
                    _ => continue,
                };
                let rest = after_colons(&tokens[at + 1..]).expect("asked above");
                follow(rest, start.to_vec(), found);
            }
            _ => {}
        }
    }
}

/// Follows a path, into each branch of a `{..}`.
fn follow(tokens: &[TokenTree], mut path: Vec<String>, found: &mut Vec<Vec<String>>) {
    match tokens {
        [TokenTree::Ident(word), rest @ ..] => {
            match word.to_string().as_str() {
                "super" => drop(path.pop()),
                "self" => {}
                name => path.push(name.to_owned()),
            }
            match after_colons(rest) {
                Some(rest) => follow(rest, path, found),
                None => found.push(path),
            }
        }
        [TokenTree::Group(group), ..] if group.delimiter() == Delimiter::Brace => {
            let inside: Vec<TokenTree> = group.stream().into_iter().collect();
            for branch in inside
                .split(|token| is(token, ','))
                .filter(|branch| !branch.is_empty())
            {
                follow(branch, path.clone(), found);
            }
        }
        _ => found.push(path),
    }
}

fn after_colons(tokens: &[TokenTree]) -> Option<&[TokenTree]> {
    match tokens {
        [first, second, rest @ ..] if is(first, ':') && is(second, ':') => Some(rest),
        _ => None,
    }
}

fn is(token: &TokenTree, sign: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == sign)
}

/// A source as tokens: comments are gone, and the text of doc comments is a literal.
fn tokens(source: &str) -> Vec<TokenTree> {
    let stream: TokenStream = source.parse().expect("Rust");
    stream.into_iter().collect()
}

/// `archive/catalog.rs` and `archive/catalog/mod.rs` are `[archive, catalog]`.
fn module(file: &Path) -> Vec<String> {
    let path = file.with_extension("");
    let mut parts: Vec<String> = path
        .iter()
        .map(|part| part.to_str().expect("UTF-8").to_owned())
        .collect();
    parts.pop_if(|last| last == "mod");
    parts
}

/// Every source file but tests, relative to `src`.
fn sources() -> Vec<PathBuf> {
    fn below(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                below(&path, found);
            } else if !path
                .with_extension("")
                .to_str()
                .expect("UTF-8")
                .ends_with("tests")
            {
                found.push(path.strip_prefix(src()).expect("below src").to_owned());
            }
        }
    }
    let mut found = Vec::new();
    below(&src(), &mut found);
    found.retain(|file| file.extension().is_some_and(|extension| extension == "rs"));
    assert!(found.len() > 10, "src/ was not found: {found:?}");
    found
}

fn read(file: impl AsRef<Path>) -> String {
    fs::read_to_string(src().join(file)).expect("a source file")
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}
