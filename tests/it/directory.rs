//! Objects in a directory: whole or not there, never replaced, never outside, durable once written.

use std::path::Path;
use std::process::{Command, Output};

use futures::TryStreamExt;
use thermocline::{BlobStore, DirectoryStore, ErrorKind};

use crate::blob_contract::{OBJECT, found};

fn store() -> (tempfile::TempDir, DirectoryStore) {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("archive");
    std::fs::create_dir(&folder).unwrap();
    let store = DirectoryStore::open(folder).unwrap();
    (dir, store)
}

/// How many files there are below a folder; none where it is not there.
pub(crate) fn files(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.path() {
            path if path.is_dir() => files(&path),
            _ => 1,
        })
        .sum()
}

mod contract {
    use crate::blob_contract::{self, contract};

    contract!(=> async {
        let (folder, store) = super::store();
        (store, folder)
    });

    #[tokio::test]
    async fn racing_writers_of_one_name_leave_one_whole_object() {
        let (_dir, store) = super::store();
        blob_contract::racing_writers_of_one_name_leave_one_whole_object(store).await;
    }
}

#[tokio::test]
async fn a_missing_store_is_unavailable() {
    let (dir, store) = store();
    std::fs::remove_dir_all(dir.path().join("archive")).unwrap();
    let error = store.size(OBJECT).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}

#[tokio::test]
async fn no_path_leads_to_what_is_beside_the_folder() {
    let (dir, store) = store();
    std::fs::write(dir.path().join("secret"), "x").unwrap();
    for path in ["../secret", "a/../../secret"] {
        store.put(path, "y".into()).await.unwrap_err();
        store.delete(path).await.unwrap_err();
    }
    assert_eq!(std::fs::read(dir.path().join("secret")).unwrap(), b"x");
}

#[tokio::test]
async fn a_listing_finds_unfinished_objects_too() {
    let (_dir, store) = store();
    store.put("b/c/4", "x".into()).await.unwrap();
    std::fs::write(Path::new(&store.root()).join("b/.unfinished-x"), "").unwrap();
    assert_eq!(found(&store, "").await, ["b/.unfinished-x", "b/c/4"]);
    store.delete("b/.unfinished-x").await.unwrap();
    assert_eq!(found(&store, "").await, ["b/c/4"]);
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

#[tokio::test]
async fn a_folder_that_is_gone_is_unavailable_and_not_made_anew() {
    let (dir, store) = store();
    store.put(OBJECT, "x".into()).await.unwrap();
    let (root, aside) = (dir.path().join("archive"), dir.path().join("aside"));
    std::fs::rename(&root, &aside).unwrap();
    let store = DirectoryStore::open(&root).unwrap();
    let errors = [
        store.put(OBJECT, "x".into()).await.unwrap_err(),
        store.size(OBJECT).await.unwrap_err(),
        store.get_suffix(OBJECT, 1).await.unwrap_err(),
        store.delete(OBJECT).await.unwrap_err(),
        store.list("main/").try_next().await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(error.to_string().contains("mount it"), "{error}");
    }
    assert!(!root.exists());
    std::fs::rename(&aside, &root).unwrap();
    assert_eq!(store.size(OBJECT).await.unwrap(), Some(1));
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
    store.prepare().await.unwrap();
    store.put(OBJECT, vec![7; 4096].into()).await.unwrap();
    true
}
