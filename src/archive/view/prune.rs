//! What statistics rule out: files and row groups in which no row can match.
//!
//! Only positive tests of values with known bounds rule anything out. In doubt a group is read: the matcher has the last
//! word on every row.

use std::cmp::Ordering;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::archive::catalog::{ArchivedTable, DataFile};
use crate::archive::column::{Bound, ColumnSource, ColumnStats, ColumnType, SystemColumn};
use crate::archive::segment::{Extent, Tail};
use crate::{Comparison, Filter, Instant, Path, Predicate, Root, Value};

/// How far a text's own day may lie before the day of the instant that it tells, in any zone.
const ZONES: SignedDuration = SignedDuration::from_hours(26);

/// How far behind it the first day lies whose name sorts after every such text.
const ZONES_AND_A_DAY: SignedDuration = SignedDuration::from_hours(50);

/// What is known of a column's values in a file or a row group.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    min: Option<Bound>,
    max: Option<Bound>,
    nulls: Option<u64>,
    values: Option<u64>,
}

impl Known {
    /// Of a whole file, by the catalog.
    pub(super) fn of_file(file: &DataFile, column: i64) -> Option<Self> {
        let ColumnStats {
            min,
            max,
            nulls,
            values,
            contains_nan,
            ..
        } = file.column_stats(column)?.clone();
        // A NaN is outside of every bound.
        let is_bounded = contains_nan != Some(true);
        Some(Self {
            min: min.filter(|_| is_bounded),
            max: max.filter(|_| is_bounded),
            nulls,
            values,
        })
    }

    /// Of a row group, by the file's footer.
    pub(super) fn of_group(
        tail: &Tail,
        group: usize,
        column: i64,
        kind: ColumnType,
    ) -> Option<Self> {
        let Extent {
            bounds,
            nulls,
            values,
        } = tail.extent(group, column, kind)?;
        let (min, max) = bounds.map_or((None, None), |(min, max)| (Some(min), Some(max)));
        Some(Self {
            min,
            max,
            nulls,
            values,
        })
    }

    fn may_be_text(&self, text: &str) -> bool {
        let outside = |bound: &Option<Bound>, side: Ordering| matches!(bound, Some(Bound::Text(bound)) if text.cmp(&**bound) == side);
        !outside(&self.min, Ordering::Less) && !outside(&self.max, Ordering::Greater)
    }
}

/// Whether a file may hold a row with this id.
pub(super) fn may_hold_id(file: &DataFile, id: &str) -> bool {
    Known::of_file(file, SystemColumn::Id.id()).is_none_or(|known| known.may_be_text(id))
}

/// The row groups of a file that may hold a row with this id.
pub(super) fn groups_with_id(tail: &Tail, id: &str) -> Vec<usize> {
    if tail.is_ours() {
        return tail.row_group_of(id).into_iter().collect();
    }
    let may_hold = |group: &usize| {
        let known = Known::of_group(tail, *group, SystemColumn::Id.id(), ColumnType::Text);
        known.is_none_or(|known| known.may_be_text(id))
    };
    (0..tail.row_groups()).filter(may_hold).collect()
}

/// Whether some row can match, by what is `known` of each column; the filter is in negation normal form and resolved.
pub(super) fn may_match(
    filter: &Filter,
    table: &ArchivedTable,
    known: &dyn Fn(i64, ColumnType) -> Option<Known>,
) -> bool {
    match filter {
        Filter::And(parts) => parts.iter().all(|part| may_match(part, table, known)),
        Filter::Or(parts) => parts.iter().any(|part| may_match(part, table, known)),
        Filter::Not(_) => true,
        Filter::Test(path, predicate) => {
            let column = column_of(path, table)
                .and_then(|(column, kind)| Some((known(column, kind)?, kind)));
            column.is_none_or(|(known, kind)| may_hold(predicate, &known, kind))
        }
    }
}

