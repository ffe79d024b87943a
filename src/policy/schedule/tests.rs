use std::time::Duration;

use jiff::Timestamp;

use super::Schedule;
use crate::ErrorKind;

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn cron(line: &str, zone: &str) -> Schedule {
    Schedule::cron(line, zone).expect(line)
}

/// The first times of a line after a time, as the zone's clocks show them.
fn times(line: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
    let schedule = cron(line, zone);
    let mut now = at(from);
    let zone = Schedule::zone(zone).unwrap();
    (0..count)
        .map(|_| {
            let next = schedule.next(Some(now), now).expect("another time");
            assert!(next > now, "{line} stands still at {now}");
            now = next;
            next.to_zoned_datetime(zone.clone())
                .strftime("%m-%d %H:%M:%S %:z")
                .to_string()
        })
        .collect()
}

#[test]
fn an_interval_counts_from_the_beginning_of_the_last_run() {
    let hourly = Schedule::every(Duration::from_secs(3600)).unwrap();
    let now = at("2025-06-01T12:00:00Z");
    for (last, next) in [
        (None, "2025-06-01T12:00:00Z"),
        (Some("2025-06-01T11:30:00Z"), "2025-06-01T12:30:00Z"),
        (Some("2025-06-01T11:00:00Z"), "2025-06-01T12:00:00Z"),
        // Missed: one run now makes up for all of them.
        (Some("2025-05-01T00:00:00Z"), "2025-06-01T12:00:00Z"),
        // The clock was set back by a day since: no longer than an interval from now.
        (Some("2025-06-02T11:30:00Z"), "2025-06-01T13:00:00Z"),
    ] {
        assert_eq!(
            hourly.next(last.map(at), now),
            Some(at(next)),
            "after {last:?}"
        );
    }
    let end = Timestamp::MAX;
    assert_eq!(hourly.next(Some(end), end), Some(end), "no overflow");
}

#[test]
fn a_cron_line_does_not_make_up_for_what_passed() {
    let nightly = cron("0 2 * * *", "UTC");
    let now = at("2025-06-01T12:00:00Z");
    let tonight = Some(at("2025-06-02T02:00:00Z"));
    assert_eq!(nightly.next(None, now), tonight);
    assert_eq!(nightly.next(Some(at("2025-05-01T02:00:00Z")), now), tonight);
    let sharp = at("2025-06-02T02:00:00Z");
    assert_eq!(
        nightly.next(None, sharp),
        Some(at("2025-06-03T02:00:00Z")),
        "strictly after"
    );
}

#[test]
fn the_hour_that_is_skipped_in_spring() {
    // Berlin's clocks go from 02:00 to 03:00 on 30 March 2025.
    assert_eq!(
        times("30 2 * * *", "Europe/Berlin", "2025-03-28T12:00:00Z", 3),
        [
            "03-29 02:30:00 +01:00",
            "03-30 03:00:00 +02:00",
            "03-31 02:30:00 +02:00"
        ]
    );
    // New York's on 9 March; what comes every quarter of an hour just goes on.
    assert_eq!(
        times(
            "*/30 * * * *",
            "America/New_York",
            "2025-03-09T06:15:00Z",
            3
        ),
        [
            "03-09 01:30:00 -05:00",
            "03-09 03:00:00 -04:00",
            "03-09 03:30:00 -04:00"
        ]
    );
    // Lord Howe's go forward by half an hour only, on 5 October.
    assert_eq!(
        times(
            "15 2 * * *",
            "Australia/Lord_Howe",
            "2025-10-03T20:00:00Z",
            2
        ),
        ["10-05 02:30:00 +11:00", "10-06 02:15:00 +11:00"]
    );
}

