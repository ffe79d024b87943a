//! A record: an id, a JSON object of fields, a JSON object of metadata, two times, a version.

mod counter;
mod finite;
mod id;
mod version;

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};
use serde_json::value::RawValue;

pub(crate) use self::counter::VersionCounter;
pub use self::id::RecordId;
#[cfg(feature = "postgres")]
pub(crate) use self::version::RowStamp;
pub use self::version::Version;
pub(crate) use self::version::{HashLayout, Stamp};

use crate::clock::whole_micros;
use crate::{Error, Result, json};

/// The largest record that is taken: its fields and metadata together, as JSON text.
pub const MAX_RECORD_BYTES: usize = 64 << 20;

/// One record.
///
/// Fields and metadata are JSON text, kept as written and parsed only where somebody needs a value, so a
/// record costs what its text costs. Records are shared as `Arc<Record>` and never change.
pub struct Record {
    id: RecordId,
    fields: Box<str>,
    metadata: Option<Box<str>>,
    created_at: Option<Timestamp>,
    updated_at: Option<Timestamp>,
    stamp: Stamp,
    hint: Option<RowHint>,
}

/// What the backend that read a record wants to find again when it gets the record back.
pub(crate) type RowHint = Arc<dyn Any + Send + Sync>;

impl Record {
    /// A record of a Rust value that serializes to a JSON object.
    ///
    /// # Errors
    /// `Invalid`: the id, or a value that is no object or cannot be kept; NaN and infinities too, which other writers of
    /// JSON turn into null.
    pub fn new(id: impl Into<String>, fields: impl Serialize) -> Result<Self> {
        let text = serde_json::to_string(&fields).map_err(|error| {
            Error::invalid("the fields cannot be written as JSON").with("problem", error)
        })?;
        let record = Self::from_text(id.into(), text)?;
        check_finite(&fields, &record.fields).map_err(|error| error.with("id", &record.id))?;
        Ok(record)
    }

    /// A record of JSON text, which is kept byte for byte.
    ///
    /// # Errors
    /// `Invalid`: the id, or text that is no JSON object or cannot be kept.
    pub fn from_json(id: impl Into<String>, fields: &str) -> Result<Self> {
        Self::from_text(id.into(), json::trim(fields).to_owned())
    }

    fn from_text(id: String, fields: String) -> Result<Self> {
        let id = RecordId::new(id)?;
        check_size(&id, fields.len())?;
        json::validate_object(&fields).map_err(|error| error.with("id", &id))?;
        Ok(Self {
            id,
            fields: fields.into(),
            metadata: None,
            created_at: None,
            updated_at: None,
            stamp: Stamp::None,
            hint: None,
        })
    }

    /// The same record with `metadata`, JSON text of an object.
    ///
    /// # Errors
    /// `Invalid`: text that is no JSON object or cannot be kept.
    pub fn with_metadata_json(mut self, metadata: &str) -> Result<Self> {
        let metadata = json::trim(metadata);
        check_size(&self.id, self.fields.len() + metadata.len())?;
        json::validate_object(metadata)
            .map_err(|error| error.with("id", &self.id).with("part", "metadata"))?;
        self.metadata = (!is_empty_object(metadata)).then(|| metadata.into());
        Ok(self)
    }

    /// The same record with metadata made of a Rust value that serializes to a JSON object.
    ///
    /// # Errors
    /// `Invalid`: a value that is no object or cannot be kept.
    pub fn with_metadata(self, metadata: impl Serialize) -> Result<Self> {
        let text = serde_json::to_string(&metadata).map_err(|error| {
            Error::invalid("the metadata cannot be written as JSON").with("problem", error)
        })?;
        let record = self.with_metadata_json(&text)?;
        check_finite(&metadata, &text)
            .map_err(|error| error.with("id", &record.id).with("part", "metadata"))?;
        Ok(record)
    }

    /// The same record with these times, cut to whole microseconds; only [`Op::Put`](crate::Op::Put) keeps them.
    #[must_use]
    pub fn with_times(
        mut self,
        created_at: Option<Timestamp>,
        updated_at: Option<Timestamp>,
    ) -> Self {
        self.created_at = created_at.map(whole_micros);
        self.updated_at = updated_at.map(whole_micros);
        self
    }

    /// A record as a backend stored it: trusted, not validated again.
    pub(crate) fn stored(
        id: RecordId,
        fields: Box<str>,
        metadata: Option<Box<str>>,
        stamp: Stamp,
    ) -> Self {
        Self {
            id,
            fields,
            metadata: metadata.filter(|text| !is_empty_object(text)),
            created_at: None,
            updated_at: None,
            stamp,
            hint: None,
        }
    }

    /// The same content under another stamp, without the hint of the backend that it came from.
    pub(crate) fn restamped(&self, stamp: Stamp) -> Self {
        Self {
            id: self.id.clone(),
            fields: self.fields.clone(),
            metadata: self.metadata.clone(),
            created_at: self.created_at,
            updated_at: self.updated_at,
            stamp,
            hint: None,
        }
    }

