//! What goes in comes out, whatever it is; and nothing else ever does.

use std::sync::Arc;

use jiff::Timestamp;
use proptest::prelude::*;

use super::flights::label;
use crate::archive::column::{Bound, Column, ColumnType, columns_with as columns};
use crate::archive::segment::encode::Encoded;
use crate::archive::segment::{
    Chunks, RecordReader, RowGroup, SegmentRow, Tail, encode, fitting, verify,
};
use crate::record::{HashLayout, Stamp};
use crate::{ErrorKind, Record, RecordId, Result};

const PROMOTED: [(&str, ColumnType); 4] = [
    ("n", ColumnType::Integer),
    ("x", ColumnType::Double),
    ("ok", ColumnType::Boolean),
    ("s", ColumnType::Text),
];

/// A record as any backend may have stored it, odd ones too.
fn row(
    id: &str,
    fields: &str,
    metadata: Option<&str>,
    times: [Option<i64>; 2],
    age: i64,
) -> SegmentRow {
    let time = |micros: i64| Timestamp::from_microsecond(micros).unwrap();
    let record = Record::stored(
        RecordId::stored(id),
        fields.into(),
        metadata.map(Into::into),
        Stamp::Hash(HashLayout::Sqlite),
    )
    .with_times(times[0].map(time), times[1].map(time));
    SegmentRow::new(Arc::new(record), time(age))
}

fn sorted(mut rows: Vec<SegmentRow>) -> Vec<SegmentRow> {
    rows.sort_by(|one, other| one.order().cmp(&other.order()));
    rows
}

fn tail(encoded: &Encoded) -> Result<Tail> {
    let start = encoded.bytes.len() - usize::try_from(encoded.tail_length).unwrap();
    Tail::parse(
        encoded.bytes.slice(start..),
        encoded.bytes.len() as u64,
        Some(encoded.tail_length),
    )
}

/// Every record of a segment, read as a search reads.
fn read_all(encoded: &Encoded, columns: &[Column]) -> Result<Vec<Record>> {
    let tail = tail(encoded)?;
    let reader = RecordReader::new(columns);
    let mut records = Vec::new();
    for group in 0..tail.row_groups() {
        let chunks = Chunks::new(encoded.bytes.len() as u64, vec![(0, encoded.bytes.clone())]);
        let group = RowGroup::open(&tail, group, &reader.field_ids(true), chunks)?;
        records.extend(reader.read(&group, true, None)?.into_iter().flatten());
    }
    Ok(records)
}

prop_compose! {
    fn json_value()(
        kind in 0..9, number in any::<i64>(), float in any::<f64>(), text in any::<String>(), digits in "[1-9][0-9]{0,40}",
    ) -> String {
        match kind {
            0 => "null".to_owned(),
            1 => number.to_string(),
            2 if float.is_finite() => format!("{float:?}"),
            3 => format!("-{digits}.{digits}e-7"),
            4 => digits,
            5 => "[1, {\"a\" : null}]".to_owned(),
            6 => (number % 2 == 0).to_string(),
            _ => serde_json::to_string(&text).unwrap(),
        }
    }
}

prop_compose! {
    fn fields()(
        names in prop::collection::vec(prop::sample::select(vec!["n", "x", "ok", "s", "other", "\\u006e", "n"]), 0..7),
        values in prop::collection::vec(json_value(), 7),
        space in "[ \n\t]{0,3}",
    ) -> String {
        let entries: Vec<String> = names.iter().zip(values).map(|(name, value)| format!("\"{name}\":{space}{value}")).collect();
        format!("{{{space}{}{space}}}", entries.join(","))
    }
}

