//! Bounded waits for a tier, and a circuit breaker that leaves a tier alone which keeps failing.

use std::sync::Arc;
use std::time::Duration;

use futures::stream::BoxStream;
use futures::{StreamExt, stream};
use metrics::Gauge;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::telemetry::{Operation, circuit_gauge};
use crate::{Error, ErrorKind, Result, Tier};

/// Whether a router asks a tier that keeps failing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Circuit {
    /// It is asked.
    Closed,
    /// One request is under way whose outcome decides.
    HalfOpen,
    /// It is left alone for a while: what needs it is `Unavailable` at once.
    Open,
}

/// How long a router waits for a tier, and when it leaves it alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// The longest that a read by id, the beginning of a search or a look at its health may take.
    pub(super) timeout: Duration,
    /// So many failures in a row open the circuit.
    pub(super) failures: u32,
    /// How long it stays open before one request tries again.
    pub(super) rest: Duration,
}

/// Stands before one tier of one router. Writes do not come by here: their outcome must be waited for, and backends bound
/// that wait themselves.
#[derive(Debug)]
pub(super) struct Guard {
    tier: Tier,
    limits: Limits,
    state: Mutex<State>,
    gauge: Gauge,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Closed { failures: u32 },
    HalfOpen,
    Open { until: Instant },
}

impl Guard {
    pub(super) fn new(collection: &str, tier: Tier, limits: Limits) -> Arc<Self> {
        Arc::new(Self {
            tier,
            limits,
            state: Mutex::new(State::Closed { failures: 0 }),
            gauge: circuit_gauge(collection, tier),
        })
    }

    pub(super) fn circuit(&self) -> Circuit {
        match *self.state.lock() {
            State::Closed { .. } => Circuit::Closed,
            State::HalfOpen => Circuit::HalfOpen,
            State::Open { .. } => Circuit::Open,
        }
    }

    /// Does `work` if the tier is to be asked, and gives up on it after the timeout.
    ///
    /// # Errors
    /// `Unavailable`: the circuit is open, or `work` took too long.
    pub(super) async fn run<T>(
        self: &Arc<Self>,
        op: Operation,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let pass = self.admit(op)?;
        let answer = self.in_time(op.as_str(), work).await;
        pass.tell(answer.as_ref().err());
        answer
    }

    /// The same for work that may rightly take long: a count of everything.
    pub(super) async fn run_long<T>(
        self: &Arc<Self>,
        op: Operation,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let pass = self.admit(op)?;
        let answer = work.await;
        pass.tell(answer.as_ref().err());
        answer
    }

    /// Asks whatever the circuit says, and lets the answer decide about it.
    pub(super) async fn probe<T>(
        self: &Arc<Self>,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let answer = self.in_time("health", work).await;
        self.tell(answer.as_ref().err());
        answer
    }

    /// Leave to ask the tier, with which the outcome is told.
    pub(super) fn admit(self: &Arc<Self>, op: Operation) -> Result<Pass> {
        let mut state = self.state.lock();
        let is_trial = match *state {
            State::Closed { .. } => false,
            State::Open { until } if until <= Instant::now() => {
                *state = State::HalfOpen;
                self.gauge.set(1.0);
                true
            }
            State::Open { until } => {
                return Err(self.left_alone(op, until.duration_since(Instant::now())));
            }
            State::HalfOpen => return Err(self.left_alone(op, Duration::ZERO)),
        };
        Ok(Pass {
            guard: Arc::clone(self),
            is_trial,
        })
    }

    async fn in_time<T>(
        &self,
        op: &'static str,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let began = Instant::now();
        match tokio::time::timeout(self.limits.timeout, work).await {
            Ok(answer) => answer,
            Err(_) => Err(
                Error::unavailable("a tier did not answer in time; try again later")
                    .with("tier", self.tier)
                    .with("op", op)
                    .with("elapsed", format_args!("{:.1?}", began.elapsed())),
            ),
        }
    }

    fn left_alone(&self, op: Operation, rest: Duration) -> Error {
        Error::unavailable(
            "a tier failed again and again and is left alone for a while; try again later",
        )
        .with("tier", self.tier)
        .with("op", op.as_str())
        .with("failures", self.limits.failures)
        .with("asked_again_in", format_args!("{rest:.1?}"))
    }

    fn tell(&self, error: Option<&Error>) {
        let failed = error.is_some_and(|error| error.kind() == ErrorKind::Unavailable);
        let mut state = self.state.lock();
        let next = match (*state, failed) {
            (State::Closed { failures: 0 }, false) | (State::Open { .. }, true) => return,
            (_, false) => State::Closed { failures: 0 },
            (State::Closed { failures }, true) if failures + 1 < self.limits.failures => {
                State::Closed {
                    failures: failures + 1,
                }
            }
            (_, true) => State::Open {
                until: Instant::now() + self.limits.rest,
            },
        };
        match (*state, next) {
            (State::Closed { .. }, State::Open { .. }) => {
                self.gauge.set(2.0);
                tracing::warn!(tier = %self.tier, failures = self.limits.failures, "a tier keeps failing and is left alone for a while");
            }
            (State::HalfOpen, State::Open { .. }) => self.gauge.set(2.0),
            (State::HalfOpen | State::Open { .. }, State::Closed { .. }) => {
                self.gauge.set(0.0);
                tracing::info!(tier = %self.tier, "a tier answers again");
            }
            _ => {}
        }
        *state = next;
    }
}

/// The guards of a router's tiers.
#[derive(Clone, Debug)]
pub(super) struct Guards {
    pub(super) primary: Arc<Guard>,
    pub(super) archive: Arc<Guard>,
}

impl Guards {
    pub(super) fn new(collection: &str, limits: Limits) -> Self {
        Self {
            primary: Guard::new(collection, Tier::Primary, limits),
            archive: Guard::new(collection, Tier::Archive, limits),
        }
    }

    /// The circuit of a tier; nothing stands before the hot one.
    pub(super) fn circuit(&self, tier: Tier) -> Circuit {
        match tier {
            Tier::Hot => Circuit::Closed,
            Tier::Primary => self.primary.circuit(),
            Tier::Archive => self.archive.circuit(),
        }
    }
}

/// Leave to ask a tier once.
#[derive(Debug)]
pub(super) struct Pass {
    guard: Arc<Guard>,
    is_trial: bool,
}

impl Pass {
    /// How it ended.
    pub(super) fn tell(&self, error: Option<&Error>) {
        self.guard.tell(error);
    }

    /// Lets a stream tell how it went: by its first error, or by its end.
    pub(super) fn watch<'a, T: Send + 'a>(
        self,
        stream: BoxStream<'a, Result<T>>,
    ) -> BoxStream<'a, Result<T>> {
        let pass = Arc::new(self);
        let end = Arc::clone(&pass);
        let at_end = stream::once(async move { end.tell(None) });
        stream
            .inspect(move |item| {
                if let Err(error) = item {
                    pass.tell(Some(error));
                }
            })
            .map(Some)
            .chain(at_end.map(|()| None))
            .filter_map(futures::future::ready)
            .boxed()
    }
}

impl Drop for Pass {
    /// A trial that was given up decided nothing: the next request is one.
    fn drop(&mut self) {
        if self.is_trial {
            let mut state = self.guard.state.lock();
            if matches!(*state, State::HalfOpen) {
                *state = State::Open {
                    until: Instant::now(),
                };
                self.guard.gauge.set(2.0);
            }
        }
    }
}

#[cfg(test)]
mod tests;
