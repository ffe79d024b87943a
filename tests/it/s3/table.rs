//! One table of what goes wrong with a bucket: how an archive says so, that nothing is lost, that no secret is shown.

use std::io::{self, Write};
use std::sync::Arc;

use aws_sdk_s3::Client;
use bytes::Bytes;
use futures::TryStreamExt;
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use thermocline::{
    BlobStore, Database, ErrorKind, ManualClock, ParquetArchive, Query, Record, Result,
};
use tracing_subscriber::fmt::MakeWriter;

use super::place::{self, Place};
use super::proxy::{Proxy, Trouble};
use super::{Shelf, open};

const RECORDS: u64 = 5_000;

/// Everything that is logged, at the lowest level.
#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// An archive in a bucket, and its one segment as it was written.
struct Bench {
    place: Place,
    client: Client,
    shelf: Shelf,
    segment: String,
    whole: Bytes,
}

/// How a trouble is told: by a kind and some words; or it is got over, and nobody hears of it.
type Told = Option<(ErrorKind, &'static [&'static str])>;

impl Bench {
    async fn new() -> Self {
        let (place, _alive) = place::real().await;
        let shelf = Shelf::over(place.store().await).await;
        shelf.fill(i64::try_from(RECORDS).unwrap()).await;
        let segment = shelf.segments().await.remove(0);
        let whole = crate::blob_contract::whole(&place.store().await, &segment).await;
        Self {
            client: place.client(),
            place,
            shelf,
            segment,
            whole,
        }
    }

    /// An archive over the same catalog that reaches its bucket otherwise.
    async fn over(&self, blobs: impl BlobStore + 'static) -> ParquetArchive {
        let blobs: Arc<dyn BlobStore> = Arc::new(blobs);
        open(&self.shelf.primary, &blobs, &self.shelf.clock).await
    }

    async fn through(&self, place: &Place) -> ParquetArchive {
        self.over(place.store().await).await
    }

    /// Lays other bytes where the segment was.
    async fn replace(&self, bytes: Bytes) {
        let put = self.client.put_object().bucket(&self.place.bucket);
        let put = put.key(self.place.key(&self.segment)).body(bytes.into());
        put.send().await.unwrap();
    }

    fn check(&self, name: &str, answer: Result<()>, told: Told) {
        match (answer, told) {
            (Ok(()), None) => {}
            (Err(error), Some((kind, words))) => {
                let shown = format!("{error} {error:?}");
                assert_eq!(error.kind(), kind, "{name}: {shown}");
                for word in words {
                    assert!(shown.contains(word), "{name}: {word:?} is missing: {shown}");
                }
                assert!(!shown.contains(&self.place.secret), "{name}: {shown}");
            }
            (answer, told) => panic!("{name}: {answer:?} instead of {told:?}"),
        }
    }

    /// Once the trouble is over, everything is there, once.
    async fn is_whole(&self, name: &str) {
        let archive = self.shelf.fresh().await;
        assert_eq!(read_all(&archive).await.unwrap(), RECORDS, "{name}");
        assert_eq!(self.shelf.segments().await, [&*self.segment], "{name}");
    }
}

fn invalid(words: &'static [&'static str]) -> Told {
    Some((ErrorKind::Invalid, words))
}

fn corrupt(words: &'static [&'static str]) -> Told {
    Some((ErrorKind::Corrupt, words))
}

async fn read_all(archive: &ParquetArchive) -> Result<u64> {
    let found = archive.search(Query::all()).await?;
    let count = found.try_fold(0, async |count, _record: Arc<Record>| Ok(count + 1));
    count.await
}

async fn reads(archive: &ParquetArchive) -> Result<()> {
    assert_eq!(read_all(archive).await?, RECORDS, "never a shorter answer");
    Ok(())
}

async fn writes(archive: &ParquetArchive) -> Result<()> {
    archive
        .write(vec![super::put("another", 1)])
        .await
        .map(drop)
}

