//! DuckDB and we, in turn, on one archive: after every step both see the same records.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use futures::TryStreamExt;
use serde_json::{Value, json};
use thermocline::{
    Columns, Database, DatabaseExt, ErrorKind, Op, Order, ParquetArchive, Query, Record, RecordId,
    SqlValue, SqliteDatabase, Write,
};

use super::archive::{Bench, put, record};
use super::foreign::DuckDb;

/// An archive with DuckDB beside it: one that was attached before anything happened, one that attaches at every look.
struct Pair {
    bench: Bench,
    old: DuckDb,
    new: DuckDb,
    /// How many records there were at each snapshot of ours.
    history: BTreeMap<i64, u64>,
}

const TIME: &str = "2013-10-05T00:00:00Z";

impl Pair {
    async fn new() -> Self {
        Self::over(Bench::new().await).await
    }

    async fn over(bench: Bench) -> Self {
        let mut old = DuckDb::start();
        old.attach_sqlite(&catalog(&bench), false).await;
        Self {
            bench,
            old,
            new: DuckDb::start(),
            history: BTreeMap::new(),
        }
    }

    /// Something that DuckDB does, and then a look.
    async fn theirs(&mut self, sql: &str) {
        self.old
            .execute(&sql.replace("FLIGHTS", "lake.flights"))
            .await;
        self.look(sql).await;
    }

    /// Something that we do, and then a look.
    async fn ours(&mut self, what: &str, writes: Vec<Write>) {
        self.bench.archive.write(writes).await.expect("a write");
        self.look(what).await;
    }

    /// Compares what we see, warm and cold, with what DuckDB sees, attached before and just now.
    async fn look(&mut self, after: &str) {
        let warm = everything(&self.bench.archive).await;
        let cold = everything(&self.bench.fresh().await).await;
        assert_eq!(warm, cold, "two of ours, after {after}");
        self.new.attach_sqlite(&catalog(&self.bench), true).await;
        let newest = self
            .bench
            .column("SELECT max(snapshot_id) FROM ducklake_snapshot")
            .await;
        let Some(SqlValue::Integer(newest)) = newest.first() else {
            panic!("a snapshot")
        };
        self.history.insert(*newest, warm.len() as u64);
        for (who, duck) in [
            ("attached before", &mut self.old),
            ("just attached", &mut self.new),
        ] {
            compare(duck, &warm, &format!("{who}, after {after}")).await;
            for (snapshot, count) in &self.history {
                let sql = format!(
                    "SELECT count(*), count(id) FROM lake.flights AT (VERSION => {snapshot})"
                );
                let expected = [json!(count), json!(count)];
                assert_eq!(
                    duck.query(&sql).await,
                    [expected],
                    "{who}, at {snapshot}, after {after}"
                );
            }
        }
        self.new.detach().await;
        self.check_snapshots().await;
    }

    /// What readers rely on, over the snapshots that have not expired.
    async fn check_snapshots(&self) {
        let mut tx = self.bench.host.begin_read().await.expect("a snapshot");
        let sql = "SELECT s.snapshot_id, s.schema_version, s.next_catalog_id, s.next_file_id, \
                   (SELECT count(*) FROM ducklake_snapshot_changes c WHERE c.snapshot_id = s.snapshot_id) \
                   FROM ducklake_snapshot s ORDER BY s.snapshot_id";
        let rows = tx.query(sql, &[]).await.expect("rows");
        for pair in rows.windows(2) {
            let number = |row: usize, column| pair[row].int(column).expect("a number");
            assert_eq!(number(0, 0) + 1, number(1, 0), "no snapshot is left out");
            for column in 1..=3 {
                assert!(
                    number(0, column) <= number(1, column),
                    "column {column} never falls"
                );
            }
        }
        for row in &rows {
            assert_eq!(
                row.int(4).expect("a number"),
                1,
                "one row of changes for each snapshot"
            );
        }
        let last = rows.last().expect("a snapshot");
        let sql = "SELECT max(id) FROM (SELECT max(data_file_id) AS id FROM ducklake_data_file \
                   UNION ALL SELECT max(delete_file_id) FROM ducklake_delete_file)";
        let highest = tx.query(sql, &[]).await.expect("rows")[0]
            .opt_int(0)
            .expect("a number");
        assert!(
            highest.unwrap_or(-1) < last.int(3).expect("a number"),
            "next_file_id is past everything"
        );
        let sql = "SELECT max(row_id_start + record_count), (SELECT next_row_id FROM ducklake_table_stats) \
                   FROM ducklake_data_file";
        let row_ids = tx.query(sql, &[]).await.expect("rows");
        if let Some(used) = row_ids[0].opt_int(0).expect("a number") {
            assert!(
                used <= row_ids[0].int(1).expect("a number"),
                "next_row_id is past everything"
            );
        }
    }
}

