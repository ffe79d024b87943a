//! Making the table of a collection, and finding it again.

use super::*;

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
