//! What other programs did to the catalog.

use super::*;
use crate::archive::column::ColumnSource;

/// What the inlined rows hold, sorted.
fn inlined_fields(state: &CatalogState) -> Vec<&str> {
    let rows = state.inlined.iter();
    let mut fields: Vec<_> = rows.map(|row| row.record.fields()).collect();
    fields.sort_unstable();
    fields
}

#[tokio::test]
async fn inlined_rows_of_others_are_read_and_ended() {
    let bench = Bench::new().await;
    bench.state().await;
    bench
        .foreign("inlined_insert:1", &[
            "INSERT INTO ducklake_inlined_data_1_1(row_id, begin_snapshot, id, created_at, fields, metadata) \
             VALUES (0, $S, 'x', '2024-05-01 12:00:00.25+00', '{\"a\":1}', '{\"m\":2}'), (1, $S, 'y', NULL, '{}', NULL)",
        ])
        .await;
    let state = bench.state().await;
    let row = &state.inlined[0];
    assert_eq!(
        (
            row.record.id().as_str(),
            row.record.fields(),
            row.record.metadata()
        ),
        ("x", "{\"a\":1}", Some("{\"m\":2}"))
    );
    assert_eq!(
        row.record.created_at(),
        Some("2024-05-01T12:00:00.25Z".parse().unwrap())
    );
    assert_eq!(state.inlined[1].record.created_at(), None);
    // An update by DuckDB: the row ends and goes on under the same id.
    bench
        .foreign("inlined_insert:1,inlined_delete:1", &[
            "UPDATE ducklake_inlined_data_1_1 SET end_snapshot = $S WHERE row_id = 0",
            "INSERT INTO ducklake_inlined_data_1_1(row_id, begin_snapshot, id, fields) VALUES (0, $S, 'x', '{\"a\":2}')",
        ])
        .await;
    let state = bench.state().await;
    assert_eq!(inlined_fields(&state), ["{\"a\":2}", "{}"]);
    let updated = state.inlined.iter().find(|row| row.row_id == 0).unwrap();
    let change = Change {
        dead: vec![Place::Inlined {
            table: Arc::clone(&updated.table),
            row_id: 0,
        }],
        ..Change::default()
    };
    bench.commit(change).await;
    assert_eq!(bench.state().await.inlined.len(), 1);
}

