//! After every kind of commit, ours and DuckDB's, all readers of the archive see the same records.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt;
use serde_json::{Value, json};
use thermocline::{
    Database, DatabaseExt, ManualClock, Op, ParquetArchive, Query, Record, RecordId, Write,
};

use super::{Lake, NOW, OLD};
use crate::foreign::{DuckDb, Reader};
use crate::hooked_blobs::HookedBlobs;
use crate::s3::place::Place;

const OLDER: &str = "2025-02-04T05:06:07Z";

/// A record as everybody can tell it: fields, metadata, and its times in microseconds.
type Told = (String, Option<String>, Option<i64>, Option<i64>);

type Seen = BTreeMap<String, Told>;

/// What the readers ask for, in this order; the times follow.
const COLUMNS: &str = "id, fields, metadata";

/// A record with metadata, unless its number is odd.
fn record(id: &str, time: &str, n: i64) -> Record {
    let time = time.parse().unwrap();
    let record = Record::new(id, json!({"n": n, "status": "closed"})).unwrap();
    let record = record.with_times(Some(time), Some(time));
    match n % 2 {
        0 => record.with_metadata(json!({"source": n})).unwrap(),
        _ => record,
    }
}

fn put(id: &str, time: &str, n: i64) -> Write {
    Op::Put(record(id, time, n).into()).into()
}

fn delete(id: &str) -> Write {
    Op::Delete(RecordId::new(id).unwrap()).into()
}

fn creates(prefix: &str, time: &str, count: i64) -> Vec<Write> {
    let create = |n: i64| Op::Create(record(&format!("{prefix}{n:03}"), time, n).into()).into();
    (0..count).map(create).collect()
}

/// The same with their own times, which a create would set.
fn puts(prefix: &str, time: &str, count: i64) -> Vec<Write> {
    (0..count)
        .map(|n| put(&format!("{prefix}{n:03}"), time, n))
        .collect()
}

/// What our own stream says, and our count.
async fn ours(database: &dyn Database) -> Seen {
    let found = database.search(Query::all()).await.unwrap();
    let found: Vec<Arc<Record>> = found.try_collect().await.unwrap();
    let count = found.len();
    let told = found.iter().map(|record| {
        let micros = |time: Option<jiff::Timestamp>| time.map(jiff::Timestamp::as_microsecond);
        let told = (
            record.fields().to_owned(),
            record.metadata().map(str::to_owned),
            micros(record.created_at()),
            micros(record.updated_at()),
        );
        (record.id().to_string(), told)
    });
    let seen: Seen = told.collect();
    assert_eq!(seen.len(), count, "each once");
    assert_eq!(database.count(&Query::all()).await.unwrap(), count as u64);
    seen
}

/// What another reader says, whose numbers may be text.
fn theirs(who: &str, rows: &[Vec<Value>]) -> Seen {
    let told = rows.iter().map(|row| {
        let text = |at: usize| row[at].as_str().map(str::to_owned);
        let number = |at: usize| match &row[at] {
            Value::String(number) => Some(number.parse().unwrap()),
            number => number.as_i64(),
        };
        let told = (text(1).unwrap(), text(2), number(3), number(4));
        (text(0).unwrap(), told)
    });
    let seen: Seen = told.collect();
    assert_eq!(seen.len(), rows.len(), "{who} sees each once");
    seen
}

/// Everybody who reads the archive.
struct Witnesses {
    lake: Lake,
    /// DuckDB, attached before anything was written.
    before: DuckDb,
    /// DuckDB, attached anew at every look.
    now: DuckDb,
    /// Where scripts/second-reader has built it.
    fusion: Option<Reader>,
    arrow: Reader,
    /// How many records pyarrow found in files, and how many lay in the catalog, over all looks.
    found: (usize, usize),
}

