//! An archive over a bucket: the suite of every `Database`, and objects that somebody else laid hands on.

use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt;
use jiff::Timestamp;
use thermocline::{
    BlobStore, Database, DatabaseExt, Error, ErrorKind, MemoryDatabase, ParquetArchive, Query,
    TieredDatabase,
};

use super::Shelf;
use super::place::{self, Place, on_both};
use super::proxy::{Proxy, Trouble};
use crate::hooked_blobs::HookedBlobs;

on_both! {
    what_was_archived_is_read_searched_and_changed
    a_segment_that_was_deleted_is_told_so
    a_write_whose_answer_was_lost_is_done_once
    what_crashed_jobs_left_is_found_and_removed
}

#[cfg(feature = "conformance")]
mod conformance {
    use super::*;

    thermocline::conformance_tests!(async || {
        let (place, alive) = place::in_process().await;
        let shelf = Shelf::over(place.store().await).await;
        (shelf.archive.clone(), (shelf, alive))
    });
}

#[cfg(feature = "conformance")]
mod tiered {
    use super::*;

    thermocline::conformance_tests!(async || {
        let (place, alive) = place::in_process().await;
        let (router, shelf) = router(&place).await;
        (router, (shelf, alive))
    });
}

/// All behaviours on the real server, too.
#[cfg(feature = "conformance")]
#[tokio::test]
#[ignore = "needs a server of S3 (scripts/services)"]
async fn every_behaviour_on_a_real_server() {
    thermocline::conformance::all(async || {
        let (place, _alive) = place::real().await;
        let shelf = Shelf::over(place.store().await).await;
        (shelf.archive.clone(), shelf)
    })
    .await;
    thermocline::conformance::all(async || {
        let (place, _alive) = place::real().await;
        router(&place).await
    })
    .await;
}

/// A router over SQLite and an archive in the bucket.
async fn router(place: &Place) -> (TieredDatabase, Shelf) {
    let shelf = Shelf::over(place.store().await).await;
    let router = TieredDatabase::builder()
        .hot(MemoryDatabase::new())
        .primary(shelf.primary.clone())
        .archive(ParquetArchive::with_blobs(Arc::new(place.store().await)))
        .build()
        .await
        .unwrap();
    (router, shelf)
}

async fn ids(archive: &ParquetArchive, filter: &str) -> Result<Vec<String>, Error> {
    let found = archive.search(Query::filter(filter)?).await?;
    let found: Vec<_> = found.try_collect().await?;
    Ok(found.iter().map(|record| record.id().to_string()).collect())
}

