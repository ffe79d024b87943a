//! Order, offset, limit and projection.

use std::sync::Arc;

use jiff::Timestamp;

use crate::{Filter, Order, Path, Query, Record, Sort};

/// Records whose ids tell the rank of their `v`.
fn records() -> Vec<Arc<Record>> {
    let values = [
        ("7b", r#"{"v":[1]}"#),
        ("1a", r#"{"v":null}"#),
        ("6b", r#"{"v":"a"}"#),
        ("1b", "{}"),
        ("2", r#"{"v":false}"#),
        ("5", r#"{"v":1e400}"#),
        ("8", r#"{"v":{"a":1}}"#),
        ("4b", r#"{"v":1.0}"#),
        ("4a", r#"{"v":1}"#),
        ("3b", r#"{"v":-0.5}"#),
        ("3a", r#"{"v":true}"#),
        ("6a", r#"{"v":"Z"}"#),
        ("7a", r#"{"v":[2]}"#),
    ];
    let stored = |(id, fields): (&str, &str)| {
        let id = crate::RecordId::new(id).unwrap();
        // As stored by somebody else: one number is beyond what we would write.
        Arc::new(Record::stored(
            id,
            fields.into(),
            None,
            crate::record::Stamp::None,
        ))
    };
    values.map(stored).to_vec()
}

fn answer(query: &Query) -> String {
    let prepared = query.prepare(Timestamp::UNIX_EPOCH).unwrap();
    let found = prepared.collect(records());
    let ids: Vec<&str> = found.iter().map(|record| record.id().as_str()).collect();
    ids.join(" ")
}

fn by_v(order: Order) -> Query {
    Query {
        sort: vec![Sort {
            path: Path::field(["v"]),
            order,
        }],
        ..Query::default()
    }
}

const ASCENDING: &str = "1a 1b 2 3a 3b 4a 4b 5 6a 6b 7a 7b 8";
const DESCENDING: &str = "8 7a 7b 6b 6a 5 4a 4b 3b 3a 2 1a 1b";

#[test]
fn the_order_of_all_values_with_ties_by_id() {
    assert_eq!(answer(&by_v(Order::Asc)), ASCENDING);
    assert_eq!(answer(&by_v(Order::Desc)), DESCENDING);
}

#[test]
fn every_offset_and_limit_is_a_window_of_the_whole() {
    for (order, whole) in [(Order::Asc, ASCENDING), (Order::Desc, DESCENDING)] {
        let whole: Vec<&str> = whole.split(' ').collect();
        for offset in 0..15 {
            for limit in 0..15 {
                let query = by_v(order).offset(offset as u64).limit(limit as u64);
                let window: Vec<&str> = whole.iter().skip(offset).take(limit).copied().collect();
                assert_eq!(answer(&query), window.join(" "));
            }
            let window: Vec<&str> = whole.iter().skip(offset).copied().collect();
            assert_eq!(answer(&by_v(order).offset(offset as u64)), window.join(" "));
        }
    }
    assert_eq!(
        answer(&by_v(Order::Asc).offset(u64::MAX).limit(u64::MAX)),
        ""
    );
}

#[test]
fn an_offset_alone_orders_by_id() {
    assert_eq!(answer(&Query::all().offset(10)), "7a 7b 8");
    let any = Query::all().limit(3);
    assert_eq!(answer(&any).split(' ').count(), 3);
}

#[test]
fn a_count_is_what_a_search_returns() {
    let prepared = |query: Query| query.prepare(Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!(prepared(Query::all()).count_of(7), 7);
    assert_eq!(prepared(Query::all().limit(0)).count_of(7), 0);
    assert_eq!(prepared(Query::all().offset(5)).count_of(7), 2);
    assert_eq!(prepared(Query::all().offset(9).limit(3)).count_of(7), 0);
    assert_eq!(prepared(Query::all().offset(5).limit(1)).count_of(7), 1);
}

#[test]
fn a_projection_keeps_branches_id_metadata_times_and_version() {
    let record = Record::from_json(
        "r",
        r#"{ "a" : { "b" : [1, 2] , "c":2 }, "x\u0079":"\n", "z":{"q":1}, "n":3 }"#,
    )
    .unwrap()
    .with_metadata_json(r#"{"m":1}"#)
    .unwrap()
    .with_times(Some(Timestamp::UNIX_EPOCH), None)
    .restamped(crate::record::Stamp::Hash(
        crate::record::HashLayout::Archive,
    ));
    let record = Arc::new(record);
    let project = |paths: &[Path]| {
        let query = Query {
            fields: Some(paths.to_vec()),
            ..Query::from(Filter::ALL)
        };
        let prepared = query.prepare(Timestamp::UNIX_EPOCH).unwrap();
        let projected = prepared.project(Arc::clone(&record));
        assert_eq!(projected.metadata(), record.metadata());
        assert_eq!(projected.created_at(), record.created_at());
        assert_eq!(projected.version(), record.version());
        projected.fields().to_owned()
    };
    assert_eq!(project(&[Path::field(["a", "b"])]), r#"{"a":{"b":[1, 2]}}"#);
    assert_eq!(
        project(&[
            Path::field(["n"]),
            Path::field(["a", "c"]),
            Path::field(["a", "b"])
        ]),
        r#"{"a":{"b":[1, 2],"c":2},"n":3}"#
    );
    assert_eq!(
        project(&[Path::field(["a", "b"]), Path::field(["a"])]),
        r#"{"a":{ "b" : [1, 2] , "c":2 }}"#
    );
    assert_eq!(project(&[Path::field(["xy"])]), r#"{"x\u0079":"\n"}"#);
    assert_eq!(
        project(&[Path::field(["z", "nope"]), Path::field(["n", "x"])]),
        "{}"
    );
    assert_eq!(
        project(&[Path::metadata(["m"]), Path::of(crate::Root::Id)]),
        "{}"
    );
    assert_eq!(project(&[]), "{}");
    let all = Query::all().prepare(Timestamp::UNIX_EPOCH).unwrap();
    assert!(Arc::ptr_eq(&all.project(Arc::clone(&record)), &record));
}
