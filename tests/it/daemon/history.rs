//! The runs that the database remembers, whoever ran them.

use thermocline::{DatabaseExt, ParquetArchive, Policy, Record, RunOutcome, TieredDatabase};

use super::*;

fn runs(world: &World) -> Vec<Value> {
    let status = world.json(&["status", "--output", "json"]);
    let runs = collection(&status, "events")["runs"].as_array();
    runs.expect("runs").clone()
}

#[test]
fn every_run_is_remembered_and_idle_ones_share_a_line() {
    let world = world();
    assert!(runs(&world).is_empty());
    add(&world, "events", "e", 12);
    world.ok(&["archive", "--once"]);
    let first = runs(&world);
    assert_eq!(first.len(), 1, "{first:?}");
    assert_eq!(first[0]["policy"], "old");
    assert_eq!(first[0]["outcome"], "done");
    assert_eq!(
        (&first[0]["moved"], &first[0]["segments"]),
        (&12.into(), &1.into())
    );
    assert!(first[0]["bytes"].as_u64() > Some(100));
    assert!(first[0]["started"].as_str() <= first[0]["ended"].as_str());
    assert!(first[0]["error"].is_null());

    // A daemon's idle runs, one process, one line.
    let daemon = Daemon::start(&world);
    let status = daemon.until("it ran three times", |status| {
        collection(status, "events")["runs"][0]["times"].as_u64() >= Some(3)
    });
    let told = collection(&status, "events")["runs"].as_array().unwrap();
    assert_eq!(told.len(), 2, "{told:?}");
    let people = world.ok(&["status"]);
    assert!(
        people.contains("last runs") && people.contains("times"),
        "{people}"
    );
    daemon.stop();

    sql(
        &world,
        &["CREATE TRIGGER gone AFTER DELETE ON events BEGIN SELECT 1; END"],
    );
    assert_eq!(world.run(&["archive", "--once"]).code, Some(2));
    let failed = &runs(&world)[0];
    assert_eq!(failed["outcome"], "failed");
    assert_eq!(failed["error"]["kind"], "unsupported");
    assert!(
        failed["error"]["message"]
            .to_string()
            .contains("a trigger runs")
    );
}

#[cfg(feature = "faults")]
#[test]
fn a_run_whose_process_died_was_interrupted() {
    let world = world();
    add(&world, "events", "e", 5);
    let mut command = world.command(&["archive", "--once"]);
    command.env("THERMOCLINE_FAULT", "publish.commit:abort");
    assert!(!command.output().expect("it starts").status.success());
    assert_eq!(
        runs(&world)[0]["outcome"],
        "running",
        "nobody knows better yet"
    );
    // Its lease has not run out; a command goes on beside it, and whoever holds the lease next knows that it is over.
    let patience = Instant::now();
    loop {
        world.ok(&["archive", "--once"]);
        let runs = runs(&world);
        let outcomes: Vec<_> = runs.iter().map(|run| run["outcome"].clone()).collect();
        if outcomes.contains(&"interrupted".into()) {
            assert!(!outcomes.contains(&"running".into()), "{outcomes:?}");
            break;
        }
        assert!(patience.elapsed() < PATIENCE, "{outcomes:?}");
        std::thread::sleep(Duration::from_millis(500));
    }
    assert_eq!(count(&world, "events"), 5);
}

async fn events(folder: &std::path::Path) -> TieredDatabase {
    TieredDatabase::builder()
        .primary(
            SqliteDatabase::open(folder.join("records.db"))
                .await
                .unwrap(),
        )
        .archive(ParquetArchive::in_dir(folder.join("archive")))
        .age("day")
        .policy(Policy::older_than("90d").unwrap())
        .build()
        .await
        .unwrap()
}

#[tokio::test]
async fn an_embedders_archiver_is_remembered_too() {
    let folder = tempfile::tempdir().unwrap();
    let events = events(folder.path()).await;
    let record = Record::from_json("e", r#"{"day":"2013-01-01"}"#).unwrap();
    events.upsert(record).await.unwrap();
    let mut archiver = events.spawn_archiver(Duration::from_secs(3600));
    archiver.next().await.unwrap().unwrap();
    archiver.stop().await;
    let runs = events.last_runs(10).await.unwrap();
    assert_eq!(runs.len(), 1);
    assert_eq!((runs[0].outcome, runs[0].moved), (RunOutcome::Done, 1));
    events.close().await.unwrap();
}

#[tokio::test]
async fn the_history_is_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let events = events(folder.path()).await;
    for n in 0..60 {
        // Each moves something, so that each has a line of its own.
        let record = Record::from_json(format!("e{n}"), r#"{"day":"2013-01-01"}"#).unwrap();
        events.upsert(record).await.unwrap();
        events.archive_due().await.unwrap();
    }
    let runs = events.last_runs(1_000).await.unwrap();
    assert_eq!(runs.len(), 50);
    assert!(runs.iter().all(|run| run.moved == 1));
    assert!(
        runs.windows(2)
            .all(|pair| pair[0].started >= pair[1].started)
    );
    events.close().await.unwrap();
}
