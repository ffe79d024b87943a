//! The catalog: which segments exist, which of their rows are dead, in the tables of DuckLake 1.0.

mod change;
mod state;

pub(crate) use self::change::{Change, NewDataFile, Place};
pub(crate) use self::state::{
    ArchivedTable, CatalogState, DataFile, DeadRow, DeleteFile, InlinedRow, SnapshotKey,
};