#[tokio::test]
async fn a_row_that_is_no_record_is_named() {
    for (row, expected) in [("NULL, '{}'", "without an id"), ("'x', '[1]'", "id: x")] {
        let bench = Bench::new().await;
        let insert = format!(
            "INSERT INTO ducklake_inlined_data_1_1(row_id, begin_snapshot, id, fields) VALUES (7, $S, {row})"
        );
        bench.foreign("inlined_insert:1", &[&insert]).await;
        let mut tx = bench.host.begin_read().await.unwrap();
        let error = bench.catalog.state(&mut *tx).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[tokio::test]
async fn columns_that_others_renamed_are_still_ours() {
    let bench = Bench::new().await;
    bench.state().await;
    bench
        .foreign("altered_table:1", &[
            "UPDATE ducklake_column SET end_snapshot = $S WHERE column_id = 7",
            "INSERT INTO ducklake_column(column_id, begin_snapshot, table_id, column_order, column_name, column_type) \
             VALUES (7, $S, 1, 7, 'body', 'json'), (9, $S, 1, 9, 'fields', 'int32')",
            "UPDATE ducklake_snapshot SET schema_version = 2 WHERE snapshot_id = $S",
            "INSERT INTO ducklake_schema_versions VALUES ($S, 2, 1)",
            "CREATE TABLE ducklake_inlined_data_1_2(row_id BIGINT, begin_snapshot BIGINT, end_snapshot BIGINT, \
             id VARCHAR, created_at VARCHAR, updated_at VARCHAR, archived_at VARCHAR, age_at VARCHAR, metadata VARCHAR, \
             body VARCHAR, carrier VARCHAR, fields BIGINT)",
            "INSERT INTO ducklake_inlined_data_tables VALUES (1, 'ducklake_inlined_data_1_2', 2)",
            "INSERT INTO ducklake_inlined_data_1_2(row_id, begin_snapshot, id, body) VALUES (0, $S, 'new', '{\"b\":1}')",
            "INSERT INTO ducklake_inlined_data_1_1(row_id, begin_snapshot, id, fields) VALUES (1, 1, 'old', '{\"o\":1}')",
        ])
        .await;
    let state = bench.state().await;
    assert_eq!(inlined_fields(&state), ["{\"b\":1}", "{\"o\":1}"]);
    let added = state.table.column(9).unwrap();
    assert_eq!(
        (&*added.name, added.kind, &added.source),
        ("fields", ColumnType::Other, &ColumnSource::Foreign)
    );
}

#[tokio::test]
async fn a_catalog_that_others_broke_is_refused_with_a_remedy() {
    for (statement, expected) in [
        (
            "UPDATE ducklake_column SET end_snapshot = $S WHERE column_id = 7",
            "column: fields",
        ),
        (
            "UPDATE ducklake_column SET column_type = 'varchar' WHERE column_id = 7",
            "change it back",
        ),
        (
            "UPDATE ducklake_table SET end_snapshot = $S",
            "dropped the archive's table",
        ),
        (
            "UPDATE ducklake_metadata SET value = '1.1' WHERE key = 'version'",
            "version: 1.1",
        ),
        (
            "UPDATE ducklake_data_file SET mapping_id = 3",
            "matched by name",
        ),
        (
            "UPDATE ducklake_data_file SET encryption_key = 'k'",
            "encrypted",
        ),
        (
            "UPDATE ducklake_data_file SET path = '/elsewhere/x.parquet', path_is_relative = 0",
            "outside",
        ),
        (
            "UPDATE ducklake_data_file SET partial_max = 99",
            "later snapshots",
        ),
        (
            "INSERT INTO ducklake_delete_file(delete_file_id, table_id, begin_snapshot, data_file_id, path, \
          path_is_relative, format, delete_count, file_size_bytes) VALUES (8, 1, 2, 0, 'p', 1, 'puffin', 1, 1)",
            "not Parquet",
        ),
    ] {
        let bench = Bench::new().await;
        bench
            .commit(added(segment("a.parquet", ("a", "m"), &[])))
            .await;
        bench.foreign("altered_table:1", &[statement]).await;
        let mut tx = bench.host.begin_read().await.unwrap();
        let error = bench.catalog.state(&mut *tx).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[tokio::test]
async fn merged_files_and_cumulative_deletes_of_others_are_found() {
    let bench = Bench::new().await;
    bench
        .commit(added(segment("a.parquet", ("a", "m"), &[])))
        .await;
    bench
        .commit(added(segment("b.parquet", ("n", "z"), &[])))
        .await;
    bench.state().await;
    let delete_file = "INSERT INTO ducklake_delete_file(delete_file_id, table_id, begin_snapshot, data_file_id, path, \
                       path_is_relative, format, delete_count, file_size_bytes, partial_max) \
                       VALUES (12, 1, 3, 1, 'd.parquet', 1, 'parquet', 2, 500, 3)";
    bench.foreign("deleted_from_table:1", &[delete_file]).await;
    let state = bench.state().await;
    let file = state.file(1).unwrap().delete_file.as_ref().unwrap();
    assert_eq!((file.rows, &*file.path), (2, "main/flights/d.parquet"));
    bench
        .foreign("merge_adjacent:1", &[
            "DELETE FROM ducklake_data_file WHERE data_file_id = 0",
            "INSERT INTO ducklake_data_file(data_file_id, table_id, begin_snapshot, path, path_is_relative, record_count, \
             file_size_bytes, partial_max) VALUES (13, 1, 2, '/data/x/m.parquet', 0, 10, 100, 3)",
        ])
        .await;
    let state = bench.state().await;
    let merged = state.file(13).unwrap();
    assert_eq!(
        (&*merged.path, merged.tail_length, merged.is_complete(8)),
        ("x/m.parquet", None, false)
    );
    assert!(state.file(0).is_none());
}

#[tokio::test]
async fn another_history_is_read_from_the_start() {
    let bench = Bench::new().await;
    bench
        .commit(added(segment("a.parquet", ("a", "m"), &[])))
        .await;
    bench.state().await;
    // A restored database went on differently: the snapshot that is known was made at another time.
    bench
        .execute("UPDATE ducklake_data_file SET data_file_id = 77")
        .await;
    bench.execute("UPDATE ducklake_snapshot SET snapshot_time = '2026-11-24 14:30:00+00' WHERE snapshot_id = 2").await;
    bench.foreign("inlined_insert:1", &[]).await;
    assert!(bench.state().await.file(77).is_some());
}

#[tokio::test]
async fn expired_snapshots_may_have_done_anything() {
    let bench = Bench::new().await;
    bench
        .commit(added(segment("a.parquet", ("a", "m"), &[])))
        .await;
    bench.state().await;
    bench
        .foreign(
            "merge_adjacent:1",
            &["UPDATE ducklake_data_file SET data_file_id = 77"],
        )
        .await;
    bench.foreign("inlined_insert:1", &[]).await;
    for table in ["ducklake_snapshot", "ducklake_snapshot_changes"] {
        bench
            .execute(&format!("DELETE FROM {table} WHERE snapshot_id = 3"))
            .await;
    }
    assert!(bench.state().await.file(77).is_some());
}
