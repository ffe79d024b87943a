//! From records to the columns of a segment.

use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Float64Builder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow_array::{ArrayRef, RecordBatch};
use jiff::Timestamp;

use super::failed;
use super::layout::{Layout, UTC};
use super::promote::{Promoted, Scalar};
use crate::archive::column::{ColumnSource, ColumnType, SystemColumn};
use crate::clock::whole_micros;
use crate::json::{Entries, Json, Key};
use crate::query::first;
use crate::{Error, Record, Result};

/// A record that is to be archived.
#[derive(Clone, Debug)]
pub(crate) struct SegmentRow {
    pub(crate) record: Arc<Record>,
    /// The time from which its age counts.
    pub(crate) age_at: Timestamp,
}

impl SegmentRow {
    /// A row whose age counts from `age_at`, cut to whole microseconds.
    pub(crate) fn new(record: Arc<Record>, age_at: Timestamp) -> Self {
        Self {
            record,
            age_at: whole_micros(age_at),
        }
    }

    /// The order of rows in a segment.
    pub(crate) fn order(&self) -> (Timestamp, &str) {
        (self.age_at, self.record.id().as_str())
    }
}

/// Makes batches of rows, and notes which promoted columns do not tell everything.
#[derive(Debug)]
pub(super) struct Batcher<'a> {
    layout: &'a Layout,
    archived_at: Timestamp,
    /// The fields that are promoted, each with its column.
    promoted: Vec<(&'a str, usize)>,
    incomplete: Vec<bool>,
}

impl<'a> Batcher<'a> {
    pub(super) fn new(layout: &'a Layout, archived_at: Timestamp) -> Self {
        let promoted = layout.columns.iter().enumerate();
        Self {
            layout,
            archived_at: whole_micros(archived_at),
            promoted: promoted
                .filter_map(|(at, column)| match &column.source {
                    ColumnSource::Promoted(field) => Some((&**field, at)),
                    _ => None,
                })
                .collect(),
            incomplete: vec![false; layout.columns.len()],
        }
    }

    /// The columns of `rows`.
    pub(super) fn batch(&mut self, rows: &[SegmentRow]) -> Result<RecordBatch> {
        let mut builders: Vec<Builder> = self
            .layout
            .columns
            .iter()
            .map(|column| Builder::of(column.kind, rows.len()))
            .collect();
        let mut expected = 0;
        for (count, row) in rows.iter().enumerate() {
            self.system(row, &mut builders)?;
            for (key, value) in Entries::of(row.record.fields()) {
                let Some(found) = self.find(key, &mut expected) else {
                    continue;
                };
                let (_, at) = self.promoted[found];
                // Of a key that comes twice the first counts, as it does for a filter.
                if builders[at].len() == count {
                    let value = Promoted::of(Json::view(value), self.layout.columns[at].kind);
                    self.incomplete[at] |= !value.exact;
                    builders[at].append(value.scalar);
                }
            }
            for (_, at) in &self.promoted {
                if builders[*at].len() == count {
                    builders[*at].append(None);
                }
            }
        }
        let arrays = builders.iter_mut().map(Builder::finish).collect();
        RecordBatch::try_new(Arc::clone(&self.layout.arrow), arrays).map_err(failed)
    }

    /// The field ids of promoted columns in which a value so far was not told in full.
    pub(super) fn incomplete(&self) -> Vec<i64> {
        let columns = self.layout.columns.iter().zip(&self.incomplete);
        columns
            .filter_map(|(column, incomplete)| incomplete.then_some(column.id))
            .collect()
    }

    /// Which promoted field a key is. Records name their fields in one order mostly, so the next one is tried first.
    fn find(&self, key: Key<'_>, expected: &mut usize) -> Option<usize> {
        let is = |at: usize| self.promoted.get(at).is_some_and(|(name, _)| key.is(name));
        let found = if is(*expected) {
            Some(*expected)
        } else {
            (0..self.promoted.len()).find(|at| is(*at))
        };
        if let Some(found) = found {
            *expected = (found + 1) % self.promoted.len();
        }
        found
    }

