//! Which fields become columns of their own.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use crate::archive::catalog::{check_names, is_reserved};
use crate::archive::column::{Column, ColumnSource, ColumnType, SystemColumn};
use crate::json::{Entries, Json, compare_numbers, floor_scaled};
use crate::{Record, Result};

/// Which top-level fields an archive copies into columns of their own, for pruning, filters and people with DuckDB.
///
/// The set is decided with the first records that are archived and stays as it is. `fields` always has everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Columns {
    /// The fields with plain values in the first batch, at most 64, in the order of their first appearance.
    #[default]
    Auto,
    /// None.
    None,
    /// These fields.
    List(Vec<String>),
}

/// The most columns that are chosen unasked.
const MOST: usize = 64;

/// How many records of a batch are looked at.
const LOOKED_AT: usize = 100_000;

impl Columns {
    /// The columns of a table whose first records are these.
    ///
    /// # Errors
    /// `Invalid`: a listed name that cannot be a column, or not beside another.
    pub(in crate::archive) fn of<'a>(
        &self,
        records: impl Iterator<Item = &'a Record>,
    ) -> Result<Vec<Column>> {
        let mut columns: Vec<Column> = SystemColumn::ALL.map(Column::from).into();
        let fields = match self {
            Self::None => Vec::new(),
            Self::Auto => inferred(&seen(records)),
            Self::List(names) => listed(names, &seen(records)),
        };
        let first = columns.len() as i64 + 1;
        columns.extend(
            (first..)
                .zip(fields)
                .map(|(id, (name, kind))| promoted(id, name, kind)),
        );
        check_names(&columns)?;
        Ok(columns)
    }
}

fn promoted(id: i64, name: Arc<str>, kind: ColumnType) -> Column {
    Column {
        id,
        name: (&*name).into(),
        kind,
        source: ColumnSource::Promoted((&*name).into()),
    }
}

/// What the values of one field are, over many records.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    integers: u64,
    doubles: u64,
    booleans: u64,
    texts: u64,
    /// Arrays and objects.
    others: u64,
    /// Its place among the fields in the order of their first appearance.
    place: usize,
}

impl Seen {
    /// The type that most values have; numbers are integers only if all of them are.
    fn kind(&self) -> Option<ColumnType> {
        let numbers = self.integers + self.doubles;
        let most = numbers.max(self.booleans).max(self.texts);
        match most {
            0 => None,
            _ if most == numbers && self.doubles > 0 => Some(ColumnType::Double),
            _ if most == numbers => Some(ColumnType::Integer),
            _ if most == self.texts => Some(ColumnType::Text),
            _ => Some(ColumnType::Boolean),
        }
    }

    fn add(&mut self, value: &Json<'_>) {
        match value {
            Json::Null => {}
            Json::Bool(_) => self.booleans += 1,
            Json::Number(text) if is_integer(text) => self.integers += 1,
            Json::Number(_) => self.doubles += 1,
            Json::String(_) => self.texts += 1,
            Json::Array(_) | Json::Object(_) => self.others += 1,
        }
    }
}

/// Whether a number is an integer of 64 bits, however it is written: `3`, `3.0`, `3e0`.
fn is_integer(text: &str) -> bool {
    text.parse::<i64>().is_ok()
        || floor_scaled(text, 0)
            .is_some_and(|floor| compare_numbers(text, &floor.to_string()).is_eq())
}

fn seen<'a>(records: impl Iterator<Item = &'a Record>) -> BTreeMap<Arc<str>, Seen> {
    let mut fields: BTreeMap<Arc<str>, Seen> = BTreeMap::new();
    for record in records.take(LOOKED_AT) {
        for (key, value) in Entries::of(record.fields()) {
            let value = Json::view(value);
            let key = key.decode();
            if let Some(seen) = fields.get_mut(&*key) {
                seen.add(&value);
            } else {
                let mut seen = Seen {
                    place: fields.len(),
                    ..Seen::default()
                };
                seen.add(&value);
                fields.insert((&*key).into(), seen);
            }
        }
    }
    fields
}