prop_compose! {
    fn rows()(
        ids in prop::collection::hash_set(any::<String>(), 1..40),
        fields in prop::collection::vec(fields(), 40),
        metadata in prop::collection::vec(prop::option::of(fields()), 40),
        // From the year 1 to the year 9999.
        times in prop::collection::vec(prop::option::of(-62_135_596_800_000_000_i64..253_402_207_200_000_000), 80),
        ages in prop::collection::vec(-62_135_596_800_000_000_i64..253_402_207_200_000_000, 40),
    ) -> Vec<SegmentRow> {
        let rows = ids.iter().enumerate().map(|(at, id)| {
            row(id, &fields[at], metadata[at].as_deref(), [times[2 * at], times[2 * at + 1]], ages[at])
        });
        sorted(rows.collect())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn records_come_back_byte_for_byte(rows in rows()) {
        let columns = columns(&PROMOTED);
        let encoded = encode(&columns, &rows, &label()).unwrap();
        verify(&encoded, &columns, &rows, &label()).unwrap();
        let read = read_all(&encoded, &columns).unwrap();
        prop_assert_eq!(read.len(), rows.len());
        for (row, read) in rows.iter().zip(&read) {
            prop_assert!(row.record.same_content(read));
            prop_assert_eq!(read.version(), Some(HashLayout::Archive.version(&row.record)));
        }
        prop_assert_eq!(encode(&columns, &rows, &label()).unwrap().bytes, encoded.bytes, "the same rows give the same bytes");
    }

    /// One flipped bit anywhere: an error, or the very same records; never others, never fewer.
    #[test]
    fn a_flipped_bit_never_changes_an_answer(rows in rows(), at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let columns = columns(&PROMOTED);
        let mut encoded = encode(&columns, &rows, &label()).unwrap();
        let mut bytes = encoded.bytes.to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= 1_u8 << bit;
        encoded.bytes = bytes.into();
        match read_all(&encoded, &columns) {
            Err(error) => prop_assert!(error.kind() == ErrorKind::Corrupt, "byte {}: {:?}", at, error),
            Ok(read) => {
                prop_assert_eq!(read.len(), rows.len());
                for (row, read) in rows.iter().zip(&read) {
                    prop_assert!(row.record.same_content(read), "byte {}", at);
                }
            }
        }
    }
}

#[test]
fn every_bit_of_a_tail_counts() {
    let columns = columns(&PROMOTED);
    let rows: Vec<SegmentRow> = (0..20)
        .map(|n| row(&format!("r{n:02}"), "{\"n\":1}", None, [None, None], n))
        .collect();
    let encoded = encode(&columns, &rows, &label()).unwrap();
    let start = encoded.bytes.len() - usize::try_from(encoded.tail_length).unwrap();
    for at in start..encoded.bytes.len() {
        let mut bad = encoded.clone();
        let mut bytes = encoded.bytes.to_vec();
        bytes[at] ^= 1 << (at % 8);
        bad.bytes = bytes.into();
        let error = tail(&bad).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "byte {at}: {error:?}");
    }
    for length in [0, 7, 8, 100, encoded.bytes.len() - 1] {
        let cut = encoded.bytes.slice(..length);
        let end = cut.slice(length.saturating_sub(start)..);
        let error = Tail::parse(end, length as u64, Some(encoded.tail_length)).unwrap_err();
        assert_eq!(
            error.kind(),
            ErrorKind::Corrupt,
            "cut to {length}: {error:?}"
        );
    }
}

