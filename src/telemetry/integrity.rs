//! What must never happen, counted all the same; and which build counts.

use metrics::{Counter, Unit};

use super::label::{COLLECTION, Label, label};
use super::metric::Metric;
use crate::error::{Error, ErrorKind};

label! {
    /// What was found broken.
    Violation as "reason" {
        /// Stored bytes are not what was written, or an object that the catalog names is missing.
        Corrupt = "corrupt",
        /// A segment that was just encoded did not decode to what went in; nothing of it was published.
        Verification = "verification",
        /// A moved record had a live archived copy already: another program had put it back into the primary.
        DoubleCopy = "double_copy",
    }
}

label! {
    /// Whose outcome is not known.
    AmbiguousOp as "op" {
        /// A write of the router.
        Write = "write",
        /// The commit of a publish; the journal tells.
        Publish = "publish",
    }
}

const REASON: Label = Label::of(
    "reason",
    &[
        "invalid",
        "unsupported",
        "conflict",
        "unavailable",
        "corrupt",
        "ambiguous",
        "closed",
        "unexpected",
    ],
);

const KINDS: [ErrorKind; 8] = [
    ErrorKind::Invalid,
    ErrorKind::Unsupported,
    ErrorKind::Conflict,
    ErrorKind::Unavailable,
    ErrorKind::Corrupt,
    ErrorKind::Ambiguous,
    ErrorKind::Closed,
    ErrorKind::Unexpected,
];

pub(super) static VIOLATIONS: Metric = Metric::counter(
    "thermocline_invariant_violations_total",
    Unit::Count,
    "Promises that were found broken. Anything above 0 wants a person.",
)
.by(&[COLLECTION, Violation::LABEL]);

pub(super) static AMBIGUOUS: Metric = Metric::counter(
    "thermocline_ambiguous_outcomes_total",
    Unit::Count,
    "Writes and publishes of which it was not known at first whether they took effect; a publish is settled by the journal.",
)
.by(&[COLLECTION, AmbiguousOp::LABEL]);

pub(super) static ERRORS: Metric = Metric::counter(
    "thermocline_errors_total",
    Unit::Count,
    "Errors that requests of the router ended with, by kind.",
)
.by(&[COLLECTION, REASON]);

pub(super) static BUILD: Metric = Metric::gauge(
    "thermocline_build_info",
    Unit::Count,
    "Always 1: the version that runs.",
)
.by(&[Label::of("version", &[env!("CARGO_PKG_VERSION")])]);

pub(super) const METRICS: &[&Metric] = &[&VIOLATIONS, &AMBIGUOUS, &ERRORS, &BUILD];

/// Says which build this is.
pub(super) fn tell_build() {
    BUILD.gauge_of(&[env!("CARGO_PKG_VERSION")]).set(1.0);
}

/// The handles of what must not happen, for one collection.
#[derive(Clone, Debug)]
pub(crate) struct Integrity {
    violations: [Counter; 3],
    ambiguous: [Counter; 2],
    errors: [Counter; KINDS.len()],
}

impl Integrity {
    pub(crate) fn new(collection: &str) -> Self {
        let violation =
            |violation: Violation| VIOLATIONS.counter_of(&[collection, violation.as_str()]);
        let ambiguous = |op: AmbiguousOp| AMBIGUOUS.counter_of(&[collection, op.as_str()]);
        Self {
            violations: [
                violation(Violation::Corrupt),
                violation(Violation::Verification),
                violation(Violation::DoubleCopy),
            ],
            ambiguous: [
                ambiguous(AmbiguousOp::Write),
                ambiguous(AmbiguousOp::Publish),
            ],
            errors: KINDS.map(|kind| ERRORS.counter_of(&[collection, kind.as_str()])),
        }
    }

    /// A promise was found broken.
    pub(crate) fn violated(&self, violation: Violation, number: u64) {
        self.violations[violation as usize].increment(number);
    }

    /// An outcome is not known.
    pub(crate) fn ambiguous(&self, op: AmbiguousOp) {
        self.ambiguous[op as usize].increment(1);
    }

    /// A request ended with this error.
    pub(crate) fn failed(&self, error: &Error) {
        let kind = error.kind();
        if let Some(place) = KINDS.iter().position(|known| *known == kind) {
            self.errors[place].increment(1);
        }
        if kind == ErrorKind::Corrupt {
            self.violated(Violation::Corrupt, 1);
        }
    }
}
