//! The records that are measured with, the same in every run.

use jiff::{Span, Timestamp, ToSpan};
use thermocline::Record;
use uuid::Builder;

/// When the oldest record was created.
pub(crate) fn epoch() -> Timestamp {
    "2024-01-01T00:00:00Z".parse().expect("a time")
}

/// The id of a record: a UUIDv4, 36 bytes.
pub(crate) fn id(number: u64) -> String {
    let mut random = fastrand::Rng::with_seed(number ^ 0x5eed);
    let bytes: [u8; 16] = random.u128(..).to_le_bytes();
    Builder::from_random_bytes(bytes).into_uuid().to_string()
}

/// The fields of a record: JSON of about 175 bytes, seven keys, one of them nested.
pub(crate) fn fields(number: u64) -> String {
    let mut random = fastrand::Rng::with_seed(number);
    let name = random.u32(..1_000_000);
    format!(
        r#"{{"name":"User {name:06}","email":"user{name:06}@example.org","age":{},"status":"{}","score":{:.3},"tags":["t{}","t{}"],"address":{{"city":"City {}","zip":"{:05}"}}}}"#,
        random.u32(18..90),
        ["active", "closed", "pending"][random.usize(..3)],
        random.f64() * 100.0,
        random.u8(..20),
        random.u8(..20),
        random.u8(..100),
        random.u32(..100_000),
    )
}

/// The metadata of a record: 35 bytes.
pub(crate) fn metadata(number: u64) -> String {
    format!(
        r#"{{"source":"import","batch":{:06}}}"#,
        100_000 + number / 1000 % 900_000
    )
}

/// When a record was created: one every quarter of a minute, so a month has some 178,000.
pub(crate) fn created_at(number: u64) -> Timestamp {
    let number = i64::try_from(number).expect("not so many");
    let after: Span = (number * 15)
        .seconds()
        .microseconds(number * 7919 % 1_000_000);
    epoch() + after
}

/// The texts of a record, as a program has them before it hands them to a database.
#[derive(Clone, Debug)]
pub(crate) struct Texts {
    pub(crate) id: String,
    pub(crate) fields: String,
    pub(crate) metadata: String,
    pub(crate) at: Timestamp,
}

impl Texts {
    /// The texts of record `number`.
    pub(crate) fn of(number: u64) -> Self {
        Self {
            id: id(number),
            fields: fields(number),
            metadata: metadata(number),
            at: created_at(number),
        }
    }

    /// A record of them, which checks them.
    pub(crate) fn record(&self) -> Record {
        let at = Some(self.at);
        Record::from_json(&self.id, &self.fields)
            .and_then(|record| record.with_metadata_json(&self.metadata))
            .expect("a record")
            .with_times(at, at)
    }
}

/// Record `number`.
pub(crate) fn record(number: u64) -> Record {
    Texts::of(number).record()
}

/// Draws numbers below `count`, the small ones most often: the k-th with a weight of 1 / k^0.99.
#[derive(Clone, Debug)]
pub(crate) struct Zipf {
    sums: Vec<f64>,
}

impl Zipf {
    pub(crate) fn new(count: usize) -> Self {
        let mut sum = 0.0;
        let sums = (1..=count)
            .map(|rank| {
                #[expect(clippy::cast_precision_loss, reason = "ranks are far below 2^52")]
                let weight = (rank as f64).powf(-0.99);
                sum += weight;
                sum
            })
            .collect();
        Self { sums }
    }

    pub(crate) fn draw(&self, random: &mut fastrand::Rng) -> usize {
        let at = random.f64() * self.sums.last().copied().unwrap_or_default();
        self.sums
            .partition_point(|sum| *sum <= at)
            .min(self.sums.len() - 1)
    }
}
