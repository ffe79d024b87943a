//! What it does when all is well, and that one part's trouble is no other's.

use super::*;

#[test]
fn it_archives_what_is_old_and_tells_of_it() {
    let world = world();
    policy(&world, "old-orders", "orders", "schedule = \"* * * * *\"");
    policy(&world, "by-hand", "orders", "");
    add(&world, "events", "e", 300);
    let daemon = Daemon::start(&world);
    let status = daemon.until("everything old is archived", |status| {
        archived(status, "events") == 300
    });
    assert_eq!(collection(&status, "events")["primary"]["records"], 0);
    assert_eq!(status["daemon"]["pid"], daemon.pid());
    let old = policy_in(&status, "old");
    assert_eq!(old["schedule"], "every 1s");
    let orders = policy_in(&status, "old-orders");
    assert_eq!(orders["schedule"], "* * * * * (UTC)");
    assert!(orders["next"].is_string(), "{orders}");
    let by_hand = policy_in(&status, "by-hand");
    assert!(by_hand["schedule"].is_null() && by_hand["next"].is_null());

    // More of them: the next turn takes them too.
    add(&world, "events", "later", 50);
    daemon.until("the later ones too", |status| {
        archived(status, "events") == 350
    });

    assert_eq!(daemon.get("/healthz").body, "ok\n");
    let ready = daemon.get("/readyz");
    assert_eq!(
        (ready.code, ready.body.trim()),
        (200, r#"{"ready":true,"reasons":[]}"#)
    );
    let metrics = daemon.get("/metrics");
    assert!(metrics.head.contains("text/plain; version=0.0.4"));
    let page = daemon.get("/");
    assert!(page.head.contains("text/html"), "{}", page.head);
    for part in ["events", "old-orders", "ready"] {
        assert!(page.body.contains(part), "{part} in {}", page.body);
    }
    for foreign in ["src=", "<script", "@import", "url("] {
        assert!(!page.body.contains(foreign), "{foreign} in the page");
    }
    assert_eq!(daemon.get("/nowhere").code, 404);

    let log = daemon.stop();
    let moved = log.iter().filter(|line| line.contains("records moved"));
    assert!(moved.count() >= 2, "{log:#?}");
    assert_eq!(count(&world, "events"), 350, "nothing is lost");
}

#[test]
fn a_policy_that_fails_is_tried_again_and_stops_no_other() {
    let world = world();
    policy(&world, "old-orders", "orders", "every = \"1s\"");
    add(&world, "orders", "o", 20);
    sql(
        &world,
        &[
            "CREATE TABLE seen (id TEXT)",
            "CREATE TRIGGER gone AFTER DELETE ON events BEGIN INSERT INTO seen VALUES (old.id); END",
        ],
    );
    add(&world, "events", "e", 20);
    let daemon = Daemon::start(&world);
    let status = daemon.until("it failed three times", |status| {
        policy_in(status, "old")["failures"].as_u64() >= Some(3)
    });
    let error = &policy_in(&status, "old")["error"];
    assert_eq!(error["kind"], "unsupported");
    assert!(
        error["message"].to_string().contains("a trigger runs"),
        "{error}"
    );
    daemon.until("the other collection is archived", |status| {
        archived(status, "orders") == 20
    });
    let ready = daemon.get("/readyz");
    assert_eq!(ready.code, 503);
    let said = reasons(&daemon.json("/readyz"));
    assert!(
        said[0].contains("a trigger runs when a record is deleted"),
        "{said:?}"
    );
    assert!(daemon.get("/").body.contains("not ready"));

    sql(&world, &["DROP TRIGGER gone"]);
    daemon.until("it goes on by itself", |status| {
        archived(status, "events") == 20 && policy_in(status, "old")["failures"] == 0
    });
    daemon.until_at("/readyz", "it is ready again", |r| r["ready"] == true);
    let status = daemon.json("/status");
    assert!(policy_in(&status, "old")["error"].is_null());
    let log = daemon.stop();
    let failed = log.iter().filter(|line| line.contains("a run failed"));
    assert!(failed.count() >= 3, "each is logged once: {log:#?}");
}

#[test]
fn the_log_is_json_where_a_program_reads_it() {
    let world = world();
    add(&world, "events", "e", 3);
    let daemon = Daemon::with(world.command(&["run", "--log-format", "json"]));
    daemon.until("they are archived", |status| {
        archived(status, "events") == 3
    });
    let log = daemon.stop();
    let lines: Vec<Value> = log
        .iter()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
        .collect();
    let moved = lines
        .iter()
        .find(|line| line["moved"] == 3)
        .expect("a move");
    assert_eq!(moved["collection"], "events");
    assert_eq!(moved["policy"], "old");
    assert_eq!(moved["level"], "INFO");
}

#[test]
fn an_address_in_use() {
    let world = world();
    let first = Daemon::start(&world);
    let address = first.address().to_string();
    let second = world.run(&["run", "--listen", &address]);
    assert_eq!(second.code, Some(1));
    assert!(
        second
            .err
            .contains("another program listens on this address")
            && second.err.contains(&format!("listen: {address}"))
            && second.err.contains("[daemon] listen"),
        "{}",
        second.err
    );
    assert_eq!(first.get("/healthz").code, 200, "the first one goes on");
}
