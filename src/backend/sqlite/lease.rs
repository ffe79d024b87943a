//! A connection for the time of one piece of work: statements, rows, transactions.

use std::path::Path;
use std::sync::Arc;

use futures::stream::{BoxStream, TryStreamExt};
use sqlx::sqlite::{SqliteArguments, SqliteQueryResult, SqliteRow};
use sqlx::{AssertSqlSafe, Either, Executor};
use tokio::sync::OwnedSemaphorePermit;

use super::error;
use super::pool::{Left, Open, Pool, Seats};
use super::row::sql_row;
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
    /// An error ended the transaction.
    Failed,
    /// The connection's thread does not answer as it should.
    Lost,
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

    /// Tries to commit; with the driver's own error, because what it means depends on who asks.
    ///
    /// # Errors
    /// `Unavailable`: an earlier error ended the transaction, and nothing of it stands.
    pub(super) async fn try_commit(&mut self) -> Result<Result<(), sqlx::Error>> {
        let open = match (&mut self.open, self.state) {
            (Some(open), State::Ready) => open,
            _ => return Err(ended(self.pool.file())),
        };
        self.state = State::Running;
        let committed = open.connection.execute(sqlx::query("COMMIT")).await;
        self.state = match &committed {
            Err(error) if error.as_database_error().is_none() => State::Lost,
            _ => State::Ready,
        };
        self.in_transaction = committed.is_err();
        Ok(committed.map(drop))
    }

    /// Runs one statement; how many rows it changed.
    pub(super) async fn execute(&mut self, sql: &Sql, args: SqliteArguments) -> Result<u64> {
        let mut changed = 0;
        let mut answers = self.start(sql, args)?;
        while let Some(answer) = answers.next().await? {
            if let Either::Left(done) = answer {
                changed += done.rows_affected();
            }
        }
        Ok(changed)
    }

    /// Runs one statement; its rows.
    pub(super) async fn fetch(
        &mut self,
        sql: &Sql,
        args: SqliteArguments,
    ) -> Result<Vec<SqliteRow>> {
        let mut rows = Vec::new();
        let mut answers = self.start(sql, args)?;
        while let Some(answer) = answers.next().await? {
            rows.extend(answer.right());
        }
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
        let before = std::mem::replace(&mut self.in_transaction, true);
        let mut answers = self.start(sql, args)?;
        while let Some(answer) = answers.next().await? {
            match answer {
                Either::Left(_) => each.push(std::mem::take(&mut rows)),
                Either::Right(row) => rows.push(row),
            }
        }
        drop(answers);
        self.in_transaction = before;
        Ok(each)
    }

    /// Starts one statement; its answers as they come.
    ///
    /// Who does not take them all calls [`settle`](Self::settle) before anything else.
    pub(super) fn start(&mut self, sql: &Sql, args: SqliteArguments) -> Result<Answers<'_>> {
        self.start_as(sql, args, true)
    }

    /// The steps by which SQLite would run a statement, as it is today: a cached explanation never grows old.
    pub(super) async fn explain(
        &mut self,
        sql: &str,
        args: SqliteArguments,
    ) -> Result<Vec<String>> {
        let mut steps = Vec::new();
        let sql = format!("EXPLAIN QUERY PLAN {sql}").into();
        let mut answers = self.start_as(&sql, args, false)?;
        while let Some(row) = answers.row().await? {
            steps.push(sql_row(&row)?.text(3)?.to_owned());
        }
        Ok(steps)
    }

    fn start_as(&mut self, sql: &Sql, args: SqliteArguments, is_kept: bool) -> Result<Answers<'_>> {
        let open = match (&mut self.open, self.state) {
            (Some(open), State::Ready) => open,
            _ => return Err(ended(self.pool.file())),
        };
        self.state = State::Running;
        let query = sqlx::query_with(AssertSqlSafe(Arc::clone(sql)), args).persistent(is_kept);
        Ok(Answers {
            answers: open.connection.fetch_many(query),
            state: &mut self.state,
            in_transaction: self.in_transaction,
            file: self.pool.file(),
        })
    }

    /// Ends a query whose rows nobody wants any more; an open transaction stays as it is.
    pub(super) async fn settle(&mut self) -> Result<()> {
        let Some(open) = self.open.as_mut().filter(|_| self.state == State::Running) else {
            return Ok(());
        };
        self.state = match open.settle().await {
            Ok(()) => State::Ready,
            Err(error) => {
                self.state = State::Lost;
                return Err(error::from_driver(self.pool.file(), error));
            }
        };
        Ok(())
    }
}

fn ended(file: &Path) -> Error {
    Error::unavailable("an earlier error ended this transaction; begin another one")
        .with("file", file.display())
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(open) = self.open.take() else {
            return;
        };
        let left = match self.state {
            State::Lost => return,
            State::Running => Left::Running,
            _ if self.in_transaction => Left::Transaction,
            _ => Left::Clean,
        };
        self.pool.park(open, left);
    }
}

/// The answers of a running statement.
pub(super) struct Answers<'l> {
    answers: BoxStream<'l, Result<Answer, sqlx::Error>>,
    state: &'l mut State,
    in_transaction: bool,
    file: &'l Path,
}

type Answer = Either<SqliteQueryResult, SqliteRow>;

impl Answers<'_> {
    /// The next row.
    pub(super) async fn row(&mut self) -> Result<Option<SqliteRow>> {
        while let Some(answer) = self.next().await? {
            if let Either::Right(row) = answer {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }

    async fn next(&mut self) -> Result<Option<Answer>> {
        match self.answers.try_next().await {
            Ok(Some(answer)) => Ok(Some(answer)),
            Ok(None) => {
                *self.state = State::Ready;
                Ok(None)
            }
            Err(error) => {
                *self.state = State::after(&error, self.in_transaction);
                Err(error::from_driver(self.file, error))
            }
        }
    }
}

impl State {
    /// After most errors SQLite has rolled the whole transaction back: another statement would stand alone.
    fn after(error: &sqlx::Error, in_transaction: bool) -> Self {
        if error.as_database_error().is_none() {
            Self::Lost
        } else if !in_transaction || error::leaves_transaction_open(error) {
            Self::Ready
        } else {
            Self::Failed
        }
    }
}