fn catalog(bench: &Bench) -> PathBuf {
    bench.folder.path().join("t.db")
}

/// Every record by id: fields, metadata, when it was created.
type Everything = BTreeMap<String, (String, Option<String>, Option<String>)>;

async fn everything(archive: &ParquetArchive) -> Everything {
    let found: Vec<Arc<Record>> = archive
        .search(Query::all())
        .await
        .expect("a search")
        .try_collect()
        .await
        .expect("records");
    let ids: Vec<&str> = found.iter().map(|record| record.id().as_str()).collect();
    let read = archive.read_many(&ids).await.expect("a read");
    let mut all = Everything::new();
    for (record, read) in found.iter().zip(read) {
        let read = read.expect("what a search finds is there by id");
        assert!(record.same_content(&read), "{record:?} {read:?}");
        let content = (
            record.fields().to_owned(),
            record.metadata().map(str::to_owned),
            record.created_at().map(|time| format!("{time:.6}")),
        );
        let twice = all.insert(record.id().to_string(), content);
        assert!(twice.is_none(), "{record:?} is there twice");
    }
    assert_eq!(
        archive.count(&Query::all()).await.expect("a count"),
        all.len() as u64
    );
    all
}

async fn compare(duck: &mut DuckDb, ours: &Everything, when: &str) {
    let columns = duck
        .query("SELECT column_name FROM (DESCRIBE lake.flights)")
        .await;
    let name = |at: usize| columns[at][0].as_str().expect("a name").to_owned();
    let (id, created, metadata, fields) = (name(0), name(1), name(5), name(6));
    let sql =
        format!("SELECT \"{id}\", \"{fields}\", \"{metadata}\", \"{created}\" FROM lake.flights");
    let mut theirs = Everything::new();
    for row in duck.query(&sql).await {
        let text = |at: usize| row[at].as_str().map(str::to_owned);
        let content = (text(1).expect("fields"), text(2), text(3));
        let twice = theirs.insert(text(0).expect("an id"), content);
        assert!(twice.is_none(), "{row:?} is there twice: {when}");
    }
    assert_eq!(&theirs, ours, "{when}");
    let sql = format!(
        "SELECT count(*), count(\"{fields}\"), min(\"{id}\"), max(\"{id}\"), min(\"{created}\"), max(\"{created}\") \
         FROM lake.flights"
    );
    let created: Vec<&String> = ours
        .values()
        .filter_map(|(_, _, created)| created.as_ref())
        .collect();
    let expected = [
        json!(ours.len()),
        json!(ours.len()),
        json!(ours.keys().next()),
        json!(ours.keys().next_back()),
        json!(created.iter().min()),
        json!(created.iter().max()),
    ];
    assert_eq!(duck.query(&sql).await, [expected], "{when}");
    // A few by id, which is where pruning would hide them.
    for one in ours.keys().step_by(ours.len() / 5 + 1) {
        let one = one.replace('\'', "''");
        let sql = format!("SELECT count(*) FROM lake.flights WHERE \"{id}\" = '{one}'");
        assert_eq!(duck.query(&sql).await, [[json!(1)]], "{one}, {when}");
    }
}

fn delete(id: &str) -> Write {
    Op::Delete(RecordId::new(id).expect("an id")).into()
}

fn puts(prefix: &str, count: i64, time: &str) -> Vec<Write> {
    (0..count)
        .map(|n| put(&format!("{prefix}{n:03}"), time, n))
        .collect()
}

