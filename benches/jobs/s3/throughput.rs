//! Bytes into a bucket and out of it, several requests at a time.

use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::time::Instant;

use aws_sdk_s3::Client;
use bytes::Bytes;
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use thermocline::{BlobStore, S3Store};
use tokio::runtime::Runtime;

use super::Place;
use crate::common::child::Peer;
use crate::common::rounds::{Side, take_turns};
use crate::common::table::Row;
use crate::{Amount, Failure};

const SDK: &str = "aws-sdk-s3 alone";
const OTHER: &str = "object_store";

/// Requests that are under way at a time.
const AT_ONCE: usize = 8;

/// Objects of a segment's size up, and ranges of a row group's size down.
pub(super) fn run(amount: Amount, runtime: &Runtime, place: &Place) -> Result<Vec<Row>, Failure> {
    let sides = Sides {
        runtime,
        bucket: &place.bucket,
        ours: runtime.block_on(place.store())?,
        sdk: place.sdk(),
        other: RefCell::new(Peer::built(
            "THERMOCLINE_BENCH_S3",
            &json!({
                "endpoint": place.endpoint, "bucket": place.bucket, "access": place.access, "secret": place.secret,
                "at_once": AT_ONCE,
            }),
        )?),
    };
    let mut rows = sides.puts(amount);
    rows.extend(sides.gets(amount)?);
    Ok(rows)
}

struct Sides<'a> {
    runtime: &'a Runtime,
    bucket: &'a str,
    ours: S3Store,
    sdk: Client,
    other: RefCell<Peer>,
}

impl Sides<'_> {
    /// New objects, each made only if it is not there.
    fn puts(&self, amount: Amount) -> Vec<Row> {
        let (count, size) = (8_usize, 8_usize << 20);
        let content = Bytes::from(vec![7; size]);
        let turn = Cell::new(0);
        let next = || {
            turn.set(turn.get() + 1);
            format!("put/{}", turn.get())
        };
        let ours = || {
            let prefix = next();
            self.seconds(count, async |n| {
                let path = format!("{prefix}/{n}");
                let put = self.ours.put(&path, content.clone());
                put.await.expect("a write");
            })
        };
        let sdk = || {
            let prefix = next();
            self.seconds(count, async |n| {
                let put = self.sdk.put_object().bucket(self.bucket);
                let put = put.key(format!("{prefix}/{n}")).if_none_match("*");
                let sent = put.body(content.clone().into()).send().await;
                sent.expect("a write");
            })
        };
        let other = || self.others(&json!({"put": next(), "count": count, "size": size}));
        compared(amount, "PUT of 8 MiB", count * size, ours, sdk, other)
    }

    /// Ranges of one object.
    fn gets(&self, amount: Amount) -> Result<Vec<Row>, Failure> {
        let (count, size) = (200_usize, 256_u64 << 10);
        let whole = Bytes::from(vec![7; 64 << 20]);
        self.runtime.block_on(self.ours.put("get", whole))?;
        let range = |n: usize| -> Range<u64> {
            let from = (n as u64 * size) % (63 << 20);
            from..from + size
        };
        let ours = || {
            self.seconds(count, async |n| {
                let range = range(n);
                let found = self.ours.get_ranges("get", std::slice::from_ref(&range));
                assert!(found.await.expect("a read").is_some());
            })
        };
        let sdk = || {
            self.seconds(count, async |n| {
                let range = range(n);
                let get = self.sdk.get_object().bucket(self.bucket).key("get");
                let get = get.range(format!("bytes={}-{}", range.start, range.end - 1));
                let answer = get.send().await.expect("a read");
                answer.body.collect().await.expect("a read");
            })
        };
        let ranges: Vec<_> = (0..count).map(|n| [range(n).start, range(n).end]).collect();
        let other = || self.others(&json!({"get": "get", "ranges": ranges}));
        let bytes = count * usize::try_from(size)?;
        Ok(compared(amount, "GET of 256 KiB", bytes, ours, sdk, other))
    }

    fn others(&self, work: &Value) -> f64 {
        self.other.borrow_mut().works(work).expect("an answer")
    }

    /// The time of so many pieces of work.
    fn seconds(&self, count: usize, work: impl AsyncFn(usize)) -> f64 {
        let began = Instant::now();
        self.runtime.block_on(async {
            stream::iter(0..count)
                .map(|n| work(n))
                .buffer_unordered(AT_ONCE)
                .for_each(async |()| ())
                .await;
        });
        began.elapsed().as_secs_f64()
    }
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn compared(
    amount: Amount,
    case: &str,
    bytes: usize,
    ours: impl FnMut() -> f64,
    sdk: impl FnMut() -> f64,
    other: impl FnMut() -> f64,
) -> Vec<Row> {
    let sides = vec![
        Side::new("ours", ours),
        Side::new(SDK, sdk),
        Side::new(OTHER, other),
    ];
    let costs = take_turns(amount.rounds(), sides);
    let against = |peer| {
        let row = Row::of("s3", case, &costs, ("ours", peer), ("s", 1.0));
        row.rated("MB a second", bytes as f64 / 1e6)
    };
    vec![against(SDK), against(OTHER)]
}
