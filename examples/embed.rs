//! A tiered database inside your own program: `cargo run --example embed`.

use thermocline::prelude::*;
use thermocline::{MokaDatabase, ParquetArchive, Policy, SqliteDatabase, TieredDatabase};

#[tokio::main]
async fn main() -> Result<()> {
    let dir = tempfile::tempdir().expect("a folder to play in");
    let orders = TieredDatabase::builder()
        .hot(MokaDatabase::with_max_bytes(64 << 20))
        .primary(SqliteDatabase::open(dir.path().join("orders.db")).await?)
        .archive(ParquetArchive::in_dir(dir.path().join("archive")))
        .age("day")
        .policy(Policy::older_than("90d")?.filter("status = 'closed'")?)
        .build()
        .await?;

    let old = r#"{"status": "closed", "day": "2013-01-05", "total": 12.50}"#;
    orders.upsert(Record::from_json("order-1", old)?).await?;
    let new = r#"{"status": "open", "day": "2026-11-24", "total": 99.00}"#;
    orders.upsert(Record::from_json("order-2", new)?).await?;
    for report in orders.archive_due().await? {
        println!("{}: {} moved", report.policy, report.moved);
    }

    let all = Query::all().sort("total", Order::Desc)?;
    let mut found = orders.search_with_source(all).await?;
    while let Some((order, source)) = found.try_next().await? {
        println!("{} from the {source}: {}", order.id(), order.fields());
    }
    orders.close().await
}
