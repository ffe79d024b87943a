//! The jobs, one file each.

mod flight;
mod hand;
mod hot;
mod lookup;
#[cfg(feature = "postgres")]
mod postgres;
mod readthrough;
#[cfg(feature = "s3")]
mod s3;
mod search;
mod segment;
mod sqlite;
mod store;
mod whole_move;

use crate::common::table::Row;
use crate::{Amount, Failure};

/// One job.
pub(crate) struct Job {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) run: fn(Amount) -> Result<Vec<Row>, Failure>,
}

/// All of them, in the order in which they run.
pub(crate) const JOBS: &[Job] = &[
    Job {
        name: "hot",
        about: "a hit in the hot tier, against moka, quick_cache and a map",
        run: hot::run,
    },
    Job {
        name: "flight",
        about: "a thousand readers of one cold key, and ids that no tier has",
        run: flight::run,
    },
    Job {
        name: "readthrough",
        about: "reads of which 90, 99 and 100 % are hits, against a cache written by hand and SQLite alone",
        run: readthrough::run,
    },
    Job {
        name: "sqlite",
        about: "point reads, point writes and bulk loads, against sqlx and rusqlite",
        run: sqlite::run,
    },
    #[cfg(feature = "postgres")]
    Job {
        name: "postgres",
        about: "point reads, batches, streams and searches, against sqlx, tokio-postgres, pgbench and COPY",
        run: postgres::run,
    },
    Job {
        name: "segment",
        about: "encoding and decoding segments, and their size, against the Arrow writer and DuckDB",
        run: segment::run,
    },
    Job {
        name: "lookup",
        about: "one archived record by id, fifty by time: requests, bytes and CPU, against DuckDB and DataFusion",
        run: lookup::run,
    },
    Job {
        name: "move",
        about: "the whole move of the flights and of a million records, against DuckDB COPY and DELETE",
        run: whole_move::run,
    },
    #[cfg(feature = "s3")]
    Job {
        name: "s3",
        about: "lookups in a bucket against DuckDB and DataFusion, PUT and GET against the SDK alone",
        run: s3::run,
    },
    Job {
        name: "search",
        about: "sorted and limited searches over both tiers, against SQLite alone and DuckDB over both",
        run: search::run,
    },
];

/// A runtime of so many threads; with one, everything is done by the caller's.
pub(crate) fn runtime(threads: usize) -> Result<tokio::runtime::Runtime, Failure> {
    let mut builder = match threads {
        1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    Ok(builder
        .worker_threads(threads.max(1))
        .enable_all()
        .build()?)
}
