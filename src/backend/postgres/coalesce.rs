//! Lone reads go at once; reads that would have to wait go together.
//!
//! A few reads are under way at a time. Whoever comes while all of them are busy waits, and the next one that ends takes
//! everybody who waits along in one statement: under load a round trip serves dozens of readers.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::PostgresDatabase;
use super::read::Question;
use crate::sql::SqlRow;
use crate::{Error, Record, Result};

/// How many reads are under way at a time before others wait: two keep the server busy while answers are taken apart.
const FLIGHTS: usize = 2;

/// The most readers that one statement serves.
const MOST: usize = 512;

/// A record, and what the catalog answered beside it.
pub(super) type Answer = (Option<Arc<Record>>, Vec<SqlRow>);

/// Who reads, and who waits to.
#[derive(Debug, Default)]
pub(super) struct Queue(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    under_way: usize,
    waiting: VecDeque<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    id: Box<str>,
    question: Option<Arc<Question>>,
    answer: oneshot::Sender<Result<Answer>>,
}

impl PostgresDatabase {
    /// Reads one record, alone or together with others who wait.
    pub(super) async fn read_coalesced(
        &self,
        id: &str,
        question: Option<Question>,
    ) -> Result<Answer> {
        let waiting = {
            let mut state = self.queue.0.lock();
            if state.under_way < FLIGHTS {
                state.under_way += 1;
                None
            } else {
                let (answer, receiver) = oneshot::channel();
                state.waiting.push_back(Waiting {
                    id: id.into(),
                    question: question.clone().map(Arc::new),
                    answer,
                });
                Some(receiver)
            }
        };
        match waiting {
            None => {
                let _flight = Flight(self);
                let mut answers = self.read_together(&[id], question.as_ref()).await?;
                Ok(answers.pop().unwrap_or_default())
            }
            Some(answer) => answer.await.unwrap_or_else(|_| {
                Err(Error::unavailable(
                    "the read was given up before it was done; try again",
                ))
            }),
        }
    }

    async fn read_together(
        &self,
        ids: &[&str],
        question: Option<&Question>,
    ) -> Result<Vec<Answer>> {
        match question {
            None => {
                let records = self.read_now(ids).await?;
                Ok(records
                    .into_iter()
                    .map(|record| (record, Vec::new()))
                    .collect())
            }
            Some(question) => {
                let (records, rows) = self.read_with_now(ids, question).await?;
                Ok(records
                    .into_iter()
                    .map(|record| (record, rows.clone()))
                    .collect())
            }
        }
    }

    /// Serves those who wait until nobody does.
    async fn serve(self) {
        loop {
            // Whoever was just answered and asks again comes along.
            tokio::task::yield_now().await;
            let batch = self.queue.take();
            let Some(first) = batch.first() else {
                return;
            };
            let question = first.question.clone();
            let ids: Vec<&str> = batch.iter().map(|waiting| &*waiting.id).collect();
            match self.read_together(&ids, question.as_deref()).await {
                Ok(answers) => {
                    for (waiting, answer) in batch.into_iter().zip(answers) {
                        // Who went away needs no answer.
                        let _ = waiting.answer.send(Ok(answer));
                    }
                }
                // A record that cannot be read is the error of those who asked for it.
                Err(error) if batch.len() > 1 && !error.is_retryable() => {
                    for waiting in batch {
                        let alone = self
                            .read_together(&[&*waiting.id], question.as_deref())
                            .await;
                        let answer = alone.map(|mut answers| answers.pop().unwrap_or_default());
                        let _ = waiting.answer.send(answer);
                    }
                }
                Err(error) => {
                    for waiting in batch {
                        let _ = waiting.answer.send(Err(error.clone()));
                    }
                }
            }
        }
    }
}

impl Queue {
    /// Those who wait and ask the same; with nobody the flight has ended.
    fn take(&self) -> Vec<Waiting> {
        let mut state = self.0.lock();
        let mut batch: Vec<Waiting> = Vec::new();
        while batch.len() < MOST
            && let Some(next) = state.waiting.front()
            && batch
                .first()
                .is_none_or(|first| first.question == next.question)
            && let Some(next) = state.waiting.pop_front()
        {
            if !next.answer.is_closed() {
                batch.push(next);
            }
        }
        if batch.is_empty() {
            state.under_way -= 1;
        }
        batch
    }
}

/// A read that is under way. When it ends, however it ends, those who wait are served.
struct Flight<'d>(&'d PostgresDatabase);

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        {
            let mut state = self.0.queue.0.lock();
            let runtime = Handle::try_current();
            if state.waiting.is_empty() || runtime.is_err() {
                state.under_way -= 1;
                return;
            }
        }
        tokio::spawn(self.0.clone().serve());
    }
}
