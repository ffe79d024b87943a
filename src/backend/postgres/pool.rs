//! Connections: a pool that asks nothing of the server to take one or to give it back.
//!
//! A connection that was left in a transaction is rolled back by a task of its own before anybody gets it again; whoever
//! finds no other waits a moment for it, which is sooner than a new one. One on which a statement was still under way is
//! closed: its answer is for nobody, and the server ends what it did for it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};
use tokio::sync::oneshot::{self, error::TryRecvError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::{self, About};
use super::row;
use super::server::Server;
use crate::{Error, ErrorKind, Result};

/// After so long without work a connection is asked whether it is still one: networks forget, servers restart.
const TRUSTED: Duration = Duration::from_millis(100);

/// How long to wait for a connection on its way back: one round trip for most, and less than a new connection takes.
const RETURN: Duration = Duration::from_millis(20);

/// How long things may take.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    /// Making a connection, and waiting for one.
    pub(super) connect: Duration,
    /// One statement.
    pub(super) statement: Duration,
    /// Waiting for a lock.
    pub(super) lock: Duration,
    /// One search, with all that its reader does meanwhile.
    pub(super) search: Duration,
}

impl Limits {
    fn begin(&self, server: &Server) -> String {
        let begin = "BEGIN ISOLATION LEVEL READ COMMITTED";
        if !server.is_pooled {
            return begin.to_owned();
        }
        format!(
            "{begin}; SET LOCAL statement_timeout = {}; SET LOCAL lock_timeout = {}",
            self.statement.as_millis(),
            self.lock.as_millis()
        )
    }

    /// What begins a search that may take long.
    pub(super) fn begin_search(&self) -> String {
        let millis = self.search.as_millis();
        format!(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = {millis}"
        )
    }
}

/// Connections with the same settings.
#[derive(Debug)]
pub(super) struct Pool {
    server: Server,
    options: Hidden,
    /// How long to wait for a connection, and for a seat.
    patience: Duration,
    /// What begins an ordinary transaction.
    begin: Box<str>,
    parked: Mutex<Parked>,
}

/// The driver's settings, with the password in them.
struct Hidden(PgConnectOptions);

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("..")
    }
}

#[derive(Debug, Default)]
struct Parked {
    open: Vec<Idle>,
    /// Those whose transaction is being ended; each is waited for by one at most.
    on_their_way: VecDeque<oneshot::Receiver<Idle>>,
    closed: bool,
}

/// A connection that nobody uses, and since when.
type Idle = (PgConnection, Instant);

/// The way back of a connection whose transaction is being ended; dropping it says that it will not come.
#[derive(Debug)]
pub(super) struct WayBack {
    pool: Arc<Pool>,
    arrival: oneshot::Sender<Idle>,
}

/// So many connections of a [`Pool`] at once; several kinds of work share one pool and do not starve each other.
#[derive(Clone, Debug)]
pub(super) struct Seats {
    pool: Arc<Pool>,
    seats: Arc<Semaphore>,
    size: u32,
}

