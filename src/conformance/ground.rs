//! What the behaviours stand on: records to write, and answers to compare.

use std::sync::Arc;

use futures::TryStreamExt;

use crate::{Database, ErrorKind, Op, Query, Record, RecordId, Result, Version, Write, Written};

/// A record of JSON text.
pub(super) fn record(id: &str, fields: &str) -> Record {
    Record::from_json(id, fields).expect("a record that may be written")
}

/// A record with one number in it.
pub(super) fn numbered(id: &str, n: u64) -> Record {
    record(id, &format!(r#"{{"n":{n}}}"#))
}

pub(super) fn create(record: Record) -> Write {
    Op::Create(Arc::new(record)).into()
}

pub(super) fn update(record: Record) -> Write {
    Op::Update(Arc::new(record)).into()
}

pub(super) fn upsert(record: Record) -> Write {
    Op::Upsert(Arc::new(record)).into()
}

pub(super) fn put(record: Record) -> Write {
    Op::Put(Arc::new(record)).into()
}

pub(super) fn delete(id: &str) -> Write {
    Op::Delete(RecordId::new(id).expect("an id that may be written")).into()
}

/// Every way of writing `record`, a delete of its id last; for behaviours that all of them share.
pub(super) fn every_write(record: impl Fn() -> Record) -> [Write; 4] {
    let id = record().id().clone();
    [
        update(record()),
        upsert(record()),
        put(record()),
        delete(id.as_str()),
    ]
}

/// Writes a batch and names its outcomes.
pub(super) async fn write(db: &dyn Database, writes: Vec<Write>) -> Vec<&'static str> {
    let written = db.write(writes).await.expect("a batch that is written");
    written.iter().map(outcome).collect()
}

/// Writes records that are new, each from its id and its fields.
pub(super) async fn fill(db: &dyn Database, records: &[(&str, &str)]) {
    let writes = records
        .iter()
        .map(|(id, fields)| upsert(record(id, fields)));
    let outcomes = write(db, writes.collect()).await;
    assert!(
        outcomes.iter().all(|outcome| *outcome == "created"),
        "{outcomes:?}"
    );
}

/// The name of an outcome.
pub(super) fn outcome(written: &Written) -> &'static str {
    match written {
        Written::Created(_) => "created",
        Written::Updated(_) => "updated",
        Written::Deleted => "deleted",
        Written::Missing => "missing",
        Written::Exists => "exists",
        Written::Changed => "changed",
        Written::Failed(error) => panic!("a write failed: {error:?}"),
    }
}

/// The version that an outcome brings.
pub(super) fn version(written: &Written) -> Version {
    match written {
        Written::Created(version) | Written::Updated(version) => version.clone(),
        other => panic!("no version came with {other:?}"),
    }
}

/// Reads a record that must be there.
pub(super) async fn read(db: &dyn Database, id: &str) -> Arc<Record> {
    db.read(id)
        .await
        .expect("a read that succeeds")
        .unwrap_or_else(|| panic!("`{id}` is missing"))
}

/// The fields of a record that must be there.
pub(super) async fn fields(db: &dyn Database, id: &str) -> String {
    read(db, id).await.fields().to_owned()
}

/// The records of a search, in its order.
pub(super) async fn found(db: &dyn Database, query: Query) -> Vec<Arc<Record>> {
    let stream = db.search(query).await.expect("a search that begins");
    stream.try_collect().await.expect("a search that ends well")
}

/// The ids of a search, in its order.
pub(super) async fn ids(db: &dyn Database, query: Query) -> Vec<String> {
    let records = found(db, query).await;
    records
        .iter()
        .map(|record| record.id().to_string())
        .collect()
}

/// The ids of a search, sorted: for searches that promise no order.
pub(super) async fn ids_in_any_order(db: &dyn Database, query: Query) -> Vec<String> {
    let mut ids = ids(db, query).await;
    ids.sort_unstable();
    ids
}

/// How many records there are.
pub(super) async fn size(db: &dyn Database) -> u64 {
    db.count(&Query::all()).await.expect("a count")
}

/// The query that a text asks.
pub(super) fn matching(filter: &str) -> Query {
    Query::filter(filter).unwrap_or_else(|error| panic!("`{filter}`: {error}"))
}

/// That a call failed, and how.
#[track_caller]
pub(super) fn assert_fails<T>(result: Result<T>, kind: ErrorKind) {
    match result {
        Ok(_) => panic!("expected an error of the kind `{kind}`, got an answer"),
        Err(error) => assert_eq!(error.kind(), kind, "{error:?}"),
    }
}
