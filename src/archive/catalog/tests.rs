//! The catalog over a real SQLite file.

#![cfg(feature = "sqlite")]

use std::sync::Arc;

use super::*;
use crate::archive::column::{Bound as Limit, ColumnSource, ColumnStats, ColumnType, SystemColumn};
use crate::catalog_host::CatalogHost;
use crate::sql::SqlValue;
use crate::{Clock, Database, ErrorKind, ManualClock, SqliteDatabase};

struct Bench {
    _folder: tempfile::TempDir,
    host: Arc<dyn CatalogHost>,
    catalog: Catalog,
    clock: ManualClock,
}

/// What comes after the system columns in these tests.
fn columns() -> Vec<Column> {
    let column = |id, name: &str, kind, source| Column {
        id,
        name: name.into(),
        kind,
        source,
    };
    let mut columns: Vec<Column> = SystemColumn::ALL
        .map(|system| {
            column(
                system.id(),
                system.name(),
                system.kind(),
                ColumnSource::System(system),
            )
        })
        .into();
    let promoted = ColumnSource::Promoted("carrier".into());
    columns.push(column(8, "carrier", ColumnType::Text, promoted));
    columns
}

impl Bench {
    async fn new() -> Self {
        let bench = Self::without_table().await;
        let mut tx = bench.host.begin_write().await.unwrap();
        let now = bench.clock.now();
        let made = bench
            .catalog
            .ensure_table(&mut *tx, &columns(), "@created_at", now)
            .await;
        assert_eq!(made.unwrap(), Some(()));
        tx.commit().await.unwrap();
        bench
    }

    async fn without_table() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = SqliteDatabase::open(folder.path().join("c.db"))
            .await
            .unwrap();
        let host = database.catalog_host().unwrap();
        let clock = ManualClock::at("2026-11-24T14:00:00Z".parse().unwrap());
        let catalog = Catalog::new(Dialect::Sqlite, "/data/", "flights");
        let mut tx = host.begin_write().await.unwrap();
        catalog.init(&mut *tx, clock.now()).await.unwrap();
        tx.commit().await.unwrap();
        Self {
            _folder: folder,
            host,
            catalog,
            clock,
        }
    }

    async fn state(&self) -> Arc<CatalogState> {
        let mut tx = self.host.begin_read().await.unwrap();
        let state = self.catalog.state(&mut *tx).await.unwrap();
        let fresh = Catalog::new(Dialect::Sqlite, "/data/", "flights");
        let full = fresh.state(&mut *tx).await.unwrap();
        assert_eq!(
            format!("{state:?}"),
            format!("{full:?}"),
            "what was gone on with is what is there"
        );
        state
    }

    async fn commit_on(&self, base: &CatalogState, change: Change) -> Option<SnapshotKey> {
        let mut tx = self.host.begin_write().await.unwrap();
        let done = self
            .catalog
            .commit(&mut *tx, base, &change, self.clock.now(), "test")
            .await;
        let done = done.unwrap();
        if done.is_some() {
            tx.commit().await.unwrap();
        }
        done
    }

    async fn commit(&self, change: Change) -> SnapshotKey {
        let base = self.state().await;
        self.commit_on(&base, change)
            .await
            .expect("nobody is faster")
    }

    async fn execute(&self, sql: &str) -> u64 {
        let mut tx = self.host.begin_write().await.unwrap();
        let changed = tx.execute(sql, &[]).await.unwrap();
        tx.commit().await.unwrap();
        changed
    }

    async fn query(&self, sql: &str) -> Vec<Vec<SqlValue>> {
        let mut tx = self.host.begin_read().await.unwrap();
        let rows = tx.query(sql, &[]).await.unwrap();
        rows.into_iter().map(|row| row.0).collect()
    }

    /// What DuckDB does, written by hand: one snapshot with these changes, and rows of it.
    async fn foreign(&self, changes: &str, statements: &[&str]) {
        let next = "INSERT INTO ducklake_snapshot SELECT max(snapshot_id) + 1, '2026-11-24 15:00:00+00', \
                    max(schema_version), max(next_catalog_id), max(next_file_id) FROM ducklake_snapshot";
        self.execute(next).await;
        self.execute(&format!(
            "INSERT INTO ducklake_snapshot_changes(snapshot_id, changes_made) \
             SELECT max(snapshot_id), '{changes}' FROM ducklake_snapshot"
        ))
        .await;
        for statement in statements {
            let newest = "(SELECT max(snapshot_id) FROM ducklake_snapshot)";
            self.execute(&statement.replace("$S", newest)).await;
        }
    }
}

