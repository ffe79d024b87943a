//! What a run did.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::archive::shift::HeldBy;
use crate::catalog_host::SkipReason;

/// What one run of one policy did, so far or in the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ArchiveReport {
    /// The policy's name.
    pub policy: String,
    /// Records that moved.
    pub moved: u64,
    /// Bytes of their text, uncompressed.
    pub moved_bytes: u64,
    /// Records that were due and stay, by reason: they are looked at again by the next run.
    pub skipped: BTreeMap<SkipReason, u64>,
    /// Older archived copies of moved records that were still live, because another program had put them back into the
    /// primary: they are dead now.
    pub repaired: u64,
    /// Segments that were written.
    pub segments: u64,
    /// Bytes of these segments.
    pub bytes: u64,
    /// Transactions.
    pub batches: u64,
    /// Bytes of the primary's file that were given back to the disk.
    pub released: u64,
    /// How long it took.
    pub took: Duration,
    /// Whether it was stopped before everything was moved.
    pub stopped: bool,
    /// Another process that was at work on the collection when the run began.
    pub held_by: Option<HeldBy>,
}

impl ArchiveReport {
    pub(crate) fn skip(&mut self, reason: SkipReason, count: u64) {
        if count > 0 {
            *self.skipped.entry(reason).or_default() += count;
        }
    }
}
