//! Large objects go up in parts, and nothing of one that failed stays.

use bytes::Bytes;
use futures::TryStreamExt;
use thermocline::{BlobStore, ErrorKind, UnfinishedUpload};

use super::place::{Place, on_both};
use super::proxy::{Proxy, Trouble};
use crate::blob_contract::{found, whole};

on_both! {
    a_large_object_goes_up_in_parts
    parts_whose_answers_were_lost_are_known_as_our_own
    a_second_writer_of_a_large_object_finds_it_there
    what_fails_half_way_is_taken_back
}

const OBJECT: &str = "main/records/2013-10/a.parquet";

/// Three parts of 5 MiB, the last one smaller.
fn large() -> Bytes {
    (0..3_000_000_u32)
        .flat_map(u32::to_le_bytes)
        .collect::<Vec<u8>>()
        .into()
}

async fn store(place: &Place) -> thermocline::S3Store {
    place.builder().parts_above(10 << 20).open().await.unwrap()
}

async fn a_large_object_goes_up_in_parts(place: Place) {
    let proxy = Proxy::before(&place.endpoint).await;
    let store = store(&place.behind(&proxy)).await;
    store.put(OBJECT, large()).await.unwrap();
    let seen = proxy.requests();
    assert_eq!(
        seen.len(),
        5,
        "one to begin, three parts, one to end: {seen:?}"
    );
    let parts = seen.iter().filter(|line| line.contains("partNumber="));
    assert!(
        parts
            .into_iter()
            .all(|line| line.ends_with("with a checksum")),
        "{seen:?}"
    );
    assert_eq!(store.size(OBJECT).await.unwrap(), Some(12_000_000));
    let whole = store.get_suffix(OBJECT, 12_000_000).await.unwrap().unwrap();
    assert!(whole == large(), "other bytes came back");
    assert_eq!(found(&store, "").await, [OBJECT]);
}

async fn parts_whose_answers_were_lost_are_known_as_our_own(place: Place) {
    let proxy = Proxy::before(&place.endpoint).await;
    let store = store(&place.behind(&proxy)).await;
    proxy.next("partNumber=2", Trouble::LoseAnswer);
    proxy.next("POST", Trouble::LoseRequest);
    store.put(OBJECT, large()).await.unwrap();
    assert!(proxy.is_done());
    assert!(
        whole(&store, OBJECT).await == large(),
        "other bytes came back"
    );
    assert_eq!(found(&store, "").await, [OBJECT]);
}

async fn a_second_writer_of_a_large_object_finds_it_there(place: Place) {
    let store = store(&place).await;
    store.put(OBJECT, large()).await.unwrap();
    store.put(OBJECT, large()).await.unwrap();
    let mut other = large().to_vec();
    other[11_999_999] ^= 1;
    let error = store.put(OBJECT, other.into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert_eq!(found(&store, "").await, [OBJECT]);
    assert!(unfinished(&store, "").await.is_empty());
}

async fn what_fails_half_way_is_taken_back(place: Place) {
    let proxy = Proxy::before(&place.endpoint).await;
    let store = store(&place.behind(&proxy)).await;
    for _ in 0..3 {
        proxy.next("partNumber=2", Trouble::LoseRequest);
    }
    let error = store.put(OBJECT, large()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    let seen = proxy.requests();
    assert!(seen.last().unwrap().starts_with("DELETE"), "{seen:?}");
    assert!(unfinished(&store, "").await.is_empty());
    assert!(found(&store, "").await.is_empty());
}

/// The last answer: the object is there, and the server knows nothing of its upload any more.
#[tokio::test]
#[ignore = "needs a server of S3 (scripts/services)"]
async fn an_end_whose_answer_was_lost_is_known_as_our_own() {
    let (place, _alive) = super::place::real().await;
    let proxy = Proxy::before(&place.endpoint).await;
    let store = store(&place.behind(&proxy)).await;
    proxy.next("?uploadId=", Trouble::LoseAnswer);
    store.put(OBJECT, large()).await.unwrap();
    assert!(proxy.is_done());
    assert!(
        whole(&store, OBJECT).await == large(),
        "other bytes came back"
    );
    assert_eq!(found(&store, "").await, [OBJECT]);
}

/// Dropped in the middle, as a timeout does it.
#[tokio::test]
#[ignore = "needs a server of S3 (scripts/services)"]
async fn what_is_given_up_half_way_is_taken_back() {
    let (place, _alive) = super::place::real().await;
    let proxy = Proxy::before(&place.endpoint).await;
    let store = store(&place.behind(&proxy)).await;
    let writing = tokio::spawn({
        let store = store.clone();
        async move { store.put(OBJECT, large()).await }
    });
    wait_until(|| {
        proxy
            .requests()
            .iter()
            .any(|line| line.contains("partNumber="))
    })
    .await;
    writing.abort();
    assert!(writing.await.unwrap_err().is_cancelled());
    wait_until(|| {
        proxy
            .requests()
            .iter()
            .any(|line| line.starts_with("DELETE"))
    })
    .await;
    for _ in 0..100 {
        if unfinished(&store, "").await.is_empty() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("{:?}", unfinished(&store, "").await);
}

/// The parts of a process that died: no object, found for themselves, and taken back.
#[tokio::test]
#[ignore = "needs a server of S3 (scripts/services)"]
async fn parts_that_a_crash_left_are_found_and_deleted() {
    let (place, _alive) = super::place::real().await;
    let store = store(&place).await;
    let client = place.client();
    store.put("main/whole", "x".into()).await.unwrap();
    let begun = client
        .create_multipart_upload()
        .bucket(&place.bucket)
        .key(place.key(OBJECT));
    let upload = begun.send().await.unwrap().upload_id.unwrap();

    assert_eq!(found(&store, "").await, ["main/whole"]);
    let listed = unfinished(&store, "main/records/").await;
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!((&*listed[0].path, &listed[0].id), (OBJECT, &upload));
    assert!(unfinished(&store, "main/other/").await.is_empty());
    store.take_back(&listed[0]).await.unwrap();
    store.take_back(&listed[0]).await.unwrap();
    assert!(unfinished(&store, "").await.is_empty());
    assert_eq!(found(&store, "").await, ["main/whole"]);
    let left = client
        .list_multipart_uploads()
        .bucket(&place.bucket)
        .send()
        .await
        .unwrap();
    assert!(left.uploads().is_empty(), "{left:?}");
}

async fn unfinished(store: &dyn BlobStore, prefix: &str) -> Vec<UnfinishedUpload> {
    store.list_unfinished(prefix).try_collect().await.unwrap()
}

async fn wait_until(mut done: impl FnMut() -> bool) {
    for _ in 0..10_000 {
        if done() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    panic!("it did not come");
}
