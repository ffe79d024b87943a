//! The hot tier and the rules by which what it holds counts.

mod bump;
mod suspended;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(super) use self::bump::{Bump, Outcome};
use self::suspended::Suspended;
use super::generations::{Generations, Stripe};
use super::source::{Found, ReadSource};
use crate::fault::mutation;
use crate::telemetry::RouterMetrics;
use crate::{Clock, Entry, HotCache, Record};

/// A lifetime that no clock reaches, for those that do not fit into one.
const FOREVER: Duration = Duration::from_secs(60 * 60 * 24 * 365 * 30);

/// Judges what the hot tier holds, and fills it.
pub(super) struct Coherence {
    hot: Option<Box<dyn HotCache>>,
    clock: Arc<dyn Clock>,
    generations: Generations,
    suspended: Suspended,
    metrics: Arc<RouterMetrics>,
    ttl: Duration,
    absent_ttl: Duration,
}

/// What has to be known from before a load to keep what it brings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    pub(super) generation: u64,
    started: Instant,
    may_keep: bool,
}

impl Coherence {
    pub(super) fn new(
        hot: Option<Box<dyn HotCache>>,
        clock: Arc<dyn Clock>,
        metrics: Arc<RouterMetrics>,
        ttl: Duration,
        absent_ttl: Duration,
    ) -> Self {
        Self {
            hot,
            clock,
            generations: Generations::new(),
            suspended: Suspended::default(),
            metrics,
            ttl,
            absent_ttl,
        }
    }

    pub(super) fn hot(&self) -> Option<&dyn HotCache> {
        self.hot.as_deref()
    }

    pub(super) fn stripe(&self, id: &str) -> Stripe {
        self.generations.stripe(id)
    }

    /// What the hot tier knows of `id`, if that still counts.
    ///
    /// The generation is read after the entry: a write that was acknowledged before this call has turned it on by then.
    pub(super) fn hit(&self, id: &str, stripe: Stripe) -> Option<Found> {
        let entry = self.hot.as_ref()?.get(id)?;
        (self.stands(entry.generation, stripe) && self.clock.instant() < entry.expires)
            .then(|| Found::from(ReadSource::Hot, entry.record))
    }

    fn stands(&self, generation: u64, stripe: Stripe) -> bool {
        generation == self.generations.current(stripe) || mutation("ignore_generation")
    }

    /// To be called before a load from the tiers below.
    pub(super) fn begin(&self, stripe: Stripe) -> Load {
        let started = self.clock.instant();
        Load {
            generation: self.generations.current(stripe),
            started,
            may_keep: self.hot.is_some() && !self.suspended.holds(stripe, started),
        }
    }

    /// Keeps what a load brought, also that there is nothing.
    pub(super) fn keep(&self, id: &str, stripe: Stripe, load: Load, record: Option<&Arc<Record>>) {
        let Some(hot) = &self.hot else { return };
        // An entry of an ended generation would be no hit, and could push out one that is.
        if !load.may_keep || !self.stands(load.generation, stripe) {
            self.metrics.stale_fill();
            return;
        }
        let lifetime = match record {
            Some(_) => self.ttl,
            None => self.absent_ttl,
        };
        let from = match mutation("ttl_from_insert") {
            true => self.clock.instant(),
            false => load.started,
        };
        let entry = Entry {
            generation: load.generation,
            expires: from.checked_add(lifetime).unwrap_or(from + FOREVER),
            record: record.cloned(),
        };
        hot.insert(id, entry);
    }
}

impl fmt::Debug for Coherence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coherence")
            .field("hot", &self.hot)
            .field("ttl", &self.ttl)
            .field("absent_ttl", &self.absent_ttl)
            .finish_non_exhaustive()
    }
}