impl Pool {
    pub(super) fn new(server: Server, limits: &Limits) -> Arc<Self> {
        let options = server.options(limits.statement, limits.lock);
        Arc::new(Self {
            begin: limits.begin(&server).into(),
            server,
            options: Hidden(options),
            patience: limits.connect,
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

    pub(super) fn server(&self) -> &Server {
        &self.server
    }

    /// What begins an ordinary transaction.
    pub(super) fn begin(&self) -> &str {
        &self.begin
    }

    pub(super) async fn connect(&self) -> Result<PgConnection> {
        let connect = async {
            let mut connection = self.options.0.connect().await?;
            if self.server.is_pooled {
                row::learn_types(&mut connection).await?;
            }
            Ok(connection)
        };
        match tokio::time::timeout(self.patience, connect).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) => Err(error::from_driver(&self.server, About::Connecting, error)),
            Err(_) => Err(Error::unavailable(
                "the server does not answer; check host, port and firewalls",
            )
            .with("server", &self.server)
            .with("waited", format_args!("{:?}", self.patience))),
        }
    }

    /// Takes a connection back that is ready for the next piece of work.
    pub(super) fn park(&self, connection: PgConnection) {
        let mut parked = self.parked.lock();
        if !parked.closed {
            parked.open.push((connection, Instant::now()));
        }
    }

    /// Announces a connection that will be ready before long.
    pub(super) fn expect(self: &Arc<Self>) -> WayBack {
        let (arrival, arrives) = oneshot::channel();
        let mut parked = self.parked.lock();
        if !parked.closed {
            parked.on_their_way.push_back(arrives);
        }
        drop(parked);
        WayBack {
            pool: Arc::clone(self),
            arrival,
        }
    }

    /// A connection that waits, or the next to come back.
    async fn idle(&self) -> Option<Idle> {
        let deadline = tokio::time::Instant::now() + RETURN;
        loop {
            let arrives = {
                let mut parked = self.parked.lock();
                if let Some(idle) = parked.open.pop() {
                    return Some(idle);
                }
                parked.on_their_way.pop_front()?
            };
            match tokio::time::timeout_at(deadline, arrives).await {
                Ok(Ok(idle)) => return Some(idle),
                // It was lost on its way.
                Ok(Err(_)) => {}
                Err(_) => return None,
            }
        }
    }

    /// Forgets every connection that waits: one of them was found dead, and they mostly die together.
    pub(super) fn forget(&self) {
        let waiting = self.parked.lock().take();
        drop(waiting);
    }

    /// How long to wait for the server, and for a seat.
    pub(super) fn patience(&self) -> Duration {
        self.patience
    }
}

impl Parked {
    /// All that wait; those on their way stay on it.
    fn take(&mut self) -> Vec<Idle> {
        let mut waiting = std::mem::take(&mut self.open);
        self.on_their_way.retain_mut(|way| match way.try_recv() {
            Ok(idle) => {
                waiting.push(idle);
                false
            }
            Err(nothing) => nothing == TryRecvError::Empty,
        });
        waiting
    }
}

impl WayBack {
    /// Hands the connection to whoever waits for it, or keeps it for the next.
    pub(super) fn arrive(self, connection: PgConnection) {
        if let Err((connection, _)) = self.arrival.send((connection, Instant::now())) {
            self.pool.park(connection);
        }
    }
}

impl Seats {
    /// Waits for a seat and takes a connection, a parked one or a new one; whether it was parked.
    pub(super) async fn take(&self) -> Result<(PgConnection, OwnedSemaphorePermit, bool)> {
        let permit = self.seat().await?;
        if let Some((mut connection, since)) = self.pool.idle().await {
            if since.elapsed() < TRUSTED || self.answers(&mut connection).await {
                return Ok((connection, permit, true));
            }
            self.pool.forget();
        }
        Ok((self.pool.connect().await?, permit, false))
    }

    /// The same with a connection that is certainly alive.
    pub(super) async fn take_new(&self) -> Result<(PgConnection, OwnedSemaphorePermit)> {
        let permit = self.seat().await?;
        Ok((self.pool.connect().await?, permit))
    }

    async fn seat(&self) -> Result<OwnedSemaphorePermit> {
        let seat = Arc::clone(&self.seats).acquire_owned();
        match tokio::time::timeout(self.pool.patience, seat).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) => Err(Error::new(ErrorKind::Closed, "the database was closed")
                .with("server", &self.pool.server)),
            Err(_) => Err(Error::unavailable(
                "every connection is in use; finish searches and transactions, or allow more connections",
            )
            .with("server", &self.pool.server)
            .with("connections", self.size)
            .with("waited", format_args!("{:?}", self.pool.patience))),
        }
    }

    async fn answers(&self, connection: &mut PgConnection) -> bool {
        matches!(
            tokio::time::timeout(self.pool.patience, connection.ping()).await,
            Ok(Ok(()))
        )
    }

    pub(super) fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    /// Lets nobody in any more, waits at most the pool's patience for those who are in, and closes the connections.
    ///
    /// Whoever stays longer closes his connection when he leaves.
    pub(super) async fn close(&self) {
        let everybody = self.seats.acquire_many(self.size);
        let _all_gone = tokio::time::timeout(self.pool.patience, everybody).await;
        self.seats.close();
        let waiting = {
            let mut parked = self.pool.parked.lock();
            parked.closed = true;
            let waiting = parked.take();
            parked.on_their_way.clear();
            waiting
        };
        for (connection, _) in waiting {
            // All was committed or rolled back: a connection that cannot say goodbye has nothing to lose.
            let _ = tokio::time::timeout(self.pool.patience, connection.close()).await;
        }
    }
}
