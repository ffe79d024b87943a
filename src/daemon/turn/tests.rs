use std::time::Duration;

use jiff::{Span, Timestamp};

use super::{LONGEST_PAUSE, Turn};
use crate::Schedule;

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

const FIRST: Duration = Duration::from_secs(5);

fn hourly(now: Timestamp) -> Turn {
    let every = Schedule::every(Duration::from_secs(3600)).unwrap();
    Turn::new(every, None, now)
}

/// The pause until the next turn, in seconds.
fn pause(turn: &Turn, now: Timestamp) -> f64 {
    turn.due.expect("due").duration_since(now).as_secs_f64()
}

#[test]
fn pauses_grow_up_to_a_limit_and_start_again() {
    let now = at("2025-06-01T12:00:00Z");
    let mut turn = hourly(now);
    assert!(turn.is_due(now));
    for expected in [
        5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0, 900.0, 900.0,
    ] {
        turn.failed(now, now, FIRST, 1.0);
        assert!((pause(&turn, now) - expected).abs() < 1e-6, "{turn:?}");
        assert!(!turn.is_due(now));
    }
    for _ in 0..100 {
        turn.failed(now, now, FIRST, 1.0);
    }
    assert!(pause(&turn, now) <= LONGEST_PAUSE.as_secs_f64(), "for ever");
    turn.succeeded(now, now);
    assert_eq!(turn.failures, 0);
    assert!((pause(&turn, now) - 3600.0).abs() < 1e-6);
    turn.failed(now, now, FIRST, 1.0);
    assert!((pause(&turn, now) - 5.0).abs() < 1e-6, "from the beginning");
}

#[test]
fn chance_shortens_a_pause_by_half_at_most() {
    let now = at("2025-06-01T12:00:00Z");
    for (chance, expected) in [(0.0, 2.5), (0.5, 3.75), (1.0, 5.0), (-1.0, 2.5), (9.0, 5.0)] {
        let mut turn = hourly(now);
        turn.failed(now, now, FIRST, chance);
        assert!((pause(&turn, now) - expected).abs() < 1e-6, "{chance}");
    }
}

#[test]
fn a_failing_policy_does_not_miss_its_cron_line() {
    let now = at("2025-06-01T01:59:58Z");
    let nightly = Schedule::cron("0 2 * * *", "UTC").unwrap();
    let mut turn = Turn::new(nightly, None, now);
    turn.failed(now, now, Duration::from_secs(600), 1.0);
    assert_eq!(turn.due, Some(at("2025-06-01T02:00:00Z")));
    let later = at("2025-06-01T02:00:01Z");
    turn.failed(later, later, FIRST, 1.0);
    assert_eq!(
        turn.due,
        Some(at("2025-06-01T02:00:11Z")),
        "long before the next night"
    );
}

#[test]
fn a_clock_that_is_set_back_makes_nobody_wait_longer() {
    let now = at("2025-06-01T12:00:00Z");
    let hour = Span::new().hours(1);
    let mut turn = hourly(now);
    turn.succeeded(now, now);
    let before = now - hour;
    assert!(!turn.is_due(before));
    assert_eq!(turn.due, Some(now), "an interval from now, not two hours");

    let mut failing = hourly(now);
    failing.failed(now, now, FIRST, 1.0);
    let before = now - hour * 5;
    assert!(!failing.is_due(before));
    assert!(pause(&failing, before) <= LONGEST_PAUSE.as_secs_f64());
}

#[test]
fn a_clock_that_jumps_ahead_makes_it_due_once() {
    let now = at("2025-06-01T12:00:00Z");
    let mut turn = hourly(now);
    turn.succeeded(now, now);
    let later = now + Span::new().hours(5);
    assert!(turn.is_due(later));
    turn.succeeded(later, later);
    assert!(!turn.is_due(later), "what passed is not made up for");
    assert_eq!(turn.due, Some(later + Span::new().hours(1)));
}

#[test]
fn another_schedule_counts_from_the_last_run() {
    let now = at("2025-06-01T12:00:00Z");
    let mut turn = hourly(now);
    turn.succeeded(now, now);
    let minutely = Schedule::every(Duration::from_secs(60)).unwrap();
    turn.reschedule(minutely.clone(), now);
    assert_eq!(turn.due, Some(at("2025-06-01T12:01:00Z")));
    let postponed = at("2025-06-01T12:00:05Z");
    turn.postponed(postponed);
    turn.reschedule(minutely, now);
    assert_eq!(
        turn.due,
        Some(postponed),
        "the same schedule changes nothing"
    );
}

#[test]
fn a_turn_that_another_process_took_is_not_taken_again() {
    let now = at("2025-06-01T12:00:00Z");
    let mut turn = hourly(now);
    turn.succeeded(now, now);
    let due = turn.due.unwrap();
    assert!(!turn.is_done_by(now, due), "the last turn is not this one");
    let early = due - Span::new().milliseconds(5);
    assert!(turn.is_done_by(early, due));
    assert_eq!(turn.due, Some(early + Span::new().hours(1)));
    assert!(!turn.is_done_by(early, due), "and not the next one either");

    let nightly = Schedule::cron("0 2 * * *", "UTC").unwrap();
    let mut turn = Turn::new(nightly, None, now);
    let night = at("2025-06-02T02:00:00Z");
    turn.postponed(night + Span::new().seconds(3));
    assert!(!turn.is_done_by(at("2025-06-02T01:00:00Z"), night));
    assert!(turn.is_done_by(night, night), "whatever it was put off to");
    assert_eq!(turn.due, Some(at("2025-06-03T02:00:00Z")));
}
