//! What only tiers with a database in common do.

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt};
use thermocline::{
    Database, DatabaseExt, ErrorKind, Ids, MemoryDatabase, Op, ParquetArchive, Query,
    SqliteDatabase, TieredDatabase,
};

use super::{Tiers, record};

#[tokio::test]
async fn an_archive_with_its_catalog_elsewhere_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = |name| SqliteDatabase::open(folder.path().join(name));
    let (primary, other) = (
        sqlite("records.db").await.unwrap(),
        sqlite("other.db").await.unwrap(),
    );
    let elsewhere = || {
        ParquetArchive::in_dir(folder.path().join("archive"))
            .catalog(other.catalog_host().unwrap())
            .unwrap()
    };
    let builder = || TieredDatabase::builder().primary(primary.clone());
    for refused in [
        builder().archive(elsewhere()).build().await,
        builder()
            .archive(elsewhere().build().await.unwrap())
            .build()
            .await,
    ] {
        let error = refused.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}");
        assert!(error.to_string().contains("other.db"), "{error}");
    }
    let memory = TieredDatabase::builder().primary(MemoryDatabase::new());
    let error = memory
        .archive(ParquetArchive::in_dir(folder.path()))
        .build()
        .await
        .unwrap_err();
    assert!(error.message().contains("catalog"), "{error}");
}

#[tokio::test]
async fn without_the_segments_live_records_go_on() {
    let tiers = Tiers::joined().await;
    tiers.router.upsert(record("live", 1)).await.unwrap();
    tiers.router.upsert(record("old", 1)).await.unwrap();
    tiers.move_to_archive("old").await;

    // Another process, which has nothing in memory, and finds no folder.
    let folder = tiers.folder();
    std::fs::rename(folder.join("archive"), folder.join("away")).unwrap();
    let primary = SqliteDatabase::open(folder.join("records.db"))
        .await
        .unwrap();
    std::fs::create_dir(folder.join("archive")).unwrap();
    let router = TieredDatabase::builder()
        .primary(primary)
        .archive(ParquetArchive::in_dir(folder.join("archive")))
        .build()
        .await
        .unwrap();
    assert!(router.read("live").await.unwrap().is_some());
    router.upsert(record("live", 2)).await.unwrap();
    assert_eq!(
        router.create(record("live", 2)).await.unwrap_err().kind(),
        ErrorKind::Conflict
    );
    for error in [
        router.read("old").await.unwrap_err(),
        router.upsert(record("old", 2)).await.unwrap_err(),
        router.create(record("old", 2)).await.unwrap_err(),
        router.delete("old").await.unwrap_err(),
    ] {
        assert_eq!(
            error.kind(),
            ErrorKind::Corrupt,
            "the catalog says that the segment is there"
        );
        assert!(error.to_string().contains("tier: archive"), "{error}");
    }
    drop(router);
    std::fs::remove_dir(folder.join("archive")).unwrap();
    std::fs::rename(folder.join("away"), folder.join("archive")).unwrap();
    assert!(tiers.router.read("old").await.unwrap().is_some());
    assert_eq!(tiers.router.count(&Query::all()).await.unwrap(), 2);
}

