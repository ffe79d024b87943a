//! How many collections a daemon works on at once: one that is busy lets others go first.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How long a busy daemon leaves each further collection to others that may have nothing to do.
const COURTESY: Duration = Duration::from_millis(300);

/// How often it is looked whether it still is busy.
const LOOK: Duration = Duration::from_millis(20);

/// Counts the collections that this daemon works on.
#[derive(Debug, Default)]
pub(super) struct Hands(AtomicUsize);

/// One collection that is worked on; dropping it says that it is done.
#[derive(Debug)]
pub(super) struct Taken(Arc<Hands>);

impl Hands {
    /// Takes one more collection: at once where there is none, else after a moment for each that there is.
    ///
    /// Several daemons whose turns come at the same time so share the collections out, instead of the first one taking
    /// the leases of all.
    pub(super) async fn take(self: &Arc<Self>) -> Taken {
        let begun = Instant::now();
        loop {
            let busy = self.0.load(Ordering::Relaxed);
            let courtesy = COURTESY * u32::try_from(busy).unwrap_or(u32::MAX);
            let is_taken = begun.elapsed() >= courtesy
                && self
                    .0
                    .compare_exchange(busy, busy + 1, Ordering::Relaxed, Ordering::Relaxed)
                    .is_ok();
            if is_taken {
                return Taken(Arc::clone(self));
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}
