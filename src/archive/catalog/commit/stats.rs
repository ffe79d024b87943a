//! The table's statistics, kept up with every commit: without them, or with stale ones, DuckDB hides rows.

use std::collections::BTreeMap;

use super::Touched;
use crate::Result;
use crate::archive::catalog::bounds::{End, end_of, wider};
use crate::archive::catalog::change::NewDataFile;
use crate::archive::catalog::dialect::{Kind, Sql, int};
use crate::archive::catalog::rows::{count, insert};
use crate::archive::column::{Column, ColumnSource, ColumnStats};
use crate::catalog_host::HostTransaction;
use crate::sql::SqlValue;

/// What the catalog says of the table as a whole.
#[derive(Debug)]
pub(super) struct Totals {
    rows: u64,
    pub(super) next_row_id: u64,
    bytes: u64,
    is_new: bool,
    columns: BTreeMap<i64, OfColumn>,
}

/// What the catalog says of a column over all files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct OfColumn {
    has_null: bool,
    has_nan: Option<bool>,
    min: Option<String>,
    max: Option<String>,
}

impl Totals {
    pub(super) async fn read(tx: &mut dyn HostTransaction, sql: Sql, table: i64) -> Result<Self> {
        let select = format!(
            "SELECT record_count, next_row_id, file_size_bytes FROM {} WHERE table_id = $1",
            sql.table("ducklake_table_stats")
        );
        let rows = tx.query(&select, &[table.into()]).await?;
        let mut totals = match rows.first() {
            Some(row) => Self {
                rows: count(row, 0)?,
                next_row_id: count(row, 1)?,
                bytes: count(row, 2)?,
                is_new: false,
                columns: BTreeMap::new(),
            },
            None => Self {
                rows: 0,
                next_row_id: 0,
                bytes: 0,
                is_new: true,
                columns: BTreeMap::new(),
            },
        };
        let select = format!(
            "SELECT column_id, {null}, {nan}, min_value, max_value FROM {stats} WHERE table_id = $1",
            null = sql.read("contains_null", Kind::Bool),
            nan = sql.read("contains_nan", Kind::Bool),
            stats = sql.table("ducklake_table_column_stats"),
        );
        for row in tx.query(&select, &[table.into()]).await? {
            let column = OfColumn {
                has_null: row.opt_int(1)?.is_none_or(|value| value != 0),
                has_nan: row.opt_int(2)?.map(|value| value != 0),
                min: row.opt_text(3)?.map(str::to_owned),
                max: row.opt_text(4)?.map(str::to_owned),
            };
            totals.columns.insert(row.int(0)?, column);
        }
        Ok(totals)
    }

    /// Writes what `added` and the ended files make of the statistics.
    pub(super) async fn roll_up(
        mut self,
        tx: &mut dyn HostTransaction,
        sql: Sql,
        touched: &Touched<'_>,
        added: &[NewDataFile],
    ) -> Result<()> {
        if added.is_empty() && touched.ended.is_empty() {
            return Ok(());
        }
        for file in touched.ended.iter().filter_map(|id| touched.base.file(*id)) {
            self.rows = self.rows.saturating_sub(file.rows);
            self.bytes = self.bytes.saturating_sub(file.size);
        }
        for file in added {
            self.rows += file.rows;
            self.next_row_id += file.rows;
            self.bytes += file.size;
        }
        self.write_totals(tx, sql, touched.table_id).await?;
        let mut new = Vec::new();
        for column in &touched.table.columns {
            let known = self.columns.get(&column.id);
            let Some(now) = of_column(known, column, added) else {
                continue;
            };
            if known == Some(&now) {
                continue;
            }
            let values = [
                touched.table_id.into(),
                column.id.into(),
                now.has_null.into(),
                now.has_nan.into(),
                now.min.into(),
                now.max.into(),
            ];
            if known.is_none() {
                new.push(values);
                continue;
            }
            let update = format!(
                "UPDATE {stats} SET contains_null = {null}, contains_nan = {nan}, min_value = $5, max_value = $6 \
                 WHERE table_id = $1 AND column_id = $2",
                stats = sql.table("ducklake_table_column_stats"),
                null = sql.bind(3, Kind::Bool),
                nan = sql.bind(4, Kind::Bool),
            );
            tx.execute(&update, &values).await?;
        }
        insert(tx, sql, "ducklake_table_column_stats", COLUMNS, &new).await?;
        Ok(())
    }

    async fn write_totals(&self, tx: &mut dyn HostTransaction, sql: Sql, table: i64) -> Result<()> {
        let values: [SqlValue; 4] = [
            table.into(),
            int(self.rows),
            int(self.next_row_id),
            int(self.bytes),
        ];
        if self.is_new {
            let columns = ["table_id", "record_count", "next_row_id", "file_size_bytes"];
            insert(tx, sql, "ducklake_table_stats", columns, &[values]).await?;
            return Ok(());
        }
        let update = format!(
            "UPDATE {} SET record_count = $2, next_row_id = $3, file_size_bytes = $4 WHERE table_id = $1",
            sql.table("ducklake_table_stats")
        );
        tx.execute(&update, &values).await?;
        Ok(())
    }
}

const COLUMNS: [&str; 6] = [
    "table_id",
    "column_id",
    "contains_null",
    "contains_nan",
    "min_value",
    "max_value",
];

/// A column's statistics with those of new files added; none where there are none to be kept.
fn of_column(known: Option<&OfColumn>, column: &Column, added: &[NewDataFile]) -> Option<OfColumn> {
    if added.is_empty() || (known.is_none() && column.source == ColumnSource::Foreign) {
        return known.cloned();
    }
    let mut now = known.cloned().unwrap_or_default();
    for file in added {
        match file.stats.iter().find(|stats| stats.column == column.id) {
            Some(stats) => now.add(stats, column),
            // Readers see NULL in it, or the default that the column was added with.
            None => now.has_null = true,
        }
    }
    Some(now)
}

impl OfColumn {
    fn add(&mut self, stats: &ColumnStats, column: &Column) {
        self.has_null |= stats.nulls != Some(0);
        if let Some(nan) = stats.contains_nan {
            self.has_nan = Some(nan || self.has_nan == Some(true));
        }
        let kind = column.kind;
        for (mine, end) in [(&mut self.min, End::Min), (&mut self.max, End::Max)] {
            let Some(other) = end_of(stats, kind, end) else {
                continue;
            };
            *mine = Some(match mine.take() {
                Some(mine) => wider(&mine, &other, kind, end).to_owned(),
                None => other,
            });
        }
    }
}