#[test]
fn the_hour_that_comes_twice_in_autumn() {
    // 03:00 becomes 02:00 on 26 October 2025: once, the first time.
    assert_eq!(
        times("30 2 * * *", "Europe/Berlin", "2025-10-25T12:00:00Z", 2),
        ["10-26 02:30:00 +02:00", "10-27 02:30:00 +01:00"]
    );
    // Every hour is every hour.
    assert_eq!(
        times("0 * * * *", "America/New_York", "2025-11-02T04:30:00Z", 3),
        [
            "11-02 01:00:00 -04:00",
            "11-02 01:00:00 -05:00",
            "11-02 02:00:00 -05:00"
        ]
    );
    assert_eq!(
        times(
            "45 1 * * *",
            "Australia/Lord_Howe",
            "2025-04-05T00:00:00Z",
            2
        ),
        ["04-06 01:45:00 +11:00", "04-07 01:45:00 +10:30"]
    );
}

#[test]
fn leap_days() {
    for zone in ["Europe/Berlin", "America/New_York", "Asia/Kathmandu"] {
        let leap = cron("0 12 29 2 *", zone);
        let day = |from: &str| {
            let next = leap.next(None, at(from)).expect("there is one");
            let zone = Schedule::zone(zone).unwrap();
            next.to_zoned_datetime(zone).strftime("%F %H").to_string()
        };
        assert_eq!(day("2025-01-01T00:00:00Z"), "2028-02-29 12", "{zone}");
        assert_eq!(
            day("2096-03-01T00:00:00Z"),
            "2104-02-29 12",
            "{zone}: 2100 is no leap year"
        );
        assert_eq!(
            times("0 0 L 2 *", zone, "2027-01-15T00:00:00Z", 2)
                .iter()
                .map(|time| &time[..5])
                .collect::<Vec<_>>(),
            ["02-28", "02-29"],
            "{zone}: the last day of February"
        );
    }
}

#[test]
fn days_of_the_month_and_of_the_week() {
    assert_eq!(
        times("0 0 13 * FRI", "UTC", "2025-06-01T00:00:00Z", 2),
        ["06-06 00:00:00 +00:00", "06-13 00:00:00 +00:00"],
        "either is enough, as cron has it"
    );
    assert_eq!(
        times("@monthly", "UTC", "2025-01-31T00:00:00Z", 2),
        ["02-01 00:00:00 +00:00", "03-01 00:00:00 +00:00"]
    );
}

#[test]
fn what_is_refused() {
    for (schedule, expected) in [
        (
            Schedule::cron("0 0 30 2 *", "UTC"),
            "never fires: no year has such a day",
        ),
        (Schedule::cron("0 0 31 4,6,9,11 *", "UTC"), "never fires"),
        (Schedule::cron("0 25 * * *", "UTC"), "five fields"),
        (Schedule::cron("0 2 * *", "UTC"), "five fields"),
        (Schedule::cron("0 0 2 * * *", "UTC"), "five fields"),
        (Schedule::cron("nightly", "UTC"), "five fields"),
        (Schedule::cron("", "UTC"), "five fields"),
        (
            Schedule::cron("0 2 * * *", "Europe/Atlantis"),
            "there is no such time zone",
        ),
        (Schedule::every(Duration::ZERO), "at least a second"),
        (
            Schedule::every(Duration::from_millis(999)),
            "at least a second",
        ),
        (
            Schedule::every(Duration::from_secs(u64::MAX)),
            "at most ten years",
        ),
    ] {
        let error = schedule.expect_err(expected);
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.message().contains(expected), "{error}");
    }
}

#[test]
fn it_is_said_as_people_write_it() {
    let text = |schedule: Schedule| schedule.to_string();
    assert_eq!(text(cron(" 0 2 * * * ", "UTC")), "0 2 * * * (UTC)");
    assert_eq!(
        text(Schedule::every(Duration::from_secs(5400)).unwrap()),
        "every 1h 30m"
    );
    assert_eq!(
        cron("0 2 * * *", "Europe/Berlin").line(),
        Some(("0 2 * * *", "Europe/Berlin"))
    );
}
