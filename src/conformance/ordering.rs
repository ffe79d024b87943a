//! Order, limit, offset and projection.

use serde_json::{Value, json};

use super::ground::{
    fill, found, ids, ids_in_any_order, matching, numbered, read, record, upsert, write,
};
use crate::{Database, Order, Query};

/// The records of a sort test, in ascending order; `=` groups are ties.
const MIXED: &[(&str, &str)] = &[
    ("k-missing", r#"{}"#),
    ("l-null", r#"{"v":null}"#),
    ("j-false", r#"{"v":false}"#),
    ("i-true", r#"{"v":true}"#),
    ("h-minus", r#"{"v":-1e300}"#),
    ("f-one", r#"{"v":1.0}"#),
    ("g-one", r#"{"v":1}"#),
    ("e-big", r#"{"v":9007199254740993}"#),
    ("d-empty", r#"{"v":""}"#),
    ("c-upper", r#"{"v":"Z"}"#),
    ("b-lower", r#"{"v":"a"}"#),
    ("a-accent", r#"{"v":"é"}"#),
    ("m-array", r#"{"v":[9]}"#),
    ("n-array", r#"{"v":[1]}"#),
    ("o-object", r#"{"v":{"a":9}}"#),
    ("p-object", r#"{"v":{"a":1}}"#),
];

fn sorted(by: &str, order: Order) -> Query {
    Query::all().sort(by, order).expect("a path")
}

/// Null first, then false, true, numbers, strings, arrays, objects; descending is the reverse; ties by id ascending.
pub async fn sort_orders_all_types(db: &dyn Database) {
    let mut shuffled = MIXED.to_vec();
    shuffled.rotate_left(7);
    shuffled.swap(1, 9);
    fill(db, &shuffled).await;
    let ascending: Vec<&str> = MIXED.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids(db, sorted("v", Order::Asc)).await, ascending);
    let descending = [
        "o-object",
        "p-object",
        "m-array",
        "n-array",
        "a-accent",
        "b-lower",
        "c-upper",
        "d-empty",
        "e-big",
        "f-one",
        "g-one",
        "h-minus",
        "i-true",
        "j-false",
        "k-missing",
        "l-null",
    ];
    assert_eq!(ids(db, sorted("v", Order::Desc)).await, descending);
    for limit in [0, 1, 5, 16, 99_usize] {
        let top = ids(db, sorted("v", Order::Desc).limit(limit as u64)).await;
        assert_eq!(top, descending[..descending.len().min(limit)]);
    }
}

/// Several keys sort one after the other, each its own way.
pub async fn sort_by_several_keys(db: &dyn Database) {
    let records = [
        ("a", r#"{"x":1,"y":{"z":"p"}}"#),
        ("b", r#"{"x":2,"y":{"z":"q"}}"#),
        ("c", r#"{"x":1,"y":{"z":"q"}}"#),
        ("d", r#"{"x":2,"y":{"z":"p"}}"#),
        ("e", r#"{"x":1,"y":{"z":"q"}}"#),
    ];
    fill(db, &records).await;
    let by = |x, y| sorted("x", x).sort("y.z", y).expect("a path");
    assert_eq!(
        ids(db, by(Order::Asc, Order::Asc)).await,
        ["a", "c", "e", "d", "b"]
    );
    assert_eq!(
        ids(db, by(Order::Desc, Order::Asc)).await,
        ["d", "b", "a", "c", "e"]
    );
    assert_eq!(
        ids(db, by(Order::Asc, Order::Desc)).await,
        ["c", "e", "a", "b", "d"]
    );
    let by_id = sorted("id", Order::Desc);
    assert_eq!(ids(db, by_id).await, ["e", "d", "c", "b", "a"]);
    let newest = sorted("@created_at", Order::Desc).sort("id", Order::Desc);
    assert_eq!(ids(db, newest.expect("a path")).await.len(), 5);
}

/// Limit and offset cut the sorted answer; neither goes past its end.
pub async fn limit_and_offset_cut_the_order(db: &dyn Database) {
    let batch = (0..50).map(|n| upsert(numbered(&format!("r{n:02}"), 49 - n)));
    write(db, batch.collect()).await;
    let all = ids(db, sorted("n", Order::Asc)).await;
    assert_eq!((all[0].as_str(), all[49].as_str()), ("r49", "r00"));
    for (offset, limit) in [
        (0_usize, 10),
        (10, 10),
        (45, 10),
        (50, 10),
        (99, 10),
        (49, 0),
        (3, 1_usize),
    ] {
        let query = sorted("n", Order::Asc);
        let query = query.offset(offset as u64).limit(limit as u64);
        let (from, to) = (offset.min(50), (offset + limit).min(50));
        assert_eq!(ids(db, query).await, all[from..to]);
    }
    assert_eq!(ids(db, sorted("n", Order::Asc).offset(47)).await, all[47..]);
    let huge = sorted("n", Order::Asc).offset(u64::MAX).limit(u64::MAX);
    assert!(ids(db, huge).await.is_empty());
    assert_eq!(ids(db, sorted("n", Order::Asc).limit(u64::MAX)).await, all);
}

/// Without a sort an offset orders by id, and a limit alone takes any that match.
pub async fn unsorted_cuts(db: &dyn Database) {
    let batch = (0..50).map(|n| upsert(numbered(&format!("r{n:02}"), n % 5)));
    write(db, batch.collect()).await;
    let matches = || matching("n = 3");
    let expected: Vec<String> = (0..10).map(|n| format!("r{:02}", n * 5 + 3)).collect();
    assert_eq!(ids_in_any_order(db, matches()).await, expected);
    assert_eq!(ids(db, matches().offset(4)).await, expected[4..]);
    assert_eq!(ids(db, matches().offset(4).limit(3)).await, expected[4..7]);
    let any = ids_in_any_order(db, matches().limit(4)).await;
    assert_eq!(any.len(), 4);
    assert!(any.iter().all(|id| expected.contains(id)), "{any:?}");
    assert!(any.windows(2).all(|pair| pair[0] != pair[1]), "{any:?}");
    assert!(ids(db, matches().limit(0)).await.is_empty());
}

/// A projection keeps only the named branches of the fields; id, metadata and times always come.
pub async fn projection_keeps_branches(db: &dyn Database) {
    let fields = r#"{"a":1,"b":{"c":{"d":2,"e":3},"f":4},"g":[{"h":5}],"x.y":6}"#;
    let full = record("r", fields).with_metadata_json(r#"{"m":1}"#);
    write(db, vec![upsert(full.expect("metadata"))]).await;
    let stored = read(db, "r").await;
    let cases = [
        (vec!["a"], json!({"a": 1})),
        (vec!["b.c.d"], json!({"b": {"c": {"d": 2}}})),
        (vec!["b.c.d", "b.f"], json!({"b": {"c": {"d": 2}, "f": 4}})),
        (
            vec!["b", "b.c.d"],
            json!({"b": {"c": {"d": 2, "e": 3}, "f": 4}}),
        ),
        (vec!["g", r#""x.y""#], json!({"g": [{"h": 5}], "x.y": 6})),
        (vec!["nothing", "a.b", "g.h"], json!({})),
        (vec![], json!({})),
    ];
    for (paths, expected) in cases {
        let query = matching("b.f = 4")
            .fields(paths.iter().copied())
            .expect("paths");
        let record = found(db, query).await.remove(0);
        let fields: Value = record.parse().expect("fields");
        assert_eq!(fields, expected, "{paths:?}");
        assert_eq!(
            (record.id(), record.metadata()),
            (stored.id(), stored.metadata())
        );
        assert_eq!(record.created_at(), stored.created_at());
        let version = record.version();
        assert!(
            version.is_none() || version == stored.version(),
            "a version of something else"
        );
    }
}

/// A projection has no part in which records match, in which order.
pub async fn projection_comes_last(db: &dyn Database) {
    let batch = (0..20).map(|n| {
        upsert(record(
            &format!("r{n:02}"),
            &format!(r#"{{"n":{n},"m":{}}}"#, n % 2),
        ))
    });
    write(db, batch.collect()).await;
    let query = matching("m = 0").sort("n", Order::Desc).expect("a path");
    let query = query.offset(2).limit(2).fields(["m"]).expect("paths");
    assert_eq!(db.count(&query).await.expect("a count"), 2);
    let records = found(db, query).await;
    let ids: Vec<&str> = records.iter().map(|record| record.id().as_str()).collect();
    assert_eq!(ids, ["r14", "r12"]);
    assert!(records.iter().all(|record| record.fields() == r#"{"m":0}"#));
}

/// A count is the number of records that the same search returns, limit and offset included.
pub async fn count_is_what_search_returns(db: &dyn Database) {
    fill(db, MIXED).await;
    let sorted = || sorted("v", Order::Desc);
    let queries = [
        Query::all(),
        Query::all().limit(3),
        Query::all().limit(0),
        Query::all().offset(10),
        Query::all().offset(10).limit(3),
        Query::all().offset(99),
        matching("v exists"),
        matching("v > 0").limit(2),
        matching("v = 'nothing'"),
        sorted(),
        sorted().offset(3).limit(5),
        sorted().offset(15).limit(5),
    ];
    for query in queries {
        let count = db.count(&query).await.expect("a count");
        assert_eq!(
            ids(db, query.clone()).await.len() as u64,
            count,
            "{query:?}"
        );
    }
}
