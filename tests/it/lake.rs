//! The two services together: the catalog in PostgreSQL, the segments in S3.

mod wire;
mod witnesses;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::TryStreamExt;
use serde_json::json;
use thermocline::{
    Database, DatabaseExt, ErrorKind, ManualClock, MemoryDatabase, Op, ParquetArchive, Policy,
    PostgresDatabase, Query, ReadSource, Record, TieredDatabase, Write,
};

use self::wire::Wire;
use crate::cli::{World, ended};
use crate::postgres::Scratch;
use crate::s3::place::{self, Place};
use crate::s3::proxy::Proxy;

/// When the tests take place.
const NOW: &str = "2026-01-01T00:00:00Z";

/// What an archive of its own stands on.
pub(crate) struct Grounds {
    _scratch: Scratch,
    _place: Place,
}

/// An archive alone.
pub(crate) async fn archive() -> (ParquetArchive, Grounds) {
    let scratch = Scratch::new().await;
    let (place, _alive) = place::real().await;
    let database = PostgresDatabase::open(&scratch.url).await.unwrap();
    let archive = ParquetArchive::with_blobs(Arc::new(place.store().await));
    let archive = archive.catalog_of(database).unwrap().build().await.unwrap();
    let grounds = Grounds {
        _scratch: scratch,
        _place: place,
    };
    (archive, grounds)
}

/// A router on the system's clock, as the behaviours expect it.
async fn router() -> (TieredDatabase, Grounds) {
    let scratch = Scratch::new().await;
    let (place, _alive) = place::real().await;
    let router = TieredDatabase::builder()
        .hot(MemoryDatabase::new())
        .primary(PostgresDatabase::open(&scratch.url).await.unwrap())
        .archive(ParquetArchive::with_blobs(Arc::new(place.store().await)))
        .build()
        .await
        .unwrap();
    let grounds = Grounds {
        _scratch: scratch,
        _place: place,
    };
    (router, grounds)
}

mod alone {
    thermocline::conformance_tests!(
        super::archive,
        #[ignore = "needs PostgreSQL and a server of S3: run scripts/test"]
    );
}

mod tiered {
    thermocline::conformance_tests!(
        super::router,
        #[ignore = "needs PostgreSQL and a server of S3: run scripts/test"]
    );
}

/// Both services, and everything over them.
struct Lake {
    scratch: Scratch,
    place: Place,
    primary: PostgresDatabase,
    archive: ParquetArchive,
    router: TieredDatabase,
}

impl Lake {
    /// Its requests to S3 go where `route` leads.
    async fn new(route: impl AsyncFnOnce(&Place) -> Place) -> Self {
        let scratch = Scratch::new().await;
        let (place, _alive) = place::real().await;
        let clock = ManualClock::at(NOW.parse().unwrap());
        let primary = PostgresDatabase::builder(&scratch.url).table("orders");
        let primary = primary.clock(clock.clone()).open().await.unwrap();
        let blobs = Arc::new(route(&place).await.store().await);
        let archive = ParquetArchive::with_blobs(blobs)
            .catalog(primary.catalog_host().unwrap())
            .unwrap()
            .clock(clock.clone())
            .build()
            .await
            .unwrap();
        // Without a hot tier: what is read is what the tiers say.
        let router = TieredDatabase::builder()
            .primary(primary.clone())
            .archive(archive.clone())
            .policy(Policy::older_than("90d").unwrap())
            .clock(clock)
            .build()
            .await
            .unwrap();
        Self {
            scratch,
            place,
            primary,
            archive,
            router,
        }
    }
}

fn record(id: &str, time: &str, n: i64) -> Record {
    let time = time.parse().unwrap();
    let record = Record::new(id, json!({"n": n, "status": "closed"})).unwrap();
    record.with_times(Some(time), Some(time))
}

fn put(id: &str, time: &str, n: i64) -> Write {
    Op::Put(record(id, time, n).into()).into()
}