    /// The record with only a part of its fields; it keeps the version of the whole.
    pub(crate) fn projected(&self, fields: String) -> Self {
        Self {
            fields: fields.into(),
            ..self.restamped(match self.version() {
                Some(version) => Stamp::Given(version),
                None => Stamp::None,
            })
        }
    }

    /// The record itself where nobody shares it, else a copy; without the stamp and hint of where it came from.
    pub(crate) fn owned(self: Arc<Self>) -> Self {
        match Arc::try_unwrap(self) {
            Ok(mut record) => {
                record.stamp = Stamp::None;
                record.hint = None;
                record
            }
            Err(shared) => shared.restamped(Stamp::None),
        }
    }

    pub(crate) fn with_stamp(mut self, stamp: Stamp) -> Self {
        self.stamp = stamp;
        self
    }

    pub(crate) fn with_hint(mut self, hint: RowHint) -> Self {
        self.hint = Some(hint);
        self
    }

    /// What PostgreSQL kept beside the row that this was read from.
    #[cfg(feature = "postgres")]
    pub(crate) fn row_stamp(&self) -> Option<RowStamp> {
        match self.stamp {
            Stamp::Row(stamp) => Some(stamp),
            _ => None,
        }
    }

    pub(crate) fn hint(&self) -> Option<&RowHint> {
        self.hint.as_ref()
    }

    /// The record's id.
    pub fn id(&self) -> &RecordId {
        &self.id
    }

    /// The fields, as JSON text of an object.
    pub fn fields(&self) -> &str {
        &self.fields
    }

    /// The metadata, as JSON text of an object; none where it is empty.
    pub fn metadata(&self) -> Option<&str> {
        self.metadata.as_deref()
    }

    /// When the record was created, if that is known.
    pub fn created_at(&self) -> Option<Timestamp> {
        self.created_at
    }

    /// When the record was last written, if that is known.
    pub fn updated_at(&self) -> Option<Timestamp> {
        self.updated_at
    }

    /// The token of exactly this state of the record, for conditional writes; none for one that was never stored.
    pub fn version(&self) -> Option<Version> {
        self.stamp.version(self)
    }

    /// Reads the fields into a Rust type.
    ///
    /// # Errors
    /// `Invalid`: the fields do not fit the type.
    pub fn parse<'a, T: serde::Deserialize<'a>>(&'a self) -> Result<T> {
        serde_json::from_str(&self.fields).map_err(|error| {
            Error::invalid("the fields do not fit the type that was asked for")
                .with("id", &self.id)
                .with("problem", error)
        })
    }

    /// The bytes that the record's own text takes, for weighing.
    pub fn bytes(&self) -> usize {
        self.id.as_str().len()
            + self.fields.len()
            + self.metadata.as_ref().map_or(0, |text| text.len())
    }

    /// Whether id, fields, metadata and times are equal; versions are not compared.
    pub fn same_content(&self, other: &Self) -> bool {
        self.id == other.id
            && self.fields == other.fields
            && self.metadata == other.metadata
            && self.created_at == other.created_at
            && self.updated_at == other.updated_at
    }
}

impl fmt::Debug for Record {
    /// Names the record and its size; the body stays out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("id", &self.id)
            .field("bytes", &self.bytes())
            .field("created_at", &self.created_at)
            .field("updated_at", &self.updated_at)
            .finish_non_exhaustive()
    }
}

impl Serialize for Record {
    /// `{"id", "fields", "metadata", "created_at", "updated_at"}`, texts as they were written.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw = |text| serde_json::from_str::<&RawValue>(text).map_err(serde::ser::Error::custom);
        let mut object = serializer.serialize_struct("Record", 5)?;
        object.serialize_field("id", self.id.as_str())?;
        object.serialize_field("fields", raw(&self.fields)?)?;
        object.serialize_field("metadata", raw(self.metadata().unwrap_or("{}"))?)?;
        object.serialize_field("created_at", &self.created_at.map(rfc3339))?;
        object.serialize_field("updated_at", &self.updated_at.map(rfc3339))?;
        object.end()
    }
}

/// The one spelling of a time in JSON: RFC 3339, UTC, six digits.
pub(crate) fn rfc3339(time: Timestamp) -> String {
    format!("{time:.6}")
}

fn is_empty_object(text: &str) -> bool {
    text.len() < 64
        && text
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
            .is_some_and(|inner| inner.trim().is_empty())
}

/// Refuses NaN and infinities, which stand in `text` as null.
fn check_finite(value: &impl Serialize, text: &str) -> Result<()> {
    // Few values hold a null at all; only those are gone through once more.
    if !text.contains("null") {
        return Ok(());
    }
    match finite::not_finite(value) {
        None => Ok(()),
        Some(found) => Err(Error::invalid(
            "JSON has no NaN and no infinity; write None, or a string",
        )
        .with("found", found)),
    }
}

fn check_size(id: &RecordId, bytes: usize) -> Result<()> {
    if bytes <= MAX_RECORD_BYTES {
        return Ok(());
    }
    Err(Error::invalid(
        "a record is at most 64 MiB; keep large content elsewhere and its address here",
    )
    .with("id", id)
    .with("bytes", bytes))
}

#[cfg(test)]
mod tests;
