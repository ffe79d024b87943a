//! Segments that become visible.

use super::Touched;
use super::kill::DELETE_COLUMNS;
use super::stats::Totals;
use crate::Result;
use crate::archive::catalog::bounds::{End, end_of};
use crate::archive::catalog::change::NewDataFile;
use crate::archive::catalog::dialect::{Sql, int};
use crate::archive::catalog::load::delete_table;
use crate::archive::catalog::rows::{insert, list};
use crate::catalog_host::HostTransaction;
use crate::fault::mutation;
use crate::sql::SqlValue;

/// Registers segments, their statistics, and the rows in them that are dead from the start.
pub(super) async fn files(
    tx: &mut dyn HostTransaction,
    sql: Sql,
    touched: &Touched<'_>,
    added: &[NewDataFile],
    snapshot: i64,
    first_id: i64,
    totals: &Totals,
) -> Result<()> {
    let table = touched.table_id;
    let mut files = Vec::new();
    let mut segments = Vec::new();
    let mut stats = Vec::new();
    let mut excluded = Vec::new();
    let mut row_id = totals.next_row_id;
    for (id, file) in (first_id..).zip(added) {
        let path = touched.within_table(&file.path)?;
        files.push([
            id.into(),
            table.into(),
            snapshot.into(),
            path.into(),
            true.into(),
            "parquet".into(),
            int(file.rows),
            int(file.size),
            int(file.footer_size),
            int(row_id),
        ]);
        row_id += file.rows;
        segments.push([
            id.into(),
            file.batch.as_ref().into(),
            int(file.tail_length),
            list(file.incomplete.iter().copied()).into(),
        ]);
        stats.extend(column_stats(touched, id, file));
        if !mutation("excluded_forgotten") {
            excluded.extend(
                file.excluded
                    .iter()
                    .map(|at| [id.into(), int(*at), snapshot.into()]),
            );
        }
    }
    insert(tx, sql, "ducklake_data_file", FILE_COLUMNS, &files).await?;
    insert(tx, sql, "ducklake_file_column_stats", STATS_COLUMNS, &stats).await?;
    insert(tx, sql, &delete_table(table), DELETE_COLUMNS, &excluded).await?;
    let columns = ["data_file_id", "batch", "tail_length", "incomplete"];
    insert(tx, sql, "thermocline_segment", columns, &segments).await?;
    Ok(())
}

fn column_stats<'a>(
    touched: &'a Touched<'_>,
    id: i64,
    file: &'a NewDataFile,
) -> impl Iterator<Item = [SqlValue; 9]> + 'a {
    file.stats.iter().filter_map(move |stats| {
        let kind = touched.table.column(stats.column)?.kind;
        Some([
            id.into(),
            touched.table_id.into(),
            stats.column.into(),
            stats.bytes.map_or(SqlValue::Null, int),
            stats.values.map_or(SqlValue::Null, int),
            stats.nulls.map_or(SqlValue::Null, int),
            end_of(stats, kind, End::Min).into(),
            end_of(stats, kind, End::Max).into(),
            stats.contains_nan.into(),
        ])
    })
}

const FILE_COLUMNS: [&str; 10] = [
    "data_file_id",
    "table_id",
    "begin_snapshot",
    "path",
    "path_is_relative",
    "file_format",
    "record_count",
    "file_size_bytes",
    "footer_size",
    "row_id_start",
];

const STATS_COLUMNS: [&str; 9] = [
    "data_file_id",
    "table_id",
    "column_id",
    "column_size_bytes",
    "value_count",
    "null_count",
    "min_value",
    "max_value",
    "contains_nan",
];
