//! Searches, with an index to help and without, against the SQL that one would write.

use std::time::Instant;

use futures::TryStreamExt;
use sqlx::AssertSqlSafe;
use thermocline::{Database, Order, PostgresDatabase, Query};
use tokio::runtime::Runtime;

use super::place::Place;
use super::reads::Stored;
use super::{COLUMNS, RECORDS};
use crate::common::data;
use crate::common::rounds::{Side, take_turns};
use crate::common::table::Row;
use crate::{Amount, Failure};

const HAND: &str = "sqlx, the SQL by hand";

/// A question: its name, as we are asked, and as SQL.
struct Case {
    name: &'static str,
    query: Query,
    sql: String,
}

fn cases(records: u64) -> Result<[Case; 3], Failure> {
    let from = data::created_at(records / 2);
    let day = data::created_at(records / 2 + 1_000);
    Ok([
        Case {
            name: "50 newest, by an index",
            query: Query::all().sort("@created_at", Order::Desc)?.limit(50),
            sql: "ORDER BY created_at DESC, id LIMIT 50".to_owned(),
        },
        Case {
            name: "1,000 by time, by an index",
            query: Query::filter(&format!(
                "@created_at >= '{from}' and @created_at < '{day}'"
            ))?,
            sql: format!("WHERE created_at >= '{from}' AND created_at < '{day}'"),
        },
        Case {
            name: "by two fields, without an index",
            query: Query::filter("status = 'closed' and age > 80")?,
            sql: "WHERE data->>'status' = 'closed' AND (data->>'age')::NUMERIC > 80".to_owned(),
        },
    ])
}

pub(super) fn run(
    amount: Amount,
    runtime: &Runtime,
    place: &Place,
    ours: &PostgresDatabase,
) -> Result<Vec<Row>, Failure> {
    let pool = runtime.block_on(place.pool())?;
    let mut rows = Vec::new();
    for Case { name, query, sql } in cases(amount.of(RECORDS))? {
        let sql = format!("SELECT {COLUMNS} FROM records {sql}");
        let ours = || {
            let found: Vec<_> = runtime
                .block_on(async { ours.search(query.clone()).await?.try_collect().await })
                .expect("a search");
            found.len()
        };
        let hand = || {
            let rows = sqlx::query(AssertSqlSafe(sql.as_str())).fetch_all(&pool);
            let rows = runtime.block_on(rows).expect("a search");
            let stored: Result<Vec<_>, _> = rows.iter().map(Stored::of).collect();
            stored.expect("rows").len()
        };
        if ours() != hand() {
            return Err(format!("{name}: the two sides do not find the same").into());
        }
        let sides = vec![
            Side::new("ours", || timed(ours)),
            Side::new(HAND, || timed(hand)),
        ];
        let costs = take_turns(amount.rounds(), sides);
        let sides = ("ours", HAND);
        rows.push(Row::of("postgres", name, &costs, sides, ("ms", 1e3)));
    }
    Ok(rows)
}

/// The seconds that a search takes, of ten.
fn timed(search: impl Fn() -> usize) -> f64 {
    const TIMES: u32 = 10;
    let began = Instant::now();
    for _ in 0..TIMES {
        assert!(search() > 0);
    }
    began.elapsed().as_secs_f64() / f64::from(TIMES)
}
