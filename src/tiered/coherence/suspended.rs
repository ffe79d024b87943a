//! Stripes whose last write has an unknown outcome: nothing is kept for them until it must be known.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use parking_lot::Mutex;

use crate::tiered::generations::Stripe;

/// The stripes that are suspended, and until when.
#[derive(Debug, Default)]
pub(super) struct Suspended {
    /// Almost always false: spares the lock.
    any: AtomicBool,
    until: Mutex<Until>,
}

#[derive(Debug, Default)]
struct Until {
    stripes: HashMap<Stripe, Instant>,
    all: Option<Instant>,
}

impl Suspended {
    /// Suspends these stripes, or all of them, until `until`.
    pub(super) fn add(&self, stripes: Option<&[Stripe]>, until: Instant) {
        let mut held = self.until.lock();
        match stripes {
            Some(stripes) => held
                .stripes
                .extend(stripes.iter().map(|stripe| (*stripe, until))),
            None => held.all = Some(until),
        }
        self.any.store(true, Ordering::Release);
    }

    /// Whether a load that begins at `now` must not be kept: the write may still take effect behind it.
    pub(super) fn holds(&self, stripe: Stripe, now: Instant) -> bool {
        if !self.any.load(Ordering::Acquire) {
            return false;
        }
        let mut held = self.until.lock();
        held.stripes.retain(|_, until| now < *until);
        held.all = held.all.filter(|until| now < *until);
        if held.stripes.is_empty() && held.all.is_none() {
            self.any.store(false, Ordering::Release);
        }
        held.all.is_some() || held.stripes.contains_key(&stripe)
    }
}