impl Witnesses {
    async fn new() -> Self {
        // DataFusion escapes a blank of a folder's name twice, and finds nothing.
        let plain = |place: &Place| Place {
            prefix: "archive".to_owned(),
            ..place.clone()
        };
        let mut lake = Lake::new(async |place: &Place| plain(place)).await;
        lake.place = plain(&lake.place);
        let place = &lake.place;
        let (mut before, mut now) = (DuckDb::start(), DuckDb::start());
        for duck in [&mut before, &mut now] {
            duck.execute(&place.secret_for_duckdb()).await;
        }
        before.attach_postgres(&lake.scratch.url, false).await;
        let fusion = Reader::datafusion_where_built(json!({
            "catalog": lake.scratch.url, "schema": "thermocline", "bucket": place.bucket,
            "endpoint": place.endpoint, "access": place.access, "secret": place.secret,
        }))
        .await;
        Self {
            lake,
            before,
            now,
            fusion,
            arrow: Reader::pyarrow(),
            found: (0, 0),
        }
    }

    /// Something that is written to the archive itself, and a look.
    async fn ours(&mut self, what: &str, writes: Vec<Write>) {
        self.lake.archive.write(writes).await.unwrap();
        self.look(what).await;
    }

    /// Something that DuckDB does, and a look.
    async fn theirs(&mut self, sql: &str) {
        let sql = sql.replace("ORDERS", "lake.orders");
        self.before.execute(&sql).await;
        self.look(&sql).await;
    }

    async fn flush(&mut self, after: &str) {
        assert!(self.lake.archive.flush().await.unwrap() > 0, "{after}");
        self.look(&format!("a flush after {after}")).await;
    }

    async fn look(&mut self, after: &str) {
        let seen = ours(&self.lake.archive).await;
        let cold = self.another_archive(self.lake.place.store().await).await;
        assert_eq!(ours(&cold).await, seen, "a new process, after {after}");
        for (id, told) in seen.iter().step_by(5) {
            let read = cold.read(id).await.unwrap();
            assert_eq!(read.unwrap().fields(), told.0, "{id}, after {after}");
        }
        let mut both = ours(&self.lake.primary).await;
        both.extend(seen.clone());
        assert_eq!(
            ours(&self.lake.router).await,
            both,
            "the router, after {after}"
        );

        self.now.attach_postgres(&self.lake.scratch.url, true).await;
        let sql = format!(
            "SELECT {COLUMNS}, epoch_us(created_at), epoch_us(updated_at) FROM lake.orders"
        );
        for (who, duck) in [("before", &mut self.before), ("now", &mut self.now)] {
            let who = format!("DuckDB, attached {who}, after {after}");
            assert_eq!(theirs(&who, &duck.query(&sql).await), seen, "{who}");
            let count = duck.query("SELECT count(*) FROM lake.orders").await;
            assert_eq!(count, [[json!(seen.len())]], "{who}");
        }
        self.now.detach().await;

        if let Some(fusion) = &mut self.fusion {
            let who = format!("DataFusion, after {after}");
            let sql = format!(
                "SELECT {COLUMNS}, CAST(created_at AS BIGINT), CAST(updated_at AS BIGINT) FROM orders"
            );
            assert_eq!(
                theirs(&who, &fusion.rows(json!({"query": sql})).await),
                seen,
                "{who}"
            );
        }

        let who = format!("pyarrow, after {after}");
        let (in_files, in_catalog) = (self.in_files().await, self.in_catalog().await);
        self.found.0 += in_files.len();
        self.found.1 += in_catalog.len();
        let rows = [in_files, in_catalog].concat();
        assert_eq!(theirs(&who, &rows), seen, "{who}");
    }

    /// An archive of another process.
    async fn another_archive(
        &self,
        blobs: impl thermocline::BlobStore + 'static,
    ) -> ParquetArchive {
        let archive = ParquetArchive::with_blobs(Arc::new(blobs));
        let archive = archive.catalog(self.lake.primary.catalog_host().unwrap());
        archive.unwrap().build().await.unwrap()
    }

