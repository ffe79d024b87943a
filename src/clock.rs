//! Where the time comes from: the system, or a test that turns it by hand.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{Timestamp, Unit};
use parking_lot::Mutex;

/// A source of time. Nothing in this crate asks the system directly.
pub trait Clock: Send + Sync + Debug {
    /// The time of day, UTC, in whole microseconds.
    fn now(&self) -> Timestamp;

    /// A time that never runs backwards, for lifetimes; it may stand still for some milliseconds.
    fn instant(&self) -> Instant;
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> Timestamp {
        (**self).now()
    }

    fn instant(&self) -> Instant {
        (**self).instant()
    }
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        whole_micros(Timestamp::now())
    }

    /// To the system's tick, some milliseconds: every hit in the hot tier asks, and the exact time costs several times more.
    fn instant(&self) -> Instant {
        ticks::now()
    }
}

/// The monotonic clock, as of the last tick.
#[cfg(target_os = "linux")]
mod ticks {
    use std::sync::LazyLock;
    use std::time::{Duration, Instant};

    use rustix::time::{ClockId, clock_gettime};

    /// Both clocks at one moment: an `Instant` cannot be made of a reading.
    static START: LazyLock<(Instant, Duration)> = LazyLock::new(|| (Instant::now(), reading()));

    pub(super) fn now() -> Instant {
        let (instant, then) = *START;
        instant + reading().saturating_sub(then)
    }

    fn reading() -> Duration {
        let time = clock_gettime(ClockId::MonotonicCoarse);
        Duration::try_from(time).unwrap_or_default()
    }
}

#[cfg(not(target_os = "linux"))]
mod ticks {
    pub(super) use std::time::Instant;

    pub(super) fn now() -> Instant {
        Instant::now()
    }
}

/// A clock that stands still until it is turned: for tests, and for `--now`.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<Mutex<(Timestamp, Instant)>>);

impl ManualClock {
    /// A clock that stands at `now`.
    pub fn at(now: Timestamp) -> Self {
        Self(Arc::new(Mutex::new((whole_micros(now), Instant::now()))))
    }

    /// Moves both times forward.
    pub fn advance(&self, by: Duration) {
        let mut time = self.0.lock();
        time.0 += by;
        time.1 += by;
    }

    /// Sets the time of day, backwards too, as an administrator may; the other time stays.
    pub fn set(&self, now: Timestamp) {
        self.0.lock().0 = whole_micros(now);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.0.lock().0
    }

    fn instant(&self) -> Instant {
        self.0.lock().1
    }
}

/// Every layout keeps microseconds, so every time is cut to them where it enters.
pub(crate) fn whole_micros(time: Timestamp) -> Timestamp {
    // What was stored once is cut already, and rounding costs more than reading the rest of a row.
    if time.subsec_nanosecond() % 1_000 == 0 {
        return time;
    }
    time.round(
        jiff::TimestampRound::new()
            .smallest(Unit::Microsecond)
            .mode(jiff::RoundMode::Floor),
    )
    .unwrap_or(time)
}
