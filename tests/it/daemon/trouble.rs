//! What goes wrong below it while it runs: it says so, loses nothing, and goes on by itself.

use super::*;

/// Waits until `/readyz` says no, with a word of why.
fn until_not_ready(daemon: &Daemon, part: &str) {
    daemon.until_at("/readyz", &format!("it says {part}"), |r| {
        r["ready"] == false && r.to_string().contains(part)
    });
    assert_eq!(daemon.get("/readyz").code, 503);
}

fn until_ready(daemon: &Daemon) {
    daemon.until_at("/readyz", "it is ready", |r| r["ready"] == true);
}

#[test]
fn another_program_holds_the_lock() {
    let world = world();
    add(&world, "events", "e", 20);
    let daemon = Daemon::start(&world);
    daemon.until("it works", |status| archived(status, "events") == 20);
    with_lock(&world, async |_| {
        until_not_ready(&daemon, "another program holds the lock");
        let status = daemon.json("/status");
        let error = &policy_in(&status, "old")["error"];
        assert_eq!(error["kind"], "unavailable", "{error}");
        daemon.until_metric(
            "thermocline_consecutive_failures{collection=\"events\",policy=\"old\"}",
            |failures| failures >= 2.0,
        );
        assert_eq!(daemon.get("/healthz").code, 200);
    });
    add(&world, "events", "later-", 5);
    daemon.until("it goes on by itself", |status| {
        archived(status, "events") == 25
    });
    until_ready(&daemon);
    daemon.stop();
    assert_eq!(count(&world, "events"), 25);
}

#[test]
fn the_lock_is_held_while_it_starts() {
    let world = world();
    add(&world, "events", "e", 5);
    // A new collection needs a table, and so the lock.
    world.file(
        "thermocline.toml",
        &format!("{CONFIG}[collections.third]\n"),
    );
    let mut daemon = None;
    with_lock(&world, async |_| {
        let started = Daemon::start(&world);
        until_not_ready(&started, "another program holds the lock");
        daemon = Some(started);
    });
    let daemon = daemon.expect("started");
    daemon.until("it goes on by itself", |status| {
        archived(status, "events") == 5
    });
    until_ready(&daemon);
    daemon.stop();
}

#[test]
fn the_database_file_is_replaced() {
    let world = world();
    add(&world, "events", "e", 10);
    let daemon = Daemon::start(&world);
    daemon.until("it works", |status| archived(status, "events") == 10);
    // Another database with other records, made beside it.
    let other = CONFIG.replace("records.db", "other.db");
    world.file("other.toml", &other);
    let lines: String = (0..7)
        .map(|n| format!("{{\"id\":\"other-{n}\",\"fields\":{{\"day\":\"2013-01-01\"}}}}\n"))
        .collect();
    let import = [
        "import",
        "-",
        "--config",
        "other.toml",
        "--collection",
        "events",
    ];
    assert_eq!(world.fed(&import, lines.as_bytes()).code, Some(0));
    with_lock_of(&world, "other.db", async |_| {});
    let path = |name: &str| world.path().join(name);
    assert!(!path("other.db-wal").exists(), "its log is in it");
    for suffix in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(path(&format!("records.db{suffix}")));
    }
    std::fs::rename(path("other.db"), path("records.db")).unwrap();
    daemon.until("it opens the new one and goes on", |status| {
        status["tiers"]["open"] == true && archived(status, "events") == 7
    });
    until_ready(&daemon);
    let log = daemon.stop();
    assert!(
        log.iter()
            .any(|line| line.contains("was replaced or removed")),
        "{log:#?}"
    );
    assert_eq!(count(&world, "events"), 7);
}

#[test]
fn the_database_file_goes_away_and_comes_back() {
    let world = world();
    add(&world, "events", "e", 10);
    let daemon = Daemon::start(&world);
    daemon.until("it works", |status| archived(status, "events") == 10);
    let away = world.path().join("away");
    std::fs::create_dir(&away).unwrap();
    let files = ["records.db", "records.db-wal", "records.db-shm"];
    for file in files {
        std::fs::rename(world.path().join(file), away.join(file)).unwrap();
    }
    until_not_ready(&daemon, "the database file is gone");
    assert!(
        !world.path().join("records.db").exists(),
        "no empty one is made in its place"
    );
    for file in files.into_iter().rev() {
        // What the connections of before did not need any more is gone.
        let _ = std::fs::rename(away.join(file), world.path().join(file));
    }
    daemon.until("it goes on by itself", |status| {
        status["tiers"]["open"] == true && archived(status, "events") == 10
    });
    until_ready(&daemon);
    daemon.stop();
    assert_eq!(count(&world, "events"), 10);
}

