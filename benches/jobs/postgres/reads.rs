//! Point reads: one after the other, and many at once.

use std::cell::RefCell;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use futures::StreamExt;
use futures::stream;
use serde_json::json;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, PgExecutor, Row as _};
use thermocline::{Database, PostgresDatabase};
use tokio::runtime::Runtime;

use super::place::Place;
use super::{COLUMNS, RECORDS, ids};
use crate::common::child::Peer;
use crate::common::rounds::{Side, take_turns};
use crate::common::table::Row;
use crate::{Amount, Failure};

const CONNECTION: &str = "sqlx, a connection";
const POOL: &str = "sqlx, a pool";
const PIPELINED: &str = "tokio-postgres, one connection";
const PGBENCH: &str = "pgbench -S -M prepared";

/// Reads that are under way at a time.
const AT_ONCE: usize = 32;

/// A row, as a program would hold it.
#[derive(Debug)]
#[expect(dead_code, reason = "what a program would use of it")]
pub(super) struct Stored {
    id: String,
    data: String,
    metadata: Option<String>,
    created_at: Option<i64>,
    updated_at: Option<i64>,
}

impl Stored {
    /// Times as the microseconds that the server sends: the cheapest that one would read.
    pub(super) fn of(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get(0)?,
            data: row.try_get(1)?,
            metadata: row.try_get(2)?,
            created_at: row.try_get_unchecked(3)?,
            updated_at: row.try_get_unchecked(4)?,
        })
    }
}

async fn by_hand(
    executor: impl PgExecutor<'_>,
    sql: &str,
    id: &str,
) -> Result<Option<Stored>, sqlx::Error> {
    let query = sqlx::query(AssertSqlSafe(sql)).bind(id);
    let row = query.fetch_optional(executor).await?;
    row.as_ref().map(Stored::of).transpose()
}

fn select() -> String {
    format!("SELECT {COLUMNS} FROM records WHERE id = $1")
}

/// One read after the other.
#[expect(clippy::cast_precision_loss, reason = "few")]
pub(super) fn lone(
    amount: Amount,
    runtime: &Runtime,
    place: &Place,
    ours: &PostgresDatabase,
) -> Result<Vec<Row>, Failure> {
    let ids = ids(amount.of(10_000), amount.of(RECORDS));
    let each = ids.len() as f64;
    let mut connection: PgConnection = runtime.block_on(place.connection())?;
    let pool = runtime.block_on(place.pool())?;
    let mut peer = peer(place)?;
    let sql = select();
    let sides = vec![
        Side::new("ours", || {
            one_by_one(runtime, &ids, async |id| {
                assert!(ours.read(id).await.expect("a read").is_some());
            }) / each
        }),
        Side::new(CONNECTION, || {
            one_by_one(runtime, &ids, async |id| {
                let row = by_hand(&mut connection, &sql, id).await;
                assert!(row.expect("a read").is_some());
            }) / each
        }),
        Side::new(POOL, || {
            one_by_one(runtime, &ids, async |id| {
                let row = by_hand(&pool, &sql, id).await;
                assert!(row.expect("a read").is_some());
            }) / each
        }),
        Side::new(PIPELINED, || {
            let took = peer.works(&json!({"read": ids, "at_once": 1}));
            took.expect("reads") / each
        }),
    ];
    let costs = take_turns(amount.rounds(), sides);
    let row = |peer| {
        let sides = ("ours", peer);
        Row::of("postgres", "point read", &costs, sides, ("us a read", 1e6))
    };
    Ok(vec![
        row(CONNECTION).goal("G6", 1.15),
        row(POOL),
        row(PIPELINED),
    ])
}

