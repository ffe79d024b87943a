//! What the router counts: requests by tier, operation and outcome, and what its hot tier does.

use std::cell::Cell;
use std::time::{Duration, Instant};

use metrics::{Counter, Gauge, Histogram, Unit};

use super::integrity::Integrity;
use super::label::{COLLECTION, Label, label};
use super::metric::Metric;
use crate::tier::Tier;

/// From a quarter of a microsecond, which a hot hit takes, to what nobody waits for any longer.
const SECONDS: &[f64] = &[
    250e-9, 500e-9, 1e-6, 2.5e-6, 10e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3,
    25e-3, 50e-3, 100e-3, 250e-3, 500e-3, 1.0, 2.5, 10.0, 60.0,
];

/// A hot hit's time is taken once in so many.
const SAMPLED: u32 = 64;

thread_local! {
    static READS: Cell<u32> = const { Cell::new(0) };
}

/// When a read begins, if its time is to be taken: the clock costs more than the rest of what is counted.
pub(crate) fn timed() -> Option<Instant> {
    let number = READS.get();
    READS.set(number.wrapping_add(1));
    number.is_multiple_of(SAMPLED).then(Instant::now)
}

const TIER: Label = Label::of("tier", &["hot", "primary", "archive"]);

label! {
    /// What the router was asked for.
    Operation as "op" {
        /// One record by its id.
        Read = "read",
        /// Several records by their ids.
        ReadMany = "read_many",
        /// A batch of writes.
        Write = "write",
        /// A search.
        Search = "search",
        /// A count.
        Count = "count",
        /// The removal of everything.
        Clear = "clear",
    }
}

label! {
    /// How a request ended.
    Ended as "outcome" {
        /// The record is there.
        Found = "found",
        /// There is no such record.
        Absent = "absent",
        /// It was done.
        Done = "done",
        /// It was not done because of what is stored: the record exists, is missing or has changed.
        Refused = "refused",
        /// An error.
        Failed = "failed",
    }
}

pub(super) static REQUESTS: Metric = Metric::counter(
    "thermocline_requests_total",
    Unit::Count,
    "Records read by id and records written, each counted once, and searches, counts and clears. The tier is the lowest \
     that had to be asked: tier=hot outcome=found is a hot hit, tier=hot outcome=absent a negative hit, a read of \
     another tier a miss of the hot one.",
)
.by(&[COLLECTION, TIER, Operation::LABEL, Ended::LABEL]);

pub(super) static REQUEST_SECONDS: Metric = Metric::histogram(
    "thermocline_request_duration_seconds",
    Unit::Seconds,
    SECONDS,
    "How long a call took; a search until its stream was let go. Of hot hits one in 64 is timed.",
)
.by(&[COLLECTION, TIER, Operation::LABEL]);

pub(super) static COALESCED: Metric = Metric::counter(
    "thermocline_coalesced_loads_total",
    Unit::Count,
    "Reads that waited for another reader's load of the same record instead of loading it themselves.",
)
.by(&[COLLECTION]);

pub(super) static STALE_FILLS: Metric = Metric::counter(
    "thermocline_stale_fills_rejected_total",
    Unit::Count,
    "Loads whose record was not kept in the hot tier, because a write of it came in between or its outcome is unknown.",
)
.by(&[COLLECTION]);

pub(super) static HOT_ENTRIES: Metric = Metric::gauge(
    "thermocline_hot_entries",
    Unit::Count,
    "Entries of the hot tier, ids known to be absent among them.",
)
.by(&[COLLECTION]);

pub(super) static HOT_BYTES: Metric = Metric::gauge(
    "thermocline_hot_bytes",
    Unit::Bytes,
    "Bytes of the hot tier, as the cache weighs its entries.",
)
.by(&[COLLECTION]);

pub(super) static CIRCUIT: Metric = Metric::gauge(
    "thermocline_circuit_state",
    Unit::Count,
    "Whether the router asks a tier: 0 closed, it does; 1 half-open, one request tries; 2 open, the tier kept failing and \
     is left alone for a while.",
)
.by(&[COLLECTION, TIER]);

/// The gauge of one tier's circuit, which is closed at first.
pub(crate) fn circuit_gauge(collection: &str, tier: Tier) -> Gauge {
    let gauge = CIRCUIT.gauge_of(&[collection, tier.as_str()]);
    gauge.set(0.0);
    gauge
}

pub(super) const METRICS: &[&Metric] = &[
    &REQUESTS,
    &REQUEST_SECONDS,
    &COALESCED,
    &STALE_FILLS,
    &HOT_ENTRIES,
    &HOT_BYTES,
    &CIRCUIT,
];

/// The router's handles, for one collection.
#[derive(Debug)]
pub(crate) struct RouterMetrics {
    /// Hot hits and negative hits: nothing but these is touched by a hit.
    hot_found: Counter,
    hot_absent: Counter,
    hot_seconds: Histogram,
    read: Reads,
    read_many: Reads,
    many_hot: (Counter, Counter),
    write: Others,
    search: Others,
    count: Others,
    clear: Others,
    coalesced: Counter,
    stale_fills: Counter,
    collection: Box<str>,
    pub(crate) integrity: Integrity,
}

/// Reads that went past the hot tier.
#[derive(Debug)]
struct Reads {
    primary_found: Counter,
    archive_found: Counter,
    absent: Counter,
    failed: Counter,
    primary_seconds: Histogram,
    archive_seconds: Histogram,
}

/// Whatever finds no single record.
#[derive(Debug)]
struct Others {
    done: Counter,
    refused: Counter,
    failed: Counter,
    seconds: Histogram,
}