/// The column whose values are exactly the values at a path.
fn column_of(path: &Path, table: &ArchivedTable) -> Option<(i64, ColumnType)> {
    let system = |column: SystemColumn| Some((column.id(), column.kind()));
    match path.root() {
        Root::Id => system(SystemColumn::Id),
        Root::CreatedAt => system(SystemColumn::CreatedAt),
        Root::UpdatedAt => system(SystemColumn::UpdatedAt),
        Root::Fields => {
            let name = path.top_level_field()?;
            let is_copy = |source: &ColumnSource| matches!(source, ColumnSource::Promoted(field) if **field == *name);
            let column = table
                .columns
                .iter()
                .find(|column| is_copy(&column.source))?;
            Some((column.id, column.kind))
        }
        Root::Metadata => None,
    }
}

fn may_hold(predicate: &Predicate, known: &Known, kind: ColumnType) -> bool {
    if matches!(predicate, Predicate::NotExists) {
        return known.nulls != Some(0);
    }
    // Everything else needs a value that is there.
    if known.values == Some(0) {
        return false;
    }
    match predicate {
        Predicate::Compare(comparison, value) => may_compare(*comparison, value, known, kind),
        Predicate::Between {
            low,
            high,
            negated: false,
        } => {
            may_compare(Comparison::Ge, low, known, kind)
                && may_compare(Comparison::Le, high, known, kind)
        }
        Predicate::In {
            items,
            negated: false,
        } => items
            .iter()
            .any(|item| may_compare(Comparison::Eq, item, known, kind)),
        Predicate::StartsWith(prefix) => {
            let below = matches!(&known.max, Some(Bound::Text(max)) if **max < **prefix);
            let above = matches!(&known.min, Some(Bound::Text(min)) if **min > **prefix && !min.starts_with(&**prefix));
            !below && !above
        }
        _ => true,
    }
}

fn may_compare(comparison: Comparison, value: &Value, known: &Known, kind: ColumnType) -> bool {
    let Some((low, high)) = operand(value, kind) else {
        return true;
    };
    // A bound that cannot be compared (a NaN, another type) rules nothing out.
    let min = |order: &[Ordering], operand: &Bound| {
        let order_of_min = known.min.as_ref().and_then(|min| min.compare(operand));
        order_of_min.is_none_or(|found| order.contains(&found))
    };
    let max = |order: &[Ordering], operand: &Bound| {
        let order_of_max = known.max.as_ref().and_then(|max| max.compare(operand));
        order_of_max.is_none_or(|found| order.contains(&found))
    };
    const UP_TO: &[Ordering] = &[Ordering::Less, Ordering::Equal];
    const FROM: &[Ordering] = &[Ordering::Greater, Ordering::Equal];
    match comparison {
        Comparison::Eq => min(UP_TO, &high) && max(FROM, &low),
        Comparison::Lt | Comparison::Le => min(UP_TO, &high),
        Comparison::Gt | Comparison::Ge => max(FROM, &low),
        Comparison::Ne => true,
    }
}

/// Two bounds of a column's type between which an operand lies; none where the column's bounds say nothing about it.
fn operand(value: &Value, kind: ColumnType) -> Option<(Bound, Bound)> {
    match (value, kind) {
        (Value::String(text), ColumnType::Text) => Some(same(Bound::Text(text.clone()))),
        (Value::Bool(value), ColumnType::Boolean) => Some(same(Bound::Boolean(*value))),
        (Value::Number(number), ColumnType::Integer) => number
            .as_str()
            .parse()
            .ok()
            .map(|n| same(Bound::Integer(n))),
        // The nearest double of a decimal is the nearest double of an equal decimal too; orders are kept.
        (Value::Number(number), ColumnType::Double) => {
            number.as_str().parse().ok().map(|n| same(Bound::Double(n)))
        }
        (Value::Instant(instant), kind) => {
            let Instant::At(time) = *instant else {
                return None;
            };
            match kind {
                ColumnType::Time => Some(same(Bound::Time(time.as_microsecond()))),
                ColumnType::Text => Some((
                    day(time.checked_sub(ZONES).ok()?),
                    day(time.checked_add(ZONES_AND_A_DAY).ok()?),
                )),
                _ => None,
            }
        }
        _ => None,
    }
}

fn same(bound: Bound) -> (Bound, Bound) {
    (bound.clone(), bound)
}

/// The UTC day of a time, as the beginning of every ISO 8601 text of that day.
fn day(time: Timestamp) -> Bound {
    Bound::Text(TimeZone::UTC.to_datetime(time).date().to_string().into())
}
