//! The room that a file takes, and giving freed room back to the disk.

use std::path::Path;

use super::lease::Lease;
use super::pool::Seats;
use super::row::{Args, sql_row};
use crate::catalog_host::Storage;
use crate::{Error, Result};

/// Pages that one step gives back: it holds the write lock for some twenty milliseconds, most of it the disk's.
const PAGES_PER_STEP: u64 = 1024;

/// How a file gives freed pages back: the values of `PRAGMA auto_vacuum`.
const NEVER: i64 = 0;
const WHEN_ASKED: i64 = 2;

/// The room that a table's file takes.
pub(super) async fn storage(lease: &mut Lease, table: &str) -> Result<Storage> {
    let rows = number(lease, &format!("SELECT count(*) FROM {table}")).await?;
    let space = Space::of(lease).await?;
    let mut bytes = 0;
    for suffix in ["", "-wal"] {
        bytes += size(lease.file(), suffix)?;
    }
    Ok(Storage {
        rows,
        bytes,
        free_bytes: space.free * space.page,
        remedy: (space.auto_vacuum == NEVER).then(|| {
            format!(
                "freed space is reused, not returned to the disk; to return it, stop the writers and run: \
                 sqlite3 '{}' 'PRAGMA auto_vacuum = INCREMENTAL; VACUUM'",
                lease.file().display()
            )
        }),
    })
}

/// Gives at most `bytes` back, step by step so that writers come in between; how many it gave.
pub(super) async fn release(writer: &Seats, bytes: u64) -> Result<u64> {
    let mut given = 0;
    loop {
        let mut lease = Lease::new(writer).await?;
        let before = Space::of(&mut lease).await?;
        let wanted = (bytes - given).div_ceil(before.page).min(PAGES_PER_STEP);
        if before.auto_vacuum != WHEN_ASKED || before.free == 0 || wanted == 0 {
            // The file itself shrinks when the log is written back into it.
            number(&mut lease, "PRAGMA main.wal_checkpoint(PASSIVE)").await?;
            return Ok(given);
        }
        let sql = format!("PRAGMA main.incremental_vacuum({wanted})");
        lease.execute(&sql.into(), Args::default().finish()).await?;
        let after = Space::of(&mut lease).await?;
        if after.free >= before.free {
            return Ok(given);
        }
        given = bytes.min(given + (before.free - after.free) * before.page);
    }
}

struct Space {
    page: u64,
    free: u64,
    auto_vacuum: i64,
}

impl Space {
    async fn of(lease: &mut Lease) -> Result<Self> {
        let sql = "SELECT (SELECT page_size FROM pragma_page_size), (SELECT freelist_count FROM pragma_freelist_count), \
                   (SELECT auto_vacuum FROM pragma_auto_vacuum)";
        let rows = lease.fetch(&sql.into(), Args::default().finish()).await?;
        let row = rows
            .first()
            .map(sql_row)
            .transpose()?
            .unwrap_or_else(|| crate::SqlRow(Vec::new()));
        Ok(Self {
            page: row.int(0)?.unsigned_abs().max(1),
            free: row.int(1)?.unsigned_abs(),
            auto_vacuum: row.int(2)?,
        })
    }
}

async fn number(lease: &mut Lease, sql: &str) -> Result<u64> {
    let rows = lease.fetch(&sql.into(), Args::default().finish()).await?;
    let row = rows.first().map(sql_row).transpose()?;
    Ok(row.map_or(Ok(0), |row| row.int(0))?.unsigned_abs())
}

fn size(file: &Path, suffix: &str) -> Result<u64> {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    match std::fs::metadata(&name) {
        Ok(metadata) => Ok(metadata.len()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(
            Error::unavailable("the size of the database file cannot be read")
                .with("file", Path::new(&name).display())
                .with_source(error),
        ),
    }
}
