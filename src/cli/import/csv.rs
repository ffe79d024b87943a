//! CSV: the columns of `export`, or a column a field.

use crate::{Error, Record, Result};
use csv::{ReaderBuilder, StringRecord};
use jiff::Timestamp;

use super::{Input, Items, op};

/// The records of a file with a head.
pub(super) fn items(input: Input, id: &str) -> Result<Items> {
    let mut reader = ReaderBuilder::new().from_reader(input);
    let head = reader
        .headers()
        .map_err(|error| Error::invalid("cannot read the head of the CSV").with("problem", error))?
        .clone();
    let columns = Columns::of(&head, id)?;
    let mut row = StringRecord::new();
    let mut over = false;
    Ok(Box::new(std::iter::from_fn(move || {
        if over {
            return None;
        }
        let read = reader.read_record(&mut row);
        let line = match (&read, row.position()) {
            (Err(error), _) => error.position().map_or(0, csv::Position::line),
            (Ok(_), position) => position.map_or(0, csv::Position::line),
        };
        match read {
            Ok(false) => None,
            Ok(true) => Some((line, columns.record(&row).map(op))),
            Err(error) => {
                over = matches!(error.kind(), csv::ErrorKind::Io(_));
                let error = Error::invalid("not a row of this CSV").with("problem", error);
                Some((line, Err(error)))
            }
        }
    })))
}

/// Which column is what.
struct Columns {
    id: usize,
    form: Form,
}

enum Form {
    /// Whole records, as `export` writes them.
    Whole {
        fields: usize,
        metadata: Option<usize>,
        created_at: Option<usize>,
        updated_at: Option<usize>,
    },
    /// Fields, each with its name as JSON.
    Fields(Vec<(usize, String)>),
}

impl Columns {
    fn of(head: &StringRecord, id: &str) -> Result<Self> {
        let at = |name: &str| head.iter().position(|column| column == name);
        let head_text = || head.iter().collect::<Vec<_>>().join(", ");
        let id_at = at(id).ok_or_else(|| {
            Error::invalid("the CSV has no such column: --id names the one that is the id")
                .with("id", id)
                .with("columns", head_text())
        })?;
        let form = match at("fields") {
            Some(fields) => Form::Whole {
                fields,
                metadata: at("metadata"),
                created_at: at("created_at"),
                updated_at: at("updated_at"),
            },
            None => Form::Fields(
                head.iter()
                    .enumerate()
                    // The tier that `search` tells is no field, and neither is the id's own column.
                    .filter(|(index, name)| *name != "source" && (*index != id_at || id != "id"))
                    .map(|(index, name)| (index, serde_json::Value::from(name).to_string()))
                    .collect(),
            ),
        };
        Ok(Self { id: id_at, form })
    }

    fn record(&self, row: &StringRecord) -> Result<Record> {
        let id = row.get(self.id).unwrap_or_default();
        match &self.form {
            Form::Whole {
                fields,
                metadata,
                created_at,
                updated_at,
            } => {
                let cell = |at: Option<usize>| at.and_then(|at| row.get(at)).unwrap_or_default();
                let record = Record::from_json(id, cell(Some(*fields)))?;
                let record = match cell(*metadata) {
                    "" => record,
                    metadata => record.with_metadata_json(metadata)?,
                };
                Ok(record.with_times(time(cell(*created_at))?, time(cell(*updated_at))?))
            }
            Form::Fields(columns) => {
                let mut json = String::from("{");
                for (index, name) in columns {
                    let cell = row.get(*index).unwrap_or_default();
                    if cell.is_empty() {
                        continue;
                    }
                    if json.len() > 1 {
                        json.push(',');
                    }
                    json.push_str(name);
                    json.push(':');
                    if is_scalar(cell) {
                        json.push_str(cell);
                    } else {
                        json.push_str(&serde_json::Value::from(cell).to_string());
                    }
                }
                json.push('}');
                Record::from_json(id, &json)
            }
        }
    }
}

/// Whether a cell is a number, `true` or `false` as JSON writes them: `007` is text.
fn is_scalar(cell: &str) -> bool {
    let begins = |byte: &u8| byte.is_ascii_digit() || *byte == b'-';
    matches!(cell, "true" | "false")
        || cell.as_bytes().first().is_some_and(begins)
            && serde_json::from_str::<&serde_json::value::RawValue>(cell).is_ok()
            && cell.parse::<f64>().is_ok_and(f64::is_finite)
}

fn time(cell: &str) -> Result<Option<Timestamp>> {
    if cell.is_empty() {
        return Ok(None);
    }
    cell.parse().map(Some).map_err(|error| {
        Error::invalid("a time is written like 2013-10-03T12:00:00Z")
            .with("value", cell)
            .with("problem", error)
    })
}
