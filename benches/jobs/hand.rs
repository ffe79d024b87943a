//! What people write by hand today: a cache in front of sqlx.

use std::path::Path;
use std::sync::Arc;

use moka::future::Cache;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Row, SqlitePool};

use crate::Failure;

/// A row, with its JSON as text: the cheapest that one would write.
#[derive(Clone, Debug)]
#[expect(dead_code, reason = "what a program would use of it")]
pub(crate) struct Stored {
    pub(crate) id: String,
    pub(crate) data: String,
    pub(crate) metadata: Option<String>,
    pub(crate) created_at: Option<String>,
    pub(crate) updated_at: Option<String>,
}

/// The statement that reads one.
pub(crate) const SELECT: &str =
    "SELECT id, data, metadata, created_at, updated_at FROM records WHERE id = ?";

/// A pool of connections with the durability that our own database has.
pub(crate) async fn pool(file: &Path, connections: u32) -> Result<SqlitePool, Failure> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("cache_size", "-32768");
    Ok(SqlitePoolOptions::new()
        .max_connections(connections)
        .connect_with(options)
        .await?)
}

/// Reads one row.
pub(crate) async fn read(pool: &SqlitePool, id: &str) -> Result<Option<Stored>, sqlx::Error> {
    let row = sqlx::query(SELECT).bind(id).fetch_optional(pool).await?;
    row.map(|row| {
        Ok(Stored {
            id: row.try_get(0)?,
            data: row.try_get(1)?,
            metadata: row.try_get(2)?,
            created_at: row.try_get(3)?,
            updated_at: row.try_get(4)?,
        })
    })
    .transpose()
}

/// Read-through: `try_get_with` loads once, however many wait.
#[derive(Clone)]
pub(crate) struct ReadThrough {
    pub(crate) cache: Cache<String, Option<Arc<Stored>>>,
    pub(crate) pool: SqlitePool,
}

impl ReadThrough {
    pub(crate) fn new(pool: SqlitePool) -> Self {
        Self {
            cache: Cache::new(1_000_000),
            pool,
        }
    }

    pub(crate) async fn read(&self, id: &str) -> Result<Option<Arc<Stored>>, Arc<sqlx::Error>> {
        let load = async { Ok(read(&self.pool, id).await?.map(Arc::new)) };
        self.cache.try_get_with_by_ref(id, load).await
    }
}
