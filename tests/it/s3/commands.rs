//! The commands with nothing changed but the configuration.

use serde_json::Value;

use super::place::{self, Place};
use crate::cli::{Ended, World, ended};

/// A folder whose configuration puts the archive into a bucket.
fn world(place: &Place) -> World {
    let world = World::new();
    world.file(
        "thermocline.toml",
        &format!(
            "policies = \"policies/\"\n[primary]\nbackend = \"sqlite\"\npath = \"records.db\"\n\
             [archive]\ndata = \"s3://{}/{}\"\n[s3]\nendpoint = \"{}\"\nregion = \"us-east-1\"\n\
             [collections.events]\nage = \"day\"\n",
            place.bucket, place.prefix, place.endpoint
        ),
    );
    world
}

fn run(world: &World, place: &Place, args: &[&str]) -> Ended {
    let mut command = world.command(args);
    command
        .env("AWS_ACCESS_KEY_ID", &place.access)
        .env("AWS_SECRET_ACCESS_KEY", &place.secret);
    ended(command.output().expect("it starts"))
}

fn ok(world: &World, place: &Place, args: &[&str]) -> String {
    let ended = run(world, place, args);
    assert_eq!(ended.code, Some(0), "{args:?}: {}", ended.err);
    assert!(!format!("{}{}", ended.out, ended.err).contains(&place.secret));
    ended.out
}

fn json(world: &World, place: &Place, args: &[&str]) -> Value {
    let out = ok(world, place, args);
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{args:?}: {error}: {out}"))
}

