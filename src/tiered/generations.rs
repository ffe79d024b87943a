//! Counters that every write turns on: what a hot entry is judged by.

use std::fmt;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};

use foldhash::fast::RandomState;

/// How many counters there are; ids share them by hash. 65,536 of them are 512 KiB.
const STRIPES: usize = 1 << 16;

/// Each router counts in a range of its own, so that a hot tier which served another router holds no hit for this one.
const ROUTER_BITS: u32 = 40;

static ROUTERS: AtomicU64 = AtomicU64::new(0);

/// One counter per stripe of ids.
pub(super) struct Generations {
    hasher: RandomState,
    counters: Box<[AtomicU64]>,
}

/// The counter that an id belongs to: its hash, worked out once per call of the router.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Stripe(u16);

impl Generations {
    pub(super) fn new() -> Self {
        let base = ROUTERS.fetch_add(1, Ordering::Relaxed) << ROUTER_BITS;
        Self {
            hasher: RandomState::default(),
            counters: (0..STRIPES).map(|_| AtomicU64::new(base)).collect(),
        }
    }

    pub(super) fn stripe(&self, id: &str) -> Stripe {
        // The upper bits are the best mixed.
        let [high, low, ..] = self.hasher.hash_one(id).to_be_bytes();
        Stripe(u16::from_be_bytes([high, low]))
    }

    /// The generation now. What is read afterwards is at least as new as the write that made it.
    pub(super) fn current(&self, stripe: Stripe) -> u64 {
        self.counters[usize::from(stripe.0)].load(Ordering::Acquire)
    }

    /// Ends the generation: nothing that was loaded before counts any more.
    pub(super) fn bump(&self, stripe: Stripe) {
        self.counters[usize::from(stripe.0)].fetch_add(1, Ordering::AcqRel);
    }

    /// Ends every generation.
    pub(super) fn bump_all(&self) {
        for counter in &self.counters {
            counter.fetch_add(1, Ordering::AcqRel);
        }
    }
}

impl fmt::Debug for Generations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Generations").finish_non_exhaustive()
    }
}
