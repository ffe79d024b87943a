//! An archive put together by hand: files in a directory, a state that names them, a store that counts.

use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use jiff::Timestamp;
use parking_lot::Mutex;

use crate::archive::catalog::{
    ArchivedTable, CatalogState, DataFile, DeadRow, DeleteFile, InlinedRow, SnapshotKey,
};
use crate::archive::column::Column;
use crate::archive::segment::{SegmentLabel, SegmentRow, encode};
use crate::archive::view::reader::Limits;
use crate::archive::view::{ArchiveReader, ArchiveView};
use crate::blob::{BlobRequests, BlobStore, CountedBlobs, DirectoryStore};
use crate::record::{HashLayout, Stamp};
use crate::telemetry::ArchiveMetrics;
use crate::{Query, Record, RecordId, Result};

pub(super) const NOW: &str = "2024-01-02T00:00:00Z";

pub(super) struct Rig {
    pub(super) dir: tempfile::TempDir,
    pub(super) store: Arc<CountedBlobs<DirectoryStore>>,
    seen: Mutex<BlobRequests>,
    pub(super) reader: Arc<ArchiveReader>,
    pub(super) columns: Vec<Column>,
    pub(super) files: Vec<DataFile>,
    pub(super) inlined: Vec<InlinedRow>,
}

pub(super) fn row(id: &str, fields: &str, age: i64) -> SegmentRow {
    let age = Timestamp::from_second(age).unwrap();
    let record = Record::stored(
        RecordId::stored(id),
        fields.into(),
        None,
        Stamp::Hash(HashLayout::Archive),
    );
    SegmentRow::new(Arc::new(record.with_times(Some(age), None)), age)
}

impl Rig {
    pub(super) fn new(columns: Vec<Column>) -> Self {
        Self::with_limits(columns, Limits::default())
    }

    pub(super) fn with_limits(columns: Vec<Column>, limits: Limits) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(CountedBlobs::new(DirectoryStore::open(dir.path()).unwrap()));
        let blobs: Arc<dyn BlobStore> = Arc::<CountedBlobs<DirectoryStore>>::clone(&store);
        Self {
            reader: Arc::new(ArchiveReader::with_limits(
                blobs,
                Arc::new(ArchiveMetrics::new("records")),
                limits,
            )),
            dir,
            store,
            seen: Mutex::default(),
            columns,
            files: Vec::new(),
            inlined: Vec::new(),
        }
    }

    /// Requests that read and the bytes they brought, since the last time.
    pub(super) fn take(&self) -> (u64, u64) {
        let now = self.store.requests();
        let since = now.since(std::mem::replace(&mut *self.seen.lock(), now));
        (since.reads, since.read_bytes)
    }

    /// Adds one of our segments; the rows are sorted here.
    pub(super) async fn segment(&mut self, mut rows: Vec<SegmentRow>) -> &mut DataFile {
        rows.sort_by(|one, other| one.order().cmp(&other.order()));
        let label = SegmentLabel {
            table: "records".into(),
            source: "test".into(),
            archived_at: NOW.parse().unwrap(),
        };
        let encoded = encode(&self.columns, &rows, &label).unwrap();
        let (footer_size, tail_length) = (encoded.footer_size, encoded.tail_length);
        let file = self.file(encoded.bytes, encoded.rows).await;
        file.footer_size = Some(footer_size);
        file.tail_length = Some(tail_length);
        file.stats = encoded.stats.into();
        file.incomplete = encoded.incomplete.into();
        file
    }

    /// Adds a file as another program may have written it.
    pub(super) async fn file(&mut self, bytes: Bytes, rows: u64) -> &mut DataFile {
        let id = self.files.len() as i64;
        let path = format!("main/records/f{id}.parquet");
        let size = bytes.len() as u64;
        self.store.put(&path, bytes).await.unwrap();
        self.files.push(DataFile {
            id,
            path: path.into(),
            rows,
            size,
            footer_size: None,
            tail_length: None,
            begin_snapshot: id + 1,
            row_id_start: Some(id * 1_000_000),
            stats: [].into(),
            incomplete: [].into(),
            dead: [].into(),
            delete_file: None,
        });
        self.files.last_mut().unwrap()
    }

    pub(super) async fn delete_file(&mut self, of: usize, bytes: Bytes, rows: u64) {
        let path: Arc<str> = format!("main/records/d{of}.parquet").into();
        let size = bytes.len() as u64;
        self.store.put(&path, bytes).await.unwrap();
        self.files[of].delete_file = Some(Arc::new(DeleteFile {
            id: of as i64,
            path,
            rows,
            size,
            footer_size: None,
            begin_snapshot: of as i64 + 1,
        }));
    }

    /// Makes rows dead as the catalog notes it itself.
    pub(super) fn kill(&mut self, file: usize, positions: &[u64]) {
        let dead = positions.iter().map(|position| DeadRow {
            position: *position,
            snapshot: 90,
        });
        self.files[file].dead = dead.collect();
    }

    pub(super) fn view(&self) -> ArchiveView {
        let state = CatalogState {
            key: SnapshotKey {
                incarnation: "test".into(),
                id: 99,
                time: NOW.into(),
            },
            table: Arc::new(ArchivedTable {
                id: Some(1),
                name: "records".into(),
                path: "main/records/".into(),
                columns: self.columns.clone(),
            }),
            files: self.files.iter().cloned().map(Arc::new).collect(),
            inlined: self.inlined.clone().into(),
        };
        ArchiveView::new(Arc::new(state), Arc::clone(&self.reader))
    }

    /// The ids that a query finds, in the order of its answer.
    pub(super) async fn ids(&self, query: &Query) -> Result<Vec<String>> {
        let prepared = query.prepare(NOW.parse().unwrap()).unwrap();
        let found: Vec<Arc<Record>> = self.view().search(&prepared).try_collect().await?;
        Ok(found.iter().map(|record| record.id().to_string()).collect())
    }

    /// How many records a query counts.
    pub(super) async fn count(&self, query: &Query) -> Result<u64> {
        self.view()
            .count(&query.prepare(NOW.parse().unwrap()).unwrap())
            .await
    }

    /// What an id holds.
    pub(super) async fn fields(&self, id: &str) -> Result<Option<String>> {
        let found = self.view().read_many(&[id]).await?.pop().flatten();
        Ok(found.map(|record| record.fields().to_owned()))
    }
}
