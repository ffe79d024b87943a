//! What a running statement answers, as it comes.

use bytes::Bytes;
use futures::stream::{BoxStream, TryStreamExt};
use sqlx::Either;
use sqlx::postgres::{PgQueryResult, PgRow};

use super::{Sql, State};
use crate::Result;
use crate::backend::postgres::error::{self, About};
use crate::backend::postgres::pool::Pool;

/// The answers of a running statement.
pub(in crate::backend::postgres) struct Answers<'l> {
    pub(super) answers: BoxStream<'l, Result<Answer, sqlx::Error>>,
    pub(super) state: &'l mut State,
    pub(super) is_proven: &'l mut bool,
    pub(super) in_transaction: bool,
    pub(super) sql: Sql,
    pub(super) pool: &'l Pool,
}

/// A row, or how many a statement changed.
pub(super) type Answer = Either<PgQueryResult, PgRow>;

impl Answers<'_> {
    /// The next row.
    pub(in crate::backend::postgres) async fn row(&mut self) -> Result<Option<PgRow>> {
        while let Some(answer) = self.next().await? {
            if let Either::Right(row) = answer {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }

    pub(super) async fn next(&mut self) -> Result<Option<Answer>> {
        match self.answers.try_next().await {
            Ok(Some(answer)) => {
                *self.is_proven = true;
                Ok(Some(answer))
            }
            Ok(None) => {
                *self.is_proven = true;
                *self.state = State::Ready;
                Ok(None)
            }
            Err(error) => {
                *self.state = State::after(&error, self.in_transaction, self.pool);
                Err(error::from_driver(
                    self.pool.server(),
                    About::Running(&self.sql),
                    error,
                ))
            }
        }
    }
}

/// The bytes of a running `COPY .. TO STDOUT`.
pub(in crate::backend::postgres) struct CopyOut<'l> {
    pub(super) bytes: BoxStream<'l, Result<Bytes, sqlx::Error>>,
    pub(super) state: &'l mut State,
    pub(super) in_transaction: bool,
    pub(super) pool: &'l Pool,
    pub(super) sql: Sql,
}

impl CopyOut<'_> {
    /// The next bytes; they end wherever the network cut them.
    pub(in crate::backend::postgres) async fn next(&mut self) -> Result<Option<Bytes>> {
        match self.bytes.try_next().await {
            Ok(Some(bytes)) => Ok(Some(bytes)),
            Ok(None) => {
                *self.state = State::Ready;
                Ok(None)
            }
            Err(error) => {
                *self.state = State::after(&error, self.in_transaction, self.pool);
                Err(error::from_driver(
                    self.pool.server(),
                    About::Running(&self.sql),
                    error,
                ))
            }
        }
    }
}
