//! Large batches: copied while they are new, written another way where they are not, and the same either way.

use serde_json::json;
use thermocline::{Database, DatabaseExt, Op, Query, Record, Write, Written};

use super::{Scratch, open, open_pooled};

const RECORDS: usize = 2_500;

/// Notes by which statement rows come.
const WITNESS: &str = "CREATE TABLE seen (statement text); \
    CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS \
    $$ BEGIN INSERT INTO seen VALUES (split_part(current_query(), ' ', 1)); RETURN NULL; END $$; \
    CREATE TRIGGER see AFTER INSERT ON records FOR EACH STATEMENT EXECUTE FUNCTION see()";

fn record(n: usize, value: i64) -> Record {
    let fields = json!({"n": value, "text": "é\\\t\n\"\u{1}", "list": [1, {"a": null}]});
    let record = Record::new(format!("r{n:05}\\é"), fields).unwrap();
    let time = |day: usize| format!("2013-01-{:02}T00:00:00.000001Z", 1 + day % 28).parse();
    let created_at = (!n.is_multiple_of(3)).then(|| time(n).unwrap());
    record.with_times(created_at, Some(time(n + 1).unwrap()))
}

fn puts(from: usize, value: i64) -> Vec<Write> {
    (from..from + RECORDS)
        .map(|n| Op::Put(record(n, value).into()).into())
        .collect()
}

async fn statements(scratch: &Scratch) -> Vec<String> {
    let seen = scratch.ask("SELECT statement FROM seen").await;
    scratch.run("DELETE FROM seen").await;
    seen
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn new_records_are_copied() {
    for pooled in [false, true] {
        let (db, scratch) = if pooled {
            open_pooled().await
        } else {
            open().await
        };
        scratch.run(WITNESS).await;
        let written = db.write(puts(0, 1)).await.unwrap();
        assert_eq!(statements(&scratch).await, ["COPY"]);
        let ids: Vec<String> = (0..RECORDS)
            .map(|n| record(n, 1).id().to_string())
            .collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let read = db.read_many(&ids).await.unwrap();
        for ((n, stored), written) in read.into_iter().enumerate().zip(written) {
            let (stored, sent) = (stored.unwrap(), record(n, 1));
            assert_eq!(
                (stored.created_at(), stored.updated_at()),
                (sent.created_at(), sent.updated_at())
            );
            let fields: serde_json::Value = serde_json::from_str(stored.fields()).unwrap();
            assert_eq!(
                fields,
                serde_json::from_str::<serde_json::Value>(sent.fields()).unwrap()
            );
            let Written::Created(version) = written else {
                panic!("{written:?}")
            };
            assert_eq!(stored.version(), Some(version));
        }
        // What is there already is no copy's, and neither is the batch after it.
        let half = db.write(puts(RECORDS / 2, 2)).await.unwrap();
        let updated = |written: &&Written| matches!(written, Written::Updated(_));
        assert_eq!(half.iter().filter(updated).count(), RECORDS - RECORDS / 2);
        assert_eq!(statements(&scratch).await, ["INSERT"]);
        db.write(puts(10 * RECORDS, 3)).await.unwrap();
        assert_eq!(statements(&scratch).await, ["INSERT"]);
        // Nothing was there: the table grows again.
        let creates = (20 * RECORDS..21 * RECORDS).map(|n| Op::Create(record(n, 4).into()).into());
        let created = db.write(creates.collect()).await.unwrap();
        assert!(
            created
                .iter()
                .all(|written| matches!(written, Written::Created(_)))
        );
        assert_eq!(statements(&scratch).await, ["COPY"]);
        let all = 3 * RECORDS + RECORDS / 2;
        assert_eq!(db.count(&Query::all()).await.unwrap(), all as u64);
    }
}

/// A copy that is refused leaves nothing of itself, and the same batch is done all the same.
#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn a_copy_that_meets_a_record_is_written_another_way() {
    let (db, scratch) = open().await;
    db.create(record(RECORDS - 1, 7)).await.unwrap();
    let creates = (0..RECORDS).map(|n| Op::Create(record(n, 1).into()).into());
    let written = db.write(creates.collect()).await.unwrap();
    assert!(matches!(written[RECORDS - 1], Written::Exists));
    let created = |written: &&Written| matches!(written, Written::Created(_));
    assert_eq!(written.iter().filter(created).count(), RECORDS - 1);
    let values = "SELECT DISTINCT data->>'n' FROM records ORDER BY 1";
    assert_eq!(scratch.ask(values).await, ["1", "7"]);
    // A trigger that keeps rows out: the copy is not what was asked for.
    let quiet = "CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$; \
                 CREATE TABLE other (LIKE records INCLUDING ALL); \
                 CREATE TRIGGER skip BEFORE INSERT ON other FOR EACH ROW WHEN (NEW.id LIKE '%7\\\\é') EXECUTE FUNCTION skip()";
    scratch.run(quiet).await;
    let other = db.table("other", None).await.unwrap();
    let written = other.write(puts(0, 1)).await.unwrap();
    let missing = written.len() - written.iter().filter(created).count();
    assert_eq!(missing, RECORDS / 10);
}
