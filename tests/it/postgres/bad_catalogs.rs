//! Catalogs that are newer than we are, that contradict themselves, or that we may not use.

use futures::TryStreamExt;
use serde_json::json;
use thermocline::{
    Database, DatabaseExt, ErrorKind, ParquetArchive, PostgresDatabase, Query, Record, Result,
};

use super::Scratch;

async fn open(url: &str, folder: &tempfile::TempDir) -> Result<ParquetArchive> {
    let database = PostgresDatabase::open(url).await?;
    ParquetArchive::in_dir(folder.path())
        .catalog_of(database)?
        .build()
        .await
}

/// Everything that can be asked; the first error.
async fn ask(url: &str, folder: &tempfile::TempDir) -> Result<()> {
    let archive = open(url, folder).await?;
    archive.read("a").await?;
    archive.count(&Query::all()).await?;
    let all = archive.search(Query::all()).await?;
    let _: Vec<_> = all.try_collect().await?;
    archive.upsert(Record::new("a", json!({"n": 2}))?).await?;
    Ok(())
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn catalogs_that_cannot_be_are_named() {
    use ErrorKind::{Corrupt, Unsupported};
    let mut problems = Vec::new();
    for (sql, kind, says) in [
        (
            "UPDATE thermocline.ducklake_metadata SET value = '1.1' WHERE key = 'version'",
            Unsupported,
            "version: 1.1",
        ),
        (
            "DELETE FROM thermocline.ducklake_metadata WHERE key = 'version'",
            Unsupported,
            "version: none",
        ),
        (
            "DELETE FROM thermocline.ducklake_snapshot",
            Corrupt,
            "no snapshot",
        ),
        (
            "INSERT INTO thermocline.ducklake_delete_file (delete_file_id, table_id, begin_snapshot, data_file_id, path, \
             path_is_relative, format, delete_count, file_size_bytes, footer_size) \
             SELECT n, 1, 2, 0, 'd' || n, true, 'parquet', 1, 100, 50 FROM generate_series(90, 91) AS n",
            Corrupt,
            "two delete files are live",
        ),
        (
            "UPDATE thermocline.ducklake_data_file SET path = '/etc/passwd', path_is_relative = false",
            Unsupported,
            "outside of the archive's folder",
        ),
        (
            "UPDATE thermocline.ducklake_data_file SET path = '../' || path",
            Corrupt,
            "path",
        ),
        (
            "UPDATE thermocline.ducklake_data_file SET path = 'nowhere.parquet'",
            Corrupt,
            "nowhere.parquet",
        ),
        (
            "UPDATE thermocline.ducklake_data_file SET file_size_bytes = file_size_bytes - 7, footer_size = 3",
            Corrupt,
            "damaged",
        ),
        (
            "UPDATE thermocline.ducklake_data_file SET record_count = -1",
            Corrupt,
            "",
        ),
        (
            "DELETE FROM thermocline.ducklake_column WHERE column_name = 'id'",
            Corrupt,
            "column",
        ),
        (
            "DROP TABLE thermocline.ducklake_inlined_delete_1",
            Corrupt,
            "ducklake_inlined_delete_1",
        ),
        (
            "ALTER TABLE thermocline.ducklake_data_file DROP COLUMN record_count",
            Corrupt,
            "record_count",
        ),
        (
            "DROP TABLE thermocline.ducklake_table_column_stats CASCADE; \
             CREATE VIEW thermocline.ducklake_table_column_stats AS SELECT 1 AS table_id",
            Corrupt,
            "column_id",
        ),
    ] {
        let scratch = Scratch::new().await;
        let folder = tempfile::tempdir().unwrap();
        ask(&scratch.url, &folder).await.unwrap();
        scratch.run(sql).await;
        match ask(&scratch.url, &folder).await {
            Ok(()) => problems.push(format!("{sql}: nobody noticed")),
            Err(error) if error.kind() == kind && format!("{error:?}").contains(says) => {}
            Err(error) => problems.push(format!("{sql}: {error:?}")),
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn rights_that_the_catalog_needs_are_named() {
    let scratch = Scratch::new().await;
    let folder = tempfile::tempdir().unwrap();
    PostgresDatabase::open(&scratch.url).await.unwrap();
    let user = scratch.as_user("keeper").await;
    let keeper = format!("{}_keeper", scratch.name);
    scratch
        .run(&format!(
            "GRANT SELECT, INSERT, UPDATE, DELETE ON records TO {keeper}"
        ))
        .await;
    let error = ask(&user, &folder).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}");
    let grant = format!("GRANT CREATE, CONNECT ON DATABASE {} TO", scratch.name);
    assert!(error.to_string().contains(&grant), "{error}");
    // Somebody else made the catalog.
    ask(&scratch.url, &folder).await.unwrap();
    let error = ask(&user, &folder).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("GRANT USAGE ON SCHEMA thermocline TO"),
        "{error}"
    );
    scratch
        .run(&format!("GRANT USAGE ON SCHEMA thermocline TO {keeper}"))
        .await;
    let error = ask(&user, &folder).await.unwrap_err();
    assert!(error.to_string().contains("GRANT SELECT ON "), "{error}");
    scratch
        .run(&format!(
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA thermocline TO {keeper}"
        ))
        .await;
    ask(&user, &folder).await.unwrap();
}
