//! Writes that expect a version.

use futures::future::join_all;

use super::ground::{
    assert_fails, create, delete, every_write, fields, numbered, outcome, read, update, upsert,
    version, write,
};
use crate::{Database, DatabaseExt, ErrorKind, Op, Version, Written};

fn any_version() -> Version {
    "other:1".parse().expect("a version")
}

/// Without the capability a write that expects a version answers `Unsupported`, and nothing is written.
pub async fn conditional_writes_work_or_are_unsupported(db: &dyn Database) {
    write(db, vec![create(numbered("a", 1))]).await;
    let expect = read(db, "a").await.version().unwrap_or_else(any_version);
    let answer = db
        .write(vec![update(numbered("a", 2)).expecting(expect)])
        .await;
    if db.capabilities().conditional_writes {
        assert_eq!(outcome(&answer.expect("a write")[0]), "updated");
        assert_eq!(fields(db, "a").await, r#"{"n":2}"#);
        return;
    }
    match answer.map(|mut written| written.remove(0)) {
        Ok(Written::Failed(error)) | Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}");
        }
        Ok(other) => panic!("expected `Unsupported`, got {other:?}"),
    }
    assert_eq!(fields(db, "a").await, r#"{"n":1}"#);
}

/// The version of a read or of a write lets exactly the next write through.
pub async fn the_current_version_is_let_through(db: &dyn Database) {
    if !db.capabilities().conditional_writes {
        return;
    }
    let written = db
        .write(vec![create(numbered("a", 0))])
        .await
        .expect("a write");
    let mut expect = version(&written[0]);
    for (n, next) in every_write(|| numbered("a", 9)).into_iter().enumerate() {
        let written = db
            .write(vec![next.expecting(expect)])
            .await
            .expect("a write");
        if n == 3 {
            assert_eq!(outcome(&written[0]), "deleted");
            return;
        }
        assert_eq!(outcome(&written[0]), "updated");
        expect = version(&written[0]);
        assert_eq!(read(db, "a").await.version(), Some(expect.clone()));
    }
}

/// An older version answers `Changed`, and nothing is written.
pub async fn an_old_version_is_changed(db: &dyn Database) {
    if !db.capabilities().conditional_writes {
        return;
    }
    let written = db
        .write(vec![create(numbered("a", 0))])
        .await
        .expect("a write");
    let old = version(&written[0]);
    write(db, vec![upsert(numbered("a", 1))]).await;
    let before = read(db, "a").await;
    for expect in [old, any_version(), "sqlite1:00".parse().expect("a version")] {
        for next in every_write(|| numbered("a", 9)) {
            assert_eq!(
                write(db, vec![next.expecting(expect.clone())]).await,
                ["changed"]
            );
        }
        let conditional = create(numbered("a", 9)).expecting(expect);
        assert_ne!(write(db, vec![conditional]).await, ["created"]);
    }
    let after = read(db, "a").await;
    assert!(after.same_content(&before) && after.version() == before.version());
}

/// A version of an id that is not there answers `Missing`, and nothing is written.
pub async fn a_version_of_a_missing_record_is_missing(db: &dyn Database) {
    if !db.capabilities().conditional_writes {
        return;
    }
    let written = db
        .write(vec![create(numbered("a", 0))])
        .await
        .expect("a write");
    let gone = version(&written[0]);
    write(db, vec![delete("a")]).await;
    for expect in [gone, any_version()] {
        for next in every_write(|| numbered("a", 9)) {
            assert_eq!(
                write(db, vec![next.expecting(expect.clone())]).await,
                ["missing"]
            );
        }
        let conditional = create(numbered("a", 9)).expecting(expect);
        assert_ne!(write(db, vec![conditional]).await, ["created"]);
        assert!(db.read("a").await.expect("a read").is_none());
    }
}

/// A record that was deleted and written anew has another version than before.
pub async fn a_recreated_record_has_another_version(db: &dyn Database) {
    if !db.capabilities().conditional_writes {
        return;
    }
    let written = db
        .write(vec![create(numbered("a", 0))])
        .await
        .expect("a write");
    let expect = version(&written[0]);
    write(db, vec![delete("a"), create(numbered("a", 1))]).await;
    let conditional = update(numbered("a", 2)).expecting(expect);
    assert_eq!(write(db, vec![conditional]).await, ["changed"]);
}

/// One write of a batch that comes too late undoes none of the others.
pub async fn a_changed_record_spoils_no_batch(db: &dyn Database) {
    if !db.capabilities().conditional_writes {
        return;
    }
    write(db, vec![create(numbered("a", 0)), create(numbered("b", 0))]).await;
    let current = read(db, "b").await.version().expect("a version");
    let batch = vec![
        upsert(numbered("c", 1)),
        update(numbered("a", 1)).expecting(any_version()),
        delete("d").expecting(any_version()),
        update(numbered("b", 1)).expecting(current.clone()),
        update(numbered("b", 2)).expecting(current),
    ];
    let expected = ["created", "changed", "missing", "updated", "changed"];
    assert_eq!(write(db, batch).await, expected);
    assert_eq!(fields(db, "a").await, r#"{"n":0}"#);
    assert_eq!(fields(db, "b").await, r#"{"n":1}"#);
}

/// Writers that read, add one and write on condition lose no addition.
pub async fn conditional_additions_all_count(db: &dyn Database) {
    if !db.capabilities().conditional_writes {
        return;
    }
    write(db, vec![create(numbered("sum", 0))]).await;
    let add = async || {
        for _ in 0..5 {
            loop {
                let record = read(db, "sum").await;
                let sum: std::collections::HashMap<String, u64> = record.parse().expect("a sum");
                let op = Op::Update(numbered("sum", sum["n"] + 1).into());
                match db.write_if(op, record.version().expect("a version")).await {
                    Ok(_) => break,
                    Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}"),
                }
            }
        }
    };
    join_all((0..6).map(|_| add())).await;
    assert_eq!(fields(db, "sum").await, r#"{"n":30}"#);
    let stale = db
        .write_if(Op::Delete(numbered("sum", 0).id().clone()), any_version())
        .await;
    assert_fails(stale, ErrorKind::Conflict);
}