    fn system(&self, row: &SegmentRow, builders: &mut [Builder]) -> Result<()> {
        let record = &row.record;
        for (column, builder) in self.layout.columns.iter().zip(builders) {
            let ColumnSource::System(system) = column.source else {
                continue;
            };
            let micros = |time| micros(time, record);
            match system {
                SystemColumn::Id => builder.append_text(Some(record.id().as_str())),
                SystemColumn::CreatedAt => {
                    builder.append_time(record.created_at().map(micros).transpose()?);
                }
                SystemColumn::UpdatedAt => {
                    builder.append_time(record.updated_at().map(micros).transpose()?);
                }
                SystemColumn::ArchivedAt => builder.append_time(Some(micros(self.archived_at)?)),
                SystemColumn::AgeAt => builder.append_time(Some(micros(row.age_at)?)),
                SystemColumn::Metadata => builder.append_text(record.metadata()),
                SystemColumn::Fields => builder.append_text(Some(record.fields())),
            }
        }
        Ok(())
    }
}

/// The time as a file holds it: other readers know no other years.
fn micros(time: Timestamp, record: &Record) -> Result<i64> {
    if time < first() {
        return Err(
            Error::invalid("an archived record has times between the years 1 and 9999")
                .with("id", record.id())
                .with("time", time),
        );
    }
    Ok(time.as_microsecond())
}

#[derive(Debug)]
enum Builder {
    Text(StringBuilder),
    Time(TimestampMicrosecondBuilder),
    Integer(Int64Builder),
    Double(Float64Builder),
    Boolean(BooleanBuilder),
}

impl Builder {
    fn of(kind: ColumnType, rows: usize) -> Self {
        match kind {
            ColumnType::Text | ColumnType::Json | ColumnType::Other => {
                Self::Text(StringBuilder::with_capacity(rows, rows * 32))
            }
            ColumnType::Time => {
                Self::Time(TimestampMicrosecondBuilder::with_capacity(rows).with_timezone(UTC))
            }
            ColumnType::Integer => Self::Integer(Int64Builder::with_capacity(rows)),
            ColumnType::Double => Self::Double(Float64Builder::with_capacity(rows)),
            ColumnType::Boolean => Self::Boolean(BooleanBuilder::with_capacity(rows)),
        }
    }

    fn len(&self) -> usize {
        use arrow_array::builder::ArrayBuilder as _;
        match self {
            Self::Text(builder) => builder.len(),
            Self::Time(builder) => builder.len(),
            Self::Integer(builder) => builder.len(),
            Self::Double(builder) => builder.len(),
            Self::Boolean(builder) => builder.len(),
        }
    }

    fn append_text(&mut self, text: Option<&str>) {
        if let Self::Text(builder) = self {
            builder.append_option(text);
        }
    }

    fn append_time(&mut self, micros: Option<i64>) {
        if let Self::Time(builder) = self {
            builder.append_option(micros);
        }
    }

    fn append(&mut self, scalar: Option<Scalar<'_>>) {
        match (self, scalar) {
            (Self::Text(builder), Some(Scalar::Text(text))) => builder.append_value(text),
            (Self::Integer(builder), Some(Scalar::Integer(value))) => builder.append_value(value),
            (Self::Double(builder), Some(Scalar::Double(value))) => builder.append_value(value),
            (Self::Boolean(builder), Some(Scalar::Boolean(value))) => builder.append_value(value),
            (Self::Text(builder), _) => builder.append_null(),
            (Self::Time(builder), _) => builder.append_null(),
            (Self::Integer(builder), _) => builder.append_null(),
            (Self::Double(builder), _) => builder.append_null(),
            (Self::Boolean(builder), _) => builder.append_null(),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(builder) => Arc::new(builder.finish()),
            Self::Time(builder) => Arc::new(builder.finish()),
            Self::Integer(builder) => Arc::new(builder.finish()),
            Self::Double(builder) => Arc::new(builder.finish()),
            Self::Boolean(builder) => Arc::new(builder.finish()),
        }
    }
}