/// Fields with plain values only, without those whose names cannot be columns beside the others.
fn inferred(seen: &BTreeMap<Arc<str>, Seen>) -> Vec<(Arc<str>, ColumnType)> {
    let mut fields: Vec<(&Arc<str>, &Seen)> = seen.iter().collect();
    fields.sort_by_key(|(_, seen)| seen.place);
    let mut taken: HashSet<String> = SystemColumn::ALL
        .iter()
        .map(|column| column.name().to_owned())
        .collect();
    let mut chosen = Vec::new();
    for (name, seen) in fields {
        let Some(kind) = seen.kind().filter(|_| seen.others == 0) else {
            continue;
        };
        if chosen.len() < MOST && !is_reserved(name) && taken.insert(name.to_lowercase()) {
            chosen.push((Arc::clone(name), kind));
        }
    }
    chosen
}

/// The listed fields; those that no record has yet are text.
fn listed(names: &[String], seen: &BTreeMap<Arc<str>, Seen>) -> Vec<(Arc<str>, ColumnType)> {
    let kind = |name: &str| {
        seen.get(name)
            .and_then(Seen::kind)
            .unwrap_or(ColumnType::Text)
    };
    names
        .iter()
        .map(|name| (name.as_str().into(), kind(name)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(columns: &Columns, records: &[&str]) -> Vec<(String, ColumnType)> {
        let records: Vec<Record> = (records.iter())
            .map(|fields| Record::from_json("x", fields).unwrap())
            .collect();
        let columns = columns.of(records.iter()).unwrap();
        let promoted = columns.iter().skip(7);
        promoted
            .map(|column| (column.name.to_string(), column.kind))
            .collect()
    }

    #[test]
    fn plain_fields_become_columns_in_the_order_of_their_appearance() {
        let found = columns(
            &Columns::Auto,
            &[
                r#"{"z":1,"a":"x","n":null,"list":[1],"mixed":1}"#,
                r#"{"a":"y","b":true,"z":2.5,"n":3,"list":null,"mixed":{}}"#,
            ],
        );
        let expected = [
            ("z", ColumnType::Double),
            ("a", ColumnType::Text),
            ("n", ColumnType::Integer),
            ("b", ColumnType::Boolean),
        ];
        assert_eq!(found, expected.map(|(name, kind)| (name.to_owned(), kind)));
    }

    #[test]
    fn names_that_cannot_stand_beside_each_other_are_left_out() {
        let found = columns(
            &Columns::Auto,
            &[r#"{"ID":1,"Fields":2,"row_id":3,"a":4,"A":5,"":6,"_ducklake_x":7,"é":8,"É":9}"#],
        );
        let names: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a", "é"]);
    }

    #[test]
    fn no_more_than_64_are_chosen_unasked() {
        let fields: Vec<String> = (0..100).map(|n| format!("\"f{n}\":{n}")).collect();
        let record = format!("{{{}}}", fields.join(","));
        assert_eq!(columns(&Columns::Auto, &[&record]).len(), 64);
        assert!(columns(&Columns::None, &[&record]).is_empty());
    }

    #[test]
    fn listed_fields_become_columns_or_say_why_not() {
        let list =
            |names: &[&str]| Columns::List(names.iter().map(|name| name.to_string()).collect());
        let found = columns(&list(&["b", "later"]), &[r#"{"a":1,"b":1e3}"#]);
        let expected = [
            ("b".to_owned(), ColumnType::Integer),
            ("later".to_owned(), ColumnType::Text),
        ];
        assert_eq!(found, expected);
        let records = [Record::from_json("x", "{}").unwrap()];
        for names in [&["a", "A"][..], &["fields"], &["end_snapshot"]] {
            assert!(list(names).of(records.iter()).is_err(), "{names:?}");
        }
    }
}
