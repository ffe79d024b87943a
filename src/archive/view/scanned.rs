//! Which row groups of a file without an id index hold an id, as its id column tells.

use twox_hash::XxHash3_64;

use crate::Result;
use crate::archive::segment::{Chunks, RowGroup, Tail, text};

/// The ids of a file that another program wrote: eight bytes each, an id in as many row groups as it is in.
#[derive(Debug)]
pub(super) struct ScannedIds {
    /// The upper bits of an id's hash, then its row group; sorted.
    entries: Box<[u64]>,
}

/// The bits of a row group's number.
const GROUP_BITS: u32 = 24;
const GROUP_MASK: u64 = (1 << GROUP_BITS) - 1;

impl ScannedIds {
    pub(super) fn read(tail: &Tail, id_column: i64, chunks: &Chunks) -> Result<Self> {
        let mut entries = Vec::new();
        for number in 0..tail.row_groups() {
            let group = RowGroup::open(tail, number, &[id_column], chunks.clone())?;
            let columns = group.columns(&[id_column], None)?;
            let Some(ids) = columns.get(id_column) else {
                continue;
            };
            for row in 0..columns.rows() {
                if let Some(id) = text(ids, row)? {
                    entries.push(hash(id) | (number as u64 & GROUP_MASK));
                }
            }
        }
        entries.sort_unstable();
        entries.dedup();
        Ok(Self {
            entries: entries.into(),
        })
    }

    /// The row groups that may hold `id`.
    pub(super) fn row_groups(&self, id: &str) -> impl Iterator<Item = usize> {
        let hash = hash(id);
        let start = self.entries.partition_point(|entry| *entry < hash);
        self.entries[start..]
            .iter()
            .take_while(move |entry| *entry & !GROUP_MASK == hash)
            .filter_map(|entry| usize::try_from(entry & GROUP_MASK).ok())
    }

    /// The bytes that it takes in memory.
    pub(super) fn bytes(&self) -> usize {
        self.entries.len() * size_of::<u64>()
    }
}

fn hash(id: &str) -> u64 {
    XxHash3_64::oneshot(id.as_bytes()) & !GROUP_MASK
}
