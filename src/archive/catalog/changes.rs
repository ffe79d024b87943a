//! The names of a snapshot's changes: what other writers of the catalog decide by whether they collide with it.

use crate::fault::mutation;

/// The name of a change that only adds files.
pub(super) fn of_append(table: i64) -> String {
    format!("inserted_into_table:{table}")
}

/// The names of a change that hides rows or ends files.
///
/// All three: with fewer, a merge, a delete or a flush that DuckDB had begun commits over ours, and rows come back.
pub(super) fn of_rewrite(table: i64) -> String {
    if mutation("names_inlined_only") {
        return format!("inlined_delete:{table}");
    }
    if mutation("names_deleted_only") {
        return format!("deleted_from_table:{table}");
    }
    format!("inserted_into_table:{table},deleted_from_table:{table},inlined_delete:{table}")
}

/// The name of the change that creates a table in the main schema.
pub(super) fn of_create(name: &str) -> String {
    format!("created_table:\"main\".\"{}\"", name.replace('"', "\"\""))
}

/// Whether everything that a foreign snapshot did to `table` is found by looking for rows with its id.
///
/// That holds for plain inserts and for inlined deletes. Others also replace rows of the catalog that have older ids
/// (a merged file begins with its oldest part, a delete file takes the place of the one before), or change columns.
pub(super) fn is_additive(changes: &str, table: i64) -> bool {
    split(changes).all(|change| match change.split_once(':') {
        Some(("inserted_into_table" | "inlined_insert" | "inlined_delete", _)) => true,
        // Names of schemas, views and of tables that are new: none of them is ours, which exists.
        Some((_, subject)) if subject.starts_with('"') => true,
        Some((_, subject)) => subject.parse() != Ok(table) && subject.parse::<i64>().is_ok(),
        None => change.is_empty(),
    })
}

/// Splits at the commas that are outside of quotes.
fn split(changes: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    changes
        .split(move |c| {
            quoted ^= c == '"';
            c == ',' && !quoted
        })
        .map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_adds_rows_of_its_own_snapshot_is_additive() {
        for changes in [
            "inserted_into_table:7",
            "inlined_insert:7,inlined_delete:7",
            "created_schema:\"a,b:7\",created_table:\"x\".\"7\"",
            "deleted_from_table:8,merge_adjacent:9,altered_table:10",
            "",
        ] {
            assert!(is_additive(changes, 7), "{changes}");
        }
        for changes in [
            "deleted_from_table:7",
            "inserted_into_table:7,deleted_from_table:7",
            "merge_adjacent:7",
            "rewrite_delete:7",
            "deleted_from_table:7,inline_flush:7",
            "altered_table:7",
            "dropped_table:7",
            "created_table:\"a\"\",\".\"b\",altered_table:7",
            "something_new",
            "something_new:x",
        ] {
            assert!(!is_additive(changes, 7), "{changes}");
        }
    }
}
