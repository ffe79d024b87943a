//! Searching.

use super::SqliteDatabase;
use super::lease::Lease;
use crate::{Error, Query, RecordStream, Result};

pub(super) async fn stream(
    _database: &SqliteDatabase,
    _lease: Lease,
    _query: Query,
) -> Result<RecordStream> {
    Err(Error::unsupported("not built yet"))
}

pub(super) async fn count(
    _database: &SqliteDatabase,
    _lease: &mut Lease,
    _query: &Query,
) -> Result<u64> {
    Err(Error::unsupported("not built yet"))
}