async fn what_was_archived_is_read_searched_and_changed(place: Place) {
    let shelf = Shelf::over(place.store().await).await;
    shelf.fill(5_000).await;
    assert_eq!(shelf.segments().await.len(), 1);
    let archive = shelf.fresh().await;
    let record = archive.read("r004711").await.unwrap().unwrap();
    assert_eq!(record.fields(), r#"{"carrier":"UA","n":4711}"#);
    assert!(archive.read("none").await.unwrap().is_none());
    assert_eq!(
        ids(&archive, "n in (17, 4000)").await.unwrap(),
        ["r000017", "r004000"]
    );
    archive.delete("r000017").await.unwrap();
    assert_eq!(ids(&archive, "n in (17, 4000)").await.unwrap(), ["r004000"]);
    assert_eq!(
        shelf.fresh().await.count(&Query::all()).await.unwrap(),
        4_999
    );
}

async fn a_segment_that_was_deleted_is_told_so(place: Place) {
    let shelf = Shelf::over(place.store().await).await;
    shelf.fill(100).await;
    let segments = shelf.segments().await;
    place.store().await.delete(&segments[0]).await.unwrap();
    let archive = shelf.fresh().await;
    for error in [
        archive.read("r000001").await.unwrap_err(),
        ids(&archive, "n = 1").await.unwrap_err(),
        archive.health().await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
        assert!(error.to_string().contains(&segments[0]), "{error}");
        assert!(
            error
                .to_string()
                .contains(&format!("s3://{}/", place.bucket)),
            "{error}"
        );
    }
}

/// Only here: s3s-fs takes a bucket that is not there for an empty one.
#[tokio::test]
#[ignore = "needs a server of S3 (scripts/services)"]
async fn a_bucket_that_is_gone_is_no_damage() {
    let (place, _alive) = place::real().await;
    let shelf = Shelf::over(place.store().await).await;
    shelf.archive.health().await.expect("an empty bucket");
    shelf.fill(100).await;
    shelf.archive.health().await.expect("a segment");
    let store = place.store().await;
    for segment in shelf.segments().await {
        store.delete(&segment).await.unwrap();
    }
    let client = place.client();
    let deleted = client.delete_bucket().bucket(&place.bucket);
    deleted.send().await.unwrap();
    let empty = Shelf::over(place.store().await).await;
    for error in [
        shelf.fresh().await.read("r000001").await.unwrap_err(),
        shelf.archive.health().await.unwrap_err(),
        empty.archive.health().await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(error.to_string().contains("no such bucket"), "{error}");
    }
}

/// Only here: s3s-fs fails over the end of an object that is shorter than asked for.
#[tokio::test]
#[ignore = "needs a server of S3 (scripts/services)"]
async fn a_segment_that_was_cut_or_changed_is_corrupt() {
    let (place, _alive) = place::real().await;
    let shelf = Shelf::over(place.store().await).await;
    shelf.fill(5_000).await;
    let path = shelf.segments().await.remove(0);
    let store = place.store().await;
    let whole = crate::blob_contract::whole(&store, &path).await;
    // Its tail is in memory, its rows are not.
    let warm = shelf.fresh().await;
    assert!(warm.read("r000001").await.unwrap().is_some());
    let mut changed = whole.to_vec();
    // In the first row group, which a page's checksum covers.
    for at in (100..1_000).step_by(100) {
        changed[at] ^= 0x40;
    }
    // Shorter than its rows: behind them come the index of ids and the footer, half of so small a file.
    let cut = whole.slice(..2_000);
    for bytes in [cut, whole.slice(..1), bytes::Bytes::new(), changed.into()] {
        let replaced = place.client();
        let put = replaced
            .put_object()
            .bucket(&place.bucket)
            .key(place.key(&path));
        put.body(bytes.clone().into()).send().await.unwrap();
        for archive in [&warm, &shelf.fresh().await] {
            let Err(error) = ids(archive, "n >= 0").await else {
                panic!("{} bytes were taken for {}", bytes.len(), whole.len());
            };
            assert_eq!(
                error.kind(),
                ErrorKind::Corrupt,
                "{} bytes: {error}",
                bytes.len()
            );
            assert!(error.to_string().contains(&path), "{error}");
        }
    }
}

async fn a_write_whose_answer_was_lost_is_done_once(place: Place) {
    let proxy = Proxy::before(&place.endpoint).await;
    let shelf = Shelf::over(place.behind(&proxy).store().await).await;
    proxy.next("PUT", Trouble::LoseAnswer);
    shelf.fill(100).await;
    assert!(proxy.is_done());
    assert_eq!(shelf.fresh().await.count(&Query::all()).await.unwrap(), 100);
    assert_eq!(shelf.segments().await.len(), 1);

    // Never an answer: nothing was archived, and what may have arrived is taken back.
    for _ in 0..4 {
        proxy.next("PUT", Trouble::LoseAnswer);
        proxy.next("HEAD", Trouble::LoseAnswer);
    }
    let error = shelf
        .archive
        .write(vec![super::put("x", 1)])
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert_eq!(shelf.fresh().await.count(&Query::all()).await.unwrap(), 100);
    assert_eq!(shelf.segments().await.len(), 1);
}

/// A process died while an object went up in parts: its journal knows the batch, nobody else the parts.
#[tokio::test]
#[ignore = "needs a server of S3 (scripts/services)"]
async fn parts_of_a_batch_that_a_crash_left_go_with_it() {
    let (place, _alive) = place::real().await;
    let blobs = HookedBlobs::over(Arc::new(place.store().await));
    let shelf = Shelf::over(Arc::clone(&blobs)).await;
    shelf.fill(1).await;
    let (uploading, _gate) = blobs.hold("put");
    let archive = shelf.archive.clone();
    let job = tokio::spawn(async move { archive.write(vec![super::put("x", 1)]).await });
    uploading.notified().await;
    job.abort();
    assert!(job.await.unwrap_err().is_cancelled());
    *blobs.hook.lock() = None;
    shelf.clock.advance(Duration::from_secs(2 * 3600));
    let found = shelf.archive.find_orphans().await.unwrap();
    let [batch] = &found.batches[..] else {
        panic!("{found:?}");
    };
    let client = place.client();
    let object = place.key(&batch.objects[0]);
    let begun = client.create_multipart_upload();
    let begun = begun.bucket(&place.bucket).key(object);
    begun.send().await.unwrap();
    let unfinished = async || {
        let listed = blobs.list_unfinished("");
        listed.try_collect::<Vec<_>>().await.unwrap().len()
    };
    assert_eq!(unfinished().await, 1);
    assert_eq!(shelf.archive.remove_orphans(&found).await.unwrap(), 1);
    assert_eq!(unfinished().await, 0);

    // Of a batch that no journal knows, once it is older than any job.
    let begun = client.create_multipart_upload();
    let folder = shelf.segments().await.remove(0);
    let begun = begun.bucket(&place.bucket).key(place.key(&folder));
    begun.send().await.unwrap();
    shelf.clock.set(Timestamp::now());
    let found = shelf.archive.find_orphans().await.unwrap();
    assert!(
        found.unfinished.is_empty(),
        "it may still be at work: {found:?}"
    );
    shelf.clock.advance(Duration::from_secs(2 * 3600));
    let found = shelf.archive.find_orphans().await.unwrap();
    assert_eq!(found.unfinished.len(), 1, "{found:?}");
    assert_eq!(shelf.archive.remove_orphans(&found).await.unwrap(), 1);
    assert_eq!(unfinished().await, 0);
    assert_eq!(shelf.segments().await, [folder], "the object itself stays");
}

async fn what_crashed_jobs_left_is_found_and_removed(place: Place) {
    let shelf = Shelf::over(place.store().await).await;
    shelf.fill(100).await;
    let segment = shelf.segments().await.remove(0);
    let folder = segment.rsplit_once('/').unwrap().0;
    let store = place.store().await;
    let orphan = format!("{folder}/0190-of-nobody.parquet");
    store.put(&orphan, "x".into()).await.unwrap();
    // The clock of the test stands years from the server's: what was written today is old at once.
    shelf.clock.set("2200-01-01T00:00:00Z".parse().unwrap());
    let hour = Duration::from_secs(3600);
    let found = shelf.archive.find_orphans_older_than(hour).await.unwrap();
    assert_eq!(
        (found.suspected, found.unknown.len()),
        (1, 0),
        "seen once: {found:?}"
    );
    shelf.clock.advance(2 * hour);
    let found = shelf.archive.find_orphans_older_than(hour).await.unwrap();
    assert_eq!(found.unknown, [orphan]);
    assert_eq!(shelf.archive.remove_orphans(&found).await.unwrap(), 1);
    assert_eq!(shelf.segments().await, [segment]);
    assert_eq!(shelf.fresh().await.count(&Query::all()).await.unwrap(), 100);
}
