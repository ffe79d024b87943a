//! A connection for the time of one piece of work: statements, rows, transactions.

mod answers;

use std::sync::Arc;

use sqlx::postgres::{PgArguments, PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Either, Executor};
use tokio::sync::OwnedSemaphorePermit;

pub(super) use self::answers::{Answers, CopyOut};
use super::error::{self, About};
use super::pool::{Pool, Seats};
use super::row::Args;
use crate::{Error, ErrorKind, Result};

/// SQL text that is shared, so that running it again copies nothing.
pub(super) type Sql = Arc<str>;

/// A connection for the time of one piece of work.
#[derive(Debug)]
pub(super) struct Lease {
    connection: Option<PgConnection>,
    pool: Arc<Pool>,
    state: State,
    in_transaction: bool,
    /// Whether it was parked before, and so may have died unseen.
    was_parked: bool,
    /// Whether the server confirmed anything since the connection was taken.
    is_proven: bool,
    seat: Option<OwnedSemaphorePermit>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Ready,
    /// A statement is under way.
    Running,
    /// An error ended the transaction.
    Failed,
    /// The connection is gone.
    Lost,
}

impl Lease {
    pub(super) async fn new(seats: &Seats) -> Result<Self> {
        let (connection, seat, was_parked) = seats.take().await?;
        Ok(Self::of(connection, seat, seats.pool(), was_parked))
    }

    /// A lease of a new connection.
    pub(super) async fn anew(seats: &Seats) -> Result<Self> {
        let (connection, seat) = seats.take_new().await?;
        Ok(Self::of(connection, seat, seats.pool(), false))
    }

    fn of(
        connection: PgConnection,
        seat: OwnedSemaphorePermit,
        pool: &Arc<Pool>,
        was_parked: bool,
    ) -> Self {
        Self {
            connection: Some(connection),
            pool: Arc::clone(pool),
            state: State::Ready,
            in_transaction: false,
            was_parked,
            is_proven: false,
            seat: Some(seat),
        }
    }

    /// Whether the connection had died before this lease did anything with it: a new one may do better.
    pub(super) fn was_dead(&self) -> bool {
        self.was_parked && !self.is_proven && self.state == State::Lost
    }

    /// Whether sessions are shared with others between transactions.
    pub(super) fn is_pooled(&self) -> bool {
        self.pool.server().is_pooled
    }

    /// Begins a transaction with the text `begin`, which may set what holds within it.
    pub(super) async fn begin(&mut self, begin: &str) -> Result<()> {
        self.in_transaction = true;
        self.plainly(begin).await
    }

    /// Begins an ordinary transaction, which sees what is committed before each of its statements.
    pub(super) async fn begin_ordinary(&mut self) -> Result<()> {
        let pool = Arc::clone(&self.pool);
        self.begin(pool.begin()).await
    }

    /// Commits.
    ///
    /// # Errors
    /// `Ambiguous`: the connection was lost on the way. `Unavailable`: an earlier error ended the transaction, and
    /// nothing of it stands.
    pub(super) async fn commit(&mut self) -> Result<()> {
        if self.state != State::Ready {
            return Err(self.ended());
        }
        match self.plainly("COMMIT").await {
            Ok(()) => {
                self.in_transaction = false;
                Ok(())
            }
            Err(error) if self.state == State::Lost => Err(self.unknown(error)),
            Err(error) => Err(error),
        }
    }

    /// An error that leaves open whether a write was done.
    pub(super) fn unknown(&self, error: Error) -> Error {
        Error::new(
            ErrorKind::Ambiguous,
            "the connection was lost during a commit; read before you write again",
        )
        .with("server", self.pool.server())
        .with_source(error)
    }

    /// What an error means to a write that stood alone: without an answer it may have been done.
    pub(super) fn after_writing(&self, error: Error) -> Error {
        let refused = error::is_refusal(&error) && !self.is_proven;
        if self.state != State::Lost || refused || error.kind() == ErrorKind::Ambiguous {
            return error;
        }
        self.unknown(error)
    }

    /// Waits, within a transaction, until it is its turn among those who name the same `key`.
    pub(super) async fn wait_for_turn(&mut self, key: &str) -> Result<()> {
        let lock = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
        let key = Args::of(&[key.into()]);
        self.fetch(&lock.into(), key.finish()).await.map(drop)
    }

    /// Runs a text of one or more statements without arguments in one trip; what they answer is for nobody.
    pub(super) async fn plainly(&mut self, text: &str) -> Result<()> {
        let connection = self.ready()?;
        let done = connection
            .execute(sqlx::raw_sql(AssertSqlSafe(text.to_owned())))
            .await;
        self.finish(text, done.map(drop))
    }

    /// Runs one statement; how many rows it changed.
    pub(super) async fn execute(&mut self, sql: &Sql, args: PgArguments) -> Result<u64> {
        let alone = self.begin_alone().await?;
        let mut changed = 0;
        let mut answers = self.start(sql, args)?;
        while let Some(answer) = answers.next().await? {
            if let Either::Left(done) = answer {
                changed += done.rows_affected();
            }
        }
        drop(answers);
        self.end_alone(alone).await?;
        Ok(changed)
    }

    /// Runs one statement; its rows.
    pub(super) async fn fetch(&mut self, sql: &Sql, args: PgArguments) -> Result<Vec<PgRow>> {
        let alone = self.begin_alone().await?;
        let mut rows = Vec::new();
        let mut answers = self.start(sql, args)?;
        while let Some(row) = answers.row().await? {
            rows.push(row);
        }
        drop(answers);
        self.end_alone(alone).await?;
        Ok(rows)
    }

