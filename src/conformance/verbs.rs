//! The verbs of `DatabaseExt`.

use super::ground::{assert_fails, fields, numbered, outcome, read, size};
use crate::{Database, DatabaseExt, ErrorKind, Op};

/// `create` answers a version, and `Conflict` where the id is there.
pub async fn the_verb_create(db: &dyn Database) {
    let version = db.create(numbered("a", 1)).await.expect("a new record");
    assert_eq!(read(db, "a").await.version(), Some(version));
    let error = db
        .create(numbered("a", 2))
        .await
        .expect_err("an id that is there");
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.context().any(|pair| pair == ("id", "a")), "{error}");
    assert_eq!(fields(db, "a").await, r#"{"n":1}"#);
}

/// `update` answers `None` where there is no record; `upsert` needs none.
pub async fn the_verbs_update_and_upsert(db: &dyn Database) {
    assert_eq!(db.update(numbered("a", 1)).await.expect("an answer"), None);
    let first = db.upsert(numbered("a", 2)).await.expect("an upsert");
    let second = db.update(numbered("a", 3)).await.expect("an update");
    assert!(second.is_some() && second != Some(first));
    let third = db.upsert(numbered("a", 4)).await.expect("an upsert");
    assert_eq!(read(db, "a").await.version(), Some(third));
    assert_eq!(fields(db, "a").await, r#"{"n":4}"#);
}

/// `delete` tells whether the record was there, `exists` whether it is.
pub async fn the_verbs_delete_and_exists(db: &dyn Database) {
    assert!(!db.exists("a").await.expect("an answer"));
    assert!(!db.delete("a").await.expect("an answer"));
    db.create(numbered("a", 1)).await.expect("a new record");
    assert!(db.exists("a").await.expect("an answer"));
    assert!(db.delete("a").await.expect("an answer"));
    assert!(!db.exists("a").await.expect("an answer"));
    for odd in ["", "a\0", "a\n", "' or 1=1 --", &"x".repeat(10_000)] {
        assert!(!db.exists(odd).await.expect("an answer"), "{odd:?}");
    }
}

/// The batch verbs answer for each record, and count.
pub async fn the_verbs_of_batches(db: &dyn Database) {
    db.create(numbered("a", 0)).await.expect("a new record");
    let records = vec![numbered("a", 1), numbered("b", 1), numbered("b", 2)];
    let written = db.upsert_many(records).await.expect("a batch");
    let outcomes: Vec<_> = written.iter().map(outcome).collect();
    assert_eq!(outcomes, ["updated", "created", "updated"]);
    assert_eq!(fields(db, "b").await, r#"{"n":2}"#);
    assert_eq!(
        db.delete_many(&["a", "nobody", "b", "a"])
            .await
            .expect("a batch"),
        2
    );
    assert_eq!(db.delete_many(&[]).await.expect("a batch"), 0);
    assert_eq!(size(db).await, 0);
}

/// `write_if` writes what has not changed, and answers `Conflict` to the rest.
pub async fn the_verb_write_if(db: &dyn Database) {
    if !db.capabilities().conditional_writes {
        return;
    }
    let change = |n| Op::Update(numbered("a", n).into());
    let first = db.create(numbered("a", 0)).await.expect("a new record");
    db.write_if(change(1), first.clone())
        .await
        .expect("the current version");
    assert_fails(
        db.write_if(change(2), first.clone()).await,
        ErrorKind::Conflict,
    );
    assert_eq!(fields(db, "a").await, r#"{"n":1}"#);
    let current = read(db, "a").await.version().expect("a version");
    let delete = Op::Delete(numbered("a", 0).id().clone());
    db.write_if(delete, current)
        .await
        .expect("the current version");
    assert_fails(db.write_if(change(3), first).await, ErrorKind::Conflict);
    assert_eq!(size(db).await, 0);
}
