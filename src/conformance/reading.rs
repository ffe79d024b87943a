//! Reads by id.

use super::ground::{fields, numbered, upsert, write};
use crate::{Database, Query};

/// An id that is not there is `None`, alone and among others.
pub async fn missing_is_none(db: &dyn Database) {
    assert!(db.read("nobody").await.expect("a read").is_none());
    write(db, vec![upsert(numbered("somebody", 1))]).await;
    assert!(db.read("nobody").await.expect("a read").is_none());
    let both = db.read_many(&["nobody", "somebody"]).await.expect("reads");
    assert!(both[0].is_none() && both[1].is_some());
}

/// A read takes any text; an id that could not be written is simply absent.
pub async fn any_text_may_be_asked_for(db: &dyn Database) {
    write(db, vec![upsert(numbered("a", 1))]).await;
    let long = "x".repeat(10_000);
    let odd = [
        "",
        " ",
        "\0",
        "a\0",
        "a\n",
        "\u{7f}",
        "../a",
        "./a",
        "a ",
        "A",
        "%",
        "_",
        "'",
        "\"",
        "\\",
        "a'; drop table records; --",
        "\u{fffd}",
        "\u{10ffff}",
        &long,
    ];
    for id in odd {
        assert!(db.read(id).await.expect("a read").is_none(), "{id:?}");
    }
    let all = db.read_many(&odd).await.expect("reads");
    assert_eq!(all.len(), odd.len());
    assert!(all.iter().all(Option::is_none));
}

/// The n-th answer of a batch belongs to the n-th id, repeated ids too.
pub async fn reads_keep_order_and_repeats(db: &dyn Database) {
    for n in 0..5 {
        write(db, vec![upsert(numbered(&format!("r{n}"), n))]).await;
    }
    let asked = ["r3", "r0", "none", "r3", "r4", "r0"];
    let answers = db.read_many(&asked).await.expect("reads");
    let names = answers
        .iter()
        .map(|answer| answer.as_ref().map(|record| record.id().as_str()));
    let expected = asked.map(|id| (id != "none").then_some(id));
    assert!(names.eq(expected));
}

/// A batch of no ids is answered by nothing.
pub async fn reading_nothing_is_nothing(db: &dyn Database) {
    assert!(db.read_many(&[]).await.expect("reads").is_empty());
}

/// A batch has no limit of its own: more ids than any protocol takes as arguments.
pub async fn reads_of_many_ids(db: &dyn Database) {
    write(
        db,
        vec![
            upsert(numbered("id-7", 7)),
            upsert(numbered("id-69999", 69_999)),
        ],
    )
    .await;
    let ids: Vec<String> = (0..70_000).map(|n| format!("id-{n}")).collect();
    let asked: Vec<&str> = ids.iter().map(String::as_str).collect();
    let answers = db.read_many(&asked).await.expect("reads");
    let present = answers
        .iter()
        .enumerate()
        .filter(|(_, answer)| answer.is_some());
    assert_eq!(answers.len(), 70_000);
    assert!(present.map(|(place, _)| place).eq([7, 69_999]));
}

/// What a write that returned has written is what every later read and search sees.
pub async fn writes_are_seen_at_once(db: &dyn Database) {
    for n in 0..20 {
        write(db, vec![upsert(numbered("same", n))]).await;
        assert_eq!(fields(db, "same").await, format!(r#"{{"n":{n}}}"#));
        let query = super::ground::matching(&format!("n = {n}"));
        assert_eq!(db.count(&query).await.expect("a count"), 1);
    }
    assert_eq!(db.count(&Query::all()).await.expect("a count"), 1);
}