fn puts(prefix: &str, time: &str, count: i64) -> Vec<Write> {
    let id = |n| format!("{prefix}{n:03}");
    (0..count).map(|n| put(&id(n), time, n)).collect()
}

const OLD: &str = "2025-03-04T05:06:07Z";

type Everything = BTreeMap<String, String>;

async fn everything(database: &dyn Database) -> Everything {
    let found: Vec<Arc<Record>> = database
        .search(Query::all())
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    let count = found.len();
    let all: Everything = found
        .iter()
        .map(|record| (record.id().to_string(), record.fields().to_owned()))
        .collect();
    assert_eq!(all.len(), count, "each once");
    assert_eq!(database.count(&Query::all()).await.unwrap(), count as u64);
    all
}

/// A lost archive takes with it what it holds, and nothing else.
#[tokio::test]
#[ignore = "needs PostgreSQL and a server of S3: run scripts/test"]
async fn live_records_are_read_and_written_while_s3_is_unreachable() {
    let mut proxy = None;
    let lake = Lake::new(async |place: &Place| {
        let proxy = proxy.insert(Proxy::before(&place.endpoint).await);
        place.behind(proxy)
    })
    .await;
    let router = &lake.router;
    router.write(puts("old", OLD, 20)).await.unwrap();
    assert_eq!(router.archive_due().await.unwrap()[0].moved, 20);
    router.upsert(record("live", NOW, 1)).await.unwrap();
    let proxy = proxy.unwrap();
    proxy.stop();

    // What comes anew has nothing in memory.
    let cold = router_through(&lake.scratch.url, &lake.place.behind(&proxy)).await;
    for router in [router, &cold] {
        let (read, source) = router.read_with_source("live").await.unwrap();
        assert_eq!((read.is_some(), source), (true, ReadSource::Primary));
        router.upsert(record("live", NOW, 2)).await.unwrap();
        let archived = router.read("old001").await.unwrap_err();
        let written = router.upsert(record("old001", NOW, 2)).await.unwrap_err();
        let searched = router.search(Query::filter("n = 3").unwrap()).await;
        let searched = match searched {
            Ok(found) => found.try_collect::<Vec<_>>().await.unwrap_err(),
            Err(error) => error,
        };
        for error in [archived, written, searched] {
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
            assert!(!format!("{error:?}").contains(&lake.place.secret));
        }
    }
    assert!(cold.delete("live").await.unwrap());
    assert_eq!(lake.primary.count(&Query::all()).await.unwrap(), 0);

    // Nothing was lost: by another way everything is there.
    let blobs = Arc::new(lake.place.store().await);
    let other = ParquetArchive::with_blobs(blobs);
    let primary = PostgresDatabase::builder(&lake.scratch.url).table("orders");
    let other = other.catalog_of(primary.open().await.unwrap()).unwrap();
    assert_eq!(everything(&other.build().await.unwrap()).await.len(), 20);
}

/// A router of another process, which has nothing in memory.
async fn router_through(url: &str, place: &Place) -> TieredDatabase {
    let blobs = Arc::new(place.store().await);
    let primary = PostgresDatabase::builder(url).table("orders");
    TieredDatabase::builder()
        .primary(primary.open().await.unwrap())
        .archive(ParquetArchive::with_blobs(blobs))
        .build()
        .await
        .unwrap()
}