impl RouterMetrics {
    /// Handles for a collection whose lowest tier is `lowest`.
    pub(crate) fn new(collection: &str, lowest: Tier) -> Self {
        let request = |tier: Tier, op: Operation, outcome: Ended| {
            REQUESTS.counter_of(&[collection, tier.as_str(), op.as_str(), outcome.as_str()])
        };
        let seconds = |tier: Tier, op: Operation| {
            REQUEST_SECONDS.histogram_of(&[collection, tier.as_str(), op.as_str()])
        };
        let reads = |op| Reads {
            primary_found: request(Tier::Primary, op, Ended::Found),
            archive_found: request(lowest, op, Ended::Found),
            absent: request(lowest, op, Ended::Absent),
            failed: request(lowest, op, Ended::Failed),
            primary_seconds: seconds(Tier::Primary, op),
            archive_seconds: seconds(lowest, op),
        };
        let others = |tier, op| Others {
            done: request(tier, op, Ended::Done),
            refused: match op {
                Operation::Write => request(tier, op, Ended::Refused),
                _ => Counter::noop(),
            },
            failed: request(tier, op, Ended::Failed),
            seconds: seconds(tier, op),
        };
        Self {
            hot_found: request(Tier::Hot, Operation::Read, Ended::Found),
            hot_absent: request(Tier::Hot, Operation::Read, Ended::Absent),
            hot_seconds: seconds(Tier::Hot, Operation::Read),
            read: reads(Operation::Read),
            read_many: reads(Operation::ReadMany),
            many_hot: (
                request(Tier::Hot, Operation::ReadMany, Ended::Found),
                request(Tier::Hot, Operation::ReadMany, Ended::Absent),
            ),
            write: others(Tier::Primary, Operation::Write),
            search: others(lowest, Operation::Search),
            count: others(lowest, Operation::Count),
            clear: others(lowest, Operation::Clear),
            coalesced: COALESCED.counter_of(&[collection]),
            stale_fills: STALE_FILLS.counter_of(&[collection]),
            collection: collection.into(),
            integrity: Integrity::new(collection),
        }
    }

    /// A read that the hot tier answered.
    pub(crate) fn hit(&self, found: bool, began: Option<Instant>) {
        match found {
            true => self.hot_found.increment(1),
            false => self.hot_absent.increment(1),
        }
        if let Some(began) = began {
            self.hot_seconds.record(began.elapsed());
        }
    }

    /// Ids of a batch that the hot tier answered.
    pub(crate) fn hits(&self, found: u64, absent: u64) {
        self.many_hot.0.increment(found);
        self.many_hot.1.increment(absent);
    }

    /// A read that went past the hot tier: `tier` had the record, none had it, or it failed.
    pub(crate) fn read(&self, answer: Result<Option<Tier>, ()>, took: Duration) {
        if answer == Ok(Some(Tier::Hot)) {
            // Another load had landed when it came to its own.
            return self.hit(true, None);
        }
        let read = &self.read;
        let seconds = match answer {
            Ok(Some(Tier::Primary)) => &read.primary_seconds,
            _ => &read.archive_seconds,
        };
        seconds.record(took);
        read.count(answer, 1);
    }

    /// Ids of a batch that were asked past the hot tier, by what came of it.
    pub(crate) fn read_many(&self, answers: &[(Result<Option<Tier>, ()>, u64)], took: Duration) {
        let only_primary = answers
            .iter()
            .all(|(answer, number)| *number == 0 || *answer == Ok(Some(Tier::Primary)));
        let many = &self.read_many;
        match only_primary {
            true => many.primary_seconds.record(took),
            false => many.archive_seconds.record(took),
        }
        for (answer, number) in answers {
            many.count(*answer, *number);
        }
    }

    /// A request that finds no single record, with how many ended how.
    pub(crate) fn ended(&self, op: Operation, outcome: Ended, number: u64) {
        let counter = match (self.other(op), outcome) {
            (other, Ended::Refused) => &other.refused,
            (other, Ended::Failed) => &other.failed,
            (other, _) => &other.done,
        };
        counter.increment(number);
    }

    /// How long such a request took.
    pub(crate) fn took(&self, op: Operation, took: Duration) {
        self.other(op).seconds.record(took);
    }

    fn other(&self, op: Operation) -> &Others {
        match op {
            Operation::Search => &self.search,
            Operation::Count => &self.count,
            Operation::Clear => &self.clear,
            Operation::Read | Operation::ReadMany | Operation::Write => &self.write,
        }
    }

    /// A read that waited for another's load.
    pub(crate) fn coalesced(&self) {
        self.coalesced.increment(1);
    }

    /// A load that was not kept.
    pub(crate) fn stale_fill(&self) {
        self.stale_fills.increment(1);
    }

    /// How full the hot tier is; a process that never looks shows nothing, rather than 0.
    pub(crate) fn usage(&self, entries: u64, bytes: u64) {
        HOT_ENTRIES
            .gauge_of(&[&self.collection])
            .set(entries as f64);
        HOT_BYTES.gauge_of(&[&self.collection]).set(bytes as f64);
    }
}

impl Reads {
    fn count(&self, answer: Result<Option<Tier>, ()>, number: u64) {
        let counter = match answer {
            Ok(Some(Tier::Primary)) => &self.primary_found,
            Ok(Some(_)) => &self.archive_found,
            Ok(None) => &self.absent,
            Err(()) => &self.failed,
        };
        counter.increment(number);
    }
}