fn a_life_through_the_commands(place: &Place) {
    let world = world(place);
    ok(&world, place, &["check"]);
    let lines: String = (0..500)
        .map(|n| {
            format!(
                "{{\"id\":\"{n:03}\",\"fields\":{{\"day\":\"2013-{:02}-01\",\"n\":{n}}}}}\n",
                n % 12 + 1
            )
        })
        .collect();
    let file = world.file("in.ndjson", &lines);
    ok(&world, place, &["import", file.to_str().unwrap()]);
    let report = json(
        &world,
        place,
        &[
            "archive",
            "--once",
            "--now",
            "2014-01-01T00:00:00Z",
            "--output",
            "json",
        ],
    );
    assert_eq!(
        (&report["moved"], &report["segments"]),
        (&418.into(), &10.into()),
        "{report}"
    );
    assert_eq!(json(&world, place, &["get", "001"])["source"], "archive");
    assert_eq!(json(&world, place, &["get", "011"])["source"], "primary");
    assert_eq!(ok(&world, place, &["count", "n < 100"]), "100\n");
    let found = ok(
        &world,
        place,
        &["search", "n between 5 and 8", "--sort", "n"],
    );
    assert_eq!(found.lines().count(), 4, "{found}");
    ok(&world, place, &["delete", "001"]);
    assert_eq!(run(&world, place, &["get", "001"]).code, Some(3));
    ok(
        &world,
        place,
        &["put", "002", "{\"day\": \"2013-03-01\", \"again\": true}"],
    );
    let exported = ok(&world, place, &["export"]);
    assert_eq!(exported.lines().count(), 499, "every live record once");
    let status = json(&world, place, &["status", "--output", "json"]);
    let archive = &status["collections"][0]["archive"];
    assert_eq!(archive["segments"], 10, "{status}");
    assert!(archive["bytes"].as_u64().unwrap() > 0, "{status}");
    let settings = ok(&world, place, &["config"]);
    assert!(
        settings.contains(&format!("s3://{}/", place.bucket)),
        "{settings}"
    );
    assert!(settings.contains(&place.endpoint), "{settings}");
    let explained = json(&world, place, &["explain", "003", "--output", "json"]);
    assert_eq!(explained["tier"], "archive", "{explained}");

    // The archive alone, by its URL.
    let url = format!(
        "ducklake:sqlite:{}?table=events&data=s3://{}/{}&endpoint={}&region=us-east-1",
        world.path().join("records.db").display(),
        place.bucket,
        place.prefix.replace(' ', "%2520"),
        place.endpoint
    );
    let runtime = tokio::runtime::Handle::current();
    let opened = runtime.block_on(async { thermocline::database(&url).await });
    let shown = format!("{opened:?}");
    assert!(opened.is_ok(), "{shown}");
    assert!(!shown.contains(&place.secret), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_life_in_this_process() {
    let (place, _alive) = place::in_process().await;
    tokio::task::spawn_blocking(move || a_life_through_the_commands(&place))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a server of S3 (scripts/services)"]
async fn a_life_on_a_real_server() {
    let (place, _alive) = place::real().await;
    tokio::task::spawn_blocking(move || a_life_through_the_commands(&place))
        .await
        .unwrap();
}

/// Live records are read and written while the archive is out of reach; what needs it says so.
#[tokio::test(flavor = "multi_thread")]
async fn live_records_need_no_archive() {
    let (place, alive) = place::in_process().await;
    tokio::task::spawn_blocking(move || {
        let world = world(&place);
        ok(&world, &place, &["put", "new", "{\"day\": \"2013-12-24\"}"]);
        ok(&world, &place, &["put", "old", "{\"day\": \"2013-01-01\"}"]);
        ok(
            &world,
            &place,
            &["archive", "--once", "--now", "2014-01-01T00:00:00Z"],
        );
        drop(alive);
        // A port where nobody listens: the server's own would be taken by another test.
        let gone = Place {
            endpoint: "http://127.0.0.1:9".to_owned(),
            ..place.clone()
        };
        world.file(
            "thermocline.toml",
            &std::fs::read_to_string(world.path().join("thermocline.toml"))
                .unwrap()
                .replace(&place.endpoint, &gone.endpoint),
        );
        assert_eq!(json(&world, &gone, &["get", "new"])["source"], "primary");
        ok(&world, &gone, &["put", "new", "{\"day\": \"2013-12-25\"}"]);
        let ended = run(&world, &gone, &["get", "old"]);
        assert_eq!(ended.code, Some(1), "{}", ended.err);
        for said in [&place.bucket, "check the endpoint", "127.0.0.1:9"] {
            assert!(ended.err.contains(said), "{}", ended.err);
        }
    })
    .await
    .unwrap();
}

#[test]
fn what_the_configuration_lacks_is_said() {
    let world = World::new();
    let configuration = |archive: &str| {
        world.file(
            "thermocline.toml",
            &format!(
                "[primary]\nbackend = \"sqlite\"\npath = \"r.db\"\n{archive}\n[collections.events]\n"
            ),
        );
        let mut command = world.command(&["get", "x"]);
        command
            .env_remove("AWS_ACCESS_KEY_ID")
            .env_remove("AWS_SECRET_ACCESS_KEY")
            .env_remove("AWS_PROFILE")
            .env_remove("AWS_REGION")
            .env_remove("AWS_DEFAULT_REGION")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("HOME", world.path());
        let ended = ended(command.output().expect("it starts"));
        assert!(!ended.err.contains("hush"), "{}", ended.err);
        ended
    };
    let cases = [
        (
            "[archive]\ndata = \"s3://bucket/x\"",
            2,
            "the bucket's region is not known",
        ),
        ("[archive]\ndata = \"s3://b\"", 2, "archive.data"),
        (
            "[archive]\ndata = \"s3://me:hush@bucket\"",
            2,
            "AWS_SECRET_ACCESS_KEY",
        ),
        (
            "[archive]\ndata = \"a\"\n[s3]\nendpoint = \"localhost\"",
            2,
            "s3.endpoint",
        ),
        (
            "[archive]\ndata = \"a\"\n[s3]\nregoin = \"x\"",
            2,
            "did you mean `region`",
        ),
        (
            "[archive]\ndata = \"a\"\n[s3]\nsecret_access_key = \"hush\"",
            2,
            "s3.secret_access_key",
        ),
        (
            "[archive]\ndata = \"a\"\n[s3]\npath_style = \"yes\"",
            2,
            "true or false",
        ),
        (
            "[archive]\ndata = \"s3://bucket\"\n[s3]\nregion = \"x\"\nca_file = \"no.pem\"",
            2,
            "no.pem",
        ),
    ];
    for (archive, code, says) in cases {
        let ended = configuration(archive);
        assert_eq!(ended.code, Some(code), "{archive}: {}", ended.err);
        assert!(ended.err.contains(says), "{archive}: {}", ended.err);
    }
}

/// Nobody gives credentials, and nothing on this machine has any.
#[tokio::test(flavor = "multi_thread")]
async fn without_credentials_it_says_where_they_come_from() {
    let (place, _alive) = place::in_process().await;
    tokio::task::spawn_blocking(move || {
        let world = world(&place);
        ok(&world, &place, &["put", "old", "{\"day\": \"2013-01-01\"}"]);
        ok(
            &world,
            &place,
            &["archive", "--once", "--now", "2014-01-01T00:00:00Z"],
        );
        let mut command = world.command(&["get", "old"]);
        command
            .env_remove("AWS_ACCESS_KEY_ID")
            .env_remove("AWS_SECRET_ACCESS_KEY")
            .env_remove("AWS_PROFILE")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("HOME", world.path());
        let ended = ended(command.output().expect("it starts"));
        assert_eq!(ended.code, Some(2), "{}", ended.err);
        assert!(ended.err.contains("AWS_ACCESS_KEY_ID"), "{}", ended.err);
    })
    .await
    .unwrap();
}
