//! The keys of the objects that are open, to find one that stands twice.

use std::borrow::Cow;
use std::collections::HashSet;

use foldhash::fast::RandomState;

use super::scan::Key;

/// Up to so many keys of one object, comparing fingerprints one after the other is fastest.
const FEW: usize = 32;

pub(super) struct Keys<'a> {
    /// The keys of all open objects, outer ones first.
    seen: Vec<Key<'a>>,
    /// Their fingerprints, apart so that they lie close together.
    prints: Vec<u64>,
    /// Where the keys of each open object begin.
    starts: Vec<usize>,
    /// The open objects with many keys, by depth; hashed with a secret, so that no text makes it slow.
    many: Vec<(usize, HashSet<Cow<'a, str>, RandomState>)>,
}

impl<'a> Keys<'a> {
    pub(super) fn new() -> Self {
        Self {
            seen: Vec::with_capacity(16),
            prints: Vec::with_capacity(16),
            starts: Vec::with_capacity(4),
            many: Vec::new(),
        }
    }

    /// An object begins.
    pub(super) fn open(&mut self) {
        self.starts.push(self.seen.len());
    }

    /// The innermost object ends.
    pub(super) fn close(&mut self) {
        let depth = self.starts.len();
        if let Some((of, _)) = self.many.last()
            && *of == depth
        {
            self.many.truncate(self.many.len() - 1);
        }
        let start = self.starts.pop().unwrap_or(0);
        self.seen.truncate(start);
        self.prints.truncate(start);
    }

    /// Notes a key of the innermost object; whether it is new there.
    pub(super) fn add(&mut self, key: Key<'a>) -> bool {
        let start = self.starts.last().copied().unwrap_or(0);
        if self.seen.len() - start >= FEW {
            return self.add_to_many(key, start);
        }
        let print = fingerprint(key);
        let new = !self.prints[start..].contains(&print)
            || !self.seen[start..].iter().any(|other| other.is_same(key));
        self.prints.push(print);
        self.seen.push(key);
        new
    }

    #[cold]
    fn add_to_many(&mut self, key: Key<'a>, start: usize) -> bool {
        let depth = self.starts.len();
        if self.many.last().is_none_or(|(of, _)| *of != depth) {
            let here = self.seen[start..].iter();
            self.many
                .push((depth, here.map(|key| key.decode()).collect()));
        }
        let set = self.many.last_mut();
        let new = set.is_none_or(|(_, set)| set.insert(key.decode()));
        // Of further keys only the newest is needed here, for the path.
        self.seen.truncate(start + FEW);
        self.seen.push(key);
        self.prints.truncate(start + FEW);
        self.prints.push(0);
        new
    }

    /// The newest keys of the open objects, as a path.
    pub(super) fn path(&self) -> String {
        let ends = self.starts.iter().skip(1).copied();
        let spans = self.starts.iter().zip(ends.chain([self.seen.len()]));
        let newest = spans.filter(|(start, end)| *end > **start);
        let names: Vec<Cow<'_, str>> = newest.map(|(_, end)| self.seen[end - 1].decode()).collect();
        names.join(".")
    }
}

/// A number that equal keys share, and that different ones of one object seldom do.
fn fingerprint(key: Key<'_>) -> u64 {
    if key.is_escaped() {
        return of_bytes(key.decode().as_bytes());
    }
    of_bytes(key.raw().as_bytes())
}

fn of_bytes(bytes: &[u8]) -> u64 {
    match (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        (Some(first), Some(last)) => {
            let mixed = u64::from_le_bytes(*first) ^ u64::from_le_bytes(*last).rotate_left(32);
            mixed.wrapping_add(bytes.len() as u64)
        }
        _ => bytes
            .iter()
            .fold(0, |print, byte| print << 8 | u64::from(*byte)),
    }
}
