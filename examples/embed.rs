//! A tiered database inside your own program: `cargo run --example embed`.

use thermocline::prelude::*;
use thermocline::{MokaDatabase, ParquetArchive, Policy, SqliteDatabase, TieredDatabase};

#[tokio::main]
async fn main() -> thermocline::Result<()> {
    let dir = std::env::temp_dir().join(format!("thermocline-embed-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a folder to play in");

    let orders = TieredDatabase::builder()
        .hot(MokaDatabase::with_max_bytes(64 << 20))
        .primary(SqliteDatabase::open(dir.join("orders.db")).await?)
        .archive(ParquetArchive::in_dir(dir.join("archive")))
        .age("closed_at")
        .policy(Policy::older_than("90d")?.filter("status = 'closed'")?)
        .build()
        .await?;

    orders
        .upsert(Record::from_json(
            "order-1",
            r#"{"status": "closed", "closed_at": "2013-01-05"}"#,
        )?)
        .await?;
    orders
        .upsert(Record::from_json(
            "order-2",
            r#"{"status": "open", "total": 12.50}"#,
        )?)
        .await?;
    let moved = orders.archive_due().await?[0].moved;
    println!("{moved} moved");

    let (order, source) = orders.read_with_source("order-1").await?;
    println!(
        "order-1 is in the {source}: {}",
        order.expect("archived, not gone").fields()
    );
    let mut all = orders
        .search(Query::filter("status exists")?.sort("status", Order::Desc)?)
        .await?;
    while let Some(order) = all.try_next().await? {
        println!("{} {}", order.id(), order.fields());
    }
    orders.close().await?;
    std::fs::remove_dir_all(&dir).expect("the folder of before");
    Ok(())
}
