//! Objects in a directory: whole or not there, never replaced, never outside, durable once written.

use std::path::Path;
use std::process::{Command, Output};

use bytes::Bytes;
use futures::TryStreamExt;
use thermocline::{BlobStore, DirectoryStore, ErrorKind};

const OBJECT: &str = "main/records/2013-10/a.parquet";

fn store() -> (tempfile::TempDir, DirectoryStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = DirectoryStore::open(dir.path().join("archive")).unwrap();
    (dir, store)
}

#[tokio::test]
async fn an_object_is_written_once_and_read_in_parts() {
    let (_dir, store) = store();
    let bytes = Bytes::from_static(b"0123456789");
    store.put(OBJECT, bytes.clone()).await.unwrap();
    store.put(OBJECT, bytes.clone()).await.unwrap();

    let ranges = store.get_ranges(OBJECT, &[2..4, 0..1, 9..10, 5..5]).await;
    assert_eq!(ranges.unwrap().unwrap(), ["23", "0", "9", ""]);
    assert_eq!(store.get_suffix(OBJECT, 3).await.unwrap().unwrap(), "789");
    assert_eq!(store.get_suffix(OBJECT, 99).await.unwrap().unwrap(), bytes);
    assert_eq!(store.size(OBJECT).await.unwrap(), Some(10));

    for other in ["0123456780", "012345678", "0123456789a"] {
        let error = store.put(OBJECT, other.into()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    }
    assert_eq!(store.get_suffix(OBJECT, 99).await.unwrap().unwrap(), bytes);
}

#[tokio::test]
async fn a_range_beyond_the_end_is_corrupt_and_never_shorter() {
    let (_dir, store) = store();
    store.put(OBJECT, "0123456789".into()).await.unwrap();
    for range in [8..11, 10..11, 0..u64::MAX, u64::MAX - 1..u64::MAX] {
        let error = store.get_ranges(OBJECT, &[0..2, range]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
        assert!(error.to_string().contains(OBJECT), "{error}");
    }
}

#[tokio::test]
async fn what_is_missing_is_none_but_a_missing_store_is_unavailable() {
    let (dir, store) = store();
    assert_eq!(store.size(OBJECT).await.unwrap(), None);
    assert!(
        store
            .get_ranges(OBJECT, &[0..1, 1..2])
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(store.get_suffix(OBJECT, 8).await.unwrap(), None);
    store.delete(OBJECT).await.unwrap();

    std::fs::remove_dir_all(dir.path().join("archive")).unwrap();
    let error = store.size(OBJECT).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}

#[tokio::test]
async fn no_path_leads_outside() {
    let (dir, store) = store();
    std::fs::write(dir.path().join("secret"), "x").unwrap();
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
    assert_eq!(std::fs::read(dir.path().join("secret")).unwrap(), b"x");
}

#[tokio::test]
async fn a_listing_finds_every_object_under_a_prefix_unfinished_ones_too() {
    let (_dir, store) = store();
    for path in ["a/1", "a/2", "ab/3", "b/c/4", "5"] {
        store.put(path, path.into()).await.unwrap();
    }
    std::fs::write(Path::new(&store.root()).join("b/.unfinished-x"), "").unwrap();
    let found = |prefix| {
        let listing = store.list(prefix).map_ok(|info| info.path);
        async move {
            let mut paths: Vec<String> = listing.try_collect().await.unwrap();
            paths.sort();
            paths.join(" ")
        }
    };
    assert_eq!(found("").await, "5 a/1 a/2 ab/3 b/.unfinished-x b/c/4");
    assert_eq!(found("a").await, "a/1 a/2 ab/3");
    assert_eq!(found("a/").await, "a/1 a/2");
    assert_eq!(found("b/c/4").await, "b/c/4");
    assert_eq!(found("none/").await, "");
    store.delete("a/1").await.unwrap();
    assert_eq!(found("a/").await, "a/2");
}

#[tokio::test]
async fn racing_writers_of_one_name_leave_one_whole_object() {
    let (_dir, store) = store();
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
    let files: Vec<_> = store.list("").try_collect().await.unwrap();
    assert_eq!(files.len(), 1, "{files:?}");
}

#[test]
fn a_root_is_absolute_and_ends_in_a_slash() {
    let (_dir, store) = store();
    assert!(store.root().starts_with('/') && store.root().ends_with("/archive/"));
    assert_eq!(DirectoryStore::open("/").unwrap().root(), "/");
}

#[tokio::test]
async fn a_file_where_a_folder_should_be_is_unavailable_and_named() {
    let (dir, store) = store();
    std::fs::write(dir.path().join("archive/main"), "").unwrap();
    let error = store.put(OBJECT, "x".into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("archive/main"), "{error}");
    let error = DirectoryStore::open(dir.path().join("archive/main")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

/// The file is synced before it has its name; its folder, and those that were made for it, after.
#[tokio::test]
async fn an_object_is_durable_once_it_is_written() {
    if put_as_child().await {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap().join("archive");
    let (shim, log) = (dir.path().join("disk_log.so"), dir.path().join("log"));
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/foreign/disk_log.c");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .args([shim.as_os_str(), source.as_ref()])
        .arg("-ldl")
        .status()
        .unwrap();
    assert!(built.success());
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "directory::an_object_is_durable_once_it_is_written",
        ])
        .env("PUT_AS_CHILD", &root)
        .env("LD_PRELOAD", &shim)
        .env("DISK_LOG", &log)
        .env("DISK_WATCH", root.join(OBJECT))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");

    let log = std::fs::read_to_string(log).unwrap_or_default();
    let unfinished = format!("0 {}/main/records/2013-10/.unfinished-", root.display());
    let synced = |line: &str| log.lines().any(|found| found == line);
    assert!(
        log.lines().any(|line| line.starts_with(&unfinished)),
        "the object was not synced before it got its name:\n{log}"
    );
    for folder in ["/main/records/2013-10", "/main/records", "/main", ""] {
        let line = format!("1 {}{folder}", root.display());
        assert!(synced(&line), "{folder:?} was not synced after:\n{log}");
    }
}

/// A disk that takes no more: the object is not there, not even a part of it, and the folder is named.
#[tokio::test]
async fn a_full_disk_is_unavailable_and_leaves_nothing() {
    if put_as_child().await {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let limited = r#"trap '' XFSZ; ulimit -f 1; exec "$@""#;
    let output: Output = Command::new("sh")
        .args(["-c", limited, "sh"])
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "directory::a_full_disk_is_unavailable_and_leaves_nothing",
        ])
        .env("PUT_AS_CHILD", dir.path())
        .output()
        .unwrap();
    assert!(!output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
    let folder = dir
        .path()
        .canonicalize()
        .unwrap()
        .join("main/records/2013-10");
    assert!(said.contains("unavailable"), "{said}");
    assert!(said.contains(folder.to_str().unwrap()), "{said}");
    let left: Vec<_> = std::fs::read_dir(folder).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

/// In a child process, writes one object and is done.
async fn put_as_child() -> bool {
    let Some(root) = std::env::var_os("PUT_AS_CHILD") else {
        return false;
    };
    let store = DirectoryStore::open(root).unwrap();
    store.put(OBJECT, vec![7; 4096].into()).await.unwrap();
    true
}
