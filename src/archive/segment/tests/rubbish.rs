//! Tails that are none, or almost: an error, or an answer, and never a panic.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::flights::label;
use crate::Record;
use crate::archive::column::{ColumnType, columns_with};
use crate::archive::segment::rubbish::read_tail;
use crate::archive::segment::{SegmentRow, encode};

/// The tail of a segment of ours, and the segment's size.
struct Good {
    tail: Vec<u8>,
    size: u64,
}

static GOOD: LazyLock<Good> = LazyLock::new(|| {
    let columns = columns_with(&[("n", ColumnType::Integer), ("s", ColumnType::Text)]);
    let rows: Vec<SegmentRow> = (0..300)
        .map(|n| {
            let fields = format!(r#"{{"n":{n},"s":"text {n}"}}"#);
            let record = Record::from_json(format!("r{n:03}"), &fields).unwrap();
            let at = label().archived_at;
            SegmentRow::new(record.with_times(Some(at), Some(at)).into(), at)
        })
        .collect();
    let encoded = encode(&columns, &rows, &label()).unwrap();
    let length = usize::try_from(encoded.tail_length).unwrap();
    Good {
        tail: encoded.bytes[encoded.bytes.len() - length..].to_vec(),
        size: encoded.bytes.len() as u64,
    }
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_bytes_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..300), footer in 0_u32..320, size in any::<u32>()) {
        if bytes.len() >= 8 {
            let end = bytes.len() - 8;
            bytes[end..end + 4].copy_from_slice(&footer.to_le_bytes());
            bytes[end + 4..].copy_from_slice(b"PAR1");
        }
        read_tail(&bytes, u64::from(size), false);
    }

    #[test]
    fn no_change_of_a_tail_panics(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in prop::option::of(any::<prop::sample::Index>()),
        knows_length: bool,
    ) {
        let mut bytes = GOOD.tail.clone();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            let cut = cut.index(bytes.len());
            bytes.drain(..cut);
        }
        read_tail(&bytes, GOOD.size, knows_length);
    }
}