    /// The live rows of the files that the catalog lists, as pyarrow finds them: without the positions that its delete
    /// files and its inlined deletes name.
    async fn in_files(&mut self) -> Vec<Vec<Value>> {
        let path = |of: &str| {
            format!(
                "CASE WHEN {of}.path_is_relative THEN substr(m.value, 6) || s.path || t.path || {of}.path \
                 ELSE substr({of}.path, 6) END"
            )
        };
        let sql = format!(
            "SET search_path = thermocline; \
             SELECT json_build_object('path', {data}, 'rows', d.record_count, \
               'deletes', coalesce((SELECT json_agg(json_build_object('path', {delete}, 'rows', x.delete_count)) \
                 FROM ducklake_delete_file x WHERE x.data_file_id = d.data_file_id AND x.end_snapshot IS NULL), '[]'), \
               'dead', coalesce((SELECT json_agg(row_id) FROM ducklake_inlined_delete_1 i \
                 WHERE i.file_id = d.data_file_id), '[]'))::text \
             FROM ducklake_data_file d JOIN ducklake_table t USING (table_id) JOIN ducklake_schema s USING (schema_id), \
               ducklake_metadata m \
             WHERE m.key = 'data_path' AND t.table_name = 'orders' AND t.end_snapshot IS NULL AND s.end_snapshot IS NULL \
               AND d.end_snapshot IS NULL",
            data = path("d"),
            delete = path("x"),
        );
        let files = self.lake.scratch.ask(&sql).await;
        let files: Vec<Value> = files
            .iter()
            .map(|file| serde_json::from_str(file).unwrap())
            .collect();
        let columns = self
            .lake
            .scratch
            .ask(
                "SELECT json_object_agg(column_name, column_id)::text FROM thermocline.ducklake_column \
                 WHERE table_id = 1 AND end_snapshot IS NULL \
                 AND column_name IN ('id', 'fields', 'metadata', 'created_at', 'updated_at')",
            )
            .await;
        let columns: Value = serde_json::from_str(&columns[0]).unwrap();
        let place = &self.lake.place;
        let names = ["id", "fields", "metadata", "created_at", "updated_at"];
        self.arrow
            .rows(json!({
                "endpoint": place.endpoint.strip_prefix("http://").unwrap(),
                "access": place.access, "secret": place.secret, "files": files,
                "columns": names.map(|name| columns[name].clone()),
            }))
            .await
    }

    /// The live rows that lie in the catalog itself: DuckDB keeps small inserts there.
    async fn in_catalog(&self) -> Vec<Vec<Value>> {
        let tables =
            "SELECT table_name FROM thermocline.ducklake_inlined_data_tables WHERE table_id = 1";
        let mut rows = Vec::new();
        for table in self.lake.scratch.ask(tables).await {
            let micros = |column: &str| {
                format!("(extract(epoch FROM {column}::timestamptz) * 1000000)::bigint")
            };
            let sql = format!(
                "SELECT json_build_array(convert_from(id, 'UTF8'), {fields}, {metadata}, {created}, {updated})::text \
                 FROM thermocline.{table} WHERE end_snapshot IS NULL",
                fields = "convert_from(fields, 'UTF8')",
                metadata = "convert_from(metadata, 'UTF8')",
                created = micros("created_at"),
                updated = micros("updated_at"),
            );
            let found = self.lake.scratch.ask(&sql).await;
            rows.extend(
                found
                    .iter()
                    .map(|row| serde_json::from_str::<Vec<Value>>(row).unwrap()),
            );
        }
        rows
    }

    /// A write that dies once its segment is in the bucket.
    async fn die_after_an_upload(&self) {
        let blobs = HookedBlobs::over(Arc::new(self.lake.place.store().await));
        let before: jiff::Timestamp = NOW.parse().unwrap();
        let archive =
            ParquetArchive::with_blobs(Arc::clone(&blobs) as Arc<dyn thermocline::BlobStore>)
                .catalog(self.lake.primary.catalog_host().unwrap())
                .unwrap()
                .clock(ManualClock::at(before - Duration::from_secs(3600)))
                .build()
                .await
                .unwrap();
        let (uploaded, _gate) = blobs.hold("size");
        let dying = tokio::spawn(async move { archive.write(creates("never", OLD, 5)).await });
        uploaded.notified().await;
        dying.abort();
        assert!(dying.await.unwrap_err().is_cancelled());
    }

