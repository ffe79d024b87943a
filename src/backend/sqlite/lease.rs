//! A connection for the time of one piece of work: statements, rows, transactions.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use futures::stream::{BoxStream, TryStreamExt};
use sqlx::sqlite::{SqliteArguments, SqliteQueryResult, SqliteRow};
use sqlx::{AssertSqlSafe, Either, Executor, SqliteConnection};
use tokio::sync::OwnedSemaphorePermit;

use super::error;
use super::pool::{Left, Open, Pool, Seats};
use crate::{Error, Result};

/// SQL text that is shared, so that running it again copies nothing.
pub(super) type Sql = Arc<str>;

/// A connection for the time of one piece of work.
#[derive(Debug)]
pub(super) struct Lease {
    open: Option<Open>,
    pool: Arc<Pool>,
    state: State,
    in_transaction: bool,
    _seat: OwnedSemaphorePermit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Ready,
    /// A statement is under way.
    Running,
    /// An error ended the transaction, or the connection.
    Failed,
}

impl Lease {
    pub(super) async fn new(seats: &Seats) -> Result<Self> {
        let (open, seat, pool) = seats.take().await?;
        Ok(Self {
            open: Some(open),
            pool,
            state: State::Ready,
            in_transaction: false,
            _seat: seat,
        })
    }

    pub(super) fn file(&self) -> &Path {
        self.pool.file()
    }

    /// Begins a transaction with the text `begin`.
    pub(super) async fn begin(&mut self, begin: &Sql) -> Result<()> {
        // Set before: a text that begins and then reads may do only its first half.
        self.in_transaction = true;
        self.execute(begin, SqliteArguments::default()).await?;
        Ok(())
    }

    /// Tries to commit; the driver's own error, because what it means depends on who asks.
    pub(super) async fn try_commit(&mut self) -> Result<(), sqlx::Error> {
        self.state = State::Running;
        let commit = self.connection().execute(sqlx::query("COMMIT")).await;
        self.state = State::Ready;
        commit?;
        self.in_transaction = false;
        Ok(())
    }

    /// Runs one statement; how many rows it changed.
    pub(super) async fn execute(&mut self, sql: &Sql, args: SqliteArguments) -> Result<u64> {
        let mut changed = 0;
        self.drive(sql, args, async |answer| {
            if let Either::Left(done) = answer {
                changed += done.rows_affected();
            }
            Ok(ControlFlow::Continue(()))
        })
        .await?;
        Ok(changed)
    }

    /// Runs one statement; its rows.
    pub(super) async fn fetch(&mut self, sql: &Sql, args: SqliteArguments) -> Result<Vec<SqliteRow>> {
        let mut rows = Vec::new();
        self.drive(sql, args, async |answer| {
            rows.extend(answer.right());
            Ok(ControlFlow::Continue(()))
        })
        .await?;
        Ok(rows)
    }

    /// Runs a text of several statements in one trip to the connection's thread; the rows of each.
    ///
    /// A text that begins a transaction ends it too.
    pub(super) async fn fetch_each(
        &mut self,
        sql: &Sql,
        args: SqliteArguments,
    ) -> Result<Vec<Vec<SqliteRow>>> {
        let (mut each, mut rows) = (Vec::new(), Vec::new());
        let outside = !self.in_transaction;
        self.in_transaction = true;
        self.drive(sql, args, async |answer| {
            match answer {
                Either::Left(_) => each.push(std::mem::take(&mut rows)),
                Either::Right(row) => rows.push(row),
            }
            Ok(ControlFlow::Continue(()))
        })
        .await?;
        self.in_transaction = !outside;
        Ok(each)
    }

    /// Runs one statement and hands its rows to `each` until that says stop or fails.
    pub(super) async fn for_each(
        &mut self,
        sql: &Sql,
        args: SqliteArguments,
        mut each: impl AsyncFnMut(SqliteRow) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        self.drive(sql, args, async |answer| match answer {
            Either::Left(_) => Ok(ControlFlow::Continue(())),
            Either::Right(row) => each(row).await,
        })
        .await
    }

    async fn drive(
        &mut self,
        sql: &Sql,
        args: SqliteArguments,
        mut take: impl AsyncFnMut(Answer) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        if self.state != State::Ready {
            return Err(Error::unavailable(
                "an earlier error ended this transaction; begin another one",
            )
            .with("file", self.file().display()));
        }
        self.state = State::Running;
        let mut answers = start(self.connection(), sql, args);
        let stopped = loop {
            match answers.try_next().await {
                Ok(Some(answer)) => match take(answer).await {
                    Ok(ControlFlow::Continue(())) => {}
                    stopped => break stopped.map(drop),
                },
                Ok(None) => {
                    drop(answers);
                    self.state = State::Ready;
                    return Ok(());
                }
                Err(error) => {
                    drop(answers);
                    return Err(self.failed(error));
                }
            }
        };
        drop(answers);
        self.settle().await?;
        stopped
    }

    /// Ends a query whose rows nobody wants any more; an open transaction stays as it is.
    async fn settle(&mut self) -> Result<()> {
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        match open.settle().await {
            Ok(()) => {
                self.state = State::Ready;
                Ok(())
            }
            Err(error) => Err(self.failed(error)),
        }
    }

    fn failed(&mut self, error: sqlx::Error) -> Error {
        // After most errors SQLite has rolled the whole transaction back: another statement would stand alone.
        self.state = if self.in_transaction && !error::leaves_transaction_open(&error) {
            State::Failed
        } else {
            State::Ready
        };
        if error.as_database_error().is_none() {
            self.state = State::Failed;
            self.open = None;
        }
        error::from_driver(self.pool.file(), error)
    }

    fn connection(&mut self) -> &mut SqliteConnection {
        match &mut self.open {
            Some(open) => &mut open.connection,
            None => unreachable!("a lease without its connection has failed and runs nothing"),
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(open) = self.open.take() else {
            return;
        };
        let left = match self.state {
            State::Running => Left::Running,
            _ if self.in_transaction => Left::Transaction,
            _ => Left::Clean,
        };
        self.pool.park(open, left);
    }
}

type Answer = Either<SqliteQueryResult, SqliteRow>;

fn start<'c>(
    connection: &'c mut SqliteConnection,
    sql: &Sql,
    args: SqliteArguments,
) -> BoxStream<'c, Result<Answer, sqlx::Error>> {
    connection.fetch_many(sqlx::query_with(AssertSqlSafe(Arc::clone(sql)), args))
}