    /// Starts one statement; its answers as they come.
    ///
    /// Behind a pooler it needs a transaction. Who does not take all answers gives the connection up.
    pub(super) fn start(&mut self, sql: &Sql, args: PgArguments) -> Result<Answers<'_>> {
        if self.state != State::Ready {
            return Err(self.ended());
        }
        let is_kept = !self.is_pooled();
        let Some(connection) = &mut self.connection else {
            return Err(ended(&self.pool));
        };
        self.state = State::Running;
        let query = sqlx::query_with(AssertSqlSafe(Arc::clone(sql)), args).persistent(is_kept);
        Ok(Answers {
            answers: connection.fetch_many(query),
            state: &mut self.state,
            is_proven: &mut self.is_proven,
            in_transaction: self.in_transaction,
            sql: Arc::clone(sql),
            pool: &self.pool,
        })
    }

    /// Starts a `COPY .. TO STDOUT`.
    pub(super) async fn copy_out(&mut self, sql: &str) -> Result<CopyOut<'_>> {
        if self.state != State::Ready {
            return Err(self.ended());
        }
        let Some(connection) = &mut self.connection else {
            return Err(ended(&self.pool));
        };
        self.state = State::Running;
        let begun = connection.copy_out_raw(sql).await;
        match begun {
            Ok(bytes) => Ok(CopyOut {
                bytes,
                state: &mut self.state,
                in_transaction: self.in_transaction,
                pool: &self.pool,
                sql: sql.into(),
            }),
            Err(error) => {
                if error::loses_connection(&error) {
                    self.pool.forget();
                }
                // The driver leaves the end of the server's answer unread: the next statement would take it for its own.
                self.state = State::Lost;
                Err(error::from_driver(
                    self.pool.server(),
                    About::Running(sql),
                    error,
                ))
            }
        }
    }

    /// Runs a `COPY .. FROM STDIN` with all its bytes; how many rows it added.
    pub(super) async fn copy_in(&mut self, sql: &str, bytes: &[u8]) -> Result<u64> {
        let connection = self.ready()?;
        let copied = async {
            let mut copy = connection.copy_in_raw(sql).await?;
            copy.send(bytes).await?;
            copy.finish().await
        };
        let mut rows = 0;
        let done = copied.await.map(|added| rows = added);
        self.finish(sql, done)?;
        Ok(rows)
    }

    pub(super) fn is_in_transaction(&self) -> bool {
        self.in_transaction
    }

    /// Whether an error ended no more than what was done since the last savepoint.
    pub(super) fn can_go_back(&self) -> bool {
        self.in_transaction && matches!(self.state, State::Ready | State::Failed)
    }

    /// Goes back to a savepoint, after an error too.
    pub(super) async fn back_to(&mut self, savepoint: &str) -> Result<()> {
        if self.can_go_back() {
            self.state = State::Ready;
        }
        self.plainly(&format!("ROLLBACK TO SAVEPOINT {savepoint}"))
            .await
    }

    /// Behind a pooler the parts of one statement stay together only within a transaction.
    async fn begin_alone(&mut self) -> Result<bool> {
        let alone = self.is_pooled() && !self.in_transaction;
        if alone {
            self.begin_ordinary().await?;
        }
        Ok(alone)
    }

    async fn end_alone(&mut self, alone: bool) -> Result<()> {
        if alone { self.commit().await } else { Ok(()) }
    }

    fn ready(&mut self) -> Result<&mut PgConnection> {
        if self.state != State::Ready {
            return Err(self.ended());
        }
        self.state = State::Running;
        self.connection.as_mut().ok_or_else(|| ended(&self.pool))
    }

    fn finish(&mut self, sql: &str, done: Result<(), sqlx::Error>) -> Result<()> {
        match done {
            Ok(()) => {
                self.state = State::Ready;
                self.is_proven = true;
                Ok(())
            }
            Err(error) => {
                self.state = State::after(&error, self.in_transaction, &self.pool);
                Err(error::from_driver(
                    self.pool.server(),
                    About::Running(sql),
                    error,
                ))
            }
        }
    }

    fn ended(&self) -> Error {
        ended(&self.pool)
    }
}

fn ended(pool: &Pool) -> Error {
    Error::unavailable("an earlier error ended this transaction; begin another one")
        .with("server", pool.server())
}

impl Drop for Lease {
    fn drop(&mut self) {
        let (Some(mut connection), Some(seat)) = (self.connection.take(), self.seat.take()) else {
            return;
        };
        let pool = Arc::clone(&self.pool);
        match self.state {
            State::Lost | State::Running => {}
            State::Ready if !self.in_transaction => pool.park(connection),
            State::Ready | State::Failed => {
                // Without a runtime the connection closes, and the server rolls back by itself.
                let Ok(runtime) = tokio::runtime::Handle::try_current() else {
                    return;
                };
                let way_back = pool.expect();
                runtime.spawn(async move {
                    let rollback = connection.execute(sqlx::raw_sql("ROLLBACK"));
                    let ended = tokio::time::timeout(pool.patience(), rollback).await;
                    if let Ok(Ok(_)) = ended {
                        way_back.arrive(connection);
                    }
                    drop(seat);
                });
            }
        }
    }
}

impl State {
    /// After an error of the server a transaction takes nothing but its end.
    fn after(error: &sqlx::Error, in_transaction: bool, pool: &Pool) -> Self {
        if error::loses_connection(error) {
            pool.forget();
            Self::Lost
        } else if in_transaction {
            Self::Failed
        } else {
            Self::Ready
        }
    }
}
