//! Bytes as they may come from a damaged store, read as the end of a segment: what fuzzers and property tests feed.

use bytes::Bytes;

use super::Tail;
use super::id_index::IdIndex;
use crate::archive::column::ColumnType;

/// The field ids that are asked for: the system columns, two promoted ones, and one that nobody has.
const FIELD_IDS: std::ops::Range<i64> = 1..11;

/// Reads `bytes` as the tail of a segment of `size` bytes and asks it everything that a reader asks, if it is one.
#[doc(hidden)]
pub fn read_tail(bytes: &[u8], size: u64, knows_length: bool) {
    let length = knows_length.then_some(bytes.len() as u64);
    let Ok(tail) = Tail::parse(Bytes::copy_from_slice(bytes), size, length) else {
        return;
    };
    let _asked = (tail.is_ours(), tail.row_count(), tail.row_group_of("r007"));
    let ids: Vec<i64> = FIELD_IDS.collect();
    for group in 0..tail.row_groups() {
        let _asked = (tail.rows(group), tail.ranges(group, &ids));
        for id in &ids {
            for kind in [
                ColumnType::Text,
                ColumnType::Integer,
                ColumnType::Double,
                ColumnType::Time,
                ColumnType::Boolean,
            ] {
                let _extent = tail.extent(group, *id, kind);
            }
        }
    }
}

/// Reads `bytes` as an id index, with a checksum that is right, and asks it for some ids.
#[doc(hidden)]
pub fn read_id_index(bytes: &[u8]) {
    let mut summed = bytes.to_vec();
    summed.extend(crc32fast::hash(bytes).to_le_bytes());
    for bytes in [bytes.to_vec(), summed] {
        if let Ok(index) = IdIndex::parse(bytes.into()) {
            for id in ["", "r007", "\u{fc}", "a much longer id than the others are"] {
                let _any = index.row_group(id);
            }
        }
    }
}
