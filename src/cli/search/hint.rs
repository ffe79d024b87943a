//! After a search that found nothing: the fields in its filter that no record has.

use std::collections::BTreeSet;

use crate::{Database, Filter, Path, Predicate, Query, Root};
use futures::TryStreamExt;

use crate::cli::exit::Failure;
use crate::cli::record::names;

/// So many records are asked for the names that there are.
const SAMPLE: u64 = 100;

/// Names the fields that no record has, and those that were perhaps meant. No record at all needs no word.
pub(super) async fn unknown_fields(
    collection: &impl Database,
    filter: &Filter,
) -> Result<(), Failure> {
    let mut paths = Vec::new();
    collect(filter, &mut paths);
    let mut known = None;
    for path in paths {
        if path.root() != Root::Fields || exists(collection, &path).await? {
            continue;
        }
        let known = match &known {
            Some(known) => known,
            None => known.insert(sample(collection).await?),
        };
        if known.is_empty() {
            return Ok(());
        }
        eprintln!("no record has the field {path}{}", meant(&path, known));
    }
    Ok(())
}

fn collect(filter: &Filter, paths: &mut Vec<Path>) {
    match filter {
        Filter::And(all) | Filter::Or(all) => all.iter().for_each(|one| collect(one, paths)),
        Filter::Not(one) => collect(one, paths),
        Filter::Test(path, _) if !paths.contains(path) => paths.push(path.clone()),
        Filter::Test(..) => {}
    }
}

async fn exists(collection: &impl Database, path: &Path) -> Result<bool, Failure> {
    let any = Filter::Test(path.clone(), Predicate::Exists);
    Ok(collection.count(&Query::from(any).limit(1)).await? > 0)
}

async fn sample(collection: &impl Database) -> Result<BTreeSet<String>, Failure> {
    let mut records = collection.search(Query::all().limit(SAMPLE)).await?;
    let mut known = BTreeSet::new();
    while let Some(record) = records.try_next().await? {
        known.extend(names(&record));
    }
    Ok(known)
}

fn meant(path: &Path, known: &BTreeSet<String>) -> String {
    let name = path.to_string();
    if matches!(name.as_str(), "created_at" | "updated_at") {
        return format!("; did you mean `@{name}`, the record's own time?");
    }
    let near = known
        .iter()
        .map(|known| (strsim::damerau_levenshtein(&name, known), known))
        .min()
        .filter(|(distance, _)| *distance <= 1 + name.chars().count() / 3);
    near.map_or_else(String::new, |(_, near)| format!("; did you mean `{near}`?"))
}