/// Many readers, each with one read after the other.
#[expect(clippy::cast_precision_loss, reason = "few")]
pub(super) fn at_once(
    amount: Amount,
    runtime: &Runtime,
    place: &Place,
    ours: &PostgresDatabase,
) -> Result<Vec<Row>, Failure> {
    let ids = ids(amount.of(50_000), amount.of(RECORDS));
    let each = ids.len() as f64;
    let pool = runtime.block_on(place.pool())?;
    let mut peer = peer(place)?;
    let bench = Pgbench::new(place)?;
    let failed = RefCell::new(None);
    let sql = select();
    let sides = vec![
        Side::new("ours", || {
            many(runtime, &ids, async |id| {
                assert!(ours.read(id).await.expect("a read").is_some());
            }) / each
        }),
        Side::new(POOL, || {
            many(runtime, &ids, async |id| {
                let row = by_hand(&pool, &sql, id).await;
                assert!(row.expect("a read").is_some());
            }) / each
        }),
        Side::new(PIPELINED, || {
            let took = peer.works(&json!({"read": ids, "at_once": AT_ONCE}));
            took.expect("reads") / each
        }),
        Side::new(PGBENCH, || {
            bench.read(ids.len()).unwrap_or_else(|failure| {
                *failed.borrow_mut() = Some(failure);
                f64::NAN
            })
        }),
    ];
    let costs = take_turns(amount.rounds(), sides);
    if let Some(failure) = failed.take() {
        return Err(failure);
    }
    let row = |peer| {
        let sides = ("ours", peer);
        let row = Row::of(
            "postgres",
            "32 point reads at once",
            &costs,
            sides,
            ("s", 1.0),
        );
        row.rated("reads a second", 1.0)
    };
    Ok(vec![
        row(POOL).goal("G5", 0.25),
        row(PGBENCH).goal("G5", 1.0 / 1.5),
        row(PIPELINED),
    ])
}

/// The seconds that all reads take, one after the other.
fn one_by_one(runtime: &Runtime, ids: &[String], mut read: impl AsyncFnMut(&str)) -> f64 {
    let began = Instant::now();
    runtime.block_on(async {
        for id in ids {
            read(id).await;
        }
    });
    began.elapsed().as_secs_f64()
}

/// The seconds that all reads take, so many at a time.
fn many(runtime: &Runtime, ids: &[String], read: impl AsyncFn(&str)) -> f64 {
    let began = Instant::now();
    runtime.block_on(
        stream::iter(ids)
            .map(|id| read(id))
            .buffer_unordered(AT_ONCE)
            .for_each(async |()| ()),
    );
    began.elapsed().as_secs_f64()
}

fn peer(place: &Place) -> Result<Peer, Failure> {
    Peer::built(
        "THERMOCLINE_BENCH_POSTGRES",
        &json!({"open": place.url, "sql": select()}),
    )
}

/// PostgreSQL's own: a client in C whose rows are one number long.
struct Pgbench<'a> {
    program: PathBuf,
    place: &'a Place,
}

impl<'a> Pgbench<'a> {
    fn new(place: &'a Place) -> Result<Self, Failure> {
        let program = std::env::var_os("THERMOCLINE_BENCH_PGBENCH")
            .ok_or("THERMOCLINE_BENCH_PGBENCH is not set: scripts/bench does it")?;
        let bench = Self {
            program: program.into(),
            place,
        };
        bench.run(&["--initialize", "--quiet"])?;
        Ok(bench)
    }

    /// The seconds that a read took.
    fn read(&self, count: usize) -> Result<f64, Failure> {
        let each = (count / AT_ONCE).to_string();
        let clients = AT_ONCE.to_string();
        let said = self.run(&[
            "--no-vacuum",
            "--select-only",
            "--protocol=prepared",
            "--jobs=2",
            "--client",
            &clients,
            "--transactions",
            &each,
        ])?;
        let rate = said.lines().find_map(|line| {
            let (number, _) = line.strip_prefix("tps = ")?.split_once(' ')?;
            number.parse::<f64>().ok()
        });
        Ok(1.0 / rate.ok_or_else(|| format!("pgbench tells no rate: {said}"))?)
    }

    fn run(&self, arguments: &[&str]) -> Result<String, Failure> {
        let mut command = Command::new(&self.program);
        command.args(arguments).arg(&self.place.url);
        let output = command.stderr(Stdio::piped()).output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("pgbench failed: {said}").into());
        }
        Ok(String::from_utf8(output.stdout)?)
    }
}