/// A limit on the length of files stands for a full disk: no root is needed, and it can be lifted.
#[cfg(target_os = "linux")]
#[test]
fn the_disk_is_full() {
    let world = world();
    add(&world, "events", "e", 20);
    let mut command = Command::new("bash");
    command
        .args(["-c", "trap '' XFSZ; ulimit -S -f 64; exec \"$0\" run"])
        .arg(env!("CARGO_BIN_EXE_thermocline"))
        .current_dir(world.path())
        .env_remove("THERMOCLINE_CONFIG")
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped());
    let daemon = Daemon::with(command);
    let readiness = daemon.until_at("/readyz", "it says so", |r| {
        r["ready"] == false && r.to_string().contains("disk")
    });
    let said = reasons(&readiness);
    assert!(said[0].contains("disk"), "{said:?}");
    let pid = daemon.pid().to_string();
    let lifted = Command::new("prlimit")
        .args(["--pid", &pid, "--fsize=unlimited"])
        .status();
    assert!(lifted.expect("prlimit").success());
    daemon.until("it goes on by itself", |status| {
        archived(status, "events") == 20
    });
    until_ready(&daemon);
    daemon.stop();
    assert_eq!(count(&world, "events"), 20);
    let status = world.json(&["status", "--output", "json"]);
    assert_eq!(collection(&status, "events")["primary"]["records"], 0);
}

#[cfg(feature = "faults")]
#[test]
fn the_clock_jumps() {
    let world = world();
    let clock = world.file("clock", "0");
    let mut command = world.command(&["run"]);
    command.env("THERMOCLINE_CLOCK", &clock);
    let daemon = Daemon::with(command);
    let mut added = 0;
    for offset in [0_i64, 3_600, -3_600, 0, 90_000, -90_000, 0] {
        // Written whole, so that nobody reads half of it.
        let new = world.file("clock.new", &offset.to_string());
        std::fs::rename(new, &clock).unwrap();
        add(&world, "events", &format!("at-{added}-"), 5);
        added += 5;
        daemon.until(&format!("it works {offset} s off"), |status| {
            archived(status, "events") == added
        });
    }
    until_ready(&daemon);
    let log = daemon.stop();
    assert!(!log.iter().any(|line| line.contains("ERROR")), "{log:#?}");
    assert_eq!(count(&world, "events"), added);
}

#[cfg(feature = "faults")]
#[test]
fn a_cron_line_runs_when_its_time_comes() {
    use jiff::{Timestamp, ToSpan, tz::TimeZone};
    let world = world();
    policy(
        &world,
        "old",
        "events",
        "schedule = \"0 2 * * *\"\nzone = \"Europe/Berlin\"",
    );
    let berlin = TimeZone::get("Europe/Berlin").unwrap();
    let now = Timestamp::now();
    let tomorrow = now.to_zoned_datetime(berlin.clone()).date() + 1.day();
    let two = tomorrow.at(2, 0, 0, 0).to_zoned_datetime(berlin).unwrap();
    let off = two.timestamp().duration_since(now).as_secs();
    let clock = world.file("clock", &(off - 3_600).to_string());
    let mut command = world.command(&["run"]);
    command.env("THERMOCLINE_CLOCK", &clock);
    add(&world, "events", "e", 5);
    let daemon = Daemon::with(command);
    let status = daemon.until("it is measured", |status| {
        collection(status, "events")["backlog"][0]["rows"] == 5
            && policy_in(status, "old")["next"].is_string()
    });
    let next = policy_in(&status, "old")["next"].as_str().unwrap();
    assert_eq!(next.parse::<Timestamp>().unwrap(), two.timestamp());
    assert_eq!(archived(&status, "events"), 0, "an hour too early");
    let new = world.file("clock.new", &(off + 1).to_string());
    std::fs::rename(new, &clock).unwrap();
    let status = daemon.until("it ran", |status| archived(status, "events") == 5);
    let status_next = daemon.until("the next night is planned", |status| {
        policy_in(status, "old")["last_success"].is_string()
    });
    assert!(
        policy_in(&status_next, "old")["next"].as_str() > Some(next),
        "{status}"
    );
    daemon.stop();
}

/// A process that is ended between any two steps of a move, and started again.
#[cfg(feature = "faults")]
#[test]
fn it_is_killed_between_any_two_steps() {
    let steps = [
        "journal",
        "upload",
        "publish.begin",
        "publish.primary",
        "publish.catalog",
        "publish.head",
        "publish.commit",
    ];
    std::thread::scope(|scope| {
        for step in steps {
            scope.spawn(move || {
                for kind in ["abort", "abort_after"] {
                    let world = world();
                    add(&world, "events", "e", 30);
                    let mut command = world.command(&["run"]);
                    command.env("THERMOCLINE_FAULT", format!("{step}:{kind}"));
                    let (code, log) = Daemon::with(command).ended();
                    assert_eq!(code, None, "{step}:{kind}: {log:#?}");
                    assert_eq!(count(&world, "events"), 30, "{step}:{kind}");
                    let daemon = Daemon::start(&world);
                    daemon.until(&format!("it goes on after {step}:{kind}"), |status| {
                        archived(status, "events") == 30
                    });
                    until_ready(&daemon);
                    daemon.stop();
                    assert_eq!(count(&world, "events"), 30, "{step}:{kind}");
                }
            });
        }
    });
}
