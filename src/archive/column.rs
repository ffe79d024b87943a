//! The columns of an archived table, and what is known of their values without reading them.

use std::cmp::Ordering;
use std::fmt;

/// A column of an archived table; its field id stays its own for ever, whatever its name becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    /// The DuckLake column id, which is the Parquet field id.
    pub(crate) id: i64,
    /// Its name today.
    pub(crate) name: Box<str>,
    /// What it holds.
    pub(crate) kind: ColumnType,
    /// Where its values come from.
    pub(crate) source: ColumnSource,
}

impl From<SystemColumn> for Column {
    /// As it is created.
    fn from(system: SystemColumn) -> Self {
        Self {
            id: system.id(),
            name: system.name().into(),
            kind: system.kind(),
            source: ColumnSource::System(system),
        }
    }
}

/// Where a column's values come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ColumnSource {
    /// A part of every record.
    System(SystemColumn),
    /// A copy of this top-level field.
    Promoted(Box<str>),
    /// Somebody else added it; we neither write nor read it.
    Foreign,
}

/// The columns that every archived table has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum SystemColumn {
    /// The record's id.
    Id,
    /// When the record was created, if that is known.
    CreatedAt,
    /// When the record was last written, if that is known.
    UpdatedAt,
    /// When the record came into the archive.
    ArchivedAt,
    /// The time from which the record's age counts.
    AgeAt,
    /// The metadata, as JSON text; NULL where it is empty.
    Metadata,
    /// The fields, as JSON text: the truth about them.
    Fields,
}

impl SystemColumn {
    /// All of them, in the order of their ids.
    pub(crate) const ALL: [Self; 7] = [
        Self::Id,
        Self::CreatedAt,
        Self::UpdatedAt,
        Self::ArchivedAt,
        Self::AgeAt,
        Self::Metadata,
        Self::Fields,
    ];

    /// The field id, the same in every archived table.
    pub(crate) const fn id(self) -> i64 {
        self as i64 + 1
    }

    /// The name that the column is created with.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::CreatedAt => "created_at",
            Self::UpdatedAt => "updated_at",
            Self::ArchivedAt => "archived_at",
            Self::AgeAt => "age_at",
            Self::Metadata => "metadata",
            Self::Fields => "fields",
        }
    }

    /// What the column holds.
    pub(crate) const fn kind(self) -> ColumnType {
        match self {
            Self::Id => ColumnType::Text,
            Self::CreatedAt | Self::UpdatedAt | Self::ArchivedAt | Self::AgeAt => ColumnType::Time,
            Self::Metadata | Self::Fields => ColumnType::Json,
        }
    }

    /// Whether our segments declare the column REQUIRED.
    pub(crate) const fn is_required(self) -> bool {
        matches!(
            self,
            Self::Id | Self::ArchivedAt | Self::AgeAt | Self::Fields
        )
    }
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ColumnType {
    /// UTF-8 text.
    Text,
    /// JSON text.
    Json,
    /// Microseconds since 1970, UTC.
    Time,
    /// 64-bit integers.
    Integer,
    /// 64-bit floating numbers.
    Double,
    /// Booleans.
    Boolean,
    /// A type that we never write: of a column that somebody else added.
    Other,
}

/// What is known of a column's values in one file: exact counts, and bounds that every value lies within.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ColumnStats {
    /// The column's field id.
    pub(crate) column: i64,
    /// Compressed bytes of the column in the file.
    pub(crate) bytes: Option<u64>,
    /// Values that are not null.
    pub(crate) values: Option<u64>,
    /// Nulls.
    pub(crate) nulls: Option<u64>,
    /// No value is less; none where that is unknown, and where there is no value.
    pub(crate) min: Option<Bound>,
    /// No value is greater; none where that is unknown, and where there is no value.
    pub(crate) max: Option<Bound>,
    /// Whether a NaN is among the values; none for what is no floating number, and where it is unknown.
    pub(crate) contains_nan: Option<bool>,
}

/// A bound of a column's values.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Bound {
    /// By code point.
    Text(Box<str>),
    /// Microseconds since 1970, UTC.
    Time(i64),
    /// An integer.
    Integer(i64),
    /// A number that is no NaN.
    Double(f64),
    /// False is less than true.
    Boolean(bool),
}

impl Bound {
    /// The order of two bounds of one column; none where the types differ or a number is NaN.
    pub(crate) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(b)),
            (Self::Time(a), Self::Time(b)) | (Self::Integer(a), Self::Integer(b)) => Some(a.cmp(b)),
            (Self::Double(a), Self::Double(b)) => a.partial_cmp(b),
            (Self::Boolean(a), Self::Boolean(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }
}

impl fmt::Display for SystemColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The system columns, and these promoted ones, which have the ids from 8 on.
#[cfg(test)]
pub(crate) fn columns_with(promoted: &[(&str, ColumnType)]) -> Vec<Column> {
    let promoted = (8..).zip(promoted).map(|(id, (name, kind))| Column {
        id,
        name: (*name).into(),
        kind: *kind,
        source: ColumnSource::Promoted((*name).into()),
    });
    SystemColumn::ALL
        .map(Column::from)
        .into_iter()
        .chain(promoted)
        .collect()
}