#[tokio::test]
#[ignore = "needs DuckDB: run scripts/test"]
async fn duckdb_sees_each_of_our_commits() {
    let mut pair = Pair::new().await;
    pair.ours("a first batch", puts("r", 30, TIME)).await;
    pair.ours(
        "one more of another month",
        puts("s", 20, "2013-11-05T00:00:00Z"),
    )
    .await;
    let later = (0..10)
        .map(|n| put(&format!("r{n:03}"), TIME, -n))
        .collect();
    pair.ours("updates", later).await;
    pair.ours(
        "deletes",
        (5..15).map(|n| delete(&format!("r{n:03}"))).collect(),
    )
    .await;
    let mixed = vec![
        put("s001", TIME, 1),
        delete("s002"),
        put("t", "1970-01-01T00:00:00Z", 3),
    ];
    pair.ours("a mixture", mixed).await;
    pair.ours("nothing", vec![delete("nobody")]).await;
    pair.bench
        .clock
        .set("2020-01-01T00:00:00Z".parse().expect("a time"));
    pair.ours("a clock that was set back", vec![put("back", TIME, 1)])
        .await;
    pair.bench.archive.clear().await.expect("a clear");
    pair.look("clearing").await;
    pair.ours("a new beginning", puts("r", 3, TIME)).await;
}

#[tokio::test]
#[ignore = "needs DuckDB: run scripts/test"]
async fn we_see_each_of_duckdbs_commits() {
    let mut pair = Pair::new().await;
    pair.ours("a first batch", puts("r", 200, TIME)).await;
    pair.theirs("INSERT INTO FLIGHTS(id, created_at, fields) VALUES ('i1', '2020-01-01 00:00:00.5+00', '{\"n\":1}'), ('i2', NULL, '{}')").await;
    pair.theirs("INSERT INTO FLIGHTS(id, created_at, fields) SELECT 'f' || i, '2020-02-01', '{\"n\":' || i || '}' FROM range(100) t(i)").await;
    pair.theirs("UPDATE FLIGHTS SET fields = '{\"n\":-1}', metadata = '{\"by\":\"duck\"}' WHERE id IN ('r001', 'i1', 'f1')").await;
    pair.theirs("UPDATE FLIGHTS SET fields = '{\"n\":-2}' WHERE id LIKE 'r01%' OR id LIKE 'r02%'")
        .await;
    pair.theirs("DELETE FROM FLIGHTS WHERE id IN ('r002', 'f2', 'i2')")
        .await;
    pair.theirs("DELETE FROM FLIGHTS WHERE id LIKE 'r03%' OR id LIKE 'f3%' OR id LIKE 'r04%'")
        .await;
    // Now ours on top of what they left.
    pair.ours("an update of an inlined row", vec![put("i1", TIME, 7)])
        .await;
    pair.ours("a delete in their file", vec![delete("f5")])
        .await;
    pair.ours(
        "an update beside their delete file",
        vec![put("r031", TIME, 7), put("r050", TIME, 8)],
    )
    .await;
    pair.ours(
        "a delete of what they updated",
        vec![delete("r001"), delete("r011")],
    )
    .await;
    pair.theirs("DELETE FROM FLIGHTS WHERE id IN ('r051', 'r052')")
        .await;
    pair.theirs("DELETE FROM FLIGHTS WHERE id LIKE 'r06%' OR id LIKE 'r07%'")
        .await;
    pair.ours("more", puts("u", 20, TIME)).await;
    pair.theirs("DELETE FROM FLIGHTS WHERE id = 'u003'").await;
    pair.theirs("INSERT INTO FLIGHTS(id, fields) SELECT 'g' || i, '{}' FROM range(50) t(i)")
        .await;
    pair.ours(
        "a record of theirs again",
        vec![put("g7", TIME, 1), put("u003", TIME, 2)],
    )
    .await;
}

