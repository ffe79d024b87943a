//! A publish over a real SQLite file and a real directory, with a primary's half that a test decides about.

#![cfg(feature = "sqlite")]

use std::sync::Arc;

use super::*;
use crate::archive::catalog::new_batch_id;
use crate::archive::column::{Column, SystemColumn};
use crate::blob::DirectoryStore;
use crate::{Database, DatabaseExt, ManualClock, Op, Record, RecordId, SqliteDatabase};

struct Bench {
    _folder: tempfile::TempDir,
    primary: SqliteDatabase,
    host: Arc<dyn CatalogHost>,
    catalog: Catalog,
    blobs: DirectoryStore,
    clock: ManualClock,
}

impl Bench {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let primary = SqliteDatabase::open(folder.path().join("p.db"))
            .await
            .unwrap();
        let host = primary.catalog_host().unwrap();
        let blobs = DirectoryStore::open(folder.path()).unwrap();
        let catalog = Catalog::new(host.dialect(), &blobs.root(), "records");
        let clock = ManualClock::at("2026-11-24T14:00:00Z".parse().unwrap());
        let columns = SystemColumn::ALL.map(Column::from);
        let mut tx = host.begin_write().await.unwrap();
        catalog.init(&mut *tx, clock.now()).await.unwrap();
        let made = catalog
            .ensure_table(&mut *tx, &columns, "@created_at", clock.now())
            .await;
        assert!(made.unwrap().is_some());
        tx.commit().await.unwrap();
        for id in ["moved", "changed"] {
            primary
                .create(Record::from_json(id, "{}").unwrap())
                .await
                .unwrap();
        }
        Self {
            _folder: folder,
            primary,
            host,
            catalog,
            blobs,
            clock,
        }
    }

    async fn publish(&self, half: &mut Deleting) -> Result<Published> {
        let publisher = Publisher {
            host: &*self.host,
            catalog: &self.catalog,
            blobs: &self.blobs,
            clock: &self.clock,
            metrics: &ArchiveMetrics::new("records"),
        };
        let batch = new_batch_id();
        let staged = Staged {
            file: NewFile::Data(NewDataFile {
                path: format!("main/records/{batch}.parquet").into(),
                batch: batch.clone(),
                rows: 2,
                size: 7,
                footer_size: 1,
                tail_length: 1,
                stats: Vec::new(),
                incomplete: Vec::new(),
                excluded: Vec::new(),
            }),
            bytes: Bytes::from_static(b"segment"),
        };
        publisher
            .publish(
                Job {
                    batch: &batch,
                    message: "test",
                },
                vec![staged],
                half,
            )
            .await
    }

    async fn state(&self) -> Arc<CatalogState> {
        let mut tx = self.host.begin_read().await.unwrap();
        self.catalog.state(&mut *tx).await.unwrap()
    }

    async fn is_in_primary(&self, id: &str) -> bool {
        self.primary.read(id).await.unwrap().is_some()
    }
}

/// Deletes `moved` from the primary and excludes the other row; then goes on as `then` says.
struct Deleting {
    then: Vec<Half>,
    prepared: usize,
    /// Written to while it prepares.
    meanwhile: Option<SqliteDatabase>,
}

#[async_trait]
impl Companion for Deleting {
    async fn prepare(&mut self) -> Result<()> {
        self.prepared += 1;
        if let Some(database) = &self.meanwhile {
            let other = database.upsert(Record::from_json("other", "{}")?);
            let other = tokio::time::timeout(Duration::from_secs(3), other).await;
            other.expect("nobody holds the lock while something is fetched")?;
        }
        Ok(())
    }

    async fn primary(&mut self, tx: &mut dyn HostTransaction, change: &mut Change) -> Result<Half> {
        let delete = Op::Delete(RecordId::new("moved")?);
        tx.apply(&[delete.into()]).await?;
        change.added[0].excluded = vec![1];
        Ok(Half::Done)
    }

    fn archived(&mut self, _base: &CatalogState, _change: &mut Change) -> Half {
        self.then.pop().unwrap_or(Half::Done)
    }
}

fn deleting(then: &[Half]) -> Deleting {
    Deleting {
        then: then.iter().rev().copied().collect(),
        prepared: 0,
        meanwhile: None,
    }
}

#[tokio::test]
async fn others_write_while_a_half_fetches_what_it_needs() {
    let bench = Bench::new().await;
    let mut half = deleting(&[Half::Unprepared]);
    half.meanwhile = Some(bench.primary.clone());
    assert!(matches!(
        bench.publish(&mut half).await.unwrap(),
        Published::At(_)
    ));
    assert_eq!(half.prepared, 2);
}

#[tokio::test]
async fn both_halves_are_one() {
    let bench = Bench::new().await;
    let published = bench.publish(&mut deleting(&[])).await.unwrap();
    assert!(matches!(published, Published::At(_)));
    assert!(!bench.is_in_primary("moved").await && bench.is_in_primary("changed").await);
    let state = bench.state().await;
    let dead: Vec<u64> = state.files[0].dead.iter().map(|row| row.position).collect();
    assert_eq!(dead, [1], "what the primary keeps is dead here");
}

#[tokio::test]
async fn what_is_not_published_stays_in_the_primary() {
    let bench = Bench::new().await;
    let published = bench
        .publish(&mut deleting(&[Half::Nothing]))
        .await
        .unwrap();
    assert_eq!(published, Published::Nothing);
    assert!(bench.is_in_primary("moved").await);
    assert!(bench.state().await.files.is_empty());
    let objects: Vec<_> = futures::StreamExt::collect(bench.blobs.list("main/")).await;
    assert!(objects.is_empty(), "{objects:?}");
}

#[tokio::test]
async fn a_half_that_lacks_something_starts_again_from_nothing() {
    let bench = Bench::new().await;
    let mut half = deleting(&[Half::Unprepared, Half::Unprepared]);
    assert!(matches!(
        bench.publish(&mut half).await.unwrap(),
        Published::At(_)
    ));
    assert_eq!(half.prepared, 3);
    assert_eq!(bench.state().await.files.len(), 1);
    let mut never = deleting(&[Half::Unprepared; ATTEMPTS + 1]);
    let error = bench.publish(&mut never).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
}
