//! Bounds are never on the wrong side, and read back as what they were.

use proptest::prelude::*;

use super::*;

fn text(end: End, text: &str) -> String {
    to_text(&Bound::Text(text.into()), end)
}

#[test]
fn times_are_written_as_duckdb_writes_them() {
    for (time, expected) in [
        ("2024-05-01T12:00:00.25Z", "2024-05-01 12:00:00.25+00"),
        ("2024-05-01T12:00:00Z", "2024-05-01 12:00:00+00"),
        (
            "2024-05-01T12:00:10.000001Z",
            "2024-05-01 12:00:10.000001+00",
        ),
        ("0001-01-01T00:00:00Z", "0001-01-01 00:00:00+00"),
        ("9999-12-30T22:00:00Z", "9999-12-30 22:00:00+00"),
        ("1969-12-31T23:59:59.5Z", "1969-12-31 23:59:59.5+00"),
    ] {
        let time: Timestamp = time.parse().unwrap();
        let text = time_text(time.as_microsecond());
        assert_eq!(text, expected);
        assert_eq!(time_of(&text), Some(time));
    }
}

#[test]
fn numbers_are_written_as_duckdb_writes_them() {
    for (value, expected) in [
        (0.0, "0.0"),
        (2998.5, "2998.5"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (1e15, "1000000000000000.0"),
        (1e16, "1e+16"),
        (-1.25e300, "-1.25e+300"),
        (123_456_789_012_345_680.0, "1.2345678901234568e+17"),
        (f64::MAX, "1.7976931348623157e+308"),
    ] {
        assert_eq!(double_text(value), expected);
    }
}

#[test]
fn what_lies_outside_of_a_records_years_is_a_bound_all_the_same() {
    let wider = |a, b, end| wider(a, b, ColumnType::Time, end);
    let now = "2024-05-01 12:00:00+00";
    assert_eq!(wider("infinity", now, End::Max), "infinity");
    assert_eq!(wider("-infinity", now, End::Min), "-infinity");
    assert_eq!(wider("0044-03-15 (BC) 00:00:00+00", now, End::Max), now);
    assert_eq!(wider("12024-05-01 00:00:00+00", now, End::Min), now);
    assert_eq!(
        super::wider("nan", "1.0", ColumnType::Double, End::Max),
        "nan"
    );
    assert_eq!(super::wider("10", "9", ColumnType::Integer, End::Max), "10");
}

#[test]
fn hostile_texts_have_bounds() {
    let last = "\u{10FFFF}".repeat(30);
    for hostile in [
        "\0",
        "a\0b",
        "\u{D7FF}\0",
        &last,
        &format!("{last}\0"),
        &"é".repeat(40),
    ] {
        let (min, max) = (text(End::Min, hostile), text(End::Max, hostile));
        assert!(
            *min <= *hostile && *hostile <= *max,
            "{hostile:?}: {min:?} {max:?}"
        );
        assert!(!min.contains('\0') && !max.contains('\0'));
    }
}

#[test]
fn every_object_lies_within_the_bounds_of_a_json_column() {
    let mut stats = ColumnStats {
        column: 7,
        bytes: None,
        values: Some(1),
        nulls: Some(0),
        min: None,
        max: None,
        contains_nan: None,
    };
    let min = end_of(&stats, ColumnType::Json, End::Min).unwrap();
    let max = end_of(&stats, ColumnType::Json, End::Max).unwrap();
    for object in ["{}", "{\"a\":1}", "{ }", "{\n\"z\":1}", "{}\n"] {
        assert!(*min <= *object && *object <= *max);
    }
    stats.values = Some(0);
    assert_eq!(end_of(&stats, ColumnType::Json, End::Min), None);
}

proptest! {
    #[test]
    fn rounding_widens(value in "\\PC*|[\\x00a\u{D7FF}\u{E000}\u{10FFFF}]{0,90}") {
        let (min, max) = (text(End::Min, &value), text(End::Max, &value));
        prop_assert!(min <= value && value <= max);
        prop_assert!(min.len() <= 64 && !min.contains('\0') && !max.contains('\0'));
        if value.len() <= 64 && !value.contains('\0') {
            prop_assert_eq!(&min, &value);
            prop_assert_eq!(&max, &value);
        }
    }

    #[test]
    fn numbers_read_back(value in proptest::num::f64::NORMAL | proptest::num::f64::ZERO) {
        let text = double_text(value);
        prop_assert_eq!(from_text(&text, ColumnType::Double), Some(Bound::Double(value)));
    }
}