#[tokio::test]
async fn a_search_is_one_view_however_long_it_is_read() {
    use futures::TryStreamExt;
    let tiers = Tiers::joined().await;
    for number in 0..10 {
        tiers
            .router
            .upsert(record(&format!("r{number}"), number))
            .await
            .unwrap();
    }
    tiers.move_to_archive("r3").await;
    let by_value = Query::all().sort("value", thermocline::Order::Asc).unwrap();
    let mut found = tiers.router.search(by_value).await.unwrap();
    let first = found.try_next().await.unwrap().unwrap();
    tiers.router.upsert(record("r3", 100)).await.unwrap();
    tiers.move_to_archive("r5").await;
    tiers.router.delete("r7").await.unwrap();
    let rest: Vec<_> = found.try_collect().await.unwrap();
    let ids: Vec<&str> = rest.iter().map(|record| record.id().as_str()).collect();
    assert_eq!(first.id().as_str(), "r0");
    assert_eq!(ids, ["r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9"]);
    assert_eq!(rest[2].fields(), r#"{"value":3}"#);
    assert_eq!(tiers.router.count(&Query::all()).await.unwrap(), 9);
}

#[tokio::test]
async fn many_writers_of_archived_ids_leave_one_copy_of_each() {
    let tiers = Tiers::joined().await;
    let ids: Vec<String> = (0..8).map(|number| format!("r{number}")).collect();
    for id in &ids {
        tiers.router.upsert(record(id, 0)).await.unwrap();
        tiers.move_to_archive(id).await;
    }
    let writers = (1..=4).map(|writer| {
        let (router, ids) = (tiers.router.clone(), ids.clone());
        tokio::spawn(async move {
            for id in &ids {
                router.upsert(record(id, writer)).await.unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    assert_eq!(tiers.router.count(&Query::all()).await.unwrap(), 8);
    assert_eq!(tiers.archive.count(&Query::all()).await.unwrap(), 0);
    assert_eq!(tiers.primary.count(&Query::all()).await.unwrap(), 8);
}

#[tokio::test]
async fn ids_that_never_come_again_spare_creates_the_question() {
    let tiers = Tiers::joined().await;
    let folder = tiers.folder();
    // Two ids, so that others lie between them and only the segment itself could tell.
    let ends = vec![record("a", 1), record("z", 1)];
    tiers.archive.upsert_many(ends).await.unwrap();
    let primary = SqliteDatabase::open(folder.join("records.db"))
        .await
        .unwrap();
    std::fs::rename(folder.join("archive"), folder.join("away")).unwrap();
    let router = TieredDatabase::builder()
        .primary(primary)
        .archive(ParquetArchive::in_dir(folder.join("archive")))
        .ids(Ids::NeverReused)
        .build()
        .await
        .unwrap();
    router.create(record("new", 1)).await.unwrap();
    assert!(
        router.upsert(record("newer", 1)).await.is_err(),
        "an upsert looks for its id"
    );
}

#[tokio::test]
async fn a_stream_over_segments_that_are_gone_has_expired() {
    for is_alone in [true, false] {
        let tiers = Tiers::joined().await;
        // So many months that a stream has not read them all when it gives its first record.
        let old = (0..40).map(|month| {
            let time = format!("20{:02}-{:02}-01T00:00:00Z", month / 12, 1 + month % 12);
            let time = Some(time.parse().unwrap());
            let old = record(&format!("old{month}"), month).with_times(time, time);
            Op::Put(Arc::new(old)).into()
        });
        tiers.archive.write(old.collect()).await.unwrap();
        let database: &dyn Database = match is_alone {
            true => &tiers.archive,
            false => &tiers.router,
        };
        let mut stream = database.search(Query::all()).await.unwrap();
        stream.next().await.unwrap().unwrap();
        // As after a compaction whose delay was too short: a newer state does without the files, and they are gone.
        tiers.archive.clear().await.unwrap();
        std::fs::remove_dir_all(tiers.folder().join("archive/main")).unwrap();
        let error = stream.try_collect::<Vec<_>>().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        assert!(
            error.is_retryable() && error.message().contains("expired"),
            "{error}"
        );
        assert_eq!(database.count(&Query::all()).await.unwrap(), 0);
        assert!(database.read("old0").await.unwrap().is_none());
    }
}

#[cfg(feature = "faults")]
#[tokio::test]
async fn an_archive_out_of_reach_is_no_absence() {
    use futures::FutureExt;
    use thermocline::Error;

    use crate::hooked_blobs::HookedBlobs;

    let folder = tempfile::tempdir().unwrap();
    let primary = SqliteDatabase::open(folder.path().join("records.db"))
        .await
        .unwrap();
    let blobs = HookedBlobs::in_directory(folder.path().join("archive"));
    let parts = || ParquetArchive::with_blobs(Arc::<HookedBlobs>::clone(&blobs));
    let writer = parts().catalog(primary.catalog_host().unwrap()).unwrap();
    let writer = writer.build().await.unwrap();
    writer.upsert(record("old", 1)).await.unwrap();
    let router = TieredDatabase::builder()
        .hot(MemoryDatabase::new())
        .primary(primary)
        .archive(parts())
        .build()
        .await
        .unwrap();

    blobs.set(|_, _| async { Err(Error::unavailable("no route to the store")) }.boxed());
    for _ in 0..2 {
        let error = router.read("old").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        assert!(error.to_string().contains("tier: archive"), "{error}");
        assert!(router.read_many(&["old"]).await.is_err());
    }
    *blobs.hook.lock() = None;
    assert!(router.read("old").await.unwrap().is_some());
}

#[cfg(feature = "faults")]
#[test]
fn unavailable_as_absent() {
    let test = "router::joined::an_archive_out_of_reach_is_no_absence";
    crate::mutant::assert_caught("unavailable_as_absent", test);
}
