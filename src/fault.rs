//! Fail points and mutations: where the crash tests cut, and what they break on purpose.
//!
//! Without the feature `faults` both are nothing at all. With it, `THERMOCLINE_FAULT=step:kind` makes one step fail in a
//! child process, and `THERMOCLINE_MUTATION=name` breaks one rule of a protocol, which a test must then notice.

#[cfg(feature = "faults")]
use std::sync::OnceLock;

use crate::Result;

/// Whether a rule is broken on purpose.
#[cfg(feature = "faults")]
pub(crate) fn mutation(name: &str) -> bool {
    static NAME: OnceLock<Option<String>> = OnceLock::new();
    NAME.get_or_init(|| std::env::var("THERMOCLINE_MUTATION").ok())
        .as_deref()
        == Some(name)
}

/// Whether a rule is broken on purpose: never, in this build.
#[cfg(not(feature = "faults"))]
#[inline(always)]
pub(crate) fn mutation(_name: &str) -> bool {
    false
}

/// Does one named step of a protocol, unless a fault is set on it.
#[cfg(not(feature = "faults"))]
pub(crate) async fn step<T>(
    _name: &'static str,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    work.await
}

/// Does one named step of a protocol, unless a fault is set on it:
/// `error` fails before it, `failed` does it and reports a failure, `abort` kills the process before it,
/// `abort_after` after it, `cancel` stops before it and never goes on.
#[cfg(feature = "faults")]
pub(crate) async fn step<T>(
    name: &'static str,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    use crate::Error;
    static FAULT: OnceLock<Option<(String, String)>> = OnceLock::new();
    let fault = FAULT.get_or_init(|| {
        let text = std::env::var("THERMOCLINE_FAULT").ok()?;
        let (step, kind) = text.split_once(':')?;
        Some((step.to_owned(), kind.to_owned()))
    });
    let kind = match fault {
        Some((step, kind)) if step == name => kind.as_str(),
        _ => return work.await,
    };
    match kind {
        "error" => Err(Error::unavailable("a fault was set here").with("step", name)),
        "failed" => {
            work.await?;
            Err(Error::ambiguous("a fault was set here, after the step").with("step", name))
        }
        "abort" => std::process::abort(),
        "abort_after" => {
            let _done = work.await;
            std::process::abort()
        }
        "cancel" => futures::future::pending().await,
        _ => Err(
            Error::invalid("a fault is error, failed, abort, abort_after or cancel")
                .with("value", kind),
        ),
    }
}