#[test]
fn the_catalog_is_told_exact_counts_and_bounds() {
    let columns = columns(&PROMOTED);
    let rows = sorted(vec![
        row(
            "b",
            r#"{"n":5,"x":1.5,"ok":true,"s":"b"}"#,
            None,
            [Some(7), None],
            3,
        ),
        row(
            "a",
            r#"{"n":-2,"x":-0.25,"s":"é"}"#,
            Some("{\"m\":1}"),
            [Some(5), None],
            4,
        ),
        row(
            "c",
            r#"{"n":null,"x":"no","s":null}"#,
            None,
            [None, None],
            9,
        ),
    ]);
    let encoded = encode(&columns, &rows, &label()).unwrap();
    assert_eq!(encoded.rows, 3);
    assert_eq!(encoded.incomplete, [9], "a string is no double");
    let told = |column: usize| {
        let stats = &encoded.stats[column - 1];
        assert_eq!(stats.column, column as i64);
        (
            stats.min.clone(),
            stats.max.clone(),
            stats.values.unwrap(),
            stats.nulls.unwrap(),
        )
    };
    let text = |text: &str| Some(Bound::Text(text.into()));
    assert_eq!(told(1), (text("a"), text("c"), 3, 0));
    assert_eq!(told(2), (Some(Bound::Time(5)), Some(Bound::Time(7)), 2, 1));
    assert_eq!(told(3), (None, None, 0, 3));
    assert_eq!(told(5), (Some(Bound::Time(3)), Some(Bound::Time(9)), 3, 0));
    assert_eq!(told(6), (None, None, 1, 2));
    assert_eq!(told(7), (None, None, 3, 0));
    assert_eq!(
        told(8),
        (Some(Bound::Integer(-2)), Some(Bound::Integer(5)), 2, 1)
    );
    assert_eq!(
        told(9),
        (Some(Bound::Double(-0.25)), Some(Bound::Double(1.5)), 2, 1)
    );
    assert_eq!(
        told(10),
        (Some(Bound::Boolean(true)), Some(Bound::Boolean(true)), 1, 2)
    );
    assert_eq!(told(11), (text("b"), text("é"), 2, 1));
    assert_eq!(encoded.stats[8].contains_nan, Some(false));
    assert_eq!(encoded.stats[7].contains_nan, None);

    let long = format!(r#"{{"s":"{}"}}"#, "x".repeat(300));
    let rows = vec![
        row("a", r#"{"s":"b"}"#, None, [None, None], 1),
        row("b", &long, None, [None, None], 1),
        row("c\0", "{}", None, [None, None], 1),
    ];
    let encoded = encode(&columns, &rows, &label()).unwrap();
    let (id, s) = (&encoded.stats[0], &encoded.stats[10]);
    // What other readers cannot take, the catalog rounds.
    assert_eq!((&id.min, &id.max), (&text("a"), &text("c\0")));
    assert_eq!((&s.min, &s.max), (&text("b"), &text(&"x".repeat(300))));
}

#[test]
fn row_groups_are_small_and_a_segment_takes_what_fits() {
    let small = |n: usize| row(&format!("{n:06}"), "{}", None, [None, None], 0);
    let rows: Vec<SegmentRow> = (0..4097).map(small).collect();
    let columns = columns(&[]);
    let encoded = encode(&columns, &rows, &label()).unwrap();
    let tail = tail(&encoded).unwrap();
    assert_eq!((tail.rows(0), tail.rows(1)), (0..4096, 4096..4097));

    let large = format!("{{\"s\":\"{}\"}}", "x".repeat(9 << 20));
    let rows: Vec<SegmentRow> = (0..5)
        .map(|n| row(&n.to_string(), &large, None, [None, None], 0))
        .collect();
    let encoded = encode(&columns, &rows, &label()).unwrap();
    let tail = self::tail(&encoded).unwrap();
    assert_eq!([0, 1, 2].map(|group| tail.rows(group)), [0..2, 2..4, 4..5]);

    assert_eq!(fitting(&rows), 5);
    assert_eq!(fitting(&[]), 0);
    let error = encode(&columns, &[], &label()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[test]
fn what_no_file_can_hold_is_refused_by_name() {
    let columns = columns(&PROMOTED);
    let early: Timestamp = "-000001-01-01T00:00:00Z".parse().unwrap();
    let early = early.as_microsecond();
    for rows in [
        vec![row("early-bird", "{}", None, [Some(early), None], 0)],
        vec![row("early-bird", "{}", None, [None, None], early)],
        vec![row("early-bird", "{}", None, [None, None], 0); 2],
        vec![
            row("early-bird", "{}", None, [None, None], 0),
            row("early-bird", "{}", None, [None, None], 1),
        ],
    ] {
        let error = encode(&columns, &rows, &label()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains("early-bird"), "{error}");
    }
}

#[test]
fn a_segment_that_is_not_what_was_meant_is_not_used() {
    let columns = columns(&PROMOTED);
    let meant = vec![
        row("a", r#"{"n":1}"#, None, [None, Some(3)], 1),
        row("b", r#"{"n":2}"#, None, [None, None], 2),
    ];
    let encoded = encode(&columns, &meant, &label()).unwrap();
    for other in [
        vec![meant[0].clone()],
        vec![
            meant[0].clone(),
            row("b", r#"{"n": 2}"#, None, [None, None], 2),
        ],
        vec![
            meant[0].clone(),
            row("c", r#"{"n":2}"#, None, [None, None], 2),
        ],
        vec![
            meant[0].clone(),
            row("b", r#"{"n":2}"#, None, [None, None], 3),
        ],
        vec![
            row("a", r#"{"n":1}"#, None, [None, Some(4)], 1),
            meant[1].clone(),
        ],
        vec![
            row("a", r#"{"n":1}"#, Some("{\"m\":1}"), [None, Some(3)], 1),
            meant[1].clone(),
        ],
    ] {
        let error = verify(&encoded, &columns, &other, &label()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
    }
    verify(&encoded, &columns, &meant, &label()).unwrap();
}
