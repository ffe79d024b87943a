//! The catalog over a real SQLite file.

#![cfg(feature = "sqlite")]

mod batches;
mod commits;
mod leases;
mod others;
mod tables;

use std::sync::Arc;

use super::*;
use crate::archive::column::{Bound as Limit, ColumnStats, ColumnType, columns_with};
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
    columns_with(&[("carrier", ColumnType::Text)])
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