fn stats(column: i64, min: Limit, max: Limit, nulls: u64) -> ColumnStats {
    ColumnStats {
        column,
        bytes: Some(100),
        values: Some(10 - nulls),
        nulls: Some(nulls),
        min: Some(min),
        max: Some(max),
        contains_nan: None,
    }
}

fn text(value: &str) -> Limit {
    Limit::Text(value.into())
}

fn segment(name: &str, ids: (&str, &str), excluded: &[u64]) -> NewDataFile {
    NewDataFile {
        path: format!("main/flights/{name}").into(),
        batch: "b".into(),
        rows: 10,
        size: 1000,
        footer_size: 300,
        tail_length: 350,
        stats: vec![
            stats(1, text(ids.0), text(ids.1), 0),
            stats(7, text("{\"a\":1}"), text("{\"z\":1}"), 0),
            stats(8, text("AA"), text("UA"), 2),
        ],
        incomplete: vec![8],
        excluded: excluded.to_vec(),
    }
}

fn added(file: NewDataFile) -> Change {
    Change {
        added: vec![file],
        ..Change::default()
    }
}

fn dead(file: i64, position: u64) -> Change {
    Change {
        dead: vec![Place::File { file, position }],
        ..Change::default()
    }
}

fn positions(file: &DataFile) -> Vec<u64> {
    file.dead.iter().map(|row| row.position).collect()
}

#[tokio::test]
async fn a_table_begins_with_its_first_segment() {
    let bench = Bench::without_table().await;
    let state = bench.state().await;
    assert_eq!(
        (state.key.id, state.table.id, state.files.len()),
        (0, None, 0)
    );
    assert_eq!(state.table.columns.len(), 7);
    let mut tx = bench.host.begin_write().await.unwrap();
    let now = bench.clock.now();
    let catalog = &bench.catalog;
    assert!(
        catalog
            .ensure_table(&mut *tx, &columns(), "a", now)
            .await
            .unwrap()
            .is_some()
    );
    tx.commit().await.unwrap();
    let state = bench.state().await;
    assert_eq!((state.key.id, state.table.id), (1, Some(1)));
    assert_eq!(state.table.columns, columns());
    assert_eq!(&*state.table.path, "main/flights/");
}

#[tokio::test]
async fn an_archive_keeps_its_age() {
    let bench = Bench::new().await;
    let mut tx = bench.host.begin_write().await.unwrap();
    let now = bench.clock.now();
    let same = bench
        .catalog
        .ensure_table(&mut *tx, &[], "@created_at", now)
        .await;
    assert_eq!(same.unwrap(), Some(()));
    let other = bench
        .catalog
        .ensure_table(&mut *tx, &[], "time_hour", now)
        .await
        .unwrap_err();
    assert_eq!(other.kind(), ErrorKind::Invalid);
    assert!(other.to_string().contains("time_hour") && other.to_string().contains("@created_at"));
}

#[tokio::test]
async fn names_that_ducklake_keeps_are_refused() {
    for name in ["Row_Id", "ID", "_ducklake_x", ""] {
        let bench = Bench::without_table().await;
        let mut tx = bench.host.begin_write().await.unwrap();
        let mut columns = columns();
        columns[7].name = name.into();
        let error = bench
            .catalog
            .ensure_table(&mut *tx, &columns, "a", bench.clock.now())
            .await;
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Invalid, "{name}");
    }
}

