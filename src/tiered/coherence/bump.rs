//! The guard of a write: when it goes, by whichever way, what was cached of the keys no longer counts.

use std::sync::Arc;
use std::time::Duration;

use super::Coherence;
use crate::fault::mutation;
use crate::tiered::generations::Stripe;
use crate::{ErrorKind, RecordId, Result, Written};

/// How long a write whose outcome is unknown may still take effect: longer than any server works at a statement.
const UNKNOWN_FOR: Duration = Duration::from_secs(60);

/// Ends the generations of the keys of a write when it is dropped.
///
/// It belongs to whatever executes the write, not to the caller: a caller that is cancelled does not stop the write.
/// Dropped without [`settle`](Bump::settle), or settled with an outcome that is not known, it also keeps the keys out
/// of the hot tier until the write cannot take effect any more.
pub(in crate::tiered) struct Bump {
    coherence: Arc<Coherence>,
    /// None: every key.
    ids: Option<Vec<RecordId>>,
    known: bool,
}

impl Bump {
    /// The guard of a write of these keys.
    pub(in crate::tiered) fn of(coherence: Arc<Coherence>, ids: Vec<RecordId>) -> Self {
        Self {
            coherence,
            ids: Some(ids),
            known: false,
        }
    }

    /// The guard of a write of everything.
    pub(in crate::tiered) fn of_all(coherence: Arc<Coherence>) -> Self {
        Self {
            coherence,
            ids: None,
            known: false,
        }
    }

    /// Says how the write ended.
    pub(in crate::tiered) fn settle<T: Outcome>(&mut self, outcome: &Result<T>) {
        self.known = match outcome {
            Ok(outcome) => outcome.is_known(),
            Err(error) => is_known(error.kind()),
        };
        if let Some(ids) = &mut self.ids {
            forget_some(ids, outcome);
        }
    }
}

impl Drop for Bump {
    fn drop(&mut self) {
        let Coherence {
            hot,
            generations,
            suspended,
            clock,
            ..
        } = &*self.coherence;
        let stripes: Option<Vec<Stripe>> = self.ids.as_ref().map(|ids| {
            ids.iter()
                .map(|id| generations.stripe(id.as_str()))
                .collect()
        });
        // Suspended first: a load that begins after the generation was turned on finds the mark.
        if !self.known && !mutation("cache_after_unknown") {
            suspended.add(stripes.as_deref(), clock.instant() + UNKNOWN_FOR);
        }
        match &stripes {
            Some(stripes) => stripes.iter().for_each(|stripe| generations.bump(*stripe)),
            None => generations.bump_all(),
        }
        // Only to free the memory: the entries are no hits any more.
        if let Some(hot) = hot {
            match &self.ids {
                Some(ids) => ids.iter().for_each(|id| hot.remove(id.as_str())),
                None => hot.remove_all(),
            }
        }
    }
}

/// What a write answers with.
pub(in crate::tiered) trait Outcome {
    /// Whether it is known what was written.
    fn is_known(&self) -> bool;

    /// Whether the write with this number changed nothing.
    fn is_refused(&self, number: usize) -> bool;
}

impl Outcome for () {
    fn is_known(&self) -> bool {
        true
    }

    fn is_refused(&self, _number: usize) -> bool {
        false
    }
}

impl Outcome for Vec<Written> {
    fn is_known(&self) -> bool {
        self.iter().all(|written| match written {
            Written::Failed(error) => is_known(error.kind()),
            _ => true,
        })
    }

    fn is_refused(&self, number: usize) -> bool {
        matches!(
            self.get(number),
            Some(Written::Changed | Written::Missing | Written::Exists)
        )
    }
}

/// Whether an error of this kind says that nothing was written. A kind that does not say so is no knowledge.
fn is_known(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Invalid
            | ErrorKind::Unsupported
            | ErrorKind::Conflict
            | ErrorKind::Unavailable
            | ErrorKind::Closed
    )
}

/// The mutations of the guard: each leaves some keys as they were, which a test must notice.
fn forget_some<T: Outcome>(ids: &mut Vec<RecordId>, outcome: &Result<T>) {
    if mutation("bump_only_on_success") && outcome.is_err() {
        ids.clear();
    }
    if mutation("batch_bump_partial") {
        ids.truncate(1);
    }
    if mutation("conflict_no_bump")
        && let Ok(outcome) = outcome
    {
        let mut number = 0;
        ids.retain(|_| {
            number += 1;
            !outcome.is_refused(number - 1)
        });
    }
}