#[tokio::test]
#[ignore = "needs DuckDB: run scripts/test"]
async fn maintenance_by_duckdb_does_not_break_us() {
    let mut pair = Pair::new().await;
    for month in ["2013-09", "2013-10", "2013-11"] {
        let time = format!("{month}-05T00:00:00Z");
        pair.bench
            .archive
            .write(puts(month, 40, &time))
            .await
            .expect("a write");
    }
    pair.look("three segments").await;
    pair.theirs("CALL ducklake_merge_adjacent_files('lake')")
        .await;
    assert_eq!(
        pair.bench
            .column("SELECT count(*) FROM ducklake_data_file")
            .await,
        [1.into()]
    );
    pair.ours(
        "an update in a merged file",
        vec![put("2013-10003", TIME, -1), delete("2013-11004")],
    )
    .await;
    pair.theirs("INSERT INTO FLIGHTS(id, fields) VALUES ('i1', '{}'), ('i2', '{}')")
        .await;
    pair.theirs("DELETE FROM FLIGHTS WHERE id LIKE '2013-0901%' OR id LIKE '2013-1002%'")
        .await;
    pair.ours(
        "a delete on top of a delete file",
        vec![delete("2013-09001"), delete("i1")],
    )
    .await;
    pair.theirs("CALL ducklake_flush_inlined_data('lake')")
        .await;
    pair.ours(
        "an update after their flush",
        vec![put("2013-09002", TIME, 5), put("i2", TIME, 6)],
    )
    .await;
    pair.theirs("CALL ducklake_rewrite_data_files('lake', 'flights', delete_threshold => 0)")
        .await;
    pair.ours(
        "after a rewrite",
        vec![put("2013-09003", TIME, 5), delete("2013-11007")],
    )
    .await;
    pair.history.clear();
    pair.theirs("CALL ducklake_expire_snapshots('lake', older_than => now())")
        .await;
    pair.theirs("CALL ducklake_cleanup_old_files('lake', cleanup_all => true)")
        .await;
    pair.ours("after a cleanup", puts("w", 10, TIME)).await;
    pair.theirs("CALL ducklake_merge_adjacent_files('lake')")
        .await;
    pair.history.clear();
    pair.theirs("CALL ducklake_expire_snapshots('lake', older_than => now())")
        .await;
    pair.theirs("CALL ducklake_cleanup_old_files('lake', cleanup_all => true)")
        .await;
    pair.ours("and on", vec![put("w001", TIME, 99), delete("2013-09020")])
        .await;
    let orphans = pair.bench.archive.find_orphans().await.expect("an answer");
    assert_eq!(orphans, thermocline::Orphans::default());
}

#[tokio::test]
#[ignore = "needs DuckDB: run scripts/test"]
async fn columns_may_change_under_us() {
    let mut pair = Pair::new().await;
    pair.ours("a first batch", puts("r", 30, TIME)).await;
    pair.theirs("INSERT INTO FLIGHTS(id, fields) VALUES ('i1', '{\"n\":1}')")
        .await;
    pair.theirs("ALTER TABLE FLIGHTS ADD COLUMN extra INTEGER DEFAULT 5")
        .await;
    pair.theirs("ALTER TABLE FLIGHTS RENAME COLUMN n TO number")
        .await;
    pair.theirs("ALTER TABLE FLIGHTS RENAME COLUMN fields TO body")
        .await;
    pair.theirs("ALTER TABLE FLIGHTS ADD COLUMN fields VARCHAR")
        .await;
    pair.theirs("INSERT INTO FLIGHTS(id, body, extra) VALUES ('i2', '{\"n\":2}', 6)")
        .await;
    pair.ours("a batch with the new columns", puts("s", 30, TIME))
        .await;
    pair.ours(
        "an update of inlined rows of both kinds",
        vec![put("i1", TIME, 3), put("i2", TIME, 4)],
    )
    .await;
    let sql = "SELECT count(*) FILTER (extra = 5), count(*) FROM lake.flights WHERE extra = 5";
    let count = json!(62);
    assert_eq!(pair.old.query(sql).await, [[count.clone(), count]]);
    let sql = "SELECT count(*) FROM lake.flights WHERE number = 3";
    assert_eq!(pair.old.query(sql).await, [[json!(3)]]);
    pair.theirs("ALTER TABLE FLIGHTS DROP COLUMN number").await;
    pair.ours("a batch without that column", puts("t", 30, TIME))
        .await;
    pair.old
        .execute("ALTER TABLE lake.flights DROP COLUMN body")
        .await;
    let error = pair
        .bench
        .archive
        .read("r001")
        .await
        .expect_err("no fields, no records");
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("fields"), "{error}");
}

/// Values at which statistics go wrong: at the ends of types, of lengths, of alphabets.
fn hostile() -> Vec<Value> {
    let mut values: Vec<Value> = vec![
        json!(i64::MIN),
        json!(i64::MAX),
        json!(0),
        json!(-1),
        json!(1e16),
        json!(5e-324),
        json!(f64::MAX),
        json!(f64::MIN),
        json!(-0.0),
        json!(0.1),
        json!(9_007_199_254_740_993_i64),
        json!(123_456_789.125),
        json!(true),
        json!(false),
    ];
    let last = "\u{10FFFF}".repeat(20);
    let texts = [
        "",
        " ",
        "'",
        "\"",
        "\\",
        "%",
        "a",
        "z",
        "ÿ",
        "\u{D7FF}",
        "\u{E000}",
        "\u{10FFFF}",
        "NULL",
        "null",
        "nan",
        "infinity",
        "{",
        "|",
        "1",
        "01",
        "-5",
        "true",
        &last,
    ];
    values.extend(texts.map(|text| json!(text)));
    values.push(json!("x".repeat(200)));
    values.push(json!("é".repeat(100)));
    values.push(json!(format!("{}\u{10FFFF}", "y".repeat(63))));
    values
}

