//! NDJSON: one object a line.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{BufRead, BufReader};

use crate::{Error, Record, Result};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Input, Items, op};

/// A record in the shape of `get`, `search` and `export`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Whole<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    fields: &'a RawValue,
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
    created_at: Option<Timestamp>,
    updated_at: Option<Timestamp>,
    #[serde(rename = "source")]
    _source: Option<serde::de::IgnoredAny>,
}

/// The records of a file of lines; empty lines are passed over.
pub(super) fn items(input: Input, id: &str) -> Items {
    let id = id.to_owned();
    let mut input = BufReader::with_capacity(1 << 16, input);
    let mut number = 0;
    let mut line = Vec::new();
    Box::new(std::iter::from_fn(move || {
        loop {
            number += 1;
            line.clear();
            match input.read_until(b'\n', &mut line) {
                Ok(0) => return None,
                Ok(_) => {}
                Err(error) => {
                    // Nothing can be read behind this place: the reader would fail for ever.
                    line.clear();
                    input = BufReader::new(Input::ended());
                    let error = Error::unavailable("cannot read on").with_source(error);
                    return Some((number, Err(error)));
                }
            }
            let text = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line);
            if !text.trim_ascii().is_empty() {
                return Some((number, record(text, &id).map(op)));
            }
        }
    }))
}

fn record(line: &[u8], id: &str) -> Result<Record> {
    let text = std::str::from_utf8(line)
        .map_err(|error| Error::invalid("not UTF-8").with("problem", error))?;
    let text = text.trim();
    let not_json = |error| Error::invalid("not a record in JSON").with("problem", error);
    if !text.starts_with('{') {
        return Err(Error::invalid(
            "a record is a JSON object: {\"id\": .., \"fields\": {..}}",
        ));
    }
    let members: HashMap<Cow<'_, str>, &RawValue> = serde_json::from_str(text).map_err(not_json)?;
    let whole = members
        .get("fields")
        .is_some_and(|fields| fields.get().starts_with('{'));
    if whole {
        let whole: Whole<'_> = serde_json::from_str(text).map_err(not_json)?;
        let record = Record::from_json(whole.id, whole.fields.get())?;
        let record = match whole.metadata.filter(|metadata| metadata.get() != "null") {
            Some(metadata) => record.with_metadata_json(metadata.get())?,
            None => record,
        };
        return Ok(record.with_times(whole.created_at, whole.updated_at));
    }
    let Some(value) = members.get(id) else {
        return Err(
            Error::invalid("the record has no id: --id names the field that is the id")
                .with("id", id),
        );
    };
    Record::from_json(id_of(value.get())?, text)
}

/// An id is text or a whole number.
pub(super) fn id_of(value: &str) -> Result<String> {
    if value.starts_with('"') {
        return serde_json::from_str(value)
            .map_err(|error| Error::invalid("the id is no text").with("problem", error));
    }
    let digits = value.strip_prefix('-').unwrap_or(value);
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(value.to_owned());
    }
    Err(Error::invalid("an id is text or a whole number").with("value", value))
}
