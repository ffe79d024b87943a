//! Fail points and mutations: where the crash tests cut, and what they break on purpose.
//!
//! Without the feature `faults` both are nothing at all. With it, `THERMOCLINE_FAULT=step:kind,..` makes steps of a
//! protocol fail once in this process, and `THERMOCLINE_MUTATION=name` breaks one rule, which a test must then notice.
//! Both are read once, so a test sets them on a child process. `THERMOCLINE_CLOCK=file` sets the clock of `thermocline run`
//! by as many seconds as the file says, whenever it says so.

#[cfg(feature = "faults")]
pub use self::armed::{SetClock, all_fired, reached};
#[cfg(feature = "faults")]
pub(crate) use self::armed::{mutation, step};
#[cfg(not(feature = "faults"))]
pub(crate) use self::harmless::{mutation, step};

#[cfg(not(feature = "faults"))]
mod harmless {
    use crate::Result;

    /// Whether a rule is broken on purpose: never, in this build.
    #[inline(always)]
    pub(crate) fn mutation(_name: &str) -> bool {
        false
    }

    /// Does one named step of a protocol.
    #[inline(always)]
    pub(crate) async fn step<T>(
        _name: &'static str,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        work.await
    }
}

#[cfg(feature = "faults")]
mod armed {
    use std::path::PathBuf;
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Instant;

    use jiff::{SignedDuration, Timestamp};
    use tokio::sync::Notify;

    use crate::clock::{Clock, SystemClock};
    use crate::{Error, Result};

    /// The machine's clock, and what a file adds to it: a clock that can be set while a process runs.
    #[derive(Clone, Debug, Default)]
    pub struct SetClock(Option<PathBuf>);

    impl SetClock {
        /// By the file that `THERMOCLINE_CLOCK` names; without one it is the machine's clock.
        pub fn from_env() -> Self {
            Self(std::env::var_os("THERMOCLINE_CLOCK").map(PathBuf::from))
        }
    }

    impl Clock for SetClock {
        fn now(&self) -> Timestamp {
            let text = (self.0.as_ref()).and_then(|file| std::fs::read_to_string(file).ok());
            let seconds = text.and_then(|text| text.trim().parse().ok());
            let now = SystemClock.now();
            now.saturating_add(SignedDuration::from_secs(seconds.unwrap_or(0)))
                .unwrap_or(now)
        }

        fn instant(&self) -> Instant {
            SystemClock.instant()
        }
    }

    static MUTATION: LazyLock<Option<String>> =
        LazyLock::new(|| std::env::var("THERMOCLINE_MUTATION").ok());
    static FAULTS: LazyLock<Vec<Fault>> = LazyLock::new(|| {
        let text = std::env::var("THERMOCLINE_FAULT").unwrap_or_default();
        let faults = text.split(',').filter_map(|fault| fault.rsplit_once(':'));
        let armed = |(step, kind): (&str, &str)| Fault {
            step: step.to_owned(),
            kind: kind.to_owned(),
            fired: AtomicBool::new(false),
        };
        faults.map(armed).collect()
    });
    static REACHED: Notify = Notify::const_new();

    struct Fault {
        step: String,
        kind: String,
        fired: AtomicBool,
    }

    /// Whether every fault that was set has happened.
    pub fn all_fired() -> bool {
        FAULTS
            .iter()
            .all(|fault| fault.fired.load(Ordering::Relaxed))
    }

    /// Whether a rule is broken on purpose.
    pub(crate) fn mutation(name: &str) -> bool {
        MUTATION.as_deref() == Some(name)
    }

    /// Waits until a step with the fault `cancel` was reached, so that a test can drop what hangs there.
    pub async fn reached() {
        REACHED.notified().await;
    }

    /// Does one named step of a protocol, unless a fault is set on it, which happens once:
    /// `error` fails instead of it, `failed` does it and reports an unknown outcome, `abort` kills the process before
    /// it, `abort_after` after it, `cancel` hangs before it.
    pub(crate) async fn step<T>(
        name: &'static str,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let set = FAULTS.iter().find(|fault| fault.step == name);
        let Some(fault) = set.filter(|fault| !fault.fired.swap(true, Ordering::Relaxed)) else {
            return work.await;
        };
        match fault.kind.as_str() {
            "error" => Err(Error::unavailable("a fault was set on this step").with("step", name)),
            "failed" => {
                work.await?;
                Err(Error::ambiguous("a fault was set after this step").with("step", name))
            }
            "abort" => std::process::abort(),
            "abort_after" => {
                let _outcome = work.await;
                std::process::abort()
            }
            "cancel" => {
                REACHED.notify_one();
                futures::future::pending().await
            }
            kind => Err(
                Error::invalid("a fault is error, failed, abort, abort_after or cancel")
                    .with("value", kind),
            ),
        }
    }
}
