//! What a question may cost, counted where it is paid for: requests as the server sees them.

use std::sync::Arc;

use futures::TryStreamExt;
use thermocline::{CountedBlobs, Database, Order, Query};

use super::Shelf;
use super::place::{Place, on_both};
use super::proxy::Proxy;

on_both! {
    a_lookup_is_one_ranged_request_and_an_absent_id_none
    records_by_time_are_one_request
    archiving_is_one_put_for_a_segment
}

async fn a_lookup_is_one_ranged_request_and_an_absent_id_none(place: Place) {
    let proxy = Proxy::before(&place.endpoint).await;
    let counted = Arc::new(CountedBlobs::new(place.behind(&proxy).store().await));
    let shelf = Shelf::over(Arc::clone(&counted)).await;
    shelf.fill(50_000).await;
    let archive = shelf.fresh().await;
    proxy.requests();

    assert!(archive.read("r012345").await.unwrap().is_some());
    let first = proxy.requests();
    assert_eq!(first.len(), 2, "the tail, and the row group: {first:?}");
    assert!(
        first
            .iter()
            .all(|line| line.starts_with("GET ") && line.contains(" bytes=")),
        "{first:?}"
    );

    let before = counted.requests();
    for n in (0..50_000).step_by(7_001) {
        assert!(archive.read(&format!("r{n:06}")).await.unwrap().is_some());
        let one = proxy.requests();
        assert_eq!(one.len(), 1, "{one:?}");
    }
    let since = counted.requests().since(before);
    assert_eq!(since.reads, 8, "the counter counts what goes over the wire");
    assert!(since.read_bytes / since.reads <= 256 << 10, "{since:?}");

    for n in 0..1_000 {
        assert!(archive.read(&format!("r{n:06}x")).await.unwrap().is_none());
    }
    let absent = proxy.requests();
    assert!(
        absent.len() <= 1,
        "a false hit in a thousand is rare: {absent:?}"
    );
}

async fn records_by_time_are_one_request(place: Place) {
    let proxy = Proxy::before(&place.endpoint).await;
    let shelf = Shelf::over(place.behind(&proxy).store().await).await;
    shelf.fill(50_000).await;
    let archive = shelf.fresh().await;
    archive.read("r012345").await.unwrap();
    proxy.requests();
    let query = Query::all()
        .sort("@created_at", Order::Asc)
        .unwrap()
        .limit(50);
    let found: Vec<_> = archive
        .search(query)
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(found.len(), 50);
    let requests = proxy.requests();
    assert!(
        requests.iter().all(|line| line.starts_with("GET ")),
        "never a listing: {requests:?}"
    );
    println!("50 records by time: {requests:?}");
}

async fn archiving_is_one_put_for_a_segment(place: Place) {
    let proxy = Proxy::before(&place.endpoint).await;
    let shelf = Shelf::over(place.behind(&proxy).store().await).await;
    proxy.requests();
    shelf.fill(50_000).await;
    let requests = proxy.requests();
    let puts = requests.iter().filter(|line| line.starts_with("PUT "));
    assert_eq!(puts.count(), 1, "{requests:?}");
    // Looked at after the upload, and once more before the commit.
    let looks = requests.iter().filter(|line| line.starts_with("HEAD "));
    assert_eq!(looks.count(), 2, "{requests:?}");
    assert_eq!(requests.len(), 3, "and nothing else: {requests:?}");
}