    async fn objects(&self) -> usize {
        let store = self.lake.place.store().await;
        crate::blob_contract::found(&store, "").await.len()
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL, a server of S3, DuckDB and pyarrow: run scripts/test"]
async fn every_reader_sees_every_kind_of_commit() {
    let mut all = Witnesses::new().await;
    all.lake.archive.create(record("r", OLD, 1)).await.unwrap();
    all.look("a create").await;
    all.ours("a bulk create", creates("r", OLD, 30)).await;
    all.ours("another month", puts("s", OLDER, 20)).await;
    all.lake.archive.update(record("r", OLD, 2)).await.unwrap();
    all.look("an update").await;
    let upserts = (0..10).map(|n| put(&format!("r{n:03}"), OLD, -n)).collect();
    all.ours("upserts of archived records", upserts).await;
    assert!(all.lake.archive.delete("r").await.unwrap());
    all.look("a delete").await;
    let deletes = (5..15).map(|n| delete(&format!("r{n:03}"))).collect();
    all.ours("deletes", deletes).await;
    let mixed = vec![put("s001", OLD, 1), delete("s002"), put("t", OLDER, 3)];
    all.ours("a mixture", mixed).await;
    all.flush("deletes").await;

    let primary = &all.lake.primary;
    primary.write(puts("moved", OLD, 50)).await.unwrap();
    primary.upsert(record("live", NOW, 1)).await.unwrap();
    all.look("what only the primary has").await;
    let report = all.lake.router.archive_due().await.unwrap();
    assert_eq!(report[0].moved, 50, "{report:?}");
    all.look("a move").await;
    let router = &all.lake.router;
    router.upsert(record("moved001", OLD, -1)).await.unwrap();
    all.look("an upsert that met an archived record").await;
    let router = &all.lake.router;
    router.update(record("moved002", OLD, -2)).await.unwrap();
    all.look("an update that brought an archived record back")
        .await;
    assert!(all.lake.router.delete("moved003").await.unwrap());
    all.look("a delete of an archived record").await;
    all.flush("what met archived records").await;
    let report = all.lake.router.archive_due().await.unwrap();
    assert_eq!(report[0].moved, 2, "{report:?}");
    all.look("a move of what had come back").await;

    let objects = all.objects().await;
    all.die_after_an_upload().await;
    assert_eq!(all.objects().await, objects + 1);
    all.look("a write that died").await;
    let archive = &all.lake.archive;
    let orphans = archive
        .find_orphans_older_than(Duration::ZERO)
        .await
        .unwrap();
    assert_eq!(archive.remove_orphans(&orphans).await.unwrap(), 1);
    assert_eq!(all.objects().await, objects);
    all.look("a removal of orphans").await;

    all.theirs("INSERT INTO ORDERS(id, fields) VALUES ('i1', '{\"n\":1}'), ('i2', '{}')")
        .await;
    all.theirs(
        "INSERT INTO ORDERS(id, fields, metadata, created_at) \
         SELECT 'f' || i, '{}', '{\"by\":\"them\"}', TIMESTAMPTZ '2025-01-01 00:00:00.25Z' FROM range(100) t(i)",
    )
    .await;
    all.theirs("UPDATE ORDERS SET fields = '{\"n\":-1}' WHERE id IN ('r020', 'i1', 'f1')")
        .await;
    all.theirs("DELETE FROM ORDERS WHERE id LIKE 'f3%' OR id = 's003' OR id = 'i2'")
        .await;
    let beside = vec![put("f5", OLD, 7), delete("i1"), delete("s004")];
    all.ours("ours beside theirs", beside).await;
    all.flush("theirs").await;
    all.theirs("CALL ducklake_merge_adjacent_files('lake')")
        .await;
    let merged = vec![delete("r021"), delete("f7"), put("s005", OLD, 9)];
    all.ours("deletes in merged files", merged).await;
    all.flush("a merge").await;
    all.theirs("CALL ducklake_expire_snapshots('lake', older_than => now())")
        .await;
    all.theirs("CALL ducklake_cleanup_old_files('lake', cleanup_all => true)")
        .await;
    all.ours("and on", creates("u", OLD, 10)).await;
    let seen = ours(&all.lake.router).await;
    assert_eq!(seen["moved001"].0, "{\"n\":-1,\"status\":\"closed\"}");
    assert!(seen.contains_key("live") && !seen.contains_key("moved003"));
    assert!(all.found.0 > 1000 && all.found.1 > 10, "{:?}", all.found);
}
