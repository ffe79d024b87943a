//! Versions of layouts that keep nothing beyond the process: an instance and a counter.

use std::sync::atomic::{AtomicU64, Ordering};

use uuid::Uuid;

use super::Version;

/// Numbers the writes of one database in memory.
///
/// The instance is part of every token, so that two of them, or one before and after a restart, never agree by chance.
#[derive(Debug)]
pub(crate) struct VersionCounter {
    layout: &'static str,
    instance: Uuid,
    written: AtomicU64,
}

impl VersionCounter {
    pub(crate) fn new(layout: &'static str) -> Self {
        Self {
            layout,
            instance: Uuid::now_v7(),
            written: AtomicU64::new(0),
        }
    }

    /// A version that was never given before.
    pub(crate) fn next(&self) -> Version {
        let number = self.written.fetch_add(1, Ordering::Relaxed) + 1;
        Version::of(
            self.layout,
            format_args!("{}.{number}", self.instance.simple()),
        )
    }
}
