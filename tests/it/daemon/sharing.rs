//! Several daemons on one file: they share the work out, and nobody who sleeps past his lease does harm.

use std::collections::BTreeSet;

use super::*;

/// The processes that moved something, as the history of a collection tells.
fn movers(status: &Value, name: &str) -> BTreeSet<u64> {
    let runs = collection(status, name)["runs"].as_array();
    runs.into_iter()
        .flatten()
        .filter(|run| run["moved"].as_u64() > Some(0))
        .map(|run| {
            let holder = run["holder"].as_str().expect("a holder");
            let pid = holder.split('/').nth(1).expect("a process");
            pid.parse().expect("a number")
        })
        .collect()
}

#[test]
fn two_daemons_share_the_collections_out() {
    let world = world();
    policy(&world, "old-orders", "orders", "every = \"1s\"");
    let daemons = [Daemon::start(&world), Daemon::start(&world)];
    let both: BTreeSet<u64> = daemons.iter().map(|d| u64::from(d.pid())).collect();
    let mut added = 0;
    let begun = Instant::now();
    loop {
        let prefix = format!("wave-{added}-");
        add(&world, "events", &prefix, 10);
        add(&world, "orders", &prefix, 10);
        added += 10;
        let status = daemons[0].until("the wave is archived", |status| {
            ["events", "orders"]
                .iter()
                .all(|name| archived(status, name) == added)
        });
        let movers: BTreeSet<u64> = ["events", "orders"]
            .iter()
            .flat_map(|name| movers(&status, name))
            .collect();
        assert!(movers.is_subset(&both), "{movers:?}");
        if movers == both {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "one of them does all the work");
    }
    for daemon in &daemons {
        daemon.until_at("/readyz", "it is ready", |r| r["ready"] == true);
    }
    for daemon in daemons {
        let log = daemon.stop();
        assert!(!log.iter().any(|line| line.contains("ERROR")), "{log:#?}");
    }
    for name in ["events", "orders"] {
        assert_eq!(count(&world, name), added, "nothing is lost or doubled");
    }
    let status = world.json(&["status", "--output", "json"]);
    for name in ["events", "orders"] {
        assert_eq!(archived(&status, name), added);
    }
}

/// Stops a process at a moment when it does not hold the database's lock.
fn freeze(daemon: &Daemon, world: &World) {
    let begun = Instant::now();
    loop {
        daemon.signal("STOP");
        let probe = Duration::from_millis(50);
        if try_lock(world, probe) {
            return;
        }
        daemon.signal("CONT");
        assert!(begun.elapsed() < PATIENCE, "it never lets the lock go");
    }
}

fn try_lock(world: &World, patience: Duration) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let opened = SqliteDatabase::builder(world.path().join("records.db"))
            .table("events")
            .busy_timeout(patience)
            .open()
            .await;
        let Ok(database) = opened else { return false };
        let host = database.catalog_host().expect("a host");
        let locked = host.begin_write().await.is_ok();
        database.close().await.expect("it closes");
        locked
    })
}

#[test]
fn a_daemon_that_sleeps_past_its_lease_does_no_harm() {
    let world = world();
    policy(
        &world,
        "old",
        "events",
        "every = \"1s\"\nbatch = { rows = 2 }",
    );
    add(&world, "events", "e", 600);
    let sleeper = Daemon::start(&world);
    sleeper.until("it is at work", |status| {
        policy_in(status, "old")["running"]["moved"].as_u64() >= Some(6)
    });
    freeze(&sleeper, &world);
    let other = Daemon::start(&world);
    let status = other.until("the other one takes over and ends the work", |status| {
        archived(status, "events") == 600
    });
    assert!(movers(&status, "events").contains(&u64::from(other.pid())));
    let outcomes = |status: &Value| -> Vec<String> {
        let runs = collection(status, "events")["runs"]
            .as_array()
            .expect("runs")
            .clone();
        let of = |run: &Value| run["outcome"].as_str().expect("a word").to_owned();
        runs.iter().map(of).collect()
    };
    assert!(
        outcomes(&status).contains(&"interrupted".to_owned()),
        "the sleeper was taken for dead: {status:#}"
    );
    sleeper.signal("CONT");
    for daemon in [&sleeper, &other] {
        daemon.until("it goes on", |status| {
            let policy = policy_in(status, "old");
            policy["running"].is_null() && policy["failures"] == 0
        });
    }
    add(&world, "events", "later-", 10);
    other.until("what came later is archived too", |status| {
        archived(status, "events") == 610
    });
    sleeper.stop();
    other.stop();
    assert_eq!(count(&world, "events"), 610, "nothing is lost or doubled");
    let status = world.json(&["status", "--output", "json"]);
    assert_eq!(archived(&status, "events"), 610);
    assert_eq!(collection(&status, "events")["primary"]["records"], 0);
}

#[cfg(feature = "faults")]
#[test]
fn a_command_says_who_is_at_work_and_goes_on_beside_him() {
    let world = world();
    world.file("thermocline.toml", &CONFIG.replace("\"2s\"", "\"60s\""));
    add(&world, "events", "e", 10);
    let mut command = world.command(&["run"]);
    command.env("THERMOCLINE_FAULT", "publish.begin:cancel");
    let daemon = Daemon::with(command);
    daemon.until("it is at work", |status| {
        policy_in(status, "old")["running"].is_object()
    });
    // The lease is taken a moment after it says so.
    daemon.until("its run is noted", |_| {
        let status = world.json(&["status", "--output", "json"]);
        collection(&status, "events")["runs"][0]["outcome"] == "running"
    });
    let ended = world.run(&["archive", "--once", "--policy", "old", "--output", "json"]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(
        ended.err.contains("events was being archived by")
            && ended.err.contains(&daemon.pid().to_string()),
        "{}",
        ended.err
    );
    let report: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(report["moved"], 10, "safety does not rest on the lease");
    assert_eq!(count(&world, "events"), 10);

    // Another daemon leaves the collection to the one that holds it.
    let second = Daemon::start(&world);
    let status = second.until("it waits", |status| {
        policy_in(status, "old")["held_by"].is_string()
    });
    let holder = policy_in(&status, "old")["held_by"].to_string();
    assert!(holder.contains(&daemon.pid().to_string()), "{holder}");
    second.stop();
}
