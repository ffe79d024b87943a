//! Records on standard output: as a table for people, as JSON, NDJSON or CSV for scripts.

use std::borrow::Cow;
use std::fmt;
use std::io::{BufWriter, Stdout, Write, stdout};

use crate::{Path, ReadSource, Record, Root};
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{SerializeStruct, Serializer};
use serde_json::value::RawValue;

use super::context::Output;
use super::exit::Failure;
use super::people;

/// How many records a table shows unless a limit says otherwise: it is measured before it is drawn.
pub(super) const TABLE_ROWS: u64 = 50;

/// A record with the tier that it came from: `{"id", "fields", "metadata", "created_at", "updated_at", "source"}`.
#[derive(Debug)]
pub(super) struct Shown<'a>(pub(super) &'a Record, pub(super) ReadSource);

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw = |text| serde_json::from_str::<&RawValue>(text).map_err(serde::ser::Error::custom);
        let record = self.0;
        let time = |time: Option<jiff::Timestamp>| time.map(|time| format!("{time:.6}"));
        let mut object = serializer.serialize_struct("Record", 6)?;
        object.serialize_field("id", record.id().as_str())?;
        object.serialize_field("fields", raw(record.fields())?)?;
        object.serialize_field("metadata", raw(record.metadata().unwrap_or("{}"))?)?;
        object.serialize_field("created_at", &time(record.created_at()))?;
        object.serialize_field("updated_at", &time(record.updated_at()))?;
        object.serialize_field("source", self.1.as_str())?;
        object.end()
    }
}

/// Writes records one after the other.
pub(super) struct RecordWriter {
    out: BufWriter<Stdout>,
    form: Form,
    written: u64,
}

enum Form {
    Lines,
    Array,
    Csv(Vec<Path>),
    Table {
        wanted: Option<Vec<Path>>,
        rows: Vec<Row>,
    },
}

