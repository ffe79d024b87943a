//! Reading records by id.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

use foldhash::fast::FixedState;

use super::layout::Table;
use super::lease::{Lease, Sql};
use super::row::{self, Args};
use crate::{Record, Result};

/// The sizes of lists of ids that statements are made for; a shorter list is filled up with NULL, which equals nothing.
const SIZES: [usize; 4] = [1, 8, 64, 512];

/// The most ids that one statement asks for.
pub(super) const MOST: usize = SIZES[SIZES.len() - 1];

/// Records by their ids.
pub(super) type Found = HashMap<Box<str>, Arc<Record>, FixedState>;

/// Reads records in the order of `ids`, in one statement where they are not too many.
pub(super) async fn read_many(
    lease: &mut Lease,
    table: &Table,
    ids: &[&str],
) -> Result<Vec<Option<Arc<Record>>>> {
    let mut found = Found::default();
    for ids in ids.chunks(MOST) {
        let mut args = Args::with_capacity(size_for(ids.len()));
        add_ids(&mut args, ids);
        let rows = lease
            .fetch(&by_ids(table, ids.len()), args.finish())
            .await?;
        collect(&rows, &mut found)?;
    }
    Ok(in_order(ids, &found))
}

/// Reads records and runs the statement `sql` with `args`, in one snapshot and one trip.
pub(super) async fn read_with(
    lease: &mut Lease,
    table: &Table,
    ids: &[&str],
    sql: &str,
    mut args: Args,
    arg_count: usize,
) -> Result<(Vec<Option<Arc<Record>>>, Vec<crate::SqlRow>)> {
    let mut text = String::from("BEGIN;");
    let mut first = arg_count + 1;
    for ids in ids.chunks(MOST) {
        select_by_ids(&mut text, table, Some(first), ids.len());
        text.push(';');
        add_ids(&mut args, ids);
        first += size_for(ids.len());
    }
    text.push_str(sql);
    text.push_str(";COMMIT");
    let mut answers = lease.fetch_each(&text.into(), args.finish()).await?;
    let _commit = answers.pop();
    let catalog = answers.pop().unwrap_or_default();
    let mut found = Found::default();
    for rows in &answers[1..] {
        collect(rows, &mut found)?;
    }
    let catalog = catalog.iter().map(row::sql_row).collect::<Result<_>>()?;
    Ok((in_order(ids, &found), catalog))
}

/// The statement that reads `count` ids.
fn by_ids(table: &Table, count: usize) -> Sql {
    let mut text = String::new();
    select_by_ids(&mut text, table, None, count);
    text.into()
}

/// Writes a query for `count` ids; their placeholders have numbers from `first` where other statements share them.
fn select_by_ids(text: &mut String, table: &Table, first: Option<usize>, count: usize) {
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "SELECT id, data, metadata, created_at, updated_at FROM {} WHERE id IN ",
        table.quoted()
    );
    match first {
        None => placeholders(text, size_for(count)),
        Some(first) => {
            for index in first..first + size_for(count) {
                let _ = write!(text, "{}${index}", if index == first { "(" } else { ", " });
            }
            text.push(')');
        }
    }
}

/// `(?, ?, ..)`: without numbers, which the driver would look up one by one in a list of all of them.
pub(super) fn placeholders(text: &mut String, count: usize) {
    for index in 0..count {
        text.push_str(if index == 0 { "(?" } else { ", ?" });
    }
    text.push(')');
}

/// How many placeholders a list of `count` ids gets.
pub(super) fn size_for(count: usize) -> usize {
    SIZES
        .into_iter()
        .find(|size| *size >= count)
        .unwrap_or(MOST)
}

pub(super) fn add_ids(args: &mut Args, ids: &[&str]) {
    ids.iter().for_each(|id| args.text(id));
    (ids.len()..size_for(ids.len())).for_each(|_| args.null());
}

fn collect(rows: &[sqlx::sqlite::SqliteRow], found: &mut Found) -> Result<()> {
    for row in rows {
        let record = row::record(row)?;
        found.insert(record.id().as_str().into(), Arc::new(record));
    }
    Ok(())
}

/// Answers by the exact bytes of the id: a column may call other bytes equal.
fn in_order(ids: &[&str], found: &Found) -> Vec<Option<Arc<Record>>> {
    ids.iter()
        .map(|id| found.get(*id).map(Arc::clone))
        .collect()
}
