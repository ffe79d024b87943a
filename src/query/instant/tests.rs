//! Which texts are times, and which time they are.

use jiff::Timestamp;

use super::*;

#[test]
fn strict_iso_8601_is_read() {
    for (text, same) in [
        ("2024-02-29", "2024-02-29T00:00:00Z"),
        ("2024-02-29T12:34", "2024-02-29T12:34:00Z"),
        ("2024-02-29T12:34:56", "2024-02-29T12:34:56Z"),
        ("2024-02-29 12:34:56", "2024-02-29T12:34:56Z"),
        (
            "2024-02-29T12:34:56.123456789Z",
            "2024-02-29T12:34:56.123456789Z",
        ),
        ("2024-02-29T12:34:56,5Z", "2024-02-29T12:34:56.5Z"),
        ("2024-02-29t12:34:56z", "2024-02-29T12:34:56Z"),
        ("2024-02-29T00:30:00+02:00", "2024-02-28T22:30:00Z"),
        ("2024-02-29T00:30:00-0230", "2024-02-29T03:00:00Z"),
        ("2024-02-29T00:30:00+01", "2024-02-28T23:30:00Z"),
        ("2024-02-29T00:30:00-00:00", "2024-02-29T00:30:00Z"),
        ("0001-01-01", "0001-01-01T00:00:00Z"),
        ("0001-01-01T00:00:00-01:00", "0001-01-01T01:00:00Z"),
        // The leap second of 2016 stays in its month, and so does an impossible one.
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59Z"),
        ("2024-01-01T00:00:60Z", "2024-01-01T00:00:59Z"),
    ] {
        let same: Timestamp = same.parse().unwrap();
        assert_eq!(parse_time(text), Some(same), "{text}");
    }
    for never in [
        "9999-12-31",
        "9999-12-31T23:59:59.999999Z",
        "9999-12-31T23:59:59-14:00",
    ] {
        assert_eq!(parse_time(never), Some(Timestamp::MAX), "{never}");
    }
}

#[test]
fn everything_else_is_no_time() {
    for text in [
        "",
        "2024",
        "2024-01",
        "2024-1-1",
        "2024-02-30",
        "2023-02-29",
        "20240229",
        "20240229T123456Z",
        "2024-02-29T",
        "2024-02-29Z",
        "2024-02-29T24:00:00Z",
        "2024-02-29T12:34:61Z",
        "2024-02-29T12:60:00Z",
        "2024-02-29T12:34:56.Z",
        "2024-02-29T12:34:56.1234567891Z",
        "2024-02-29T12:34:56Z[UTC]",
        "2024-02-29T12:34:56+02:00[Europe/Berlin]",
        "2024-02-29T12:34:56[Europe/Berlin]",
        "2024-02-29T12:34:56 Z",
        "2024-02-29T12:34:56+25:00",
        "2024-02-29_12:34",
        " 2024-02-29",
        "2024-02-29 ",
        "2024-02-29\n",
        "2024-W09-4",
        "2024-060",
        "+002024-02-29",
        "-000001-01-01",
        "+2024-02-29",
        "10000-01-01",
        "0000-12-31",
        "0001-01-01T00:00:00+01:00",
        "infinity",
        "-infinity",
        "now",
        "yesterday",
        "1709164800",
        "29.02.2024",
        "02/29/2024",
        "\u{662}\u{660}\u{662}\u{664}-01-01",
    ] {
        assert_eq!(parse_time(text), None, "{text}");
    }
}

#[test]
fn an_instant_is_between_the_years_1_and_9999() {
    let now: Timestamp = "2024-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(
        Instant::Now(-1_000).resolve(now).unwrap(),
        "2023-12-31T23:59:59Z".parse().unwrap()
    );
    assert_eq!(Instant::At(first()).resolve(now).unwrap(), first());
    for outside in [
        Instant::At(Timestamp::MIN),
        Instant::Now(i64::MIN),
        Instant::Now(i64::MAX),
        Instant::Now(-86_400_000 * 366 * 2024),
        Instant::Now(86_400_000 * 366 * 7976),
    ] {
        let error = outside.resolve(now).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Invalid);
    }
}
