//! The five operations, and batches of them.

use super::ground::{
    assert_fails, create, delete, fields, numbered, put, read, record, size, update, upsert,
    version, write,
};
use crate::{Database, DatabaseExt, ErrorKind, Record};

/// A create of an id that is there answers `Exists` and leaves the record alone.
pub async fn create_refuses_what_exists(db: &dyn Database) {
    assert_eq!(write(db, vec![create(numbered("a", 1))]).await, ["created"]);
    let before = read(db, "a").await;
    assert_eq!(write(db, vec![create(numbered("a", 2))]).await, ["exists"]);
    let after = read(db, "a").await;
    assert!(after.same_content(&before) && after.version() == before.version());
}

/// An update of an id that is not there answers `Missing` and writes nothing.
pub async fn update_needs_a_record(db: &dyn Database) {
    assert_eq!(write(db, vec![update(numbered("a", 1))]).await, ["missing"]);
    assert!(db.read("a").await.expect("a read").is_none());
    write(db, vec![create(numbered("a", 1))]).await;
    assert_eq!(write(db, vec![update(numbered("a", 2))]).await, ["updated"]);
    assert_eq!(fields(db, "a").await, r#"{"n":2}"#);
}

/// An upsert creates, then replaces.
pub async fn upsert_writes_either_way(db: &dyn Database) {
    assert_eq!(write(db, vec![upsert(numbered("a", 1))]).await, ["created"]);
    assert_eq!(write(db, vec![upsert(numbered("a", 2))]).await, ["updated"]);
    assert_eq!(fields(db, "a").await, r#"{"n":2}"#);
    assert_eq!(size(db).await, 1);
}

/// A put creates, then replaces.
pub async fn put_writes_either_way(db: &dyn Database) {
    assert_eq!(write(db, vec![put(numbered("a", 1))]).await, ["created"]);
    assert_eq!(write(db, vec![put(numbered("a", 2))]).await, ["updated"]);
    assert_eq!(fields(db, "a").await, r#"{"n":2}"#);
    assert_eq!(size(db).await, 1);
}

/// A delete removes the record and answers `Missing` from then on; the id can be created again.
pub async fn delete_removes(db: &dyn Database) {
    assert_eq!(write(db, vec![delete("a")]).await, ["missing"]);
    write(db, vec![create(numbered("a", 1)), create(numbered("b", 1))]).await;
    assert_eq!(write(db, vec![delete("a")]).await, ["deleted"]);
    assert!(db.read("a").await.expect("a read").is_none());
    assert_eq!(size(db).await, 1);
    assert_eq!(write(db, vec![delete("a")]).await, ["missing"]);
    assert_eq!(write(db, vec![create(numbered("a", 2))]).await, ["created"]);
    assert_eq!(fields(db, "a").await, r#"{"n":2}"#);
}

/// A write replaces the whole record: fields and metadata that the new one has not are gone.
pub async fn a_write_replaces_the_whole(db: &dyn Database) {
    let full = || {
        let record = record("a", r#"{"old":1,"kept":1}"#);
        record.with_metadata_json(r#"{"m":1}"#).expect("metadata")
    };
    for replace in [update, upsert, put] {
        write(db, vec![upsert(full())]).await;
        assert_eq!(read(db, "a").await.metadata(), Some(r#"{"m":1}"#));
        write(db, vec![replace(record("a", r#"{"kept":2}"#))]).await;
        let now = read(db, "a").await;
        assert_eq!(now.fields(), r#"{"kept":2}"#);
        assert_eq!(now.metadata(), None);
    }
}

/// Every write brings a version that the record then has, and that it had never before.
pub async fn every_write_brings_a_new_version(db: &dyn Database) {
    let mut seen = Vec::new();
    let same = || numbered("a", 1);
    for next in [
        create(same()),
        upsert(same()),
        update(same()),
        upsert(same()),
    ] {
        let written = db.write(vec![next]).await.expect("a write");
        let version = version(&written[0]);
        assert_eq!(read(db, "a").await.version(), Some(version.clone()));
        assert!(!seen.contains(&version), "{version} came twice");
        seen.push(version);
    }
}

/// A version stays what it is as long as nobody writes the record.
pub async fn reads_and_other_writes_keep_the_version(db: &dyn Database) {
    let written = db
        .write(vec![create(numbered("a", 1))])
        .await
        .expect("a write");
    for n in 0..3 {
        write(db, vec![upsert(numbered("b", n)), create(numbered("a", n))]).await;
        assert_eq!(read(db, "a").await.version(), Some(version(&written[0])));
    }
    let text = version(&written[0]).to_string();
    assert_eq!(text.parse().ok(), Some(version(&written[0])));
}

/// The outcomes of a batch stand in the order of its writes, and one does not undo another.
pub async fn outcomes_keep_the_order(db: &dyn Database) {
    write(db, vec![create(numbered("there", 0))]).await;
    let batch = vec![
        delete("nobody"),
        create(numbered("new", 1)),
        create(numbered("there", 1)),
        update(numbered("nobody", 1)),
        update(numbered("there", 2)),
        upsert(numbered("newer", 3)),
        put(numbered("there", 4)),
        delete("new"),
    ];
    let outcomes = write(db, batch).await;
    let expected = [
        "missing", "created", "exists", "missing", "updated", "created", "updated", "deleted",
    ];
    assert_eq!(outcomes, expected);
    assert_eq!(fields(db, "there").await, r#"{"n":4}"#);
    assert_eq!(size(db).await, 2);
}

/// An id that stands several times in a batch is written in order: each write sees the one before.
pub async fn repeated_ids_are_written_in_order(db: &dyn Database) {
    let batch = vec![
        update(numbered("a", 0)),
        create(numbered("a", 1)),
        create(numbered("a", 2)),
        upsert(numbered("b", 1)),
        update(numbered("a", 3)),
        delete("a"),
        delete("a"),
        upsert(numbered("b", 2)),
        upsert(numbered("a", 4)),
        delete("b"),
    ];
    let expected = [
        "missing", "created", "exists", "created", "updated", "deleted", "missing", "updated",
        "created", "deleted",
    ];
    assert_eq!(write(db, batch).await, expected);
    assert_eq!(fields(db, "a").await, r#"{"n":4}"#);
    assert_eq!(size(db).await, 1);
}

/// A batch of no writes is answered by nothing.
pub async fn writing_nothing_is_nothing(db: &dyn Database) {
    assert!(db.write(Vec::new()).await.expect("a batch").is_empty());
    assert_eq!(size(db).await, 0);
}

/// A batch has no limit of its own: more records than any protocol takes as arguments.
pub async fn writes_of_many_records(db: &dyn Database) {
    let batch = (0..12_000).map(|n| upsert(numbered(&format!("id-{n}"), n)));
    let outcomes = write(db, batch.collect()).await;
    assert_eq!(outcomes, vec!["created"; 12_000]);
    assert_eq!(size(db).await, 12_000);
    let batch = (6_000..18_000).map(|n| upsert(numbered(&format!("id-{n}"), n + 1)));
    let outcomes = write(db, batch.collect()).await;
    assert!(
        outcomes[..6_000]
            .iter()
            .all(|outcome| *outcome == "updated")
    );
    assert!(
        outcomes[6_000..]
            .iter()
            .all(|outcome| *outcome == "created")
    );
    assert_eq!(fields(db, "id-11999").await, r#"{"n":12000}"#);
    let batch = (0..18_000).map(|n| delete(&format!("id-{n}")));
    assert_eq!(write(db, batch.collect()).await, vec!["deleted"; 18_000]);
    assert_eq!(size(db).await, 0);
}

/// Every id that may be written is kept as it is: none is folded, trimmed, normalized or taken for a path.
pub async fn every_valid_id_is_kept(db: &dyn Database) {
    let long = "x".repeat(512);
    let odd = [
        "a",
        "A",
        "a ",
        " a",
        "a/b",
        "a//b",
        "/a",
        "../a",
        ".",
        "..",
        "a.json",
        "a\\b",
        "%",
        "_",
        "%41",
        "'",
        "''",
        "\"",
        "`",
        "--",
        ";",
        "$1",
        "?",
        "NULL",
        "null",
        "0",
        "00",
        "1",
        "1.0",
        "-1",
        "é",
        "e\u{301}",
        "ß",
        "ẞ",
        "日本",
        "😀",
        "\u{feff}x",
        "\u{202e}x",
        "\u{10ffff}",
        &long,
    ];
    for id in odd {
        assert_eq!(
            write(db, vec![create(numbered(id, 1))]).await,
            ["created"],
            "{id:?}"
        );
    }
    assert_eq!(size(db).await, odd.len() as u64);
    let answers = db.read_many(&odd).await.expect("reads");
    for (id, answer) in odd.iter().zip(answers) {
        assert_eq!(
            answer.as_ref().map(|record| record.id().as_str()),
            Some(*id)
        );
    }
    let mut sorted: Vec<&str> = odd.to_vec();
    sorted.sort_unstable();
    let query = crate::Query::all()
        .sort("id", crate::Order::Asc)
        .expect("a path");
    assert_eq!(super::ground::ids(db, query).await, sorted);
    assert_eq!(
        db.delete_many(&odd).await.expect("deletes"),
        odd.len() as u64
    );
}

/// An id that may not be written is `Invalid`, and nothing of its batch is written.
pub async fn invalid_ids_are_refused(db: &dyn Database) {
    write(db, vec![create(numbered("a", 1))]).await;
    let long = "x".repeat(513);
    for id in ["", "\0", "a\0b", "a\nb", "\u{7f}", "\u{85}", &long] {
        assert_fails(Record::new(id, serde_json::json!({})), ErrorKind::Invalid);
        assert_fails(db.delete(id).await, ErrorKind::Invalid);
        assert_fails(db.delete_many(&["a", id]).await, ErrorKind::Invalid);
    }
    assert_eq!(fields(db, "a").await, r#"{"n":1}"#);
}
