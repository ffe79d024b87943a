//! What a commit writes, and what it counts on.

use super::*;

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
        ..Change::default()
    };
    bench.commit(change).await;
    let state = bench.state().await;
    assert_eq!(positions(state.file(0).unwrap()), [1, 3, 7]);
    assert_eq!(positions(state.file(1).unwrap()), [0]);
}

#[tokio::test]
async fn a_row_that_another_program_noted_twice_is_dead_once_and_in_nobodys_way() {
    let bench = Bench::new().await;
    bench
        .commit(added(segment("a.parquet", ("a", "m"), &[4])))
        .await;
    let known = bench.state().await;
    bench
        .foreign(
            "inlined_delete:1",
            &[
                "INSERT INTO ducklake_inlined_delete_1 SELECT * FROM ducklake_inlined_delete_1",
                "INSERT INTO ducklake_inlined_delete_1(file_id, row_id, begin_snapshot) VALUES (0, 4, $S)",
            ],
        )
        .await;
    let noted = bench.query("SELECT count(*) FROM ducklake_inlined_delete_1");
    assert_eq!(noted.await.concat(), [3.into()]);
    assert!(bench.commit_on(&known, dead(0, 3)).await.is_none());
    let state = bench.state().await;
    assert_eq!(positions(state.file(0).unwrap()), [4]);
    assert!(bench.commit_on(&state, dead(0, 3)).await.is_some());
    let state = bench.state().await;
    assert_eq!(positions(state.file(0).unwrap()), [3, 4]);
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
    let truth = bench.state().await;
    assert_eq!(truth.key, base.key);
    assert_eq!(positions(truth.file(0).unwrap()), [5], "read anew");
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
