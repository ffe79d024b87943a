//! What a segment says of itself, in one entry of its footer's key-value metadata: enough to register it again.

use serde::{Deserialize, Serialize};

use super::encode::SegmentLabel;
use super::layout::Layout;
use crate::archive::column::ColumnSource;
use crate::record::rfc3339;
use crate::{Error, Result};

/// The entry's key.
pub(super) const KEY: &str = "thermocline";
const VERSION: u32 = 1;

/// The entry, as JSON.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Imprint {
    version: u32,
    table: String,
    source: String,
    rows: u64,
    archived_at: String,
    /// The fields that are promoted, each with the field id of its column.
    promoted: Vec<PromotedField>,
    /// The field ids of promoted columns that do not tell everything.
    pub(super) incomplete: Vec<i64>,
    pub(super) id_index: Span,
    pub(super) checksums: Span,
}

#[derive(Debug, Serialize, Deserialize)]
struct PromotedField {
    id: i64,
    field: String,
}

/// A part of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Span {
    pub(super) offset: u64,
    pub(super) length: u64,
}

impl Span {
    pub(super) fn of(offset: usize, length: usize) -> Self {
        Self {
            offset: offset as u64,
            length: length as u64,
        }
    }
}

impl Imprint {
    pub(super) fn of(
        layout: &Layout,
        label: &SegmentLabel,
        rows: usize,
        incomplete: &[i64],
        [id_index, checksums]: [Span; 2],
    ) -> Self {
        let promoted = layout
            .columns
            .iter()
            .filter_map(|column| match &column.source {
                ColumnSource::Promoted(field) => Some(PromotedField {
                    id: column.id,
                    field: field.to_string(),
                }),
                _ => None,
            });
        Self {
            version: VERSION,
            table: label.table.to_string(),
            source: label.source.to_string(),
            rows: rows as u64,
            archived_at: rfc3339(label.archived_at),
            promoted: promoted.collect(),
            incomplete: incomplete.to_vec(),
            id_index,
            checksums,
        }
    }

    pub(super) fn to_json(&self) -> Result<String> {
        serde_json::to_string(self)
            .map_err(|error| Error::unexpected("a segment's label is no JSON").with_source(error))
    }

    /// # Errors
    /// `Unsupported`: a later version wrote it. `Corrupt`: it is not what was written.
    pub(super) fn parse(text: &str) -> Result<Self> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let damaged = |error| {
            Error::corrupt("what a segment says of itself cannot be read").with_source(error)
        };
        let Version { version } = serde_json::from_str(text).map_err(damaged)?;
        if version != VERSION {
            return Err(Error::unsupported(
                "a newer version of Thermocline wrote this segment; read it with that version",
            )
            .with("version", version));
        }
        serde_json::from_str(text).map_err(damaged)
    }
}