#[tokio::test]
async fn a_table_of_somebody_elses_is_left_alone() {
    let bench = Bench::without_table().await;
    bench
        .foreign(
            "created_table:\"main\".\"Flights\"",
            &["INSERT INTO ducklake_table VALUES (1, 'u', $S, NULL, 0, 'Flights', 'x/', 1)"],
        )
        .await;
    let mut tx = bench.host.begin_write().await.unwrap();
    let error = bench
        .catalog
        .ensure_table(&mut *tx, &columns(), "a", bench.clock.now())
        .await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn a_segment_is_registered_with_all_that_readers_need() {
    let bench = Bench::new().await;
    let key = bench
        .commit(added(segment("2013-10/a.parquet", ("a", "m"), &[])))
        .await;
    assert_eq!(key.id, 2);
    bench
        .commit(added(segment("2013-10/b.parquet", ("c", "x"), &[2, 5])))
        .await;
    let state = bench.state().await;
    let ids: Vec<_> = state
        .files
        .iter()
        .map(|file| (file.id, file.row_id_start))
        .collect();
    assert_eq!(ids, [(0, Some(0)), (1, Some(10))]);
    let file = state.file(1).unwrap();
    assert_eq!(&*file.path, "main/flights/2013-10/b.parquet");
    assert_eq!(
        (file.tail_length, file.is_complete(8), file.is_complete(7)),
        (Some(350), false, true)
    );
    assert_eq!(positions(file), [2, 5]);
    assert_eq!(file.column_stats(1).unwrap().max, Some(text("x")));
    let changes = bench
        .query("SELECT changes_made FROM ducklake_snapshot_changes ORDER BY snapshot_id")
        .await;
    let changes: Vec<_> = changes.concat();
    assert_eq!(changes[2], "inserted_into_table:1".into());
    assert_eq!(
        changes[3],
        "inserted_into_table:1,deleted_from_table:1,inlined_delete:1".into()
    );
    let newest = bench
        .query("SELECT schema_version, next_catalog_id, next_file_id FROM ducklake_snapshot WHERE snapshot_id = 3")
        .await;
    assert_eq!(newest.concat(), [1.into(), 2.into(), 2.into()]);
}

#[tokio::test]
async fn the_tables_statistics_grow_with_every_segment() {
    let bench = Bench::new().await;
    bench
        .commit(added(segment("a.parquet", ("k", "m"), &[])))
        .await;
    bench
        .commit(added(segment("b.parquet", ("c", "l"), &[])))
        .await;
    let totals = bench.query("SELECT * FROM ducklake_table_stats").await;
    assert_eq!(
        totals.concat(),
        [1.into(), 20.into(), 20.into(), 2000.into()]
    );
    let columns = bench
        .query(
            "SELECT contains_null, contains_nan, min_value, max_value FROM ducklake_table_column_stats \
             WHERE column_id IN (1, 7, 8) ORDER BY column_id",
        )
        .await;
    let null = SqlValue::Null;
    assert_eq!(columns[0], [0.into(), null.clone(), "c".into(), "m".into()]);
    assert_eq!(columns[1], [0.into(), null.clone(), "{".into(), "|".into()]);
    assert_eq!(columns[2], [1.into(), null, "AA".into(), "UA".into()]);
}

#[tokio::test]
async fn dead_rows_are_marked_once_and_found_again() {
    let bench = Bench::new().await;
    bench
        .commit(added(segment("a.parquet", ("a", "m"), &[])))
        .await;
    bench.commit(dead(0, 3)).await;
    let change = Change {
        added: vec![segment("b.parquet", ("a", "m"), &[0])],
        dead: vec![
            Place::File {
                file: 0,
                position: 7,
            },
            Place::File {
                file: 0,
                position: 1,
            },
            Place::File {
                file: 0,
                position: 7,
            },
        ],
        ended: Vec::new(),
    };
    bench.commit(change).await;
    let state = bench.state().await;
    assert_eq!(positions(state.file(0).unwrap()), [1, 3, 7]);
    assert_eq!(positions(state.file(1).unwrap()), [0]);
}

#[tokio::test]
async fn files_end_and_leave_the_totals() {
    let bench = Bench::new().await;
    bench
        .commit(added(segment("a.parquet", ("a", "m"), &[])))
        .await;
    bench
        .commit(added(segment("b.parquet", ("a", "m"), &[])))
        .await;
    let change = Change {
        ended: vec![0],
        ..Change::default()
    };
    bench.commit(change).await;
    let state = bench.state().await;
    assert_eq!(
        state.files.iter().map(|file| file.id).collect::<Vec<_>>(),
        [1]
    );
    let totals = bench.query("SELECT * FROM ducklake_table_stats").await;
    assert_eq!(
        totals.concat(),
        [1.into(), 10.into(), 20.into(), 1000.into()]
    );
}

#[tokio::test]
async fn a_change_counts_only_on_the_state_that_it_was_decided_on() {
    let bench = Bench::new().await;
    bench
        .commit(added(segment("a.parquet", ("a", "m"), &[])))
        .await;
    let base = bench.state().await;
    // Another writer moves a row of the file to a newer place: the old one still looks alive.
    bench
        .foreign("inlined_insert:1", &[
            "INSERT INTO ducklake_inlined_data_1_1(row_id, begin_snapshot, id, fields) VALUES (10, $S, 'a', '{}')",
        ])
        .await;
    assert_eq!(bench.commit_on(&base, dead(0, 3)).await, None);
    assert!(
        bench
            .commit_on(&*bench.state().await, dead(0, 3))
            .await
            .is_some()
    );
}

#[tokio::test]
async fn what_is_touched_is_compared_row_by_row() {
    let bench = Bench::new().await;
    bench
        .commit(added(segment("a.parquet", ("a", "m"), &[4])))
        .await;
    let base = bench.state().await;
    // A flush that went wrong: one row came back, another died, no snapshot tells.
    bench
        .execute("UPDATE ducklake_inlined_delete_1 SET row_id = 5")
        .await;
    assert_eq!(bench.commit_on(&base, dead(0, 3)).await, None);
    bench
        .execute("UPDATE ducklake_inlined_delete_1 SET row_id = 4")
        .await;
    bench
        .execute("INSERT INTO ducklake_delete_file(delete_file_id, table_id, begin_snapshot, data_file_id) VALUES (9, 1, 2, 0)")
        .await;
    assert_eq!(bench.commit_on(&base, dead(0, 3)).await, None);
    bench.execute("DELETE FROM ducklake_delete_file").await;
    assert!(bench.commit_on(&base, dead(0, 3)).await.is_some());
}

#[tokio::test]
async fn a_taken_snapshot_is_no_conflict_and_a_taken_id_is_one() {
    let bench = Bench::new().await;
    let mut tx = bench.host.begin_write().await.unwrap();
    let newest = Newest::read(&mut *tx, bench.catalog.sql).await.unwrap();
    let step = snapshot::Step::default;
    let begun = newest
        .begin_next(&mut *tx, bench.catalog.sql, bench.clock.now(), step())
        .await;
    assert!(begun.unwrap().is_some());
    // As a writer does that read the newest snapshot before another one committed.
    let late = newest
        .begin_next(&mut *tx, bench.catalog.sql, bench.clock.now(), step())
        .await;
    assert!(late.unwrap().is_none(), "the caller starts again");
    let file = "INSERT INTO ducklake_data_file(data_file_id) VALUES (0)";
    tx.execute(file, &[]).await.unwrap();
    assert_eq!(
        tx.execute(file, &[]).await.unwrap_err().kind(),
        ErrorKind::Conflict
    );
}

#[tokio::test]
async fn times_of_snapshots_never_run_backwards() {
    let bench = Bench::new().await;
    bench.clock.set("2020-01-01T00:00:00Z".parse().unwrap());
    bench
        .commit(added(segment("a.parquet", ("a", "m"), &[])))
        .await;
    let times = bench
        .query("SELECT snapshot_time FROM ducklake_snapshot ORDER BY snapshot_id")
        .await;
    assert_eq!(
        times.concat(),
        [
            "2026-11-24 14:00:00+00",
            "2026-11-24 14:00:00.000001+00",
            "2026-11-24 14:00:00.000002+00"
        ]
        .map(SqlValue::from)
    );
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
    let mut fields: Vec<_> = state
        .inlined
        .iter()
        .map(|row| row.record.fields())
        .collect();
    fields.sort_unstable();
    assert_eq!(fields, ["{\"a\":2}", "{}"]);
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
    let mut fields: Vec<_> = state
        .inlined
        .iter()
        .map(|row| row.record.fields())
        .collect();
    fields.sort_unstable();
    assert_eq!(fields, ["{\"b\":1}", "{\"o\":1}"]);
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

#[tokio::test]
async fn a_batch_is_settled_once() {
    let bench = Bench::new().await;
    let catalog = &bench.catalog;
    let now = bench.clock.now();
    let batch = Batch {
        id: "0192".into(),
        opened_at: now,
        objects: vec!["main/flights/a".into(), "main/flights/b".into()],
    };
    let mut tx = bench.host.begin_write().await.unwrap();
    catalog.open_batch(&mut *tx, &batch, 1).await.unwrap();
    assert_eq!(
        catalog.batch_state(&mut *tx, &batch.id).await.unwrap(),
        Some(BatchState::Open)
    );
    let later = now + std::time::Duration::from_secs(1);
    let open = journal::batches(&mut *tx, catalog.sql, 1, BatchState::Open, later)
        .await
        .unwrap();
    assert_eq!(open, std::slice::from_ref(&batch));
    assert!(
        journal::batches(&mut *tx, catalog.sql, 1, BatchState::Open, now)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(
        catalog
            .settle_batch(&mut *tx, &batch.id, BatchState::Dead)
            .await
            .unwrap()
    );
    assert!(
        !catalog
            .settle_batch(&mut *tx, &batch.id, BatchState::Published)
            .await
            .unwrap()
    );
    assert_eq!(
        catalog.batch_state(&mut *tx, &batch.id).await.unwrap(),
        Some(BatchState::Dead)
    );
    journal::forget(&mut *tx, catalog.sql, &batch.id)
        .await
        .unwrap();
    assert_eq!(
        catalog.batch_state(&mut *tx, &batch.id).await.unwrap(),
        None
    );
}
