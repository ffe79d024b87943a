//! One lock per stripe of ids, held by writes; readers notice that a write passed by.

use std::fmt;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};

use foldhash::fast::RandomState;
use tokio::sync::{Mutex, MutexGuard};

/// How many locks there are. Two writes of different ids seldom meet.
const STRIPES: usize = 1 << 10;

/// The locks of a router over loose tiers.
pub(super) struct Locks {
    hasher: RandomState,
    stripes: Box<[Stripe]>,
}

#[derive(Default)]
struct Stripe {
    lock: Mutex<()>,
    finished: AtomicU64,
}

/// How many writes had ended when a read began.
#[derive(Clone, Copy)]
pub(super) struct Mark(u64);

/// Locks that are held until this goes.
pub(super) struct Held<'a>(Vec<(&'a Stripe, MutexGuard<'a, ()>)>);

impl Locks {
    pub(super) fn new() -> Self {
        Self {
            hasher: RandomState::default(),
            stripes: (0..STRIPES).map(|_| Stripe::default()).collect(),
        }
    }

    /// Locks these ids, in the one order that all writes keep.
    pub(super) async fn hold(&self, ids: impl IntoIterator<Item = &str>) -> Held<'_> {
        let mut numbers: Vec<usize> = ids.into_iter().map(|id| self.number(id)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        self.hold_stripes(numbers).await
    }

    /// Locks every id.
    pub(super) async fn hold_all(&self) -> Held<'_> {
        self.hold_stripes((0..STRIPES).collect()).await
    }

    async fn hold_stripes(&self, numbers: Vec<usize>) -> Held<'_> {
        let mut held = Held(Vec::with_capacity(numbers.len()));
        for number in numbers {
            let stripe = &self.stripes[number];
            held.0.push((stripe, stripe.lock.lock().await));
        }
        held
    }

    /// To be asked before a read.
    pub(super) fn mark(&self, id: &str) -> Mark {
        Mark(self.stripe(id).finished.load(Ordering::Acquire))
    }

    /// Whether no write of the id was under way at any moment since the mark.
    ///
    /// The lock is looked at first: a write that ended after that look has changed the count.
    pub(super) fn is_undisturbed(&self, id: &str, mark: Mark) -> bool {
        let stripe = self.stripe(id);
        stripe.lock.try_lock().is_ok() && stripe.finished.load(Ordering::Acquire) == mark.0
    }

    fn number(&self, id: &str) -> usize {
        // Truncated on purpose: only the lowest bits count.
        usize::try_from(self.hasher.hash_one(id) % STRIPES as u64).unwrap_or(0)
    }

    fn stripe(&self, id: &str) -> &Stripe {
        &self.stripes[self.number(id)]
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        // Counted while the lock is still held, so that a reader sees the one or the other.
        for (stripe, _) in &self.0 {
            stripe.finished.fetch_add(1, Ordering::AcqRel);
        }
    }
}

impl fmt::Debug for Locks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Locks").finish_non_exhaustive()
    }
}