/// A record of a table: its id, its tier, and its fields' names and cells.
type Row = (String, &'static str, Vec<(String, String)>);

impl RecordWriter {
    /// A writer in a form, with the fields that were asked for as columns.
    pub(super) fn new(output: Output, fields: Option<&[Path]>) -> Self {
        let form = match output {
            Output::Ndjson | Output::Parquet | Output::Markdown => Form::Lines,
            Output::Json => Form::Array,
            Output::Csv => Form::Csv(fields.unwrap_or_default().to_vec()),
            Output::Table => Form::Table {
                wanted: fields.map(<[Path]>::to_vec),
                rows: Vec::new(),
            },
        };
        Self {
            out: BufWriter::with_capacity(1 << 16, stdout()),
            form,
            written: 0,
        }
    }

    /// Writes one more.
    pub(super) fn write(&mut self, record: &Record, source: ReadSource) -> Result<(), Failure> {
        self.written += 1;
        match &mut self.form {
            Form::Lines => {
                serde_json::to_writer(&mut self.out, &Shown(record, source)).map_err(io)?;
                self.out.write_all(b"\n")?;
            }
            Form::Array => {
                self.out
                    .write_all(if self.written == 1 { b"[\n" } else { b",\n" })?;
                serde_json::to_writer(&mut self.out, &Shown(record, source)).map_err(io)?;
            }
            Form::Csv(fields) => {
                if self.written == 1 {
                    self.out.write_all(&csv_line(csv_head(fields, true))?)?;
                }
                let row = csv_row(record, fields, Some(source));
                self.out.write_all(&csv_line(row)?)?;
            }
            Form::Table { wanted, rows } => {
                let cells = match wanted {
                    Some(paths) => paths
                        .iter()
                        .map(|path| (path.to_string(), cell(value_at(record, path))))
                        .collect(),
                    None => members(record.fields())
                        .into_iter()
                        .map(|(name, value)| (name.into_owned(), cell(Some(value))))
                        .collect(),
                };
                rows.push((record.id().to_string(), source.as_str(), cells));
            }
        }
        Ok(())
    }

    /// Writes what is left; how many there were.
    pub(super) fn finish(mut self) -> Result<u64, Failure> {
        match self.form {
            Form::Array => {
                self.out
                    .write_all(if self.written == 0 { b"[]\n" } else { b"\n]\n" })?
            }
            Form::Csv(fields) if self.written == 0 => {
                self.out.write_all(&csv_line(csv_head(&fields, true))?)?;
            }
            Form::Table { rows, .. } if !rows.is_empty() => {
                let (table, left_out) = drawn(&rows);
                writeln!(self.out, "{table}")?;
                if !left_out.is_empty() {
                    writeln!(
                        self.out,
                        "\n{} more fields: {} (--fields a,b shows others)",
                        left_out.len(),
                        left_out.join(", ")
                    )?;
                }
            }
            _ => {}
        }
        self.out.flush()?;
        Ok(self.written)
    }
}

/// A table of as many columns as the terminal is wide, and the names of the fields that found no room.
fn drawn(rows: &[Row]) -> (Table, Vec<String>) {
    const GAP: usize = 2;
    const WIDEST: usize = 40;
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic);
    let width = usize::from(table.width().unwrap_or(120));

    let mut names: Vec<&str> = Vec::new();
    for (name, _) in rows.iter().flat_map(|(_, _, cells)| cells) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let column = |name: &str| -> Vec<&str> {
        let of = |cells: &'_ Vec<(String, String)>| cells.iter().position(|(n, _)| n == name);
        rows.iter()
            .map(|(_, _, cells)| of(cells).map_or("", |at| cells[at].1.as_str()))
            .collect()
    };
    let widest = |name: &str, cells: &[&str]| {
        let longest = cells.iter().map(|cell| cell.chars().count()).max();
        longest.unwrap_or(0).max(name.chars().count()).min(WIDEST) + GAP
    };
    let ids: Vec<&str> = rows.iter().map(|(id, _, _)| id.as_str()).collect();
    let mut room = width.saturating_sub(widest("id", &ids) + "primary".len() + GAP);
    let mut head = vec!["id", "source"];
    let mut columns = Vec::new();
    let mut left_out = Vec::new();
    for name in names {
        let cells = column(name);
        match room.checked_sub(widest(name, &cells)) {
            Some(rest) if left_out.is_empty() || rest > 0 => {
                room = rest;
                head.push(name);
                columns.push(cells);
            }
            _ => left_out.push(name.to_owned()),
        }
    }
    table.set_header(head);
    for (index, (id, source, _)) in rows.iter().enumerate() {
        let shortened = columns
            .iter()
            .map(|cells| people::shortened(cells[index], WIDEST));
        let cells = [Cow::Borrowed(id.as_str()), Cow::Borrowed(*source)];
        table.add_row(cells.into_iter().chain(shortened));
    }
    (table, left_out)
}

/// The head of a CSV: what holds a whole record, or the fields that were asked for.
pub(super) fn csv_head(fields: &[Path], with_source: bool) -> Vec<String> {
    let mut head = vec!["id".to_owned()];
    if fields.is_empty() {
        head.extend(["fields", "metadata", "created_at", "updated_at"].map(str::to_owned));
    } else {
        head.extend(fields.iter().map(ToString::to_string));
    }
    if with_source {
        head.push("source".to_owned());
    }
    head
}

/// A row under [`csv_head`].
pub(super) fn csv_row(record: &Record, fields: &[Path], source: Option<ReadSource>) -> Vec<String> {
    let mut row = vec![record.id().to_string()];
    if fields.is_empty() {
        let time = |time: Option<jiff::Timestamp>| {
            time.map(|time| format!("{time:.6}")).unwrap_or_default()
        };
        row.extend([
            record.fields().to_owned(),
            record.metadata().unwrap_or_default().to_owned(),
            time(record.created_at()),
            time(record.updated_at()),
        ]);
    } else {
        row.extend(fields.iter().map(|path| cell(value_at(record, path))));
    }
    row.extend(source.map(|source| source.as_str().to_owned()));
    row
}

