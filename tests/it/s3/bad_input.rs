//! What goes wrong between us and a server is said by its name, with the remedy, and never with a secret.

use std::time::Duration;

use aws_sdk_s3::config::Credentials;
use bytes::Bytes;
use jiff::Timestamp;
use thermocline::{BlobStore, Error, ErrorKind, ManualClock, S3Location, S3Store};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::place::{self, Place, on_both};

on_both! {
    wrong_credentials_are_not_shown
    a_clock_that_is_wrong_does_no_harm
    a_key_that_is_too_long_is_refused_here
    a_debug_view_has_no_secret
}

const OBJECT: &str = "main/records/2013-10/a.parquet";

/// What each call answers that asks the server.
async fn every_error(store: &S3Store) -> Vec<Error> {
    use futures::TryStreamExt;
    vec![
        store.put(OBJECT, "x".into()).await.unwrap_err(),
        store.get_ranges(OBJECT, &[0..1]).await.unwrap_err(),
        store.get_suffix(OBJECT, 1).await.unwrap_err(),
        store.size(OBJECT).await.unwrap_err(),
        store.delete(OBJECT).await.unwrap_err(),
        store.list("").try_collect::<Vec<_>>().await.unwrap_err(),
    ]
}

fn check(place: &Place, errors: &[Error], kind: ErrorKind, says: &[&str]) {
    for error in errors {
        assert_eq!(error.kind(), kind, "{error}");
        let shown = format!("{error} {error:?}");
        for said in says.iter().chain([&place.bucket.as_str(), &"remedy: "]) {
            assert!(shown.contains(said), "{said:?} is missing: {error:?}");
        }
        assert!(!shown.contains(&place.secret), "{shown}");
    }
}

async fn wrong_credentials_are_not_shown(mut place: Place) {
    place.secret = "hush-hush".to_owned();
    let mut errors = every_error(&place.store().await).await;
    check(&place, &errors, ErrorKind::Invalid, &[]);
    errors.truncate(3);
    check(
        &place,
        &errors,
        ErrorKind::Invalid,
        &["SignatureDoesNotMatch", "AWS_SECRET_ACCESS_KEY"],
    );
    place.access = "nobody".to_owned();
    let read = place.store().await.get_suffix(OBJECT, 1).await.unwrap_err();
    check(&place, &[read], ErrorKind::Invalid, &["AWS_ACCESS_KEY_ID"]);
}

/// The SDK takes the time from the server's refusal, and signs again.
async fn a_clock_that_is_wrong_does_no_harm(place: Place) {
    for wrong in [-86_400, 86_400] {
        let now = Timestamp::now() + jiff::SignedDuration::from_secs(wrong);
        let builder = place.builder().clock(ManualClock::at(now));
        let store = builder.open().await.unwrap();
        store.put(OBJECT, "x".into()).await.unwrap();
        assert_eq!(store.size(OBJECT).await.unwrap(), Some(1));
    }
}

async fn a_key_that_is_too_long_is_refused_here(place: Place) {
    let store = place.store().await;
    let error = store
        .put("a/".repeat(520).trim_end_matches('/'), Bytes::new())
        .await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert!(error.to_string().contains("1024 bytes"), "{error}");
}

async fn a_debug_view_has_no_secret(place: Place) {
    let shown = format!("{:?} {:?}", place.builder(), place.store().await);
    assert!(
        !shown.contains(&place.secret) && shown.contains(&place.bucket),
        "{shown}"
    );
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let (mut place, alive) = place::in_process().await;
    // A port that was free a moment ago.
    let free = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    drop(alive);
    place.endpoint = format!("http://{free}");
    let errors = every_error(&place.store().await).await;
    check(
        &place,
        &errors,
        ErrorKind::Unavailable,
        &["check the endpoint", &place.endpoint],
    );
}

#[tokio::test]
async fn a_name_that_nobody_has_is_unavailable() {
    let (mut place, _alive) = place::in_process().await;
    place.endpoint = "http://no-such-host.invalid".to_owned();
    let error = place.store().await.get_suffix(OBJECT, 1).await.unwrap_err();
    check(
        &place,
        &[error],
        ErrorKind::Unavailable,
        &["check the endpoint"],
    );
}

/// The endpoint of a server that says the same to everything.
async fn answering(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let _head = socket.read(&mut [0; 4096]).await;
            let _sent = socket.write_all(answer.as_bytes()).await;
        }
    });
    endpoint
}

#[tokio::test]
async fn a_server_that_does_not_speak_s3_is_told_so() {
    for answer in [
        "HTTP/1.1 404 Not Found\r\ncontent-type: text/html\r\ncontent-length: 9\r\n\r\n<h1>?</h1",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
        "SSH-2.0-OpenSSH_9.2\r\n",
    ] {
        let (mut place, _alive) = place::in_process().await;
        place.endpoint = answering(answer).await;
        let error = place
            .store()
            .await
            .get_ranges(OBJECT, &[5..8])
            .await
            .unwrap_err();
        assert_ne!(error.kind(), ErrorKind::Corrupt, "{error}");
        assert!(error.to_string().contains(&place.bucket), "{error}");
    }
}

