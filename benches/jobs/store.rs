//! Files of SQLite's with records in them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use tempfile::TempDir;
use thermocline::{Database, Op, SqliteDatabase};

use crate::Failure;
use crate::common::data;

/// How many records one batch brings.
const BATCH: u64 = 5_000;

/// A folder for the time of a job, on the disk where the build lies: a temporary one may be memory.
pub(crate) fn folder() -> Result<TempDir, Failure> {
    let program = std::env::current_exe()?;
    let near = program.parent().ok_or("the program lies nowhere")?;
    Ok(tempfile::Builder::new().prefix("bench-").tempdir_in(near)?)
}

/// Writes `records` of our kind into a new file, as a user of ours would.
pub(crate) async fn fill(file: &Path, records: u64) -> Result<SqliteDatabase, Failure> {
    let database = SqliteDatabase::open(file).await?;
    for first in (0..records).step_by(usize::try_from(BATCH)?) {
        let batch = first..records.min(first + BATCH);
        let puts = batch.map(|number| Op::Put(Arc::new(data::record(number))).into());
        database.write(puts.collect()).await?;
    }
    Ok(database)
}

/// A closed file with `records` in it.
pub(crate) async fn file(folder: &TempDir, records: u64) -> Result<PathBuf, Failure> {
    let file = folder.path().join("records.db");
    fill(&file, records).await?.close().await?;
    Ok(file)
}

/// A time as our table spells it.
pub(crate) fn spelled(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S%.6f").to_string()
}
