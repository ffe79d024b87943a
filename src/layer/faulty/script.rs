//! Which call meets which fault.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, stream};
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::{Error, RecordStream, Result};

/// A call that a [`Script`] can meet: of a [`Database`](crate::Database), or of its catalog host and transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    /// [`Database::read`](crate::Database::read)
    Read,
    /// [`Database::read_many`](crate::Database::read_many)
    ReadMany,
    /// [`Database::write`](crate::Database::write)
    Write,
    /// [`Database::search`](crate::Database::search)
    Search,
    /// [`Database::count`](crate::Database::count)
    Count,
    /// [`Database::clear`](crate::Database::clear)
    Clear,
    /// [`Database::health`](crate::Database::health)
    Health,
    /// [`Database::close`](crate::Database::close)
    Close,
    /// [`CatalogHost::read_with`](crate::CatalogHost::read_with)
    ReadWith,
    /// [`CatalogHost::begin_read`](crate::CatalogHost::begin_read)
    BeginRead,
    /// [`CatalogHost::begin_write`](crate::CatalogHost::begin_write)
    BeginWrite,
    /// `query` of a transaction.
    TransactionQuery,
    /// `execute` of a transaction.
    TransactionExecute,
    /// `read_many` of a transaction.
    TransactionRead,
    /// `apply` of a transaction.
    TransactionApply,
    /// `delete_unchanged` of a transaction.
    TransactionDelete,
    /// `scan_due` of a transaction.
    TransactionScan,
    /// `commit` of a transaction.
    TransactionCommit,
}

/// What a call meets.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Nothing: the call before the next fault of the script.
    Pass,
    /// The call fails and nothing was done.
    Fail(Error),
    /// The call is done, and reported as failed.
    FailAfter(Error),
    /// The call waits before anything is done.
    HoldBefore(Gate),
    /// The call is done, and its answer waits.
    HoldAfter(Gate),
    /// The call is done, and its answer takes so long.
    Slow(Duration),
    /// A commit is reported as failed while it goes on, and is done a little later; other calls fail and nothing was
    /// done.
    Late(Error),
    /// A search gives so many records, then this error; other calls fail at once.
    Break(usize, Error),
}

/// A gate at which calls wait until it is opened.
#[derive(Clone, Debug)]
pub struct Gate(Arc<Posts>);

#[derive(Debug)]
struct Posts {
    arrived: watch::Sender<usize>,
    open: watch::Sender<bool>,
}

impl Gate {
    /// A gate that is closed.
    pub fn new() -> Self {
        Self(Arc::new(Posts {
            arrived: watch::Sender::new(0),
            open: watch::Sender::new(false),
        }))
    }

    /// Waits until so many calls have come to the gate, those that gave up too.
    pub async fn arrived(&self, calls: usize) {
        let mut arrived = self.0.arrived.subscribe();
        // The sender lives in `self`, so this cannot fail.
        let _reached = arrived.wait_for(|count| *count >= calls).await;
    }

    /// Lets the waiting calls go on, and all later ones pass.
    pub fn open(&self) {
        self.0.open.send_replace(true);
    }

    async fn pass(&self) {
        self.0.arrived.send_modify(|count| *count += 1);
        let mut open = self.0.open.subscribe();
        let _opened = open.wait_for(|open| *open).await;
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

/// The faults that calls meet, and how many calls there were; clones share both.
#[derive(Clone, Debug, Default)]
pub struct Script(Arc<Mutex<HashMap<Call, Lines>>>);

#[derive(Debug, Default)]
struct Lines {
    count: u64,
    next: VecDeque<Fault>,
    always: Option<Fault>,
}

impl Script {
    /// The next call of this kind meets `fault`; the one after it the fault that is added next.
    pub fn next(&self, call: Call, fault: Fault) {
        self.0.lock().entry(call).or_default().next.push_back(fault);
    }

    /// Every call of this kind that meets no other fault meets this one, until it is another.
    pub fn always(&self, call: Call, fault: Fault) {
        self.0.lock().entry(call).or_default().always = Some(fault);
    }

    /// The next call of this kind waits at the gate that is returned before anything is done.
    pub fn hold_before(&self, call: Call) -> Gate {
        let gate = Gate::new();
        self.next(call, Fault::HoldBefore(gate.clone()));
        gate
    }

    /// The next call of this kind is done and waits at the gate that is returned with its answer.
    pub fn hold_after(&self, call: Call) -> Gate {
        let gate = Gate::new();
        self.next(call, Fault::HoldAfter(gate.clone()));
        gate
    }

    /// How many calls of this kind there were since the script was made or reset.
    pub fn count(&self, call: Call) -> u64 {
        self.0.lock().get(&call).map_or(0, |lines| lines.count)
    }

    /// Forgets all faults and counts.
    pub fn reset(&self) {
        self.0.lock().clear();
    }

    pub(super) async fn run<T>(
        &self,
        call: Call,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        match self.meet(call) {
            Fault::Pass => work.await,
            Fault::Fail(error) | Fault::Late(error) | Fault::Break(_, error) => Err(error),
            Fault::FailAfter(error) => {
                work.await?;
                Err(error)
            }
            Fault::HoldBefore(gate) => {
                gate.pass().await;
                work.await
            }
            Fault::HoldAfter(gate) => {
                let answer = work.await;
                gate.pass().await;
                answer
            }
            Fault::Slow(time) => {
                let answer = work.await;
                tokio::time::sleep(time).await;
                answer
            }
        }
    }

    pub(super) async fn run_search(
        &self,
        work: impl Future<Output = Result<RecordStream>>,
    ) -> Result<RecordStream> {
        let fault = self.meet(Call::Search);
        if let Fault::Break(records, error) = fault {
            return Ok(broken(work.await?, records, error));
        }
        Self::once(Call::Search, fault, work).await
    }

    pub(super) async fn run_commit(
        &self,
        commit: impl Future<Output = Result<()>> + Send + 'static,
    ) -> Result<()> {
        let fault = self.meet(Call::TransactionCommit);
        if let Fault::Late(error) = fault {
            // As a server that is still at work when its client has already lost it.
            tokio::spawn(async move {
                for _ in 0..50 {
                    tokio::task::yield_now().await;
                }
                drop(commit.await);
            });
            return Err(error);
        }
        Self::once(Call::TransactionCommit, fault, commit).await
    }

    /// A call that meets a fault which was taken from the script already.
    async fn once<T>(call: Call, fault: Fault, work: impl Future<Output = Result<T>>) -> Result<T> {
        let script = Self::default();
        script.next(call, fault);
        script.run(call, work).await
    }

    /// The same for a search that answers with its stream at once.
    pub(super) fn run_stream(&self, stream: RecordStream) -> RecordStream {
        let script = self.clone();
        let search = async move { script.run_search(async { Ok(stream) }).await };
        stream::once(search)
            .flat_map(|found| found.unwrap_or_else(|error| failed(error)))
            .boxed()
    }

    fn meet(&self, call: Call) -> Fault {
        let mut script = self.0.lock();
        let lines = script.entry(call).or_default();
        lines.count += 1;
        lines
            .next
            .pop_front()
            .or_else(|| lines.always.clone())
            .unwrap_or(Fault::Pass)
    }
}

fn broken(stream: RecordStream, records: usize, error: Error) -> RecordStream {
    stream.take(records).chain(failed(error)).boxed()
}

fn failed(error: Error) -> RecordStream {
    stream::once(async { Err(error) }).boxed()
}
