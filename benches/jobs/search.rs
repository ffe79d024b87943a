//! Searches over both tiers: sorted, limited, half of the records archived.

use std::sync::Arc;

use futures::TryStreamExt;
use tempfile::TempDir;
use thermocline::{Database, Order, ParquetArchive, Policy, Query, SqliteDatabase, TieredDatabase};
use tokio::runtime::Runtime;

use super::{runtime, store};
use crate::common::child;
use crate::common::data;
use crate::common::rounds::{Side, median, process_cpu, take_turns};
use crate::common::table::Row;
use crate::{Amount, Failure};

const RECORDS: u64 = 400_000;
const DUCKDB: &str = "DuckDB over both";
const ALONE: &str = "SQLite alone, all in it";

/// A search: its name, our query, DuckDB's condition and order.
struct Case {
    name: &'static str,
    query: Query,
    sql: String,
}

pub(crate) fn run(amount: Amount) -> Result<Vec<Row>, Failure> {
    let runtime = runtime(2)?;
    let folder = store::folder()?;
    let records = amount.of(RECORDS);
    let alone = runtime.block_on(store::fill(&folder.path().join("alone.db"), records))?;
    let both = runtime.block_on(both(&folder, records))?;
    let cases = [
        Case {
            name: "50 newest",
            query: Query::all().sort("@created_at", Order::Desc)?.limit(50),
            sql: "ORDER BY created_at DESC LIMIT 50".to_owned(),
        },
        Case {
            name: "50 across the border, by time",
            query: Query::filter(&format!(
                "@created_at >= '{}'",
                data::created_at(records / 2 - 25)
            ))?
            .sort("@created_at", Order::Asc)?
            .limit(50),
            sql: format!(
                "WHERE created_at >= '{}' ORDER BY created_at LIMIT 50",
                store::spelled(data::created_at(records / 2 - 25))
            ),
        },
        Case {
            name: "filter by a field, 20 highest of another",
            query: Query::filter("status = 'closed' and age > 80")?
                .sort("score", Order::Desc)?
                .limit(20),
            sql: "WHERE data->>'$.status' = 'closed' AND (data->>'$.age')::INT > 80 \
                  ORDER BY (data->>'$.score')::DOUBLE DESC LIMIT 20"
                .to_owned(),
        },
    ];
    let mut rows = Vec::new();
    for case in &cases {
        rows.extend(compared(amount, &runtime, &folder, case, &both, &alone)?);
    }
    Ok(rows)
}

/// The same records, the older half archived.
async fn both(folder: &TempDir, records: u64) -> Result<TieredDatabase, Failure> {
    let primary: SqliteDatabase = store::fill(&folder.path().join("both.db"), records).await?;
    let days = jiff::Timestamp::now().duration_since(data::created_at(records / 2));
    let router = TieredDatabase::builder()
        .primary(primary)
        .archive(ParquetArchive::in_dir(folder.path().join("archive")))
        .policy(Policy::older_than("1d")?.named("old"))
        .build()
        .await?;
    // As if it were the day on which the older half is old.
    let now = jiff::Timestamp::now().checked_sub(days)?;
    let day = jiff::SignedDuration::from_hours(24);
    router.archiver().at(now.checked_add(day)?).run().await?;
    Ok(router)
}

fn compared(
    amount: Amount,
    runtime: &Runtime,
    folder: &TempDir,
    case: &Case,
    both: &TieredDatabase,
    alone: &SqliteDatabase,
) -> Result<Vec<Row>, Failure> {
    let search = |database: &dyn Database| {
        let (found, cpu) = process_cpu(|| {
            runtime.block_on(async {
                let found = database.search(case.query.clone()).await?;
                found.try_collect::<Vec<Arc<_>>>().await
            })
        });
        assert!(!found.expect("a search").is_empty());
        cpu
    };
    let sides = vec![
        Side::new("ours", || search(both)),
        Side::new(ALONE, || search(alone)),
    ];
    let costs = take_turns(amount.rounds(), sides);
    let took = child::run(
        child::python("search.py")?
            .arg(folder.path().join("both.db"))
            .arg(folder.path().join("archive"))
            .arg(&case.sql)
            .arg(amount.rounds().to_string()),
    )?;
    let theirs = took.said["cpu"]
        .as_array()
        .ok_or("search.py said nothing")?;
    let theirs = median(
        theirs
            .iter()
            .filter_map(serde_json::Value::as_f64)
            .collect(),
    );
    Ok(vec![
        Row::of(
            "search",
            case.name,
            &costs,
            ("ours", ALONE),
            ("ms CPU", 1e3),
        ),
        Row::counted(
            "search",
            case.name,
            costs.median("ours") * 1e3,
            (DUCKDB, theirs * 1e3),
            "ms CPU",
        ),
    ])
}
