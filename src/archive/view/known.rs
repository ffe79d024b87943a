//! Which values of the records in a file its columns tell, without a look at the records.

use std::borrow::Cow;
use std::ops::Range;

use arrow_array::ArrayRef;

use crate::Result;
use crate::archive::catalog::{ArchivedTable, DataFile};
use crate::archive::column::{ColumnSource, ColumnType, SystemColumn};
use crate::archive::segment::{
    Columns, Extent, Tail, boolean, double, integer, number_text, text, time,
};
use crate::json::Json;
use crate::query::{Filter, Path, Root};
use crate::record::rfc3339;

/// The paths of a query that a column of a file stands for, in every one of its records.
///
/// An id and a record's own times are columns of every file. A promoted column counts in a file of ours only, and only if
/// every value of its field is told there in full: what another program wrote into it need not be what `fields` says.
#[derive(Clone, Debug)]
pub(super) struct KnownPaths {
    paths: Vec<(Path, i64, ColumnType)>,
    /// So many of the first are asked for by the filter, the rest by the order alone.
    in_filter: usize,
    is_ours: bool,
}

impl KnownPaths {
    pub(super) fn of(
        filter: &Filter,
        first_of_order: &Path,
        table: &ArchivedTable,
        file: &DataFile,
    ) -> Self {
        let mut known = Self {
            paths: Vec::new(),
            in_filter: 0,
            is_ours: file.tail_length.is_some(),
        };
        for path in paths_of(filter) {
            known.add(path, table, file);
        }
        known.in_filter = known.paths.len();
        known.add(first_of_order, table, file);
        known
    }

    fn add(&mut self, path: &Path, table: &ArchivedTable, file: &DataFile) {
        let is_source = |source: &ColumnSource| match (source, path.root()) {
            (ColumnSource::System(SystemColumn::Id), Root::Id)
            | (ColumnSource::System(SystemColumn::CreatedAt), Root::CreatedAt)
            | (ColumnSource::System(SystemColumn::UpdatedAt), Root::UpdatedAt) => true,
            (ColumnSource::Promoted(field), _) => {
                self.is_ours && path.top_level_field() == Some(&**field)
            }
            _ => false,
        };
        let column = table
            .columns
            .iter()
            .find(|column| is_source(&column.source));
        if let Some(column) = column
            && file.is_complete(column.id)
            && self.column(path).is_none()
        {
            self.paths.push((path.clone(), column.id, column.kind));
        }
    }

    fn asked_by_filter(&self) -> &[(Path, i64, ColumnType)] {
        &self.paths[..self.in_filter]
    }

    /// The field ids of the columns that the filter asks for.
    pub(super) fn columns(&self) -> Vec<i64> {
        self.asked_by_filter()
            .iter()
            .map(|(_, column, _)| *column)
            .collect()
    }

    /// What the catalog tells of the values at `path` in a whole file.
    pub(super) fn in_file(&self, path: &Path, file: &DataFile) -> Option<Extent> {
        let (column, _) = self.column(path)?;
        let stats = file.column_stats(column)?;
        Some(self.told(Extent {
            bounds: stats.min.clone().zip(stats.max.clone()),
            nulls: stats.nulls,
            values: stats.values,
        }))
    }

    /// What the footer tells of the values at `path` in one row group.
    pub(super) fn in_group(&self, path: &Path, tail: &Tail, group: usize) -> Option<Extent> {
        let (column, kind) = self.column(path)?;
        tail.extent(group, column, kind)
            .map(|extent| self.told(extent))
    }

    fn column(&self, path: &Path) -> Option<(i64, ColumnType)> {
        let found = self.paths.iter().find(|(known, ..)| known == path);
        found.map(|(_, column, kind)| (*column, *kind))
    }

    /// A time that no record can have reads as none, so what others wrote may have more nulls than it says.
    fn told(&self, extent: Extent) -> Extent {
        Extent {
            nulls: extent.nulls.filter(|_| self.is_ours),
            ..extent
        }
    }

    /// The values that the filter asks for, in some rows.
    pub(super) fn values(&self, columns: &Columns) -> Result<KnownValues<'_>> {
        let mut values = Vec::new();
        for (path, column, kind) in self.asked_by_filter() {
            // A file from before the column was there tells nothing by lacking it.
            if let Some(array) = columns.get(*column) {
                values.push((path, Values::of(array, *kind)?));
            }
        }
        Ok(KnownValues(values))
    }
}

/// The values at known paths, in some rows.
pub(super) struct KnownValues<'a>(Vec<(&'a Path, Values)>);

impl KnownValues<'_> {
    /// The value at `path` in a row, if it is known; null where it is missing.
    pub(super) fn get(&self, path: &Path, row: usize) -> Option<Json<'_>> {
        let (_, values) = self.0.iter().find(|(known, _)| *known == path)?;
        values.json(row)
    }
}

/// The values of one column, as JSON sees them.
enum Values {
    Texts(ArrayRef),
    Booleans(ArrayRef),
    Numbers(Written),
    Times(Written),
}

/// Values as text, one behind the other.
struct Written {
    text: String,
    /// Where each stands; none for a row without a value.
    spans: Vec<Option<Range<usize>>>,
}

impl Values {
    fn of(array: &ArrayRef, kind: ColumnType) -> Result<Self> {
        Ok(match kind {
            ColumnType::Boolean => Self::Booleans(ArrayRef::clone(array)),
            ColumnType::Integer => Self::Numbers(Written::of(array.len(), |row| {
                Ok(integer(array, row)?.map(|value| value.to_string()))
            })?),
            ColumnType::Double => Self::Numbers(Written::of(array.len(), |row| {
                Ok(double(array, row)?.map(number_text))
            })?),
            ColumnType::Time => Self::Times(Written::of(array.len(), |row| {
                Ok(time(array, row)?.map(rfc3339))
            })?),
            ColumnType::Text | ColumnType::Json | ColumnType::Other => {
                Self::Texts(ArrayRef::clone(array))
            }
        })
    }

    fn json(&self, row: usize) -> Option<Json<'_>> {
        let string = |text| Json::String(Cow::Borrowed(text));
        match self {
            Self::Texts(array) => Some(text(array, row).ok()?.map_or(Json::Null, string)),
            Self::Booleans(array) => Some(boolean(array, row).ok()?.map_or(Json::Null, Json::Bool)),
            Self::Numbers(written) => Some(written.get(row).map_or(Json::Null, Json::Number)),
            Self::Times(written) => Some(written.get(row).map_or(Json::Null, string)),
        }
    }
}

impl Written {
    fn of(rows: usize, value: impl Fn(usize) -> Result<Option<String>>) -> Result<Self> {
        let (mut text, mut spans) = (String::new(), Vec::with_capacity(rows));
        for row in 0..rows {
            let start = text.len();
            spans.push(value(row)?.map(|value| {
                text.push_str(&value);
                start..text.len()
            }));
        }
        Ok(Self { text, spans })
    }

    fn get(&self, row: usize) -> Option<&str> {
        self.text.get(self.spans.get(row)?.clone()?)
    }
}

/// The paths that a filter asks for.
fn paths_of(filter: &Filter) -> Vec<&Path> {
    match filter {
        Filter::And(parts) | Filter::Or(parts) => parts.iter().flat_map(paths_of).collect(),
        Filter::Not(part) => paths_of(part),
        Filter::Test(path, _) => vec![path],
    }
}
