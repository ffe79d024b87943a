//! The two services together: the catalog in PostgreSQL, the segments in S3.

mod wire;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::TryStreamExt;
use serde_json::json;
use thermocline::{
    Database, DatabaseExt, ErrorKind, ManualClock, MemoryDatabase, Op, ParquetArchive, Policy,
    PostgresDatabase, Query, ReadSource, Record, RecordId, TieredDatabase, Write,
};

use self::wire::Wire;
use crate::cli::{World, ended};
use crate::foreign::{DuckDb, read_parquet};
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

    /// DuckDB with the archive attached, over PostgreSQL and HTTP.
    async fn duck(&self) -> DuckDb {
        let mut duck = DuckDb::start();
        let host = self.place.endpoint.strip_prefix("http://").unwrap();
        let (access, secret) = (&self.place.access, &self.place.secret);
        duck.execute(&format!(
            "CREATE SECRET (TYPE s3, KEY_ID '{access}', SECRET '{secret}', REGION 'us-east-1', \
             ENDPOINT '{host}', URL_STYLE 'path', USE_SSL false)"
        ))
        .await;
        duck.attach_postgres(&self.scratch.url, false).await;
        duck
    }

    /// Rows of every segment as pyarrow reads it, dead ones too.
    async fn rows_of_segments(&self) -> usize {
        let folder = tempfile::tempdir().unwrap();
        let store = self.place.store().await;
        let mut rows = 0;
        for path in crate::blob_contract::found(&store, "").await {
            let bytes = crate::blob_contract::whole(&store, &path).await;
            let file = folder.path().join("segment.parquet");
            std::fs::write(&file, bytes).unwrap();
            let read = read_parquet(&file).await;
            if !path.contains("delete") {
                rows += read.rows.len();
            }
        }
        rows
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

fn delete(id: &str) -> Write {
    Op::Delete(RecordId::new(id).unwrap()).into()
}

const OLD: &str = "2025-03-04T05:06:07Z";
const OLDER: &str = "2025-02-04T05:06:07Z";

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

/// DuckDB attached before, DuckDB attached now, pyarrow, and we: after every kind of commit all see the same.
struct Witnesses {
    lake: Lake,
    before: DuckDb,
}

impl Witnesses {
    async fn ours(&mut self, what: &str, writes: Vec<Write>) {
        self.lake.archive.write(writes).await.unwrap();
        self.look(what).await;
    }

    async fn theirs(&mut self, sql: &str) {
        let sql = sql.replace("ORDERS", "lake.orders");
        self.before.execute(&sql).await;
        self.look(&sql).await;
    }

    async fn look(&mut self, after: &str) {
        let ours = everything(&self.lake.archive).await;
        for id in ours.keys().step_by(7) {
            let read = self.lake.archive.read(id).await.unwrap();
            assert!(read.is_some(), "{id} after {after}");
        }
        let mut now = self.lake.duck().await;
        for (who, duck) in [("before", &mut self.before), ("now", &mut now)] {
            let rows = duck.query("SELECT id, fields FROM lake.orders").await;
            let theirs: Everything = rows
                .iter()
                .map(|row| {
                    let text = |at: usize| row[at].as_str().unwrap().to_owned();
                    (text(0), text(1))
                })
                .collect();
            assert_eq!(
                rows.len(),
                theirs.len(),
                "each once, attached {who}, after {after}"
            );
            assert_eq!(theirs, ours, "attached {who}, after {after}");
            let count = duck.query("SELECT count(*) FROM lake.orders").await;
            assert_eq!(
                count,
                [[json!(ours.len())]],
                "attached {who}, after {after}"
            );
        }
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL, a server of S3, DuckDB and pyarrow: run scripts/test"]
async fn foreign_readers_see_every_kind_of_commit() {
    let lake = Lake::new(async |place: &Place| place.clone()).await;
    lake.archive.write(puts("r", OLD, 30)).await.unwrap();
    let before = lake.duck().await;
    let mut all = Witnesses { lake, before };
    all.look("a first batch").await;
    all.ours("another month", puts("s", OLDER, 20)).await;
    let updates = (0..10).map(|n| put(&format!("r{n:03}"), OLD, -n)).collect();
    all.ours("updates", updates).await;
    let deletes = (5..15).map(|n| delete(&format!("r{n:03}"))).collect();
    all.ours("deletes", deletes).await;
    let mixed = vec![put("s001", OLD, 1), delete("s002"), put("t", OLDER, 3)];
    all.ours("a mixture", mixed).await;
    assert!(all.lake.rows_of_segments().await >= 60);

    let primary = &all.lake.primary;
    primary.write(puts("moved", OLD, 50)).await.unwrap();
    primary.upsert(record("live", NOW, 1)).await.unwrap();
    let report = all.lake.router.archive_due().await.unwrap();
    assert_eq!(report[0].moved, 50, "{report:?}");
    all.look("a move").await;
    let back = record("moved001", OLD, -1);
    all.lake.router.upsert(back).await.unwrap();
    assert!(all.lake.router.delete("moved002").await.unwrap());
    all.look("a record that came back, and one deleted through the router")
        .await;

    all.theirs("INSERT INTO ORDERS(id, fields) VALUES ('i1', '{\"n\":1}'), ('i2', '{}')")
        .await;
    all.theirs("INSERT INTO ORDERS(id, fields) SELECT 'f' || i, '{}' FROM range(100) t(i)")
        .await;
    all.theirs("UPDATE ORDERS SET fields = '{\"n\":-1}' WHERE id IN ('r020', 'i1', 'f1')")
        .await;
    all.theirs("DELETE FROM ORDERS WHERE id LIKE 'f3%' OR id = 's003' OR id = 'i2'")
        .await;
    let beside = vec![put("f5", OLD, 7), delete("i1"), delete("s004")];
    all.ours("ours beside theirs", beside).await;
    all.theirs("CALL ducklake_merge_adjacent_files('lake')")
        .await;
    all.ours(
        "a delete in a merged file",
        vec![delete("r021"), put("s005", OLD, 9)],
    )
    .await;
    all.theirs("CALL ducklake_expire_snapshots('lake', older_than => now())")
        .await;
    all.theirs("CALL ducklake_cleanup_old_files('lake', cleanup_all => true)")
        .await;
    all.ours("and on", puts("u", OLD, 10)).await;
    assert!(all.lake.rows_of_segments().await >= 10);
    let seen = everything(&all.lake.router).await;
    assert_eq!(seen["moved001"], "{\"n\":-1,\"status\":\"closed\"}");
    assert!(seen.contains_key("live") && !seen.contains_key("moved002"));
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