#[tokio::test]
#[ignore = "needs DuckDB: run scripts/test"]
async fn no_statistic_hides_a_row() {
    let mut pair = Pair::new().await;
    let kinds = |value: &Value| match value {
        Value::String(_) => "t",
        Value::Bool(_) => "b",
        Value::Number(number) if number.is_i64() => "i",
        _ => "d",
    };
    let times = [
        "0001-01-01T00:00:00Z",
        "1969-12-31T23:59:59.999999Z",
        "9999-12-30T00:00:00.1Z",
    ];
    // A first batch that fixes the types, then each value in a file of its own: its bounds are the value.
    let first = json!({"t": "m", "i": 5, "d": 1.5, "b": true});
    pair.bench
        .archive
        .create(Record::new("first", first).expect("a record"))
        .await
        .expect("a create");
    let mut expected = Vec::new();
    for (n, value) in hostile().into_iter().enumerate() {
        let time = times[n % times.len()].parse().expect("a time");
        let id = format!(
            "v{n:02}-{}",
            if n % 2 == 0 {
                "é".repeat(90)
            } else {
                String::new()
            }
        );
        let fields = json!({ kinds(&value): value });
        let record = Record::new(id.clone(), fields)
            .expect("a record")
            .with_times(Some(time), Some(time));
        let write = Op::Put(Arc::new(record));
        pair.bench
            .archive
            .write(vec![write.into()])
            .await
            .expect("a write");
        expected.push((id, value));
    }
    pair.look("hostile values").await;
    let insert = "INSERT INTO FLIGHTS(id, fields, t, i, d, b) VALUES ('duck', '{\"q\":1}', 'q', 7, 2.5, true)";
    for after in ["before", insert, "DELETE FROM FLIGHTS WHERE id = 'duck'"] {
        if after != "before" {
            pair.theirs(after).await;
        }
        let mut new = DuckDb::start();
        new.attach_sqlite(&catalog(&pair.bench), true).await;
        for (id, value) in &expected {
            let column = kinds(value);
            let literal = match value {
                Value::String(text) => format!("'{}'", text.replace('\'', "''")),
                Value::Number(number) => format!(
                    "'{number}'::{}",
                    if column == "i" { "BIGINT" } else { "DOUBLE" }
                ),
                other => other.to_string(),
            };
            for condition in [
                format!("{column} = {literal}"),
                format!("{column} >= {literal} AND {column} <= {literal}"),
                format!("{column} IN ({literal}) AND id = '{id}'"),
                format!(
                    "id = '{id}' AND fields IS NOT NULL AND (fields ->> '{column}') IS NOT NULL"
                ),
                format!("id >= '{id}' AND id <= '{id}'"),
                format!("fields = (SELECT fields FROM lake.flights WHERE id = '{id}')"),
            ] {
                let sql = format!(
                    "SELECT count(*) FROM lake.flights WHERE ({condition}) AND id = '{id}'"
                );
                assert_eq!(new.query(&sql).await, [[json!(1)]], "{condition}, {after}");
            }
        }
        for column in ["i", "d"] {
            let sql = format!("SELECT min({column}), max({column}) FROM lake.flights");
            let slow = format!(
                "SELECT min(x), max(x) FROM (SELECT {column} + 0 AS x FROM lake.flights WHERE rowid >= 0)"
            );
            let slow = if column == "i" {
                slow.replace(" + 0", "")
            } else {
                slow
            };
            assert_eq!(
                new.query(&sql).await,
                new.query(&slow).await,
                "{column}, {after}"
            );
        }
    }
}

