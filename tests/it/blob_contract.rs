//! What every place of objects does the same: a directory, and S3.
#![expect(
    clippy::single_range_in_vec_init,
    reason = "one range is what is asked for"
)]

use bytes::Bytes;
use futures::TryStreamExt;
use thermocline::{BlobStore, ErrorKind};

pub(crate) const OBJECT: &str = "main/records/2013-10/a.parquet";

pub(crate) async fn an_object_is_written_once_and_read_in_parts(store: &dyn BlobStore) {
    let bytes = Bytes::from_static(b"0123456789");
    store.put(OBJECT, bytes.clone()).await.unwrap();
    store.put(OBJECT, bytes.clone()).await.unwrap();

    let ranges = store.get_ranges(OBJECT, &[2..4, 0..1, 9..10, 5..5]).await;
    assert_eq!(ranges.unwrap().unwrap(), ["23", "0", "9", ""]);
    let overlapping = store.get_ranges(OBJECT, &[0..6, 4..8, 4..4, 6..10]).await;
    assert_eq!(
        overlapping.unwrap().unwrap(),
        ["012345", "4567", "", "6789"]
    );
    assert_eq!(
        store.get_ranges(OBJECT, &[3..3]).await.unwrap().unwrap(),
        [""]
    );
    assert!(
        store
            .get_ranges(OBJECT, &[])
            .await
            .unwrap()
            .unwrap()
            .is_empty()
    );
    assert_eq!(store.get_suffix(OBJECT, 3).await.unwrap().unwrap(), "789");
    assert_eq!(store.get_suffix(OBJECT, 0).await.unwrap().unwrap(), "");
    assert_eq!(store.get_suffix(OBJECT, 10).await.unwrap().unwrap(), bytes);
    assert_eq!(store.size(OBJECT).await.unwrap(), Some(10));

    for other in ["0123456780", "012345678", "0123456789a", ""] {
        let error = store.put(OBJECT, other.into()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
        assert!(error.to_string().contains("a.parquet"), "{error}");
    }
    assert_eq!(whole(store, OBJECT).await, bytes);
}

pub(crate) async fn the_end_of_a_shorter_object_is_all_of_it(store: &dyn BlobStore) {
    store.put(OBJECT, "0123456789".into()).await.unwrap();
    for more in [10, 11, 99, u64::MAX] {
        let end = store.get_suffix(OBJECT, more).await.unwrap().unwrap();
        assert_eq!(end, "0123456789");
    }
}

pub(crate) async fn an_empty_object_is_one_too(store: &dyn BlobStore) {
    store.put(OBJECT, Bytes::new()).await.unwrap();
    store.put(OBJECT, Bytes::new()).await.unwrap();
    assert_eq!(store.size(OBJECT).await.unwrap(), Some(0));
    assert_eq!(store.get_suffix(OBJECT, 8).await.unwrap().unwrap(), "");
    assert_eq!(
        store.get_ranges(OBJECT, &[0..0]).await.unwrap().unwrap(),
        [""]
    );
    let error = store.get_ranges(OBJECT, &[0..1, 3..4]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    let error = store.put(OBJECT, "x".into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
}

pub(crate) async fn a_range_beyond_the_end_is_corrupt_and_never_shorter(store: &dyn BlobStore) {
    store.put(OBJECT, "0123456789".into()).await.unwrap();
    for range in [8..11, 10..11, 0..u64::MAX, u64::MAX - 1..u64::MAX] {
        let error = store.get_ranges(OBJECT, &[0..2, range]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
        assert!(error.to_string().contains(OBJECT), "{error}");
    }
}

pub(crate) async fn what_is_missing_is_none(store: &dyn BlobStore) {
    store.put("main/records/other", "x".into()).await.unwrap();
    are_missing(store, &[OBJECT, "other"]).await;
}

pub(crate) async fn a_folder_is_no_object(store: &dyn BlobStore) {
    store.put("main/records/other", "x".into()).await.unwrap();
    are_missing(store, &["main/records", "main/records/other/more"]).await;
    assert_eq!(store.size("main/records/other").await.unwrap(), Some(1));
}

async fn are_missing(store: &dyn BlobStore, paths: &[&str]) {
    for missing in paths {
        assert_eq!(store.size(missing).await.unwrap(), None, "{missing}");
        assert_eq!(
            store.get_suffix(missing, 8).await.unwrap(),
            None,
            "{missing}"
        );
        for ranges in [&[0..1, 5..6][..], &[0..0], &[]] {
            let found = store.get_ranges(missing, ranges).await.unwrap();
            assert!(found.is_none(), "{missing} {ranges:?}");
        }
        store.delete(missing).await.unwrap();
    }
}

pub(crate) async fn what_was_deleted_may_be_written_again(store: &dyn BlobStore) {
    store.put(OBJECT, "first".into()).await.unwrap();
    store.delete(OBJECT).await.unwrap();
    store.delete(OBJECT).await.unwrap();
    assert_eq!(store.size(OBJECT).await.unwrap(), None);
    store.put(OBJECT, "second".into()).await.unwrap();
    assert_eq!(whole(store, OBJECT).await, "second");
}

pub(crate) async fn no_path_leads_outside(store: &dyn BlobStore) {
    for path in [
        "",
        "/etc/passwd",
        "../secret",
        "a/../../secret",
        "a//b",
        "a/",
        "./a",
        "a\\..\\b",
        "c:x",
        "a\0b",
    ] {
        let answers = [
            store.put(path, "y".into()).await.unwrap_err(),
            store.get_ranges(path, &[0..1, 1..2]).await.unwrap_err(),
            store.get_suffix(path, 1).await.unwrap_err(),
            store.size(path).await.unwrap_err(),
            store.delete(path).await.unwrap_err(),
        ];
        for error in answers {
            assert_eq!(error.kind(), ErrorKind::Invalid, "{path:?}: {error}");
        }
    }
}

pub(crate) async fn odd_characters_are_kept_in_names(store: &dyn BlobStore) {
    let odd = [
        "a b",
        "a+b",
        "a%20b",
        "a&b=c?d#e",
        "ä€😀",
        "a'b\"c",
        "~(x)*!",
        "a;b,c",
        "=",
        "a.unfinished",
    ];
    for name in odd {
        store
            .put(&format!("odd/{name}"), name.into())
            .await
            .unwrap();
    }
    for name in odd {
        let path = format!("odd/{name}");
        assert_eq!(whole(store, &path).await, name);
        assert_eq!(store.size(&path).await.unwrap(), Some(name.len() as u64));
    }
    let mut expected: Vec<String> = odd.iter().map(|name| format!("odd/{name}")).collect();
    expected.sort();
    assert_eq!(found(store, "odd/").await, expected);
    for path in &expected {
        store.delete(path).await.unwrap();
    }
    assert!(found(store, "").await.is_empty());
}

pub(crate) async fn a_listing_finds_every_object_under_a_prefix(store: &dyn BlobStore) {
    let begun = jiff::Timestamp::now();
    for path in ["a/1", "a/2", "ab/3", "b/c/4", "5"] {
        store.put(path, path.into()).await.unwrap();
    }
    assert_eq!(found(store, "").await, ["5", "a/1", "a/2", "ab/3", "b/c/4"]);
    assert_eq!(found(store, "a").await, ["a/1", "a/2", "ab/3"]);
    assert_eq!(found(store, "a/").await, ["a/1", "a/2"]);
    assert_eq!(found(store, "b/c/4").await, ["b/c/4"]);
    assert!(found(store, "none/").await.is_empty());
    store.delete("a/1").await.unwrap();
    assert_eq!(found(store, "a/").await, ["a/2"]);
    for info in store.list("b/").try_collect::<Vec<_>>().await.unwrap() {
        assert_eq!(info.size, 5);
        // S3's times are whole seconds.
        let age = begun.as_second() - info.modified.as_second();
        assert!((-60..=60).contains(&age), "{info:?}");
    }
}

/// Eight writers of two contents: one content wins, and all who wrote that one are told so.
pub(crate) async fn racing_writers_of_one_name_leave_one_whole_object(
    store: impl BlobStore + Clone + 'static,
) {
    let put = |n: u8| {
        let store = store.clone();
        tokio::spawn(async move { store.put(OBJECT, vec![n; 100_000].into()).await })
    };
    let writers: Vec<_> = (0..8).map(|n| put(n % 2)).collect();
    let mut won = 0;
    for writer in writers {
        match writer.await.unwrap() {
            Ok(()) => won += 1,
            Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error}"),
        }
    }
    assert_eq!(won, 4, "the four that wrote what stayed");
    let all = store.get_suffix(OBJECT, u64::MAX).await.unwrap().unwrap();
    assert!(all.len() == 100_000 && all.iter().all(|byte| *byte == all[0]));
    assert_eq!(found(&store, "").await, [OBJECT]);
}

/// All bytes of an object.
pub(crate) async fn whole(store: &dyn BlobStore, path: &str) -> Bytes {
    let size = store.size(path).await.unwrap().expect("it is there");
    let mut parts = store.get_ranges(path, &[0..size]).await.unwrap().unwrap();
    parts.remove(0)
}

/// The paths that a listing finds, in order.
pub(crate) async fn found(store: &dyn BlobStore, prefix: &str) -> Vec<String> {
    let listing = store.list(prefix).map_ok(|info| info.path);
    let mut paths: Vec<String> = listing.try_collect().await.unwrap();
    paths.sort();
    paths
}

/// Tests of the contract, one for each behaviour: how to make an empty store, and whatever must live as long. The `easy`
/// ones leave out what s3s-fs gets wrong: suffixes of shorter objects, empty objects, folders.
macro_rules! contract {
    (@all $attributes:tt $make:tt $($name:ident)+) => { $(
        crate::blob_contract::contract! { @one $attributes $make $name }
    )+ };
    (@one [$(#[$attribute:meta])*] [$make:expr] $name:ident) => {
        #[tokio::test]
        $(#[$attribute])*
        async fn $name() {
            let (store, _alive) = $make.await;
            crate::blob_contract::$name(&store).await;
        }
    };
    (easy $(#[$attribute:meta])* => $make:expr) => { crate::blob_contract::contract! {
        @all [$(#[$attribute])*] [$make]
        an_object_is_written_once_and_read_in_parts
        a_range_beyond_the_end_is_corrupt_and_never_shorter
        what_is_missing_is_none
        what_was_deleted_may_be_written_again
        no_path_leads_outside
        odd_characters_are_kept_in_names
        a_listing_finds_every_object_under_a_prefix
    } };
    ($(#[$attribute:meta])* => $make:expr) => {
        crate::blob_contract::contract! { easy $(#[$attribute])* => $make }
        crate::blob_contract::contract! {
            @all [$(#[$attribute])*] [$make]
            the_end_of_a_shorter_object_is_all_of_it
            an_empty_object_is_one_too
            a_folder_is_no_object
        }
    };
}
pub(crate) use contract;