/// A line of CSV with its end.
fn csv_line(cells: Vec<String>) -> Result<Vec<u8>, Failure> {
    let mut line = csv::Writer::from_writer(Vec::new());
    line.write_record(cells).map_err(std::io::Error::from)?;
    let line = line.into_inner();
    Ok(line.map_err(csv::IntoInnerError::into_error)?)
}

/// A value as a cell: strings bare, null and missing empty, the rest as JSON.
fn cell(value: Option<Cow<'_, RawValue>>) -> String {
    let Some(value) = value else {
        return String::new();
    };
    let text = value.get();
    match text.as_bytes().first() {
        Some(b'"') => serde_json::from_str(text).unwrap_or_else(|_| text.to_owned()),
        Some(b'n') => String::new(),
        _ => text.to_owned(),
    }
}

/// The value at a path, as it is written.
fn value_at<'a>(record: &'a Record, path: &Path) -> Option<Cow<'a, RawValue>> {
    let text = |text: String| {
        RawValue::from_string(serde_json::Value::String(text).to_string())
            .ok()
            .map(Cow::Owned)
    };
    let time = |time: Option<jiff::Timestamp>| text(format!("{:.6}", time?));
    let mut object = match path.root() {
        Root::Id => return text(record.id().to_string()),
        Root::CreatedAt => return time(record.created_at()),
        Root::UpdatedAt => return time(record.updated_at()),
        Root::Fields => record.fields(),
        Root::Metadata => record.metadata()?,
    };
    let mut found = None;
    for name in path.names() {
        let members = members(object);
        let (_, value) = members
            .into_iter()
            .rev()
            .find(|(member, _)| member == name)?;
        let Cow::Borrowed(value) = value else {
            return None;
        };
        object = value.get();
        found = Some(Cow::Borrowed(value));
    }
    found
}

/// The members of a JSON object in the order in which they are written; none of anything else.
fn members(object: &str) -> Vec<(Cow<'_, str>, Cow<'_, RawValue>)> {
    struct Members<'a>(Vec<(Cow<'a, str>, Cow<'a, RawValue>)>);
    struct InOrder;

    #[derive(serde::Deserialize)]
    struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

    impl<'de> Visitor<'de> for InOrder {
        type Value = Members<'de>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut members = Vec::new();
            while let Some((name, value)) = map.next_entry::<Name<'de>, &'de RawValue>()? {
                members.push((name.0, Cow::Borrowed(value)));
            }
            Ok(Members(members))
        }
    }

    impl<'de> Deserialize<'de> for Members<'de> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_map(InOrder)
        }
    }

    serde_json::from_str::<Members<'_>>(object).map_or_else(|_| Vec::new(), |members| members.0)
}

fn io(error: serde_json::Error) -> Failure {
    std::io::Error::from(error).into()
}

/// Prints one record: an object that spans lines on a terminal, one line elsewhere.
pub(super) fn print(
    context: &super::context::Context,
    record: &Record,
    source: ReadSource,
) -> Result<(), Failure> {
    let terminal = std::io::IsTerminal::is_terminal(&stdout());
    match context.options.output {
        Some(Output::Table | Output::Csv) => {
            let output = context.output(Output::Table, Output::Csv);
            let mut writer = RecordWriter::new(output, None);
            writer.write(record, source)?;
            writer.finish()?;
        }
        None if terminal => {
            // Through a tree of values only if that loses nothing: numbers are kept as they are written.
            let text = serde_json::to_string(&Shown(record, source)).map_err(io)?;
            writeln!(stdout(), "{}", people::indented(&text))?;
        }
        _ => {
            let text = serde_json::to_string(&Shown(record, source)).map_err(io)?;
            writeln!(stdout(), "{text}")?;
        }
    }
    Ok(())
}

/// A record on one line of at most `width` characters: its id, and the beginning of its fields where there is room.
pub(super) fn identified(record: &Record, width: usize) -> String {
    let line = format!("{}  {}", record.id(), record.fields());
    people::shortened(&line, width).into_owned()
}

/// The names of a record's fields, as they are written.
pub(super) fn names(record: &Record) -> Vec<String> {
    let members = members(record.fields());
    members
        .into_iter()
        .map(|(name, _)| name.into_owned())
        .collect()
}
