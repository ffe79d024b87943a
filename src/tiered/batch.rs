//! Batches in which an id comes again.

use std::collections::HashSet;

use foldhash::fast::RandomState;

use crate::{RecordId, Write};

/// Cuts a batch before each write of an id that stands earlier in the same piece.
///
/// Within a piece every write meets what was there before the piece, so its outcomes can be looked at together.
pub(super) fn runs(writes: Vec<Write>) -> Vec<Vec<Write>> {
    let mut runs = Vec::new();
    let mut run: Vec<Write> = Vec::with_capacity(writes.len());
    let mut ids: HashSet<RecordId, RandomState> = HashSet::default();
    for write in writes {
        if !ids.insert(write.id().clone()) {
            runs.push(std::mem::take(&mut run));
            ids.clear();
            ids.insert(write.id().clone());
        }
        run.push(write);
    }
    if !run.is_empty() {
        runs.push(run);
    }
    runs
}
