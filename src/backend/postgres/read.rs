//! Reading records by id.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;
use sqlx::postgres::PgRow;

use super::Place;
use super::lease::{Lease, Sql};
use super::row::{self, Args, COLUMN_COUNT, COLUMNS};
use crate::json::{Entries, Json};
use crate::sql::{SqlRow, SqlValue};
use crate::{Record, Result};

/// The most ids that one statement asks for.
pub(super) const MOST: usize = 10_000;

/// What a catalog asks beside the records: a statement and its values.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Question {
    pub(super) sql: Box<str>,
    pub(super) args: Box<[SqlValue]>,
}

/// The statements that read records, made once.
#[derive(Debug)]
pub(super) struct Statements {
    one: Sql,
    many: Sql,
}

impl Statements {
    pub(super) fn of(table: &str) -> Self {
        Self {
            one: format!("SELECT {COLUMNS} FROM {table} WHERE id = $1").into(),
            many: format!("SELECT {COLUMNS} FROM {table} WHERE id = ANY($1)").into(),
        }
    }
}

/// Reads records in the order of `ids`.
pub(super) async fn read_many(
    lease: &mut Lease,
    place: &Place,
    ids: &[&str],
) -> Result<Vec<Option<Arc<Record>>>> {
    if let [id] = ids {
        if id.contains('\0') {
            return Ok(vec![None]);
        }
        let args = Args::of(&[SqlValue::from(*id)]);
        let rows = lease.fetch(&place.read.one, args.finish()).await?;
        let record = rows.first().map(|row| row::record(row, &place.zone));
        return Ok(vec![record.transpose()?.map(Arc::new)]);
    }
    let mut found = Found::default();
    for ids in ids.chunks(MOST) {
        let rows = lease
            .fetch(&place.read.many, possible(ids).finish())
            .await?;
        found.add(&rows, place)?;
    }
    Ok(found.in_order(ids))
}

/// Reads records and asks a catalog's question, in one statement and so in one snapshot.
pub(super) async fn read_with(
    lease: &mut Lease,
    place: &Place,
    ids: &[&str],
    question: &Question,
) -> Result<(Vec<Option<Arc<Record>>>, Vec<SqlRow>)> {
    let nulls = "NULL, ".repeat(COLUMN_COUNT);
    let sql = format!(
        "SELECT {COLUMNS}, NULL::text FROM {table} WHERE id = ANY(${ids}::text[]) \
         UNION ALL SELECT {nulls}row_to_json(answer)::text FROM ({question}) AS answer",
        table = place.table.quoted(),
        ids = question.args.len() + 1,
        question = question.sql,
    );
    let mut args = Args::of(&question.args);
    args = args.texts(ids.iter().copied().filter(|id| !id.contains('\0')));
    let rows = lease.fetch(&sql.into(), args.finish()).await?;
    let (mut found, mut answers) = (Found::default(), Vec::new());
    for row in &rows {
        match row::text(row, COLUMN_COUNT)? {
            "" => found.add(std::slice::from_ref(row), place)?,
            json => answers.push(answer(json)),
        }
    }
    Ok((found.in_order(ids), answers))
}

/// A row that came as JSON, which keeps the order of its columns.
fn answer(json: &str) -> SqlRow {
    let value = |(_, value)| match Json::view(value) {
        Json::Null => SqlValue::Null,
        Json::Bool(value) => value.into(),
        Json::Number(text) => match text.parse::<i64>() {
            Ok(value) => value.into(),
            Err(_) => SqlValue::Real(text.parse().unwrap_or(f64::NAN)),
        },
        Json::String(text) => SqlValue::Text(text.into()),
        Json::Array(text) | Json::Object(text) => text.into(),
    };
    SqlRow(Entries::of(json).map(value).collect())
}

/// The ids that can be in a table: text of PostgreSQL has no U+0000.
fn possible(ids: &[&str]) -> Args {
    Args::default().texts(ids.iter().copied().filter(|id| !id.contains('\0')))
}

/// Records by their ids.
#[derive(Debug, Default)]
struct Found(HashMap<Box<str>, Arc<Record>, FixedState>);

impl Found {
    fn add(&mut self, rows: &[PgRow], place: &Place) -> Result<()> {
        for row in rows {
            let record = row::record(row, &place.zone)?;
            self.0.insert(record.id().as_str().into(), Arc::new(record));
        }
        Ok(())
    }

    /// Answers by the exact bytes of the id: a column may call other bytes equal.
    fn in_order(&self, ids: &[&str]) -> Vec<Option<Arc<Record>>> {
        ids.iter()
            .map(|id| self.0.get(*id).map(Arc::clone))
            .collect()
    }
}
