//! How it ends.

use super::*;

/// As many batches as records: there is always a next one to stop before.
const RECORD_BY_RECORD: &str = "every = \"1s\"\nbatch = { rows = 1 }";

#[test]
fn it_stops_between_two_batches() {
    let world = world();
    policy(&world, "old", "events", RECORD_BY_RECORD);
    add(&world, "events", "e", 2_000);
    let daemon = Daemon::start(&world);
    daemon.until("it is at work", |status| {
        policy_in(status, "old")["running"]["moved"].as_u64() >= Some(3)
    });
    let log = daemon.stop();
    assert!(log.iter().any(|line| line.contains("stopping")), "{log:#?}");
    let status = world.json(&["status", "--output", "json"]);
    let events = collection(&status, "events");
    let (live, archived) = (
        events["primary"]["records"].as_u64().unwrap(),
        events["archive"]["records"].as_u64().unwrap(),
    );
    assert!(archived >= 3 && live > 0, "{events}");
    assert_eq!(live + archived, 2_000);
    assert_eq!(
        events["archive"]["unpublished_batches"], 0,
        "nothing was cut in the middle"
    );
}

#[cfg(feature = "faults")]
#[test]
fn a_second_signal_ends_it_at_once() {
    let world = world();
    policy(&world, "old", "events", RECORD_BY_RECORD);
    add(&world, "events", "e", 300);
    let daemon = hanging(&world);
    daemon.signal("TERM");
    let readiness = daemon.until_at("/readyz", "it drains", |r| r["ready"] == false);
    assert!(reasons(&readiness)[0].starts_with("stopping "));
    assert_eq!(daemon.get("/healthz").code, 200, "it still answers");
    daemon.signal("INT");
    let (code, _) = daemon.ended();
    assert_eq!(code, Some(130));
    assert_eq!(count(&world, "events"), 300, "which loses nothing");
    world.ok(&["archive", "--once"]);
    assert_eq!(count(&world, "events"), 300);
}

#[cfg(feature = "faults")]
#[test]
fn the_grace_period_ends() {
    let world = world();
    world.file("thermocline.toml", &CONFIG.replace("20s", "100ms"));
    add(&world, "events", "e", 10);
    let daemon = hanging(&world);
    daemon.signal("TERM");
    let (code, log) = daemon.ended();
    assert_eq!(code, Some(1), "{log:#?}");
    assert!(
        log.iter()
            .any(|line| line.contains("the grace period is over")),
        "{log:#?}"
    );
    assert_eq!(count(&world, "events"), 10);
}

/// A daemon that hangs before its first publish, so that it cannot drain.
#[cfg(feature = "faults")]
fn hanging(world: &World) -> Daemon {
    let mut command = world.command(&["run"]);
    command.env("THERMOCLINE_FAULT", "publish.begin:cancel");
    let daemon = Daemon::with(command);
    daemon.until("its first batch is uploaded", |_| {
        has_segments(world.path())
    });
    daemon
}

/// Whether anything lies in the archive's folder: a batch is under way then.
#[cfg(feature = "faults")]
fn has_segments(folder: &std::path::Path) -> bool {
    fn found(folder: &std::path::Path) -> bool {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.into_iter().any(|entry| {
            let path = entry.path();
            path.extension()
                .is_some_and(|extension| extension == "parquet")
                || found(&path)
        })
    }
    found(&folder.join("archive"))
}
