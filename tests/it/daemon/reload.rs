//! Reading the policies again, and files that are bad.

use super::*;

#[test]
fn policies_are_read_again_when_it_is_told() {
    let world = world();
    policy(&world, "by-hand", "orders", "");
    add(&world, "orders", "o", 10);
    let daemon = Daemon::start(&world);
    daemon.until("it runs", |status| {
        policy_in(status, "old")["last_success"].is_string()
    });
    policy(&world, "by-hand", "orders", "every = \"1s\"");
    std::fs::remove_file(world.path().join("policies/old.toml")).unwrap();
    daemon.signal("HUP");
    let status = daemon.until("the new policy is in force", |status| {
        archived(status, "orders") == 10
    });
    let events = collection(&status, "events");
    assert_eq!(events["policies"].as_array().map(Vec::len), Some(0));
    daemon.stop();
}

#[test]
fn a_bad_file_keeps_the_old_policies_until_it_is_mended() {
    let world = world();
    let daemon = Daemon::start(&world);
    daemon.until_at("/readyz", "it is ready", |r| r["ready"] == true);
    for (bad, expected) in [
        ("schedule = \"0 0 30 2 *\"", "this cron line never fires"),
        (
            "schedule = \"0 2 * * *\"\nzone = \"Mars\"",
            "no such time zone",
        ),
        ("every = ", "not TOML"),
    ] {
        policy(&world, "new", "orders", bad);
        daemon.signal("HUP");
        let readiness = daemon.until_at("/readyz", expected, |r| {
            r["ready"] == false && r.to_string().contains(expected)
        });
        let said = reasons(&readiness);
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(
            said[0].starts_with("configuration ") && said[0].contains("new.toml, line"),
            "{said:?}"
        );
        // The old policy works on meanwhile.
        let prefix = format!("{}-", bad.len());
        let before = archived(&daemon.json("/status"), "events");
        add(&world, "events", &prefix, 5);
        daemon.until("the old policy goes on", |status| {
            archived(status, "events") == before + 5
        });
    }
    let named_twice = "name = \"old\"\ncollection = \"orders\"\nolder_than = \"1d\"";
    world.file("policies/new.toml", named_twice);
    daemon.until_at("/readyz", "it says so", |r| {
        r.to_string().contains("another policy is called")
    });
    policy(&world, "new", "orders", "every = \"1s\"");
    add(&world, "orders", "o", 7);
    daemon.until(
        "the mended file is taken without being told again",
        |status| archived(status, "orders") == 7,
    );
    let status = daemon.json("/status");
    assert!(status["configuration"]["problem"].is_null());
    daemon.until_at("/readyz", "it is ready", |r| r["ready"] == true);
    let log = daemon.stop();
    let refused = log.iter().filter(|line| line.contains("not taken"));
    assert_eq!(refused.count(), 3, "once for each SIGHUP: {log:#?}");
}

#[test]
fn a_folder_of_policies_that_is_missing_or_bad_from_the_start() {
    let world = world();
    let said = |code: i32, part: &str| {
        let ended = world.run(&["run"]);
        assert_eq!(ended.code, Some(code), "{}", ended.err);
        assert!(ended.err.contains(part), "{}", ended.err);
    };
    policy(&world, "twice", "events", "");
    let twice = world.path().join("policies/twice.toml");
    let text = std::fs::read_to_string(&twice).unwrap();
    std::fs::write(&twice, text.replace("\"twice\"", "\"old\"")).unwrap();
    said(2, "another policy is called \"old\" too");
    std::fs::remove_file(&twice).unwrap();

    std::fs::create_dir(&twice).unwrap();
    said(2, "cannot read the policy");
    std::fs::remove_dir(&twice).unwrap();

    std::fs::rename(world.path().join("policies"), world.path().join("moved")).unwrap();
    said(2, "there is no such folder");
    world.file("policies", "");
    said(2, "there is no such folder");
}

#[test]
fn an_empty_folder_of_policies_is_filled_later() {
    let world = world();
    let old = world.path().join("policies/old.toml");
    std::fs::remove_file(&old).unwrap();
    add(&world, "events", "e", 5);
    let daemon = Daemon::start(&world);
    let readiness = daemon.until_at("/readyz", "it is open", |r| {
        r["reasons"].as_array().map(Vec::len) == Some(1)
    });
    let said = reasons(&readiness);
    assert!(
        said[0].contains("no policy has `every` or `schedule`"),
        "{said:?}"
    );
    // The folder goes away altogether, and comes back.
    std::fs::remove_dir(world.path().join("policies")).unwrap();
    daemon.signal("HUP");
    daemon.until_at("/readyz", "it says that the folder is gone", |r| {
        r.to_string().contains("there is no such folder")
    });
    policy(&world, "old", "events", "every = \"1s\"");
    daemon.until("it goes on by itself", |status| {
        archived(status, "events") == 5
    });
    daemon.until_at("/readyz", "it is ready", |r| r["ready"] == true);
    daemon.stop();
}
