//! The keys of the objects that are open, to find one that stands twice.

use std::borrow::Cow;
use std::collections::HashSet;
use std::hash::BuildHasher;

use foldhash::fast::{FixedState, RandomState};

/// Up to so many keys of one object, comparing hashes one after the other is fastest.
const FEW: usize = 32;

#[derive(Default)]
pub(super) struct Keys<'a> {
    /// The keys of all open objects, outer ones first.
    seen: Vec<(u64, Cow<'a, str>)>,
    /// Where the keys of each open object begin.
    starts: Vec<usize>,
    /// The open objects with many keys, by depth; hashed with a secret, so that no text makes it slow.
    many: Vec<(usize, HashSet<Cow<'a, str>, RandomState>)>,
}

impl<'a> Keys<'a> {
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
    }

    /// Notes a key of the innermost object; whether it is new there.
    pub(super) fn add(&mut self, key: Cow<'a, str>) -> bool {
        let hash = FixedState::default().hash_one(key.as_bytes());
        let depth = self.starts.len();
        let start = self.starts.last().copied().unwrap_or(0);
        let here = &self.seen[start..];
        if here.len() < FEW {
            let twice =
                |(other_hash, other): &(u64, Cow<'_, str>)| *other_hash == hash && *other == key;
            let new = !here.iter().any(twice);
            self.seen.push((hash, key));
            return new;
        }
        if self.many.last().is_none_or(|(of, _)| *of != depth) {
            let set = here.iter().map(|(_, key)| key.clone()).collect();
            self.many.push((depth, set));
        }
        let new = self
            .many
            .last_mut()
            .is_none_or(|(_, set)| set.insert(key.clone()));
        // Only the newest is needed from here on, for the path.
        if here.len() == FEW {
            self.seen.push((hash, key));
        } else if let Some(newest) = self.seen.last_mut() {
            *newest = (hash, key);
        }
        new
    }

    /// The newest keys of the open objects, as a path.
    pub(super) fn path(&self) -> String {
        let ends = self.starts.iter().skip(1).copied();
        let spans = self.starts.iter().zip(ends.chain([self.seen.len()]));
        let newest = spans.filter(|(start, end)| *end > **start);
        let names: Vec<&str> = newest
            .map(|(_, end)| self.seen[end - 1].1.as_ref())
            .collect();
        names.join(".")
    }
}
