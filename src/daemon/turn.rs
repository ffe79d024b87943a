//! When a policy's next turn is: after its schedule, or after the pause that follows a failure. Pure decisions.

use std::time::Duration;

use jiff::Timestamp;

use crate::Schedule;

/// The longest pause after a failure.
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);

/// How much before a cron line's time another process may have begun the same turn: half of the shortest period.
const SLACK: Duration = Duration::from_secs(30);

/// One policy's place in the order of a collection.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Turn {
    schedule: Schedule,
    /// When the last run began.
    last: Option<Timestamp>,
    /// When it is due; none: never again.
    pub(super) due: Option<Timestamp>,
    /// The time that the schedule gave it, whatever it was put off to since.
    wanted: Option<Timestamp>,
    /// Failures in a row.
    pub(super) failures: u32,
    /// The time that was seen last: one before it tells of a clock that was set back.
    seen: Timestamp,
}

impl Turn {
    /// The first turn of a policy, whose last run began at `last`.
    pub(super) fn new(schedule: Schedule, last: Option<Timestamp>, now: Timestamp) -> Self {
        let due = schedule.next(last, now);
        Self {
            due,
            wanted: due,
            schedule,
            last,
            failures: 0,
            seen: now,
        }
    }

    /// The same policy with another schedule; its failures count on.
    pub(super) fn reschedule(&mut self, schedule: Schedule, now: Timestamp) {
        if self.schedule != schedule {
            self.schedule = schedule;
            self.plan(now);
        }
    }

    /// Whether it is due. A clock that was set back makes no turn wait for longer than its schedule or its pause says.
    pub(super) fn is_due(&mut self, now: Timestamp) -> bool {
        if now < self.seen {
            let scheduled = self.schedule.next(self.last, now);
            let due = match self.failures {
                0 => scheduled,
                _ => later(now, LONGEST_PAUSE),
            };
            self.due = [self.due, due].into_iter().flatten().min();
        }
        self.seen = now;
        self.due.is_some_and(|due| due <= now)
    }

    /// After a run that did its work, or that others did.
    pub(super) fn succeeded(&mut self, began: Timestamp, now: Timestamp) {
        self.failures = 0;
        self.last = Some(began);
        self.plan(now);
    }

    /// Whether a run that another process began at `began` was this turn's; then the next one is planned.
    pub(super) fn is_done_by(&mut self, began: Timestamp, now: Timestamp) -> bool {
        // Its clock may show a little less, and its run may have begun a little early.
        let slack = match self.schedule.interval() {
            Some(interval) => interval / 2,
            None => SLACK,
        };
        let is_ours = self.last.is_some_and(|last| began <= last);
        let is_it = !is_ours
            && self
                .wanted
                .is_some_and(|wanted| later(began, slack) >= Some(wanted));
        if is_it {
            self.succeeded(began, now);
        }
        is_it
    }

    /// After a run that failed: growing pauses, each between half and the whole of its length, as `chance` (from 0 to 1)
    /// says, so that several daemons do not knock at once. A cron line's next time is not passed over.
    pub(super) fn failed(
        &mut self,
        began: Timestamp,
        now: Timestamp,
        first: Duration,
        chance: f64,
    ) {
        let doubled = 2_u32.saturating_pow(self.failures.min(20));
        let longest = LONGEST_PAUSE.max(first);
        let pause = first.saturating_mul(doubled).min(longest);
        let pause = pause.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0);
        self.failures = self.failures.saturating_add(1);
        self.last = Some(began);
        let again = later(now, pause);
        self.due = match self.schedule.interval() {
            Some(_) => again,
            None => [again, self.schedule.next(self.last, now)]
                .into_iter()
                .flatten()
                .min(),
        };
    }

    /// While another process is at work on the collection: a look again soon.
    pub(super) fn postponed(&mut self, until: Timestamp) {
        self.due = Some(until);
    }

    fn plan(&mut self, now: Timestamp) {
        self.due = self.schedule.next(self.last, now);
        self.wanted = self.due;
    }
}

fn later(now: Timestamp, by: Duration) -> Option<Timestamp> {
    now.saturating_add(by).ok()
}

#[cfg(test)]
mod tests;
