//! The id index of a segment: which row group an id lies in, if it lies in the segment at all.
//!
//! It is a *map* built like a binary fuse filter of three hashes (the construction of T. M. Graf and D. Lemire, "Binary Fuse
//! Filters: Fast and Smaller Than Xor Filters", ACM Journal of Experimental Algorithmics 27, 2022), whose slots hold, beside
//! the fingerprint, the number of a row group: 3.4 bytes an id. The three slots of an id, taken together by exclusive or,
//! give its fingerprint and its row group. An id that is not in the segment gives a fingerprint that is not its own, but for
//! one in 65,536; and of those only the ones whose number happens to be that of a row group cost a read.
//!
//! # Bytes, version 1
//!
//! All numbers are little-endian.
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 4 | `TCid` |
//! | 4 | 1 | version: 1 |
//! | 5 | 1 | *w*, bytes of a row group's number in a slot: 0 (there is one row group), 1 or 2 |
//! | 6 | 1 | *l*, the base-2 logarithm of the slots in a block: at most 18 |
//! | 7 | 1 | 0 |
//! | 8 | 4 | *b*, blocks that an id's first slot can lie in |
//! | 12 | 4 | row groups of the segment |
//! | 16 | 8 | seed |
//! | 24 | (*b* + 2) × 2^*l* × (2 + *w*) | the slots: a fingerprint of two bytes, then a row group's number of *w* |
//! | then | 4 | CRC-32 (that of Ethernet) of all bytes before |
//!
//! With *h* = XXH3-64 of the id's UTF-8 bytes under the seed, the fingerprint is the low 16 bits of `h ^ (h >> 32)`, and the
//! slots are: *s0* = `h * (b << l) >> 64` in 128 bits; *s1* = `(s0 + 2^l) ^ ((h >> 18) mod 2^l)`; *s2* = `(s0 + 2 * 2^l) ^
//! (h mod 2^l)`.

mod build;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use twox_hash::XxHash3_64;

pub(crate) use self::build::Repeated;
use crate::{Error, Result};

const MAGIC: &[u8; 4] = b"TCid";
const VERSION: u8 = 1;
const HEADER: usize = 24;
const CHECKSUM: usize = 4;
const MAX_BLOCK_LOG: u8 = 18;

/// Which row group each id of a segment lies in.
#[derive(Clone, Debug)]
pub(crate) struct IdIndex {
    shape: Shape,
    /// The whole serialized form.
    bytes: Bytes,
}

/// Everything of an index but its slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape {
    seed: u64,
    block_log: u8,
    blocks: u32,
    group_bytes: u8,
    groups: u32,
}

impl IdIndex {
    /// The row group that holds `id`, if any does: now and then one that does not.
    pub(crate) fn row_group(&self, id: &str) -> Option<u32> {
        let hash = self.shape.hash(id);
        let [a, b, c] = self.shape.slots(hash).map(|slot| self.slot(slot));
        let found = a ^ b ^ c;
        let group = found >> 16;
        (fingerprint(hash) == found & 0xffff && group < self.shape.groups).then_some(group)
    }

    /// The index as it stands in a file.
    pub(crate) fn as_bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Takes an index as it stands in a file.
    ///
    /// # Errors
    /// `Unsupported`: a later version wrote it. `Corrupt`: it is not what was written.
    pub(crate) fn parse(bytes: Bytes) -> Result<Self> {
        let damaged =
            |what| Error::corrupt("the id index of a segment is damaged").with("problem", what);
        let Some((body, checksum)) = bytes.split_last_chunk::<CHECKSUM>() else {
            return Err(damaged("too short"));
        };
        let Some((header, slots)) = body.split_first_chunk::<HEADER>() else {
            return Err(damaged("too short"));
        };
        if &header[..4] != MAGIC {
            return Err(damaged("it does not begin with its mark"));
        }
        if crc32fast::hash(body) != u32::from_le_bytes(*checksum) {
            return Err(damaged("its checksum differs"));
        }
        if header[4] != VERSION {
            return Err(Error::unsupported(
                "a newer version of Thermocline wrote this segment; read it with that version",
            )
            .with("id index version", header[4]));
        }
        let number = |at: usize| {
            u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
        };
        let shape = Shape {
            seed: u64::from(number(16)) | u64::from(number(20)) << 32,
            block_log: header[6],
            blocks: number(8),
            group_bytes: header[5],
            groups: number(12),
        };
        if shape.block_log > MAX_BLOCK_LOG
            || shape.group_bytes > 2
            || shape.blocks == 0
            || shape.slot_count() * u64::from(2 + shape.group_bytes) != slots.len() as u64
        {
            return Err(damaged("its shape is impossible"));
        }
        Ok(Self { shape, bytes })
    }

    fn slot(&self, slot: usize) -> u32 {
        let width = 2 + usize::from(self.shape.group_bytes);
        let at = HEADER + slot * width;
        self.bytes[at..at + width]
            .iter()
            .rev()
            .fold(0, |number, byte| number << 8 | u32::from(*byte))
    }
}

impl Shape {
    /// The shape for so many different ids: blocks grow with the ids, so that nearly every first try succeeds.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "small and positive: a logarithm, and a little more than the count of ids in memory"
    )]
    fn for_keys(keys: usize, groups: u32, seed: u64) -> Self {
        let ln = (keys.max(2) as f64).ln();
        let block_log = ((ln / 3.33_f64.ln() + 2.25) as u8).min(MAX_BLOCK_LOG);
        let room = (0.875 + 0.25 * 1e6_f64.ln() / ln).max(1.125);
        let blocks = ((keys as f64 * room) as u32).div_ceil(1 << block_log);
        Self {
            seed,
            block_log,
            blocks: blocks.saturating_sub(2).max(1),
            group_bytes: match groups {
                0 | 1 => 0,
                2..=256 => 1,
                _ => 2,
            },
            groups,
        }
    }

    fn hash(&self, id: &str) -> u64 {
        XxHash3_64::oneshot_with_seed(self.seed, id.as_bytes())
    }

    /// The three slots of a hash: in three neighbouring blocks, which keeps them near in memory.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "all are cut to the slots there are"
    )]
    fn slots(&self, hash: u64) -> [usize; 3] {
        let block = 1_usize << self.block_log;
        let mask = block - 1;
        let first_slots = u128::from(self.blocks) << self.block_log;
        let first = ((u128::from(hash) * first_slots) >> 64) as usize;
        [
            first,
            (first + block) ^ ((hash >> 18) as usize & mask),
            (first + 2 * block) ^ (hash as usize & mask),
        ]
    }

    fn slot_count(&self) -> u64 {
        (u64::from(self.blocks) + 2) << self.block_log
    }
}

fn fingerprint(hash: u64) -> u32 {
    u32::from(((hash ^ hash >> 32) & 0xffff) as u16)
}
