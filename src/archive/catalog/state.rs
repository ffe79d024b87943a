//! What the catalog says of one archived table at one snapshot.

use std::sync::Arc;

use crate::Record;
use crate::archive::column::{Column, ColumnSource, ColumnStats};
use crate::fault::mutation;

/// What tells one state of the catalog from every other: a cached state counts only where all of it is equal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SnapshotKey {
    /// Which history the ids belong to; a restore of the database begins another.
    pub(crate) incarnation: Arc<str>,
    /// The snapshot's id.
    pub(crate) id: i64,
    /// The snapshot's time, as the catalog holds it.
    pub(crate) time: Box<str>,
}

impl SnapshotKey {
    /// Whether a cached state with this key is the state of `other`.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self == other || (mutation("cache_without_incarnation") && self.id == other.id)
    }
}

/// One archived table at one snapshot. It never changes; the next snapshot has a state of its own.
#[derive(Debug)]
pub(crate) struct CatalogState {
    /// The snapshot.
    pub(crate) key: SnapshotKey,
    /// The table and its columns.
    pub(crate) table: Arc<ArchivedTable>,
    /// The data files that are visible, by id.
    pub(crate) files: Vec<Arc<DataFile>>,
    /// The rows that DuckDB keeps in tables of the catalog, live ones only.
    pub(crate) inlined: Arc<[InlinedRow]>,
}

/// A table of the DuckLake that holds one collection.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ArchivedTable {
    /// Its id; none before its first segment.
    pub(crate) id: Option<i64>,
    /// The table's name today.
    pub(crate) name: Box<str>,
    /// Where its files lie, from the root of the blob store, ending in `/`.
    pub(crate) path: Box<str>,
    /// Its columns, in the order of their ids.
    pub(crate) columns: Vec<Column>,
}

impl ArchivedTable {
    /// The column of a field id.
    pub(crate) fn column(&self, id: i64) -> Option<&Column> {
        self.columns.iter().find(|column| column.id == id)
    }

    /// The columns that are copies of fields.
    pub(crate) fn promoted(&self) -> impl Iterator<Item = &Column> {
        self.columns
            .iter()
            .filter(|column| matches!(column.source, ColumnSource::Promoted(_)))
    }
}

/// A data file that is visible at a snapshot.
#[derive(Clone, Debug)]
pub(crate) struct DataFile {
    /// Its id, never used again.
    pub(crate) id: i64,
    /// Its path from the root of the blob store.
    pub(crate) path: Arc<str>,
    /// Rows in it, dead ones too.
    pub(crate) rows: u64,
    /// Its bytes.
    pub(crate) size: u64,
    /// Bytes of the Parquet footer, without the eight of its trailer; unknown for some files of others.
    pub(crate) footer_size: Option<u64>,
    /// Bytes from the beginning of the id index to the end; none where another program wrote the file.
    pub(crate) tail_length: Option<u64>,
    /// The snapshot that it became visible with.
    pub(crate) begin_snapshot: i64,
    /// The DuckLake row id of its first row; none where the file holds row ids of its own.
    pub(crate) row_id_start: Option<i64>,
    /// What is known of its columns, in the order of their ids.
    pub(crate) stats: Arc<[ColumnStats]>,
    /// Promoted columns that do not tell everything (a value did not fit, or another program wrote the file), by field
    /// id; only bounds of the others may prune.
    pub(crate) incomplete: Arc<[i64]>,
    /// The rows that are dead by the catalog's SQL, in the order of their positions.
    pub(crate) dead: Arc<[DeadRow]>,
    /// The Parquet file that names more dead rows.
    pub(crate) delete_file: Option<Arc<DeleteFile>>,
}

/// A dead row of a data file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DeadRow {
    /// Its position in the file, from 0.
    pub(crate) position: u64,
    /// The snapshot that it died with.
    pub(crate) snapshot: i64,
}

/// A Parquet file that names dead rows of one data file; all of them are dead at the state's snapshot.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct DeleteFile {
    /// Its id.
    pub(crate) id: i64,
    /// Its path from the root of the blob store.
    pub(crate) path: Arc<str>,
    /// How many rows it names.
    pub(crate) rows: u64,
    /// Its bytes.
    pub(crate) size: u64,
    /// Bytes of its Parquet footer, without the eight of its trailer.
    pub(crate) footer_size: Option<u64>,
    /// The snapshot from which it counts: rows of it that tell no snapshot of their own died with this one.
    pub(crate) begin_snapshot: i64,
}

/// A live row that DuckDB keeps in a table of the catalog.
#[derive(Clone, Debug)]
pub(crate) struct InlinedRow {
    /// The table.
    pub(crate) table: Arc<str>,
    /// The row's id in it.
    pub(crate) row_id: i64,
    /// The snapshot that it became visible with.
    pub(crate) begin_snapshot: i64,
    /// The record in it.
    pub(crate) record: Arc<Record>,
}

impl CatalogState {
    /// The data file of an id, if it is visible.
    pub(crate) fn file(&self, id: i64) -> Option<&Arc<DataFile>> {
        let index = self.files.binary_search_by_key(&id, |file| file.id).ok()?;
        self.files.get(index)
    }
}

impl DataFile {
    /// What is known of a column, by field id.
    pub(crate) fn column_stats(&self, column: i64) -> Option<&ColumnStats> {
        let index = self
            .stats
            .binary_search_by_key(&column, |stats| stats.column)
            .ok()?;
        self.stats.get(index)
    }

    /// Whether the bounds of a promoted column tell of every record in the file.
    pub(crate) fn is_complete(&self, column: i64) -> bool {
        self.incomplete.binary_search(&column).is_err()
    }
}
