//! What goes over the wire: how many requests, and what happens when answers are lost.

use bytes::Bytes;
use thermocline::{BlobStore, ErrorKind};

use super::place::{Place, on_both};
use super::proxy::{Proxy, Trouble};
use crate::blob_contract::whole;

on_both! {
    every_call_is_one_request
    a_put_whose_answer_was_lost_is_known_as_our_own
    a_put_that_did_not_arrive_is_sent_again
    a_put_that_is_refused_for_another_object_is_a_conflict
    an_answer_that_breaks_off_is_asked_for_again
    an_answer_that_always_breaks_off_is_unavailable
}

const OBJECT: &str = "main/records/2013-10/a.parquet";

async fn every_call_is_one_request(place: Place) {
    let proxy = Proxy::before(&place.endpoint).await;
    let store = place.behind(&proxy).store().await;
    let requests = |expected: &[&str]| {
        let found: Vec<String> = proxy.requests();
        let short: Vec<String> = found
            .iter()
            .map(|line| {
                line.replace(&format!("/{}/", place.bucket), "")
                    .replace("?x-id=", " ")
            })
            .collect();
        assert_eq!(short, expected);
    };
    let key = "archive/of%20us/main/records/2013-10/a.parquet";

    store
        .put(OBJECT, Bytes::from(vec![7; 300_000]))
        .await
        .unwrap();
    requests(&[&format!("PUT {key} PutObject with a checksum")]);

    store.get_suffix(OBJECT, 1000).await.unwrap().unwrap();
    requests(&[&format!("GET {key} GetObject bytes=-1000")]);

    store
        .get_ranges(OBJECT, &[100..200])
        .await
        .unwrap()
        .unwrap();
    requests(&[&format!("GET {key} GetObject bytes=100-199")]);

    // What touches is fetched together.
    store
        .get_ranges(OBJECT, &[200..300, 100..200, 150..250])
        .await
        .unwrap()
        .unwrap();
    requests(&[&format!("GET {key} GetObject bytes=100-299")]);

    store.size(OBJECT).await.unwrap().unwrap();
    requests(&[&format!("HEAD {key}")]);

    store.get_suffix("main/none", 10).await.unwrap();
    requests(&["GET archive/of%20us/main/none GetObject bytes=-10"]);

    store.delete(OBJECT).await.unwrap();
    requests(&[&format!("DELETE {key} DeleteObject")]);
}

async fn a_put_whose_answer_was_lost_is_known_as_our_own(place: Place) {
    let proxy = Proxy::before(&place.endpoint).await;
    let store = place.behind(&proxy).store().await;
    proxy.next("PUT", Trouble::LoseAnswer);
    store.put(OBJECT, "0123456789".into()).await.unwrap();
    assert!(proxy.is_done());
    let seen = proxy.requests();
    let methods: Vec<&str> = seen
        .iter()
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    // Sent, sent again, refused; there is something as large, and it is the same.
    assert_eq!(methods, ["PUT", "PUT", "HEAD", "GET"]);
    assert_eq!(whole(&store, OBJECT).await, "0123456789");
}

async fn a_put_that_did_not_arrive_is_sent_again(place: Place) {
    let proxy = Proxy::before(&place.endpoint).await;
    let store = place.behind(&proxy).store().await;
    proxy.next("PUT", Trouble::LoseRequest);
    proxy.next("PUT", Trouble::LoseRequest);
    store.put(OBJECT, "0123456789".into()).await.unwrap();
    assert!(proxy.is_done());
    assert_eq!(proxy.requests().len(), 3);

    // More than the SDK tries: whether it arrived is not known, and to try once more is always right.
    for _ in 0..3 {
        proxy.next("PUT", Trouble::LoseRequest);
    }
    let error = store.put("main/other", "x".into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    store.put("main/other", "x".into()).await.unwrap();
}

/// The lost answer was another writer's success.
async fn a_put_that_is_refused_for_another_object_is_a_conflict(place: Place) {
    let proxy = Proxy::before(&place.endpoint).await;
    let store = place.behind(&proxy).store().await;
    let other = place.store().await;
    proxy.next("PUT", Trouble::LoseRequest);
    other.put(OBJECT, "other, as long".into()).await.unwrap();
    let error = store
        .put(OBJECT, "ours, as long.".into())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert_eq!(whole(&store, OBJECT).await, "other, as long");
}

async fn an_answer_that_breaks_off_is_asked_for_again(place: Place) {
    let proxy = Proxy::before(&place.endpoint).await;
    let store = place.behind(&proxy).store().await;
    let bytes: Bytes = (0..200_000_u32)
        .map(|n| (n % 251) as u8)
        .collect::<Vec<u8>>()
        .into();
    store.put(OBJECT, bytes.clone()).await.unwrap();
    proxy.next("GET", Trouble::CutAnswer(50_000));
    proxy.next("GET", Trouble::CutAnswer(1));
    let found = store
        .get_ranges(OBJECT, &[10..150_000])
        .await
        .unwrap()
        .unwrap();
    assert!(proxy.is_done());
    assert_eq!(found, [bytes.slice(10..150_000)]);
}

async fn an_answer_that_always_breaks_off_is_unavailable(place: Place) {
    let proxy = Proxy::before(&place.endpoint).await;
    let store = place.behind(&proxy).store().await;
    store.put(OBJECT, vec![7; 200_000].into()).await.unwrap();
    for _ in 0..3 {
        proxy.next("GET", Trouble::CutAnswer(60_000));
    }
    let error = store.get_suffix(OBJECT, 150_000).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    for named in [OBJECT, &place.bucket, "broke off"] {
        assert!(error.to_string().contains(named), "{error}");
    }
    assert!(proxy.is_done());
    store.get_suffix(OBJECT, 150_000).await.unwrap().unwrap();
}
