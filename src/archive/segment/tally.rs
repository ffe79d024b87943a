//! Counts and bounds of columns, for the catalog: exact, since each wrong one makes some reader answer wrongly. The
//! catalog rounds what other readers cannot take.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef};

use crate::archive::column::{Bound, Column, ColumnStats, ColumnType};

/// What was seen of one column.
#[derive(Debug)]
pub(super) struct Tally {
    column: i64,
    kind: ColumnType,
    values: u64,
    nulls: u64,
    bounds: Option<(Bound, Bound)>,
}

impl Tally {
    pub(super) fn of(column: &Column) -> Self {
        Self {
            column: column.id,
            kind: column.kind,
            values: 0,
            nulls: 0,
            bounds: None,
        }
    }

    /// Counts the values of one more row group.
    pub(super) fn add(&mut self, array: &ArrayRef) {
        self.nulls += array.null_count() as u64;
        self.values += (array.len() - array.null_count()) as u64;
        let bounds = match self.kind {
            ColumnType::Text => {
                let texts = array.as_string::<i32>();
                min_max(texts.iter().flatten(), Ord::cmp).map(|(min, max)| {
                    let bound = |text: &str| Bound::Text(text.into());
                    (bound(min), bound(max))
                })
            }
            ColumnType::Time => {
                let times = array.as_primitive::<TimestampMicrosecondType>();
                both(min_max(times.iter().flatten(), Ord::cmp), Bound::Time)
            }
            ColumnType::Integer => {
                let numbers = array.as_primitive::<Int64Type>();
                both(min_max(numbers.iter().flatten(), Ord::cmp), Bound::Integer)
            }
            ColumnType::Double => {
                let numbers = array.as_primitive::<Float64Type>();
                // Promoted doubles are finite.
                both(
                    min_max(numbers.iter().flatten(), f64::total_cmp),
                    Bound::Double,
                )
            }
            ColumnType::Boolean => {
                let values = array.as_boolean();
                both(min_max(values.iter().flatten(), Ord::cmp), Bound::Boolean)
            }
            ColumnType::Json | ColumnType::Other => None,
        };
        if let Some((min, max)) = bounds {
            self.bounds = Some(match self.bounds.take() {
                None => (min, max),
                Some((old_min, old_max)) => (
                    if min.compare(&old_min).is_some_and(std::cmp::Ordering::is_lt) {
                        min
                    } else {
                        old_min
                    },
                    if max.compare(&old_max).is_some_and(std::cmp::Ordering::is_gt) {
                        max
                    } else {
                        old_max
                    },
                ),
            });
        }
    }

    /// The statistics, of a column that takes `bytes` in the file.
    pub(super) fn finish(self, bytes: u64) -> ColumnStats {
        let (min, max) = self.bounds.unzip();
        ColumnStats {
            column: self.column,
            bytes: Some(bytes),
            values: Some(self.values),
            nulls: Some(self.nulls),
            min,
            max,
            contains_nan: (self.kind == ColumnType::Double).then_some(false),
        }
    }
}

fn min_max<T: Copy>(
    mut values: impl Iterator<Item = T>,
    order: impl Fn(&T, &T) -> std::cmp::Ordering,
) -> Option<(T, T)> {
    let first = values.next()?;
    Some(values.fold((first, first), |(min, max), value| {
        (
            if order(&value, &min).is_lt() {
                value
            } else {
                min
            },
            if order(&value, &max).is_gt() {
                value
            } else {
                max
            },
        )
    }))
}

fn both<T>(bounds: Option<(T, T)>, bound: impl Fn(T) -> Bound) -> Option<(Bound, Bound)> {
    bounds.map(|(min, max)| (bound(min), bound(max)))
}
