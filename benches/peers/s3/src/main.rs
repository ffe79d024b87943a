//! object_store, with objects up and ranges of an object down, several requests at a time.
//!
//! The first line of standard input is `{"endpoint": url, "bucket": name, "access": key, "secret": key, "at_once": n}`, each
//! other one a piece of work: `{"put": prefix, "count": n, "size": bytes}` makes so many objects that were not there, and
//! `{"get": path, "ranges": [[start, end], ..]}` reads ranges. The answer is a line with the seconds that it took.

use std::error::Error;
use std::io::{BufRead, Write, stdin, stdout};
use std::time::Instant;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions};
use serde_json::Value;
use tokio::runtime::Builder;

type Failure = Box<dyn Error>;

fn main() -> Result<(), Failure> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let mut lines = stdin().lock().lines();
    let place: Value = serde_json::from_str(&lines.next().ok_or("no place")??)?;
    let store = open(&place)?;
    let at_once = usize::try_from(place["at_once"].as_u64().ok_or("how many at once?")?)?;
    for line in lines {
        let work: Value = serde_json::from_str(&line?)?;
        let began;
        if let Some(prefix) = work["put"].as_str() {
            let number = |name: &str| work[name].as_u64().ok_or(format!("no {name}"));
            let content = Bytes::from(vec![7; usize::try_from(number("size")?)?]);
            let paths = (0..number("count")?).map(|n| Path::from(format!("{prefix}/{n}")));
            began = Instant::now();
            runtime.block_on(put(&store, paths, &content, at_once))?;
        } else {
            let path = Path::from(work["get"].as_str().ok_or("no work that is known")?);
            let ranges: Vec<[u64; 2]> = serde_json::from_value(work["ranges"].clone())?;
            began = Instant::now();
            runtime.block_on(get(&store, &path, &ranges, at_once))?;
        }
        println!("{}", began.elapsed().as_secs_f64());
        stdout().flush()?;
    }
    Ok(())
}

fn open(place: &Value) -> Result<AmazonS3, Failure> {
    let text = |name: &str| place[name].as_str().ok_or(format!("no {name}"));
    Ok(AmazonS3Builder::new()
        .with_endpoint(text("endpoint")?)
        .with_allow_http(true)
        .with_region("us-east-1")
        .with_bucket_name(text("bucket")?)
        .with_access_key_id(text("access")?)
        .with_secret_access_key(text("secret")?)
        .build()?)
}

async fn put(
    store: &AmazonS3,
    paths: impl Iterator<Item = Path>,
    content: &Bytes,
    at_once: usize,
) -> Result<(), object_store::Error> {
    let create = PutOptions::from(PutMode::Create);
    stream::iter(paths)
        .map(async |path| {
            let payload = content.clone().into();
            store.put_opts(&path, payload, create.clone()).await
        })
        .buffer_unordered(at_once)
        .try_for_each(async |_| Ok(()))
        .await
}

async fn get(
    store: &AmazonS3,
    path: &Path,
    ranges: &[[u64; 2]],
    at_once: usize,
) -> Result<(), object_store::Error> {
    stream::iter(ranges)
        .map(async |[start, end]| {
            let read = store.get_range(path, *start..*end).await?;
            assert_eq!(read.len() as u64, end - start);
            Ok(())
        })
        .buffer_unordered(at_once)
        .try_collect()
        .await
}
