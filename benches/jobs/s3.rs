//! Lookups in a bucket, and bytes into it and out of it: time, and requests as the server counts them.

mod throughput;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{Credentials, Region};
use futures::TryStreamExt;
use serde_json::json;
use tempfile::TempDir;
use thermocline::{
    BlobStore, Columns, CountedBlobs, Database, Op, Order, ParquetArchive, Query, S3Location,
    S3Server, S3Store, SqliteDatabase,
};
use tokio::runtime::Runtime;

use super::{runtime, store};
use crate::common::child::{self, Peer};
use crate::common::data;
use crate::common::rounds::{Side, take_turns};
use crate::common::table::Row;
use crate::{Amount, Failure};

/// A month of records, so that they lie in one file.
const RECORDS: u64 = 170_000;
const PEERS: [&str; 2] = ["DuckDB", "DataFusion"];
/// A bucket on the server that `scripts/bench` started.
struct Place {
    endpoint: String,
    bucket: String,
    access: String,
    secret: String,
    log: PathBuf,
}

impl Place {
    async fn new() -> Result<Self, Failure> {
        let variable = |name: &str| {
            let missing = format!("{name} is not set: scripts/bench does it");
            std::env::var(name).map_err(|_| Failure::from(missing))
        };
        let url = variable("THERMOCLINE_TEST_S3")?;
        let parts = url.strip_prefix("http://").and_then(|url| {
            let (user, host) = url.split_once('@')?;
            Some((user.split_once(':')?, host))
        });
        let ((access, secret), host) = parts.ok_or("no URL of a server of S3")?;
        let place = Self {
            endpoint: format!("http://{host}"),
            bucket: format!("bench-{}", std::process::id()),
            access: access.to_owned(),
            secret: secret.to_owned(),
            log: variable("THERMOCLINE_TEST_S3_LOG")?.into(),
        };
        let made = place.sdk().create_bucket().bucket(&place.bucket);
        made.send().await?;
        Ok(place)
    }

    fn credentials(&self) -> Credentials {
        Credentials::new(&self.access, &self.secret, None, None, "bench")
    }

    /// The SDK as it comes.
    fn sdk(&self) -> Client {
        Client::from_conf(
            aws_sdk_s3::Config::builder()
                .behavior_version_latest()
                .region(Region::from_static("us-east-1"))
                .endpoint_url(&self.endpoint)
                .credentials_provider(self.credentials())
                .force_path_style(true)
                .http_client(aws_smithy_http_client::Builder::new().build_http())
                .build(),
        )
    }

    async fn store(&self) -> Result<S3Store, Failure> {
        let mut server = S3Server::default();
        server.endpoint = Some(self.endpoint.clone());
        let location = S3Location::new(&self.bucket, "")?.at(server);
        let builder = S3Store::builder(location).credentials(self.credentials());
        Ok(Box::pin(builder.open()).await?)
    }

    /// How many requests came to the bucket so far.
    fn requests(&self) -> usize {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let of_ours = format!(" {} ", self.bucket);
        log.lines().filter(|line| line.contains(&of_ours)).count()
    }
}

pub(crate) fn run(amount: Amount) -> Result<Vec<Row>, Failure> {
    let runtime = runtime(2)?;
    let place = runtime.block_on(Place::new())?;
    let mut rows = lookups(amount, &runtime, &place)?;
    rows.extend(throughput::run(amount, &runtime, &place)?);
    Ok(rows)
}

/// A kind of question, as we are asked and as the others are.
struct Asked {
    case: &'static str,
    queries: Vec<Ours>,
    sql: Vec<String>,
    is_there: bool,
}

enum Ours {
    Id(String),
    Search(Query),
}

async fn ask(archive: &ParquetArchive, asked: &Asked) {
    for query in &asked.queries {
        let found = match query {
            Ours::Id(id) => archive.read(id).await.expect("a read").is_some(),
            Ours::Search(query) => {
                let page = archive.search(query.clone()).await.expect("a search");
                let page: Vec<_> = page.try_collect().await.expect("records");
                !page.is_empty()
            }
        };
        assert_eq!(found, asked.is_there);
    }
}

