//! PostgreSQL, against a real server: `scripts/services` starts one, and `scripts/test` has it do so.

#[cfg(feature = "archive")]
mod archived;
#[cfg(feature = "archive")]
mod bad_catalogs;
mod bad_input;
#[cfg(all(feature = "archive", feature = "faults"))]
mod bench;
mod bulk;
mod concurrency;
mod conformance;
#[cfg(all(feature = "archive", feature = "faults"))]
mod dead_locks;
#[cfg(all(feature = "archive", feature = "faults"))]
mod flush;
mod layout;
#[cfg(all(feature = "archive", feature = "faults"))]
mod moves;
#[cfg(all(feature = "archive", feature = "faults"))]
mod mutations;
mod pooler;
mod restart;
mod scratch;
mod searches;
mod tls;

use thermocline::PostgresDatabase;

#[cfg(feature = "archive")]
pub(crate) use self::archived::archive;
pub(crate) use self::scratch::Scratch;

/// An empty table in a database of its own.
pub(crate) async fn open() -> (PostgresDatabase, Scratch) {
    let scratch = Scratch::new().await;
    (PostgresDatabase::open(&scratch.url).await.unwrap(), scratch)
}

/// The same through the pooler, which gives a session to somebody else after each transaction.
pub(crate) async fn open_pooled() -> (PostgresDatabase, Scratch) {
    let scratch = Scratch::new().await;
    (
        PostgresDatabase::open(&scratch.pooled_url()).await.unwrap(),
        scratch,
    )
}

/// As [`open`], in a database that other tests had.
async fn lent() -> (PostgresDatabase, Scratch) {
    let scratch = Scratch::lent().await;
    (PostgresDatabase::open(&scratch.url).await.unwrap(), scratch)
}

/// As [`open_pooled`], in a database that other tests had.
async fn lent_pooled() -> (PostgresDatabase, Scratch) {
    let scratch = Scratch::lent().await;
    let db = PostgresDatabase::open(&scratch.pooled_url()).await.unwrap();
    (db, scratch)
}
