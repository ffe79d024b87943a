//! What a commit changes.

use std::sync::Arc;

use super::state::{DeadRow, DeleteFile};
use crate::archive::column::ColumnStats;

/// Where one archived row lies.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Place {
    /// In a data file.
    File {
        /// The data file's id.
        file: i64,
        /// The row's position in it, from 0, dead rows counted.
        position: u64,
    },
    /// In a table of the catalog's, where DuckDB keeps small inserts.
    Inlined {
        /// The table.
        table: Arc<str>,
        /// The row's id in it.
        row_id: i64,
    },
}

/// What one snapshot adds and takes away, for one archived table.
#[derive(Debug, Default)]
pub(crate) struct Change {
    /// Segments that become visible.
    pub(crate) added: Vec<NewDataFile>,
    /// Rows that die.
    pub(crate) dead: Vec<Place>,
    /// Whole data files that end, by id.
    pub(crate) ended: Vec<i64>,
    /// Delete files that take the place of inlined deletes, and of the delete file before.
    pub(crate) flushed: Vec<NewDeleteFile>,
}

/// A delete file that was uploaded and is to become the one of its data file.
#[derive(Clone, Debug)]
pub(crate) struct NewDeleteFile {
    /// The data file's id.
    pub(crate) data_file: i64,
    /// Its path from the root of the blob store.
    pub(crate) path: Box<str>,
    /// Rows that it names.
    pub(crate) rows: u64,
    /// Its bytes.
    pub(crate) size: u64,
    /// Bytes of the Parquet footer, without the eight of its trailer.
    pub(crate) footer_size: u64,
    /// The snapshot of the first death in it.
    pub(crate) begin_snapshot: i64,
    /// That of the last death, where it names the snapshot of each.
    pub(crate) partial_max: Option<i64>,
    /// The inlined deletes that it takes over, in the order of their positions.
    pub(crate) inlined: Vec<DeadRow>,
    /// The delete file that it takes the place of.
    pub(crate) replaced: Option<Arc<DeleteFile>>,
}

/// A segment that was uploaded and is to become visible.
#[derive(Clone, Debug)]
pub(crate) struct NewDataFile {
    /// Its path from the root of the blob store.
    pub(crate) path: Box<str>,
    /// The batch of the journal that it was uploaded in.
    pub(crate) batch: Box<str>,
    /// Rows in it, excluded ones too.
    pub(crate) rows: u64,
    /// Its bytes.
    pub(crate) size: u64,
    /// Bytes of the Parquet footer, without the eight of its trailer.
    pub(crate) footer_size: u64,
    /// Bytes from the beginning of the id index to the end of the object.
    pub(crate) tail_length: u64,
    /// What is known of its columns.
    pub(crate) stats: Vec<ColumnStats>,
    /// Promoted columns in which a value did not fit and is NULL, by field id.
    pub(crate) incomplete: Vec<i64>,
    /// Positions that are dead from the start, ascending.
    pub(crate) excluded: Vec<u64>,
}
