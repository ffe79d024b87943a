//! What waits: counted by the index, told by status, metrics and the library.

use super::*;

#[test]
fn the_backlog_rises_and_is_drained() {
    let world = world();
    policy(&world, "old", "events", "schedule = \"0 0 1 1 *\"");
    let daemon = Daemon::start(&world);
    add(&world, "events", "e", 40);
    let rows = "thermocline_backlog_rows{collection=\"events\",policy=\"old\"}";
    daemon.until_metric(rows, |rows| rows == 40.0);
    let status = daemon.json("/status");
    let backlog = &collection(&status, "events")["backlog"][0];
    assert_eq!(backlog["policy"], "old");
    assert_eq!(backlog["rows"], 40);
    assert_eq!(backlog["oldest"], "2013-01-01T00:00:00Z");
    let plan = world.json(&["plan", "--policy", "old", "--output", "json"]);
    assert_eq!(backlog["bytes"], plan["policies"][0]["bytes"], "{plan}");
    let told = world.json(&["status", "--output", "json"]);
    assert_eq!(&collection(&told, "events")["backlog"][0], backlog);
    daemon.until_metric(
        "thermocline_backlog_oldest_age_seconds{collection=\"events\",policy=\"old\"}",
        |age| age > 300_000_000.0,
    );
    policy(&world, "old", "events", "every = \"1s\"");
    daemon.signal("HUP");
    daemon.until_metric(rows, |rows| rows == 0.0);
    daemon.until_metric("thermocline_archive_rows{collection=\"events\"}", |rows| {
        rows == 40.0
    });
    daemon.until_metric(
        "thermocline_policy_reloads_total{outcome=\"taken\"}",
        |times| times == 1.0,
    );
    daemon.stop();
}