/// What each side is asked: ids that are there, ids that are not, pages by time.
fn questions(amount: Amount, records: u64) -> Result<[Asked; 3], Failure> {
    let mut random = fastrand::Rng::with_seed(3);
    let count = if amount.quick { 5 } else { 20 };
    let numbers: Vec<u64> = (0..count).map(|_| random.u64(..records)).collect();
    let by_id = |ids: Vec<String>, case, is_there| Asked {
        case,
        sql: ids
            .iter()
            .map(|id| format!("SELECT * FROM t WHERE id = '{id}'"))
            .collect(),
        queries: ids.into_iter().map(Ours::Id).collect(),
        is_there,
    };
    let present = numbers.iter().map(|number| data::id(*number)).collect();
    let absent = (0..count).map(|n| data::id((1 << 40) + n)).collect();
    let mut pages = Asked {
        case: "50 rows by time",
        queries: Vec::new(),
        sql: Vec::new(),
        is_there: true,
    };
    for number in numbers {
        let from = data::created_at(number);
        let query = Query::filter(&format!("@created_at >= '{from}'"))?;
        let query = query.sort("@created_at", Order::Asc)?.limit(50);
        pages.queries.push(Ours::Search(query));
        pages.sql.push(format!(
            "SELECT * FROM t WHERE created_at >= TIMESTAMP '{from}' ORDER BY created_at LIMIT 50"
        ));
    }
    Ok([
        by_id(present, "an id that is there", true),
        by_id(absent, "an absent id", false),
        pages,
    ])
}

#[expect(clippy::cast_precision_loss, reason = "few")]
fn lookups(amount: Amount, runtime: &Runtime, place: &Place) -> Result<Vec<Row>, Failure> {
    let folder: TempDir = store::folder()?;
    let records = amount.of(RECORDS);
    let blobs = Arc::new(CountedBlobs::new(runtime.block_on(place.store())?));
    let archive = runtime.block_on(async {
        let host = SqliteDatabase::open(folder.path().join("catalog.db")).await?;
        let archive = ParquetArchive::with_blobs(Arc::clone(&blobs) as Arc<dyn BlobStore>)
            .catalog(host.catalog_host().ok_or("SQLite holds catalogs")?)?
            .columns(Columns::None)
            .build()
            .await?;
        let puts = (0..records).map(|n| Op::Put(Arc::new(data::record(n))).into());
        archive.write(puts.collect()).await?;
        Ok::<_, Failure>(archive)
    })?;
    let listed: Vec<_> = runtime.block_on(blobs.list("").try_collect())?;
    let segment = listed.first().ok_or("the archive has no segment")?;
    let file = format!("s3://{}/{}", place.bucket, segment.path);
    let mut others = Peer::of(
        &mut child::python("s3.py")?,
        &json!({"endpoint": place.endpoint, "access": place.access, "secret": place.secret, "file": file}),
    )?;
    let mut rows = Vec::new();
    for asked in questions(amount, records)? {
        let each = asked.queries.len() as f64;
        let work = |peer| json!({"peer": peer, "ask": asked.sql, "is_there": asked.is_there});
        let others = std::cell::RefCell::new(&mut others);
        let ours = || {
            let began = Instant::now();
            runtime.block_on(ask(&archive, &asked));
            began.elapsed().as_secs_f64() / each
        };
        let theirs = |peer| {
            let took = others.borrow_mut().works(&work(peer));
            took.expect("an answer") / each
        };
        let sides = vec![
            Side::new("ours", ours),
            Side::new(PEERS[0], || theirs(PEERS[0])),
            Side::new(PEERS[1], || theirs(PEERS[1])),
        ];
        let costs = take_turns(amount.rounds(), sides);
        let counted = |work: &dyn Fn()| {
            let before = place.requests();
            work();
            (place.requests() - before) as f64 / each
        };
        let before = blobs.requests();
        let requests = counted(&|| runtime.block_on(ask(&archive, &asked)));
        let bytes = blobs.requests().since(before).read_bytes as f64 / each;
        for peer in PEERS {
            let case = asked.case;
            let sent = counted(&|| {
                theirs(peer);
            });
            rows.push(Row::of("s3", case, &costs, ("ours", peer), ("ms", 1e3)));
            rows.push(Row::counted("s3", case, requests, (peer, sent), "requests"));
        }
        rows.extend(limits(asked.case, requests, bytes / 1e3));
    }
    Ok(rows)
}

fn limits(case: &str, requests: f64, kilobytes: f64) -> Vec<Row> {
    let limit = |unit, ours, most, goal| {
        Row::counted("s3", case, ours, ("at most", most), unit).goal(goal, 1.0)
    };
    match case {
        "an absent id" => vec![limit("requests", requests, 0.0001, "G11")],
        "50 rows by time" => vec![
            limit("requests", requests, 1.0, "G13"),
            limit("KB", kilobytes, 250.0, "G13"),
        ],
        _ => vec![
            limit("requests", requests, 1.0, "G10"),
            limit("KB", kilobytes, 256.0, "G10"),
        ],
    }
}
