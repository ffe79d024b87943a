//! What the archive counts: its contents, its requests, and the steps of a publish.

use std::time::Duration;

use metrics::{Counter, Histogram, Unit};

use super::integrity::Integrity;
use super::label::{COLLECTION, label};
use super::metric::Metric;

/// From a statement to a batch of gigabytes over a slow line.
const SECONDS: &[f64] = &[
    1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 100e-3, 250e-3, 500e-3, 1.0, 2.5, 5.0, 10.0, 30.0,
    60.0, 300.0,
];

/// One request is what a lookup is promised to take once the tails are in memory.
const REQUESTS: &[f64] = &[0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 16.0, 32.0];

label! {
    /// A step of a move.
    Step as "step" {
        /// Reading what is due from the primary.
        Scan = "scan",
        /// Encoding the segments, decoding them again, comparing.
        Encode = "encode",
        /// Noting the batch in the journal.
        Journal = "journal",
        /// Uploading the segments, and looking whether they arrived.
        Upload = "upload",
        /// The transaction that makes them visible, as often as it had to be tried.
        Publish = "publish",
        /// Giving freed space of the primary back.
        Release = "release",
    }
}

label! {
    /// A request to the place where the segments lie.
    BlobOp as "op" {
        /// Writes an object.
        Put = "put",
        /// Reads ranges of an object.
        Get = "get",
        /// Reads the end of an object.
        Suffix = "suffix",
        /// Asks whether an object is there, and how large it is.
        Size = "size",
        /// Removes an object.
        Delete = "delete",
        /// Lists objects.
        List = "list",
    }
}

label! {
    /// What came of a request.
    BlobStatus as "status" {
        /// It was answered.
        Ok = "ok",
        /// There is no such object.
        Missing = "missing",
        /// An error.
        Failed = "failed",
    }
}

label! {
    /// Whether something was in memory.
    Cached as "outcome" {
        /// It was.
        Hit = "hit",
        /// It was fetched.
        Miss = "miss",
    }
}

pub(super) static STEP_SECONDS: Metric = Metric::histogram(
    "thermocline_step_duration_seconds",
    Unit::Seconds,
    SECONDS,
    "How long each step of moving a batch took.",
)
.by(&[COLLECTION, Step::LABEL]);

pub(super) static CONFLICTS: Metric = Metric::counter(
    "thermocline_publish_conflicts_total",
    Unit::Count,
    "Publishes that started again because somebody else had changed the catalog first.",
)
.by(&[COLLECTION]);

pub(super) static RECORDS: Metric = Metric::gauge(
    "thermocline_archive_rows",
    Unit::Count,
    "Live records in the archive.",
)
.by(&[COLLECTION]);

pub(super) static SEGMENTS: Metric = Metric::gauge(
    "thermocline_archive_segments",
    Unit::Count,
    "Segments of the archive.",
)
.by(&[COLLECTION]);

pub(super) static BYTES: Metric = Metric::gauge(
    "thermocline_archive_bytes",
    Unit::Bytes,
    "Bytes of the archive's segments.",
)
.by(&[COLLECTION]);

pub(super) static DEAD_ROWS: Metric = Metric::gauge(
    "thermocline_archive_dead_rows",
    Unit::Count,
    "Rows of the segments that are dead: replaced, deleted, or not moved after all.",
)
.by(&[COLLECTION]);

pub(super) static INLINED_DELETES: Metric = Metric::gauge(
    "thermocline_archive_inlined_deletes",
    Unit::Count,
    "Dead rows that stand in the catalog's SQL and in no delete file.",
)
.by(&[COLLECTION]);

pub(super) static OLDEST_INLINED_DELETE: Metric = Metric::gauge(
    "thermocline_oldest_inlined_delete_timestamp_seconds",
    Unit::Seconds,
    "When the oldest row died that waits for a flush: since then other readers may show it. 0 where none waits, as always where \
     the catalog lies in SQLite.",
)
.by(&[COLLECTION]);

pub(super) static FLUSHED_ROWS: Metric = Metric::counter(
    "thermocline_flushed_rows_total",
    Unit::Count,
    "Dead rows that were written from the catalog's SQL into delete files.",
)
.by(&[COLLECTION]);

pub(super) static SNAPSHOT: Metric = Metric::gauge(
    "thermocline_catalog_snapshot_id",
    Unit::Count,
    "The catalog's newest snapshot. It only grows, unless the catalog was restored from a backup.",
)
.by(&[COLLECTION]);

pub(super) static ORPHAN_BYTES: Metric = Metric::gauge(
    "thermocline_orphan_bytes",
    Unit::Bytes,
    "Bytes of objects that nothing refers to, as of the last time that somebody looked.",
)
.by(&[COLLECTION]);

pub(super) static BLOB_REQUESTS: Metric = Metric::counter(
    "thermocline_blob_requests_total",
    Unit::Count,
    "Requests to the place where the segments lie.",
)
.by(&[COLLECTION, BlobOp::LABEL, BlobStatus::LABEL]);

pub(super) static BLOB_READ_BYTES: Metric = Metric::counter(
    "thermocline_blob_read_bytes_total",
    Unit::Bytes,
    "Bytes that were read from segments.",
)
.by(&[COLLECTION]);

pub(super) static BLOB_WRITTEN_BYTES: Metric = Metric::counter(
    "thermocline_blob_written_bytes_total",
    Unit::Bytes,
    "Bytes of segments that were written.",
)
.by(&[COLLECTION]);

pub(super) static LOOKUP_REQUESTS: Metric = Metric::histogram(
    "thermocline_lookup_requests",
    Unit::Count,
    REQUESTS,
    "Requests that looking one id up in the archive took.",
)
.by(&[COLLECTION]);

