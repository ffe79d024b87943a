//! Databases by URL: an archive alone.

use std::sync::Arc;

use thermocline::{Database, DatabaseExt, ErrorKind, Op, ParquetArchive, Query, SqliteDatabase};

use crate::archive::{put, record};

async fn open(folder: &tempfile::TempDir) -> Arc<dyn Database> {
    let path = folder.path().display();
    let url = format!("ducklake:sqlite:{path}/lake.db?data={path}/archive/&table=events");
    thermocline::database(&url).await.expect("an archive")
}

#[tokio::test]
async fn an_archive_alone_is_opened_by_its_url() {
    let folder = tempfile::tempdir().expect("a folder");
    let archive = open(&folder).await;
    let time = "2013-10-05T00:00:00Z";
    let first = vec![put("a", time, 1), put("b", time, 2)];
    archive.write(first).await.expect("a write");
    archive.delete("a").await.expect("a delete");
    archive.close().await.expect("it closes");
    assert_eq!(
        archive.read("b").await.expect_err("closed").kind(),
        ErrorKind::Closed
    );
    assert!(
        !folder.path().join("lake.db-wal").exists(),
        "the catalog was closed with it"
    );

    let again = open(&folder).await;
    assert!(again.read("a").await.expect("a read").is_none());
    assert_eq!(
        again.read("b").await.expect("a read").expect("b").fields(),
        r#"{"carrier":"UA","n":2}"#
    );
    assert_eq!(again.count(&Query::all()).await.expect("a count"), 1);
}

#[tokio::test]
async fn an_archive_that_others_began_keeps_its_age() {
    let folder = tempfile::tempdir().expect("a folder");
    let primary = SqliteDatabase::builder(folder.path().join("lake.db"))
        .table("events")
        .open()
        .await
        .expect("a database");
    let begun = ParquetArchive::in_dir(folder.path().join("archive"))
        .catalog_of(primary)
        .expect("a host")
        .age("day".try_into().expect("an age"))
        .build()
        .await
        .expect("an archive");
    let old = thermocline::Record::new("old", serde_json::json!({"day": "2012-05-01"}));
    begun.upsert(old.expect("a record")).await.expect("a write");
    begun.close().await.expect("it closes");

    let archive = open(&folder).await;
    assert!(archive.read("old").await.expect("a read").is_some());
    let young = record("young", "2013-10-05T00:00:00Z", 1);
    archive
        .write(vec![Op::Upsert(Arc::new(young)).into()])
        .await
        .expect("a write");
    let months = std::fs::read_dir(folder.path().join("archive/main/events"));
    let months: Vec<_> = months
        .expect("a folder")
        .map(|month| month.expect("a month").file_name())
        .collect();
    assert!(months.contains(&"2012-05".into()), "{months:?}");
    assert_eq!(
        months.len(),
        2,
        "cut by `day`, or by the write's time: {months:?}"
    );
}

#[cfg(feature = "conformance")]
mod conformance {
    use super::*;

    thermocline::conformance_tests!(async || {
        let folder = tempfile::tempdir().expect("a folder");
        (open(&folder).await, folder)
    });
}