/// A read by id asks PostgreSQL once, whichever tier has the record, and S3 once where that is the archive.
#[tokio::test]
#[ignore = "needs PostgreSQL and a server of S3: run scripts/test"]
async fn a_point_read_is_one_statement_and_at_most_one_request() {
    const READS: u64 = 50;
    let lake = Lake::new(async |place: &Place| place.clone()).await;
    lake.router.write(puts("old", OLD, 20)).await.unwrap();
    assert_eq!(lake.router.archive_due().await.unwrap()[0].moved, 20);
    lake.router.upsert(record("live", NOW, 1)).await.unwrap();
    let proxy = Proxy::before(&lake.place.endpoint).await;
    let wire = Wire::before(&lake.scratch.url).await;
    let router = router_through(&wire.url, &lake.place.behind(&proxy)).await;
    for (id, source, requests) in [
        ("live", ReadSource::Primary, 0),
        ("old007", ReadSource::Archive, READS),
        ("nobody", ReadSource::Miss, 0),
    ] {
        // What it needs is in memory, and its statements are prepared.
        router.read(id).await.unwrap();
        proxy.requests();
        wire.executed();
        for _ in 0..READS {
            assert_eq!(router.read_with_source(id).await.unwrap().1, source);
        }
        assert_eq!(wire.executed(), READS, "{id}");
        let sent = proxy.requests();
        assert!(sent.len() as u64 <= requests, "{id}: {sent:?}");
    }
}

/// The commands with nothing changed but the configuration, and the archive alone by its URL.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL and a server of S3: run scripts/test"]
async fn the_commands_run_over_both() {
    let scratch = Scratch::new().await;
    let (place, _alive) = place::real().await;
    let world = World::new();
    world.file(
        "thermocline.toml",
        &format!(
            "policies = \"policies/\"\n[primary]\nbackend = \"postgres\"\nurl = \"${{DATABASE_URL}}\"\n\
             [archive]\ndata = \"s3://{}/archive\"\n[s3]\nendpoint = \"{}\"\nregion = \"us-east-1\"\n\
             [collections.events]\nage = \"day\"\n",
            place.bucket, place.endpoint
        ),
    );
    let password = scratch.url.split(['@', ':']).nth(2).unwrap();
    let ok = |args: &[&str]| {
        let mut command = world.command(args);
        command
            .env("DATABASE_URL", &scratch.url)
            .env("AWS_ACCESS_KEY_ID", &place.access)
            .env("AWS_SECRET_ACCESS_KEY", &place.secret);
        let ended = ended(command.output().expect("it starts"));
        assert_eq!(ended.code, Some(0), "{args:?}: {}", ended.err);
        for secret in [&*place.secret, password] {
            assert!(
                !format!("{}{}", ended.out, ended.err).contains(secret),
                "{args:?}"
            );
        }
        ended.out
    };
    ok(&["check"]);
    let lines: String = (0..100)
        .map(|n| {
            let month = n % 12 + 1;
            format!(
                "{{\"id\":\"{n:03}\",\"fields\":{{\"day\":\"2013-{month:02}-01\",\"n\":{n}}}}}\n"
            )
        })
        .collect();
    let file = world.file("in.ndjson", &lines);
    ok(&["import", file.to_str().unwrap()]);
    ok(&["archive", "--once", "--now", "2014-01-01T00:00:00Z"]);
    assert!(ok(&["get", "001"]).contains("\"archive\""));
    assert!(ok(&["get", "011"]).contains("\"primary\""));
    assert_eq!(ok(&["count", "n >= 0"]), "100\n");
    ok(&["delete", "001"]);
    assert_eq!(
        ok(&["flush", "--output", "json"]),
        "{\"collections\":[{\"collection\":\"events\",\"rows\":1}]}\n"
    );
    assert_eq!(
        ok(&["export"]).lines().count(),
        99,
        "every live record once"
    );
    assert!(ok(&["config"]).contains(&place.bucket));

    let url = format!(
        "ducklake:{}?data=s3://{}/archive&endpoint={}&region=us-east-1&table=events&schema=thermocline",
        scratch.url, place.bucket, place.endpoint
    );
    let alone = thermocline::database(&url).await.unwrap();
    let shown = format!("{alone:?}");
    assert!(
        !shown.contains(&place.secret) && !shown.contains(password),
        "{shown}"
    );
    let archived = alone.count(&Query::all()).await.unwrap();
    assert!((50..99).contains(&archived), "{archived}");
}
