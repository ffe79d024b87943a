use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn utc_is_kept_as_it_is() {
    let utc = Zone::named("Etc/UTC").unwrap();
    assert!(utc.is_utc());
    for (text, micros) in [
        ("2000-01-01T00:00:00Z", 0),
        ("2000-01-01T00:00:00.000001Z", 1),
        ("1999-12-31T23:59:59.999999Z", -1),
        ("0001-01-01T00:00:00Z", BOUNDS[0]),
        ("9999-12-30T22:00:00Z", BOUNDS[1]),
    ] {
        assert_eq!(utc.write(at(text)).unwrap(), micros, "{text}");
        assert_eq!(utc.read(micros), Some(at(text)), "{text}");
    }
    for micros in [i64::MIN, i64::MAX, BOUNDS[0] - 1, BOUNDS[1] + 1] {
        assert_eq!(utc.read(micros), None, "{micros}");
    }
    assert!(utc.write(at("-000001-01-01T00:00:00Z")).is_err());
}

#[test]
fn local_times_and_hours_that_come_twice_or_never() {
    let berlin = Zone::named("Europe/Berlin").unwrap();
    let utc = Zone::named("UTC").unwrap();
    let local = |text: &str| utc.write(at(text)).unwrap();
    for (instant, shown) in [
        ("2024-07-01T10:00:00Z", "2024-07-01T12:00:00Z"),
        ("2024-01-01T10:00:00.5Z", "2024-01-01T11:00:00.5Z"),
        ("2024-10-27T01:30:00Z", "2024-10-27T02:30:00Z"),
    ] {
        assert_eq!(berlin.write(at(instant)).unwrap(), local(shown));
        assert_eq!(berlin.read(local(shown)), Some(at(instant)));
    }
    // The first of the two hours is read as the second.
    assert_eq!(
        berlin.write(at("2024-10-27T00:30:00Z")).unwrap(),
        local("2024-10-27T02:30:00Z")
    );
    // The hour that was skipped is read as the one after it.
    assert_eq!(
        berlin.read(local("2024-03-31T02:30:00Z")),
        Some(at("2024-03-31T01:30:00Z"))
    );
}

#[test]
fn spelled_as_postgresql_does() {
    assert_eq!(
        spell(at("2024-07-01T10:00:00Z")),
        "2024-07-01 10:00:00.000000"
    );
    assert_eq!(
        spell(at("0044-03-15T10:00:00.000001Z")),
        "0044-03-15 10:00:00.000001"
    );
    assert_eq!(spell(at("9999-12-30T22:00:00Z")), LAST);
}