/// Served whole where a part was asked for: never taken for the part.
#[tokio::test]
async fn a_server_that_ignores_ranges_is_unsupported() {
    let (mut place, _alive) = place::in_process().await;
    let answer = "HTTP/1.1 200 OK\r\netag: \"x\"\r\ncontent-length: 10\r\n\r\n0123456789";
    place.endpoint = answering(answer).await;
    let store = place.store().await;
    for error in [
        store.get_ranges(OBJECT, &[2..12]).await.unwrap_err(),
        store.get_ranges(OBJECT, &[0..5]).await.unwrap_err(),
        store.get_suffix(OBJECT, 5).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    }
    // The whole of it is what was asked for.
    let whole = store.get_ranges(OBJECT, &[0..10]).await.unwrap().unwrap();
    assert_eq!(whole, ["0123456789"]);
}

/// It takes the connection, and then nothing comes.
#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_answer_is_unavailable() {
    let (mut place, _alive) = place::in_process().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    place.endpoint = format!("http://{}", listener.local_addr().unwrap());
    let silent = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((socket, _)) = listener.accept().await {
            held.push(socket);
        }
    });
    let begun = tokio::time::Instant::now();
    let error = place.store().await.get_suffix(OBJECT, 1).await.unwrap_err();
    check(
        &place,
        &[error],
        ErrorKind::Unavailable,
        &["did not answer in time"],
    );
    assert!(
        begun.elapsed() < Duration::from_secs(120),
        "{:?}",
        begun.elapsed()
    );
    silent.abort();
}

#[tokio::test]
async fn a_ca_file_holds_certificates() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    let url = format!("s3://bucket?region=x&ca_file={}", file.display());
    let error = S3Store::open(url.as_str()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert!(error.to_string().contains("ca.pem"), "{error}");
    std::fs::write(&file, "no certificate").unwrap();
    let error = S3Store::open(url.as_str()).await.unwrap_err();
    assert!(
        error.to_string().contains("no certificate in it"),
        "{error}"
    );
    let broken = "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n";
    std::fs::write(&file, broken).unwrap();
    let error = S3Store::open(url.as_str()).await.unwrap_err();
    assert!(error.to_string().contains("ca.pem"), "{error}");
}

/// Only here: s3s-fs takes a bucket that is not there for an empty one.
#[tokio::test]
#[ignore = "needs a server of S3 (scripts/services)"]
async fn a_bucket_that_is_not_there_is_told_from_an_object_that_is_not() {
    let (mut place, _alive) = place::real().await;
    assert_eq!(place.store().await.size(OBJECT).await.unwrap(), None);
    place.bucket = "no-such-bucket".to_owned();
    let errors = every_error(&place.store().await).await;
    check(&place, &errors, ErrorKind::Invalid, &["bucket"]);
    let read = place.store().await.get_suffix(OBJECT, 1).await.unwrap_err();
    check(
        &place,
        &[read],
        ErrorKind::Invalid,
        &["NoSuchBucket", OBJECT, "make it"],
    );
}

#[tokio::test]
#[ignore = "needs a server of S3 (scripts/services)"]
async fn another_region_is_named() {
    let (place, _alive) = place::real().await;
    let mut server = place.location().server().clone();
    server.region = Some("eu-central-1".to_owned());
    let location = S3Location::new(&place.bucket, "").unwrap().at(server);
    let credentials = Credentials::new(&place.access, &place.secret, None, None, "tests");
    let store = S3Store::builder(location)
        .credentials(credentials)
        .open()
        .await
        .unwrap();
    let error = store.get_suffix(OBJECT, 1).await.unwrap_err();
    check(&place, &[error], ErrorKind::Invalid, &["region"]);
}

#[tokio::test]
#[ignore = "needs a server of S3 (scripts/services)"]
async fn who_may_only_read_is_told_which_permission_is_missing() {
    let (place, _alive) = place::real().await;
    place.store().await.put(OBJECT, "x".into()).await.unwrap();
    let mut reader = Place::of_server("THERMOCLINE_TEST_S3_READER");
    let bucket = &place.bucket;
    let policy = serde_json::json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"AWS": [reader.access]},
        "Action": ["s3:GetObject", "s3:ListBucket"],
        "Resource": [format!("arn:aws:s3:::{bucket}"), format!("arn:aws:s3:::{bucket}/*")],
    }]});
    let client = place.client();
    let set = client
        .put_bucket_policy()
        .bucket(bucket)
        .policy(policy.to_string());
    set.send().await.unwrap();
    reader.bucket.clone_from(bucket);
    let store = reader.store().await;
    assert_eq!(store.get_suffix(OBJECT, 9).await.unwrap().unwrap(), "x");
    assert_eq!(store.size("main/none").await.unwrap(), None);
    let written = store.put("main/other", "x".into()).await.unwrap_err();
    check(
        &reader,
        &[written],
        ErrorKind::Invalid,
        &["AccessDenied", "s3:PutObject", "main/other"],
    );
    let deleted = store.delete(OBJECT).await.unwrap_err();
    check(
        &reader,
        &[deleted],
        ErrorKind::Invalid,
        &["AccessDenied", "s3:DeleteObject"],
    );
}

#[tokio::test]
#[ignore = "needs a server of S3 (scripts/services)"]
async fn a_certificate_of_an_unknown_authority_needs_a_ca_file() {
    let mut place = Place::of_server("THERMOCLINE_TEST_S3_TLS");
    let error = place.store().await.get_suffix(OBJECT, 1).await.unwrap_err();
    check(&place, &[error], ErrorKind::Invalid, &["ca_file"]);
    place.ca_file = Some(std::env::var_os("THERMOCLINE_TEST_S3_CA").unwrap().into());
    let error = place.store().await.get_suffix(OBJECT, 1).await.unwrap_err();
    check(&place, &[error], ErrorKind::Invalid, &["NoSuchBucket"]);
}