pub(super) static TAIL_LOOKUPS: Metric = Metric::counter(
    "thermocline_tail_lookups_total",
    Unit::Count,
    "Times that a segment's tail (its id index and footer) was needed, and whether it was in memory.",
)
.by(&[COLLECTION, Cached::LABEL]);

pub(super) const METRICS: &[&Metric] = &[
    &STEP_SECONDS,
    &CONFLICTS,
    &RECORDS,
    &SEGMENTS,
    &BYTES,
    &DEAD_ROWS,
    &INLINED_DELETES,
    &OLDEST_INLINED_DELETE,
    &FLUSHED_ROWS,
    &SNAPSHOT,
    &ORPHAN_BYTES,
    &BLOB_REQUESTS,
    &BLOB_READ_BYTES,
    &BLOB_WRITTEN_BYTES,
    &LOOKUP_REQUESTS,
    &TAIL_LOOKUPS,
];

/// An archive's handles, for one collection.
#[derive(Debug)]
pub(crate) struct ArchiveMetrics {
    collection: Box<str>,
    steps: [Histogram; 6],
    conflicts: Counter,
    flushed_rows: Counter,
    requests: [[Counter; 3]; 6],
    read_bytes: Counter,
    written_bytes: Counter,
    lookup_requests: Histogram,
    tail_hits: Counter,
    tail_misses: Counter,
    pub(crate) integrity: Integrity,
}

/// What lies in an archive.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stock {
    pub(crate) records: u64,
    pub(crate) segments: u64,
    pub(crate) bytes: u64,
    pub(crate) dead_rows: u64,
    pub(crate) inlined_deletes: u64,
    /// When the oldest of them died; 0 if there is none, and where they are never flushed.
    pub(crate) oldest_inlined: i64,
    pub(crate) snapshot: i64,
}

impl ArchiveMetrics {
    pub(crate) fn new(collection: &str) -> Self {
        let step = |step: Step| STEP_SECONDS.histogram_of(&[collection, step.as_str()]);
        let requests = |op: BlobOp| {
            [BlobStatus::Ok, BlobStatus::Missing, BlobStatus::Failed]
                .map(|status| BLOB_REQUESTS.counter_of(&[collection, op.as_str(), status.as_str()]))
        };
        let tails = |cached: Cached| TAIL_LOOKUPS.counter_of(&[collection, cached.as_str()]);
        let one = [collection];
        Self {
            collection: collection.into(),
            steps: [
                step(Step::Scan),
                step(Step::Encode),
                step(Step::Journal),
                step(Step::Upload),
                step(Step::Publish),
                step(Step::Release),
            ],
            conflicts: CONFLICTS.counter_of(&one),
            flushed_rows: FLUSHED_ROWS.counter_of(&one),
            requests: [
                requests(BlobOp::Put),
                requests(BlobOp::Get),
                requests(BlobOp::Suffix),
                requests(BlobOp::Size),
                requests(BlobOp::Delete),
                requests(BlobOp::List),
            ],
            read_bytes: BLOB_READ_BYTES.counter_of(&one),
            written_bytes: BLOB_WRITTEN_BYTES.counter_of(&one),
            lookup_requests: LOOKUP_REQUESTS.histogram_of(&one),
            tail_hits: tails(Cached::Hit),
            tail_misses: tails(Cached::Miss),
            integrity: Integrity::new(collection),
        }
    }

    /// A step of a move took so long.
    pub(crate) fn step(&self, step: Step, took: Duration) {
        self.steps[step as usize].record(took);
    }

    /// A publish starts again.
    pub(crate) fn conflict(&self) {
        self.conflicts.increment(1);
    }

    /// So many dead rows were written into delete files.
    pub(crate) fn flushed(&self, rows: u64) {
        self.flushed_rows.increment(rows);
    }

    /// What lies in the archive now.
    pub(crate) fn holds(&self, stock: Stock) {
        self.show(&RECORDS, stock.records as f64);
        self.show(&SEGMENTS, stock.segments as f64);
        self.show(&BYTES, stock.bytes as f64);
        self.show(&DEAD_ROWS, stock.dead_rows as f64);
        self.show(&INLINED_DELETES, stock.inlined_deletes as f64);
        self.show(&OLDEST_INLINED_DELETE, stock.oldest_inlined as f64);
        self.show(&SNAPSHOT, stock.snapshot as f64);
    }

    /// Bytes that nothing refers to.
    pub(crate) fn orphans(&self, bytes: u64) {
        self.show(&ORPHAN_BYTES, bytes as f64);
    }

    /// Made when it is known: a process that never looks shows nothing, rather than 0.
    fn show(&self, metric: &Metric, value: f64) {
        metric.gauge_of(&[&self.collection]).set(value);
    }

    /// A request to the blob store.
    pub(crate) fn request(&self, op: BlobOp, status: BlobStatus) {
        self.requests[op as usize][status as usize].increment(1);
    }

    /// Bytes that requests brought.
    pub(crate) fn brought(&self, bytes: u64) {
        self.read_bytes.increment(bytes);
    }

    /// Bytes that requests took.
    pub(crate) fn took_in(&self, bytes: u64) {
        self.written_bytes.increment(bytes);
    }

    /// A lookup of one id took so many requests.
    pub(crate) fn looked_up(&self, requests: u32) {
        self.lookup_requests.record(requests);
    }

    /// A tail was needed.
    pub(crate) fn tail(&self, was_in_memory: bool) {
        match was_in_memory {
            true => self.tail_hits.increment(1),
            false => self.tail_misses.increment(1),
        }
    }
}
