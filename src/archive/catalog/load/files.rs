//! Data files, what is known of their columns, and the delete files beside them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Source, Span, resolve};
use crate::archive::catalog::bounds::from_text;
use crate::archive::catalog::dialect::Kind;
use crate::archive::catalog::meta::metadata;
use crate::archive::catalog::rows::{count, list, opt_count};
use crate::archive::catalog::state::{ArchivedTable, DataFile, DeleteFile};
use crate::archive::column::ColumnStats;
use crate::catalog_host::HostTransaction;
use crate::sql::SqlRow;
use crate::{Error, Result};

/// Reads the files of one table.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    pub(super) source: Source<'a>,
    pub(super) table: &'a ArchivedTable,
    pub(super) id: i64,
    /// The snapshot that is read.
    pub(super) snapshot: i64,
}

/// Data files that became visible, and those that ceased to be.
#[derive(Debug, Default)]
pub(super) struct Changed {
    pub(super) begun: BTreeMap<i64, DataFile>,
    pub(super) ended: Vec<i64>,
}

impl Reader<'_> {
    /// Data files with their statistics, and without their dead rows.
    pub(super) async fn files(&self, tx: &mut dyn HostTransaction, span: Span) -> Result<Changed> {
        let sql = self.source.sql;
        let condition = match span {
            Span::Live => "f.end_snapshot IS NULL".to_owned(),
            Span::Since(snapshot) => {
                format!("(f.begin_snapshot > {snapshot} OR f.end_snapshot > {snapshot})")
            }
        };
        let select = format!(
            "SELECT f.data_file_id, f.path, {relative}, f.file_format, f.record_count, f.file_size_bytes, \
             f.footer_size, f.row_id_start, f.encryption_key, f.mapping_id, f.partial_max, f.begin_snapshot, \
             f.end_snapshot, s.tail_length, s.incomplete \
             FROM {files} f LEFT JOIN {segments} s ON s.data_file_id = f.data_file_id \
             WHERE f.table_id = $1 AND {condition}",
            relative = sql.read("f.path_is_relative", Kind::Bool),
            files = sql.table("ducklake_data_file"),
            segments = sql.table("thermocline_segment"),
        );
        let data_path = metadata(tx, sql, "data_path").await?.unwrap_or_default();
        let mut changed = Changed::default();
        for row in tx.query(&select, &[self.id.into()]).await? {
            if row.opt_int(12)?.is_some() {
                changed.ended.push(row.int(0)?);
            } else {
                changed
                    .begun
                    .insert(row.int(0)?, self.file(&row, &data_path)?);
            }
        }
        if !changed.begun.is_empty() {
            self.add_stats(tx, span, &mut changed.begun).await?;
        }
        Ok(changed)
    }

    fn file(&self, row: &SqlRow, data_path: &str) -> Result<DataFile> {
        let path = self.path(row.text(1)?, row.int(2)? != 0, data_path)?;
        let refuse = |what: &'static str| Err(Error::unsupported(what).with("path", &path));
        if row.opt_text(3)?.is_some_and(|format| format != "parquet") {
            return refuse("another program registered a data file that is not Parquet");
        }
        if row.opt_text(8)?.is_some() {
            return refuse("another program registered an encrypted data file");
        }
        if row.opt_int(9)?.is_some() {
            return refuse(
                "another program registered a file whose columns are matched by name; \
                 read it into the table with INSERT instead",
            );
        }
        self.check_partial(row.opt_int(10)?, &path)?;
        let incomplete = match row.opt_text(14)? {
            Some(ids) => ids.split(',').filter_map(|id| id.parse().ok()).collect(),
            // Another program's promoted columns need not agree with the fields.
            None => self.table.promoted().map(|column| column.id).collect(),
        };
        Ok(DataFile {
            id: row.int(0)?,
            path: path.into(),
            rows: count(row, 4)?,
            size: count(row, 5)?,
            footer_size: opt_count(row, 6)?,
            tail_length: opt_count(row, 13)?,
            begin_snapshot: row.int(11)?,
            row_id_start: row.opt_int(7)?,
            stats: Arc::new([]),
            incomplete,
            dead: Arc::new([]),
            delete_file: None,
        })
    }

    async fn add_stats(
        &self,
        tx: &mut dyn HostTransaction,
        span: Span,
        files: &mut BTreeMap<i64, DataFile>,
    ) -> Result<()> {
        let sql = self.source.sql;
        let condition = match span {
            Span::Live => format!(
                "SELECT data_file_id FROM {} WHERE table_id = $1 AND end_snapshot IS NULL",
                sql.table("ducklake_data_file")
            ),
            Span::Since(_) => list(files.keys().copied()),
        };
        let select = format!(
            "SELECT data_file_id, column_id, column_size_bytes, value_count, null_count, min_value, max_value, {nan} \
             FROM {stats} WHERE table_id = $1 AND data_file_id IN ({condition}) \
             ORDER BY data_file_id, column_id",
            nan = sql.read("contains_nan", Kind::Bool),
            stats = sql.table("ducklake_file_column_stats"),
        );
        let mut stats: BTreeMap<i64, Vec<ColumnStats>> = BTreeMap::new();
        for row in tx.query(&select, &[self.id.into()]).await? {
            let column = row.int(1)?;
            let Some(column) = self.table.column(column) else {
                continue;
            };
            let bound = |index| -> Result<_> {
                Ok(row
                    .opt_text(index)?
                    .and_then(|text| from_text(text, column.kind)))
            };
            stats.entry(row.int(0)?).or_default().push(ColumnStats {
                column: column.id,
                bytes: opt_count(&row, 2)?,
                values: opt_count(&row, 3)?,
                nulls: opt_count(&row, 4)?,
                min: bound(5)?,
                max: bound(6)?,
                contains_nan: row.opt_int(7)?.map(|value| value != 0),
            });
        }
        for (id, stats) in stats {
            if let Some(file) = files.get_mut(&id) {
                file.stats = stats.into();
            }
        }
        Ok(())
    }

    /// The live delete files, by the data file that each belongs to.
    pub(super) async fn delete_files(
        &self,
        tx: &mut dyn HostTransaction,
    ) -> Result<BTreeMap<i64, DeleteFile>> {
        let sql = self.source.sql;
        let select = format!(
            "SELECT delete_file_id, data_file_id, path, {relative}, format, delete_count, file_size_bytes, \
             footer_size, encryption_key, partial_max, begin_snapshot \
             FROM {files} WHERE table_id = $1 AND end_snapshot IS NULL",
            relative = sql.read("path_is_relative", Kind::Bool),
            files = sql.table("ducklake_delete_file"),
        );
        let rows = tx.query(&select, &[self.id.into()]).await?;
        let data_path = metadata(tx, sql, "data_path").await?.unwrap_or_default();
        let mut files = BTreeMap::new();
        for row in rows {
            let path = self.path(row.text(2)?, row.int(3)? != 0, &data_path)?;
            if row.opt_text(4)?.is_some_and(|format| format != "parquet")
                || row.opt_text(8)?.is_some()
            {
                return Err(Error::unsupported(
                    "another program wrote a delete file that is encrypted or not Parquet",
                )
                .with("path", &path));
            }
            self.check_partial(row.opt_int(9)?, &path)?;
            let file = DeleteFile {
                id: row.int(0)?,
                path: path.as_str().into(),
                rows: count(&row, 5)?,
                size: count(&row, 6)?,
                footer_size: opt_count(&row, 7)?,
                begin_snapshot: row.int(10)?,
            };
            if files.insert(row.int(1)?, file).is_some() {
                return Err(Error::corrupt(
                    "two delete files are live for one data file; which rows are dead is unknown",
                )
                .with("path", &path));
            }
        }
        Ok(files)
    }

    fn path(&self, path: &str, is_relative: bool, data_path: &str) -> Result<String> {
        resolve(
            path,
            is_relative,
            &self.table.path,
            &[self.source.root, data_path],
        )
    }

    /// A file that DuckDB merged tells the snapshot of each of its rows. At the newest snapshot all of them count, so
    /// they need not be read; a file from the future of the snapshot that is read would be another matter.
    fn check_partial(&self, partial_max: Option<i64>, path: &str) -> Result<()> {
        match partial_max {
            Some(last) if last > self.snapshot => Err(Error::unsupported(
                "a file holds rows of later snapshots than the one that is read",
            )
            .with("path", path)
            .with("snapshot", self.snapshot)),
            _ => Ok(()),
        }
    }
}
