//! Searches and counts over both tiers at once.

use std::time::Duration;

use futures::TryStreamExt;
use jiff::Timestamp;
use serde_json::json;
use thermocline::{
    Database, DatabaseExt, ErrorKind, ManualClock, MemoryDatabase, Op, Order, Query, ReadSource,
    Record, TieredDatabase,
};

use super::Tiers;

over_all_tiers! {
    order_offset_and_limit_are_those_of_the_whole
    a_projection_need_not_hold_what_sorts
    the_source_of_every_hit_is_told
}

/// Twenty records, every third archived; `size` has ties.
async fn fill(tiers: &Tiers) {
    for number in 0..20_i64 {
        let id = format!("r{number:02}");
        let fields = json!({ "size": number % 7, "number": number, "long": "x".repeat(50) });
        tiers
            .router
            .upsert(Record::new(&id, fields).unwrap())
            .await
            .unwrap();
        if number % 3 == 0 {
            tiers.move_to_archive(&id).await;
        }
    }
}

async fn ids(database: &dyn Database, query: Query) -> Vec<String> {
    let found: Vec<_> = database
        .search(query)
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    found.iter().map(|record| record.id().to_string()).collect()
}

/// Everything in one database, to compare with.
async fn reference(tiers: &Tiers) -> MemoryDatabase {
    let whole = MemoryDatabase::new();
    for tier in [&tiers.primary, &tiers.archive] {
        let mut found = tier.search(Query::all()).await.unwrap();
        while let Some(record) = found.try_next().await.unwrap() {
            whole.write(vec![Op::Put(record).into()]).await.unwrap();
        }
    }
    whole
}

async fn order_offset_and_limit_are_those_of_the_whole(tiers: Tiers) {
    fill(&tiers).await;
    let whole = reference(&tiers).await;
    for order in [Order::Asc, Order::Desc] {
        for offset in [0, 1, 5, 19, 25] {
            for limit in [None, Some(0), Some(1), Some(6), Some(100)] {
                let by_size = Query::all().sort("size", order).unwrap();
                let by_both = by_size.clone().sort("number", Order::Desc).unwrap();
                for mut query in [by_size.clone(), by_both, Query::all()] {
                    query.offset = offset;
                    query.limit = limit;
                    let (mut ours, mut theirs) = (
                        ids(&tiers.router, query.clone()).await,
                        ids(&whole, query.clone()).await,
                    );
                    assert_eq!(
                        tiers.router.count(&query).await.unwrap(),
                        theirs.len() as u64
                    );
                    if query.sort.is_empty() && offset == 0 {
                        assert_eq!(ours.len(), theirs.len(), "{query:?}");
                        if limit.is_some_and(|limit| limit < 20) {
                            continue;
                        }
                        ours.sort();
                        theirs.sort();
                    }
                    assert_eq!(ours, theirs, "{query:?}");
                }
            }
        }
    }
}

async fn a_projection_need_not_hold_what_sorts(tiers: Tiers) {
    fill(&tiers).await;
    let by_size = Query::all().sort("size", Order::Asc).unwrap();
    let query = by_size.fields(["number"]).unwrap();
    let found: Vec<_> = tiers
        .router
        .search(query)
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    let numbers: Vec<_> = found.iter().map(|record| record.fields()).collect();
    assert_eq!(
        numbers[..4],
        [
            r#"{"number":0}"#,
            r#"{"number":7}"#,
            r#"{"number":14}"#,
            r#"{"number":1}"#
        ]
    );
}

async fn the_source_of_every_hit_is_told(tiers: Tiers) {
    fill(&tiers).await;
    let found: Vec<_> = tiers
        .router
        .search_with_source(Query::all())
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(found.len(), 20);
    for (record, source) in found {
        let archived = tiers.archive.exists(record.id().as_str()).await.unwrap();
        let expected = if archived {
            ReadSource::Archive
        } else {
            ReadSource::Primary
        };
        assert_eq!(source, expected, "{}", record.id());
    }
}

#[tokio::test]
async fn a_shadow_in_the_archive_is_no_hit_even_where_the_newer_record_is_none() {
    let tiers = Tiers::loose().await;
    fill(&tiers).await;
    let shadow = Record::new("r01", json!({ "size": 99 })).unwrap();
    tiers.archive.upsert(shadow).await.unwrap();
    let query = Query::filter("size = 99").unwrap();
    assert_eq!(tiers.router.count(&query).await.unwrap(), 0);
    assert!(ids(&tiers.router, query).await.is_empty());
}

async fn router_with_clock() -> (TieredDatabase, ManualClock) {
    let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
    let router = TieredDatabase::builder()
        .primary(MemoryDatabase::new())
        .clock(clock.clone())
        .search_max_age(Duration::from_secs(60))
        .build()
        .await
        .unwrap();
    for id in ["a", "b", "c"] {
        router
            .upsert(Record::new(id, json!({})).unwrap())
            .await
            .unwrap();
    }
    (router, clock)
}

#[tokio::test]
async fn a_search_that_is_read_for_too_long_says_so() {
    let (router, clock) = router_with_clock().await;
    let mut found = router.search(Query::all()).await.unwrap();
    assert!(found.try_next().await.unwrap().is_some());
    clock.advance(Duration::from_secs(59));
    assert!(found.try_next().await.unwrap().is_some());
    clock.advance(Duration::from_secs(1));
    let error = found.try_next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.is_retryable());
    assert!(
        found.try_next().await.unwrap().is_none(),
        "nothing comes after an error"
    );
}

#[tokio::test(start_paused = true)]
async fn a_search_that_nobody_reads_ends_all_the_same() {
    let (router, _clock) = router_with_clock().await;
    let mut found = router.search(Query::all()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(
        found.try_next().await.unwrap_err().kind(),
        ErrorKind::Unavailable
    );
}
