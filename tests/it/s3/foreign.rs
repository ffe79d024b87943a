//! DuckDB and pyarrow over segments in a bucket.

use serde_json::json;
use thermocline::{Database, DatabaseExt, Query};

use super::Shelf;
use super::place::{self, Place};
use crate::foreign::{DuckDb, read_parquet};

/// DuckDB with the archive attached, reading over HTTP.
async fn duck(shelf: &Shelf, place: &Place) -> DuckDb {
    let mut duck = DuckDb::start();
    duck.execute(&place.secret_for_duckdb()).await;
    duck.attach_sqlite(&shelf.folder.path().join("t.db"), false)
        .await;
    duck
}

#[tokio::test]
#[ignore = "needs a server of S3 (scripts/services), and DuckDB"]
async fn duckdb_and_we_see_the_same_over_http() {
    let (place, _alive) = place::real().await;
    let shelf = Shelf::over(place.store().await).await;
    shelf.fill(10_000).await;
    let mut duck = duck(&shelf, &place).await;
    let count = "SELECT count(*), sum(n), min(id), max(id) FROM lake.flights";
    assert_eq!(
        duck.query(count).await,
        [[
            json!(10_000),
            json!(49_995_000),
            json!("r000000"),
            json!("r009999")
        ]]
    );
    shelf.archive.delete("r000000").await.unwrap();
    shelf.archive.upsert(update("r000001")).await.unwrap();
    assert_eq!(
        duck.query(count).await,
        [[
            json!(9_999),
            json!(49_994_999),
            json!("r000001"),
            json!("r009999")
        ]]
    );

    // What DuckDB writes into the bucket, we read: a delete file, and an update's new data file.
    duck.execute("DELETE FROM lake.flights WHERE n % 2 = 0 AND n >= 1000")
        .await;
    duck.execute(
        "UPDATE lake.flights SET fields = '{\"n\": -1}', n = -1 WHERE n BETWEEN 5000 AND 5999",
    )
    .await;
    let fresh = shelf.fresh().await;
    for archive in [&shelf.archive, &fresh] {
        assert_eq!(archive.count(&Query::all()).await.unwrap(), 5_499);
        let changed = Query::filter("n = -1").unwrap();
        assert_eq!(archive.count(&changed).await.unwrap(), 500);
        assert!(archive.read("r002000").await.unwrap().is_none());
        let record = archive.read("r005001").await.unwrap().unwrap();
        assert_eq!(record.fields(), "{\"n\": -1}");
    }
    assert_eq!(
        duck.query("SELECT count(*) FROM lake.flights").await,
        [[json!(5_499)]]
    );
}

fn update(id: &str) -> thermocline::Record {
    let time = "2013-10-05T00:00:00Z".parse().unwrap();
    thermocline::Record::new(id, json!({"n": 0, "carrier": "UA"}))
        .unwrap()
        .with_times(Some(time), Some(time))
}

#[tokio::test]
#[ignore = "needs a server of S3 (scripts/services), and pyarrow"]
async fn pyarrow_reads_every_segment_of_the_bucket() {
    let (place, _alive) = place::real().await;
    let shelf = Shelf::over(place.store().await).await;
    shelf.fill(10_000).await;
    shelf.archive.upsert(update("r000001")).await.unwrap();
    let store = place.store().await;
    let mut rows = 0;
    for segment in shelf.segments().await {
        let bytes = crate::blob_contract::whole(&store, &segment).await;
        let file = shelf.folder.path().join("segment.parquet");
        std::fs::write(&file, bytes).unwrap();
        rows += read_parquet(&file).await.rows.len();
    }
    assert_eq!(rows, 10_001);
}