#[tokio::test]
#[ignore = "needs DuckDB: run scripts/test"]
async fn every_subset_of_a_file_may_be_dead() {
    let mut pair = Pair::new().await;
    for subset in 0..16_u32 {
        let ids: Vec<String> = (0..4).map(|row| format!("{subset:02}-{row}")).collect();
        let writes = ids.iter().map(|id| put(id, TIME, 1)).collect();
        pair.bench.archive.write(writes).await.expect("a write");
        let dead: Vec<Write> = ids
            .iter()
            .enumerate()
            .filter(|(row, _)| subset >> row & 1 == 1)
            .map(|(_, id)| delete(id))
            .collect();
        pair.bench.archive.write(dead).await.expect("a write");
    }
    pair.look("every subset").await;
    // The same by DuckDB, over what is left and over files of its own.
    for row in 0..4 {
        pair.theirs(&format!(
            "DELETE FROM FLIGHTS WHERE id LIKE '%-{row}' AND id < '08'"
        ))
        .await;
    }
    assert_eq!(
        pair.bench
            .archive
            .count(&Query::all())
            .await
            .expect("a count"),
        12
    );
}

#[tokio::test]
#[ignore = "needs DuckDB: run scripts/test"]
async fn an_id_that_others_wrote_twice_counts_once_by_id() {
    let mut pair = Pair::new().await;
    pair.ours("a first batch", puts("r", 3, TIME)).await;
    pair.old
        .execute("INSERT INTO lake.flights(id, fields) VALUES ('r001', '{\"n\":\"newer\"}')")
        .await;
    let read = pair
        .bench
        .archive
        .read("r001")
        .await
        .expect("a read")
        .expect("a record");
    assert_eq!(read.fields(), "{\"n\":\"newer\"}");
    let archive = &pair.bench.archive;
    let (_, place) = archive.locate("r001").await.expect("a look").expect("r001");
    assert_eq!(place.older_rows, 1);
    assert_eq!(archive.count(&Query::all()).await.expect("a count"), 4);
    archive.delete("r001").await.expect("a delete");
    assert!(archive.read("r001").await.expect("a read").is_none());
    pair.look("a delete that ends both rows").await;
    let left = pair.bench.archive.count(&Query::all()).await;
    assert_eq!(left.expect("a count"), 2);
}

#[tokio::test]
#[ignore = "needs DuckDB: run scripts/test"]
async fn the_tables_are_those_that_duckdb_makes() {
    let bench = Bench::new().await;
    let theirs = bench.folder.path().join("theirs.db");
    let mut duck = DuckDb::start();
    duck.attach_sqlite_at(&theirs, false, &bench.folder.path().join("data"))
        .await;
    duck.execute("CREATE TABLE lake.flights (id VARCHAR NOT NULL)")
        .await;
    drop(duck);
    let theirs = SqliteDatabase::open(&theirs).await.expect("a database");
    let mut ours = bench.host.begin_read().await.expect("a snapshot");
    let host = theirs.catalog_host().expect("a host");
    let mut theirs = host.begin_read().await.expect("a snapshot");
    let sql = "SELECT t.name, c.cid, c.name, upper(c.type), c.\"notnull\", c.pk FROM sqlite_master t, \
               pragma_table_info(t.name) c WHERE t.type = 'table' AND t.name LIKE 'ducklake\\_%' ESCAPE '\\' \
               AND t.name NOT LIKE 'ducklake\\_inlined\\_d%\\_1%' ESCAPE '\\' ORDER BY 1, 2";
    let (ours, theirs) = (
        ours.query(sql, &[]).await.expect("rows"),
        theirs.query(sql, &[]).await.expect("rows"),
    );
    assert!(ours.len() > 150, "{} columns", ours.len());
    assert_eq!(ours, theirs);
}

#[tokio::test]
#[ignore = "needs DuckDB: run scripts/test"]
async fn an_archive_begins_in_a_lake_that_is_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, data) = (folder.path().join("t.db"), folder.path().join("archive"));
    let mut duck = DuckDb::start();
    duck.attach_sqlite_at(&file, false, &data).await;
    duck.execute("CREATE TABLE lake.other AS SELECT range AS n FROM range(50)")
        .await;
    duck.detach().await;
    let primary = SqliteDatabase::open(&file).await.expect("a database");
    let archive = ParquetArchive::in_dir(&data)
        .catalog(primary.catalog_host().expect("a host"))
        .expect("a host")
        .table("flights")
        .columns(Columns::List(vec!["carrier".into()]))
        .build()
        .await
        .expect("an archive");
    archive
        .create(record("a", TIME, 1))
        .await
        .expect("a create");
    duck.attach_sqlite(&file, false).await;
    assert_eq!(
        duck.query("SELECT count(*), max(carrier) FROM lake.flights")
            .await,
        [[json!(1), json!("UA")]]
    );
    assert_eq!(duck.query("SELECT sum(n) FROM lake.other").await, [[1225]]);
    duck.execute("INSERT INTO lake.other SELECT range FROM range(50)")
        .await;
    duck.execute("DROP TABLE lake.other").await;
    let found = archive
        .search(Query::all().sort("n", Order::Desc).expect("a path"))
        .await
        .expect("a search");
    assert_eq!(
        found.try_collect::<Vec<_>>().await.expect("records").len(),
        1
    );
}

