//! Connections: a pool that neither pings nor waits to take one back.
//!
//! A connection is a thread of the driver's that works off its commands in order. So a lease that is dropped, at whatever
//! moment, sends a `ROLLBACK` after what is under way and is home at once; whoever takes the connection next stands behind
//! it in the same order. What is under way is interrupted first: nobody waits for its answer.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::FutureExt;
use parking_lot::Mutex;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor, SqliteConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error;
use crate::{Error, ErrorKind, Result};

/// How many instructions of SQLite's machine lie between two looks at whether anybody still waits.
const INSTRUCTIONS_PER_LOOK: i32 = 2_000;

/// Connections with the same options.
#[derive(Debug)]
pub(super) struct Pool {
    file: Arc<Path>,
    options: SqliteConnectOptions,
    parked: Mutex<Parked>,
}

#[derive(Debug, Default)]
struct Parked {
    open: Vec<Open>,
    closed: bool,
}

/// So many connections of a [`Pool`] at once; several kinds of work share one pool and do not starve each other.
#[derive(Clone, Debug)]
pub(super) struct Seats {
    pool: Arc<Pool>,
    seats: Arc<Semaphore>,
    size: u32,
}

#[derive(Debug)]
pub(super) struct Open {
    pub(super) connection: SqliteConnection,
    /// Interrupts the statement under way, while it is set.
    interrupted: Arc<AtomicBool>,
}

impl Pool {
    pub(super) fn new(file: Arc<Path>, options: SqliteConnectOptions) -> Arc<Self> {
        Arc::new(Self {
            file,
            options: options.disable_statement_logging(),
            parked: Mutex::default(),
        })
    }

    pub(super) fn seats(self: &Arc<Self>, size: u32) -> Seats {
        Seats {
            pool: Arc::clone(self),
            seats: Arc::new(Semaphore::new(size as usize)),
            size,
        }
    }

    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    async fn connect(&self) -> Result<Open> {
        let ours = |error| error::from_driver(&self.file, error);
        let mut connection = self.options.connect().await.map_err(ours)?;
        let interrupted = Arc::new(AtomicBool::new(false));
        let watched = Arc::clone(&interrupted);
        connection
            .lock_handle()
            .await
            .map_err(ours)?
            .set_progress_handler(INSTRUCTIONS_PER_LOOK, move || {
                !watched.load(Ordering::Relaxed)
            });
        Ok(Open {
            connection,
            interrupted,
        })
    }

    /// Takes a connection back, in whatever state the work left it.
    pub(super) fn park(&self, mut open: Open, left: Left) {
        if left == Left::Running {
            open.interrupted.store(true, Ordering::Relaxed);
        }
        if left != Left::Clean {
            // The first poll sends the command; its answer, an error where nothing is open, is for nobody.
            let rollback = open.connection.execute(sqlx::raw_sql("ROLLBACK"));
            let _ = rollback.now_or_never();
        }
        let mut parked = self.parked.lock();
        if !parked.closed {
            parked.open.push(open);
        }
    }
}

/// What a piece of work left behind on its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    Clean,
    /// A transaction that is to be rolled back.
    Transaction,
    /// A statement, perhaps in a transaction.
    Running,
}

impl Open {
    /// Ends the statement under way and waits until it has ended.
    pub(super) async fn settle(&mut self) -> Result<(), sqlx::Error> {
        self.interrupted.store(true, Ordering::Relaxed);
        let answered = self.connection.ping().await;
        self.interrupted.store(false, Ordering::Relaxed);
        answered
    }

    fn is_settled(&self) -> bool {
        !self.interrupted.load(Ordering::Relaxed)
    }
}

impl Seats {
    /// Waits for a seat and takes a connection, a parked one or a new one.
    pub(super) async fn take(&self) -> Result<(Open, OwnedSemaphorePermit, Arc<Pool>)> {
        let permit = Arc::clone(&self.seats)
            .acquire_owned()
            .await
            .map_err(|_| self.is_closed())?;
        let parked = self.pool.parked.lock().open.pop();
        let open = match parked {
            Some(open) if open.is_settled() => open,
            Some(mut open) => match open.settle().await {
                Ok(()) => open,
                // Its thread is gone; another one starts.
                Err(_) => self.pool.connect().await?,
            },
            None => self.pool.connect().await?,
        };
        Ok((open, permit, Arc::clone(&self.pool)))
    }

    /// Lets nobody in any more, waits at most `patience` for those who are in, and closes the connections.
    ///
    /// Whoever stays longer closes his connection when he leaves.
    pub(super) async fn close(&self, patience: Duration) {
        let everybody = self.seats.acquire_many(self.size);
        let _all_gone = tokio::time::timeout(patience, everybody).await;
        self.seats.close();
        let open = {
            let mut parked = self.pool.parked.lock();
            parked.closed = true;
            std::mem::take(&mut parked.open)
        };
        for open in open {
            // All was committed or rolled back: a connection that cannot close has nothing to lose.
            let _ = open.connection.close().await;
        }
    }

    fn is_closed(&self) -> Error {
        Error::new(ErrorKind::Closed, "the database was closed")
            .with("file", self.pool.file.display())
    }
}