#[tokio::test]
#[ignore = "needs a server of S3 (scripts/services)"]
async fn whatever_goes_wrong_is_told_by_its_kind_and_loses_nothing() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    // Of this thread only, which is the one that everything here runs on.
    let _set = tracing::subscriber::set_default(subscriber);
    let bench = Bench::new().await;

    let name = "a bucket that is not there";
    let mut other = bench.place.clone();
    other.bucket = "no-such-bucket".to_owned();
    let archive = bench.through(&other).await;
    let told = invalid(&["no-such-bucket", "there is no such bucket"]);
    bench.check(name, reads(&archive).await, told);
    bench.check(name, writes(&archive).await, told);
    bench.is_whole(name).await;

    let name = "a bucket that may only be read";
    let mut reader = Place::of_server("THERMOCLINE_TEST_S3_READER");
    reader.bucket.clone_from(&bench.place.bucket);
    allow_reading(&bench, &reader).await;
    let archive = bench.through(&reader).await;
    bench.check(name, reads(&archive).await, None);
    let told = invalid(&["AccessDenied", "s3:PutObject", "arn:aws:s3:::"]);
    bench.check(name, writes(&archive).await, told);
    bench.is_whole(name).await;

    let name = "wrong credentials";
    let mut wrong = bench.place.clone();
    wrong.secret = "hush-hush".to_owned();
    let archive = bench.through(&wrong).await;
    let told = invalid(&["SignatureDoesNotMatch", "AWS_SECRET_ACCESS_KEY"]);
    bench.check(name, reads(&archive).await, told);
    bench.check(name, writes(&archive).await, told);
    bench.is_whole(name).await;

    let name = "a certificate of an unknown authority";
    let mut tls = Place::of_server("THERMOCLINE_TEST_S3_TLS");
    tls.bucket.clone_from(&bench.place.bucket);
    let archive = bench.through(&tls).await;
    let told = invalid(&["no trusted TLS connection", "ca_file"]);
    bench.check(name, reads(&archive).await, told);
    tls.ca_file = Some(std::env::var_os("THERMOCLINE_TEST_S3_CA").unwrap().into());
    bench.check(name, reads(&bench.through(&tls).await).await, None);

    let name = "a clock that is a day off";
    for day in [-86_400, 86_400] {
        let clock = ManualClock::at(Timestamp::now() + SignedDuration::from_secs(day));
        let store = bench.place.builder().clock(clock).open().await.unwrap();
        // The SDK takes the time from the server's refusal, and signs again.
        bench.check(name, reads(&bench.over(store).await).await, None);
    }

    let name = "a segment that somebody deleted";
    let store = bench.place.store().await;
    let warm = bench.shelf.fresh().await;
    assert!(warm.read("r000001").await.unwrap().is_some());
    store.delete(&bench.segment).await.unwrap();
    let told = corrupt(&["is missing", "s3://"]);
    for archive in [&warm, &bench.shelf.fresh().await] {
        bench.check(name, reads(archive).await, told);
    }

    let name = "a segment that was cut short, or changed";
    let mut changed = bench.whole.to_vec();
    for at in (100..1_000).step_by(100) {
        changed[at] ^= 0x40;
    }
    for bytes in [
        bench.whole.slice(..2_000),
        bench.whole.slice(..1),
        Bytes::new(),
        changed.into(),
    ] {
        bench.replace(bytes).await;
        for archive in [&warm, &bench.shelf.fresh().await] {
            bench.check(name, reads(archive).await, corrupt(&[".parquet"]));
        }
    }
    bench.replace(bench.whole.clone()).await;
    bench.is_whole(name).await;

    let name = "an answer that breaks off";
    let proxy = Proxy::before(&bench.place.endpoint).await;
    let behind = bench.place.behind(&proxy);
    proxy.next("GET", Trouble::CutAnswer(1_000));
    bench.check(name, reads(&bench.through(&behind).await).await, None);
    for _ in 0..3 {
        proxy.next("GET", Trouble::CutAnswer(1_000));
    }
    let told = Some((ErrorKind::Unavailable, &["broke off", "try again"][..]));
    bench.check(name, reads(&bench.through(&behind).await).await, told);
    assert!(proxy.is_done());

    let name = "a server that is gone";
    let archive = bench.through(&behind).await;
    drop(proxy);
    let told = Some((ErrorKind::Unavailable, &["check the endpoint"][..]));
    bench.check(name, reads(&archive).await, told);
    bench.check(name, writes(&archive).await, told);
    bench.is_whole(name).await;

    let log = String::from_utf8_lossy(&log.0.lock()).into_owned();
    assert!(log.len() > 10_000, "it was listened to: {log}");
    for secret in [&bench.place.secret, &reader.secret, &wrong.secret] {
        assert!(!log.contains(secret.as_str()), "a secret was logged");
    }
}

async fn allow_reading(bench: &Bench, reader: &Place) {
    let bucket = &bench.place.bucket;
    let policy = serde_json::json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"AWS": [reader.access]},
        "Action": ["s3:GetObject", "s3:ListBucket"],
        "Resource": [format!("arn:aws:s3:::{bucket}"), format!("arn:aws:s3:::{bucket}/*")],
    }]});
    let set = bench.client.put_bucket_policy().bucket(bucket);
    set.policy(policy.to_string()).send().await.unwrap();
}