#[tokio::test]
#[ignore = "needs DuckDB: run scripts/test"]
async fn a_transaction_of_duckdbs_keeps_its_view() {
    let mut pair = Pair::new().await;
    pair.ours("a first batch", puts("r", 50, TIME)).await;
    pair.theirs("DELETE FROM FLIGHTS WHERE id LIKE 'r01%'")
        .await;
    let sql = "SELECT count(*), count(id), sum(n) FROM lake.flights";
    pair.old.execute("BEGIN").await;
    let before = pair.old.query(sql).await;
    let archive = &pair.bench.archive;
    archive.write(puts("s", 30, TIME)).await.expect("a write");
    archive
        .write((0..10).map(|n| delete(&format!("r{n:03}"))).collect())
        .await
        .expect("a write");
    assert_eq!(pair.old.query(sql).await, before);
    archive.clear().await.expect("a clear");
    assert_eq!(pair.old.query(sql).await, before);
    pair.old.execute("COMMIT").await;
    pair.look("the end of the transaction").await;
}

/// Says `sql` until nobody stands in its way.
async fn insist(duck: &mut DuckDb, sql: &str) {
    for _ in 0..200 {
        match duck.try_query(sql).await {
            Ok(_) => return,
            Err(error) => assert!(
                error.contains("locked") || error.contains("onflict"),
                "{sql}: {error}"
            ),
        }
    }
    panic!("never free: {sql}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs DuckDB: run scripts/test"]
async fn both_write_at_the_same_time() {
    let mut pair = Pair::new().await;
    pair.ours("a first batch", puts("r", 60, TIME)).await;
    let file = catalog(&pair.bench);
    let theirs = tokio::spawn(async move {
        let mut duck = DuckDb::start();
        duck.attach_sqlite(&file, false).await;
        for round in 0..15 {
            let insert = "INSERT INTO lake.flights(id, fields) SELECT 'd";
            insist(
                &mut duck,
                &format!("{insert}{round}-' || i, '{{\"n\":' || i || '}}' FROM range(30) t(i)"),
            )
            .await;
            insist(&mut duck, &format!("{insert}{round}-x', '{{}}'")).await;
            insist(
                &mut duck,
                &format!("UPDATE lake.flights SET fields = '{{\"n\":-1}}' WHERE id = 'd{round}-1'"),
            )
            .await;
            insist(
                &mut duck,
                &format!("DELETE FROM lake.flights WHERE id IN ('d{round}-2', 'r{round:03}')"),
            )
            .await;
        }
    });
    let archive = pair.bench.archive.clone();
    let ours = tokio::spawn(async move {
        for round in 0..15 {
            let mut writes = vec![
                put(&format!("o{round}"), TIME, round),
                put("again", TIME, round),
            ];
            writes.push(put(&format!("r{:03}", 30 + round), TIME, -1));
            writes.push(delete(&format!("d{round}-3")));
            while let Err(error) = archive.write(writes.clone()).await {
                let kind = error.kind();
                assert!(
                    matches!(kind, ErrorKind::Unavailable | ErrorKind::Conflict),
                    "{error:?}"
                );
            }
        }
    });
    theirs.await.expect("DuckDB");
    ours.await.expect("we");
    pair.history.clear();
    pair.look("both at the same time").await;
    let all = everything(&pair.bench.archive).await;
    for round in 0..15 {
        assert!(
            !all.contains_key(&format!("d{round}-2")) && !all.contains_key(&format!("r{round:03}"))
        );
        assert_eq!(all[&format!("d{round}-1")].0, "{\"n\":-1}");
        assert!(
            all.contains_key(&format!("d{round}-x")) && all.contains_key(&format!("d{round}-29"))
        );
        assert!(all[&format!("r{:03}", 30 + round)].0.contains("-1"));
        assert!(all.contains_key(&format!("o{round}")));
    }
    assert!(all["again"].0.contains("14"));
}
