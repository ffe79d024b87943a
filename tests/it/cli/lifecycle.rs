//! A record's life through the commands, and the shapes that they print.

use serde_json::{Value, json};

use super::World;

const NOW: &str = "2014-01-01T00:00:00Z";

fn loaded() -> World {
    let world = World::new();
    for (id, day, v) in [
        ("old/1", "2013-01-05", 1),
        ("old/2", "2013-01-06", 2),
        ("old/3", "2013-02-01", 3),
        ("new/1", "2013-12-24", 4),
    ] {
        world.ok(&[
            "put",
            id,
            &format!("{{\"v\": {v}, \"day\": \"{day}\", \"a\": {{\"b\": \"{id}\"}}}}"),
        ]);
    }
    world.ok(&["put", "undated", "{\"v\": 5}"]);
    world
}

fn source(world: &World, id: &str) -> Value {
    world.json(&["get", id])["source"].clone()
}

#[test]
fn put_and_get_print_the_record() {
    let world = World::new();
    let put = world.json(&[
        "put",
        "x",
        "{\"a\": [1, 2]}",
        "--metadata",
        "{\"by\": \"me\"}",
    ]);
    assert_eq!(put["id"], "x");
    assert_eq!(put["fields"], json!({ "a": [1, 2] }));
    assert_eq!(put["metadata"], json!({ "by": "me" }));
    assert_eq!(put["source"], "primary");
    let time = put["created_at"].as_str().unwrap();
    assert!(
        time.len() == 27 && time.ends_with('Z'),
        "six digits, UTC: {time}"
    );
    let got = world.json(&["get", "x"]);
    assert_eq!(got, put);

    let ended = world.fed(&["put", "x", "-"], b" {\"b\": 1.50}\n");
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(
        ended.out.contains("\"fields\":{\"b\": 1.50}"),
        "{}",
        ended.out
    );
    let again: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(again["created_at"], put["created_at"]);
    assert_ne!(again["updated_at"], put["updated_at"]);
    assert_eq!(world.ok(&["delete", "x"]), "");
    assert_eq!(world.run(&["get", "x"]).code, Some(3));
}

#[test]
fn from_plan_to_archive_and_back() {
    let world = loaded();
    let plan = world.json(&["plan", "--now", NOW, "--output", "json"]);
    let plan = &plan["policies"][0];
    assert_eq!(plan["rows"], 3);
    assert_eq!(plan["segments"], 2);
    assert_eq!(plan["stay"], json!({ "too_young": 1, "no_age": 1 }));
    assert_eq!(plan["cutoff"], "2013-10-03T00:00:00Z");
    assert_eq!(plan["oldest"], "2013-01-05T00:00:00Z");
    assert_eq!(source(&world, "old/1"), "primary", "a plan moves nothing");

    let report = world.json(&["archive", "--once", "--now", NOW, "--output", "json"]);
    assert_eq!(report["moved"], 3);
    assert_eq!(report["segments"], 2);
    assert_eq!(report["skipped"], json!({ "no_age": 1 }));
    assert!(report["bytes"].as_u64().unwrap() > 0);
    assert!(report["seconds"].as_f64().unwrap() > 0.0);
    assert_eq!(source(&world, "old/1"), "archive");
    assert_eq!(source(&world, "new/1"), "primary");
    assert_eq!(world.ok(&["count"]), "5\n");
    assert_eq!(world.ok(&["count", "v <= 2"]), "2\n");

    let place = world.json(&["explain", "old/2", "--now", NOW, "--output", "json"]);
    assert_eq!(
        (&place["tier"], &place["row"]),
        (&json!("archive"), &json!(1))
    );
    assert!(
        place["segment"].as_str().unwrap().contains("2013-01/"),
        "{place}"
    );
    assert_eq!(place["policies"][0]["verdict"], "due");
    let place = world.json(&["explain", "undated", "--output", "json"]);
    assert_eq!(
        (&place["tier"], &place["table"]),
        (&json!("primary"), &json!("events"))
    );
    assert_eq!(place["policies"][0]["verdict"], "no_age");

    let status = world.json(&["status", "--now", NOW, "--output", "json"]);
    let status = &status["collections"][0];
    assert_eq!(status["primary"]["records"], 2);
    assert_eq!(status["archive"]["records"], 3);
    assert_eq!(status["archive"]["segments"], 2);
    assert_eq!(status["archive"]["dead_rows"], 0);
    assert_eq!(status["backlog"][0]["rows"], 0);

    // An update brings the record back, a delete ends it; the next run takes what is old again.
    world.ok(&["put", "old/1", "{\"v\": 10, \"day\": \"2013-01-05\"}"]);
    assert_eq!(source(&world, "old/1"), "primary");
    world.ok(&["delete", "old/2"]);
    assert_eq!(world.run(&["get", "old/2"]).code, Some(3));
    let status = world.json(&["status", "--now", NOW, "--output", "json"]);
    assert_eq!(status["collections"][0]["archive"]["dead_rows"], 2);
    assert_eq!(status["collections"][0]["backlog"][0]["rows"], 1);
    let report = world.json(&[
        "archive",
        "--once",
        "--policy",
        "old",
        "--now",
        "2014-01-01",
        "--output",
        "json",
    ]);
    assert_eq!(report["moved"], 1);
    assert_eq!(world.json(&["get", "old/1"])["fields"]["v"], 10);
    assert_eq!(source(&world, "old/1"), "archive");
    assert_eq!(world.ok(&["count"]), "4\n");
}

#[test]
fn without_now_the_policy_looks_from_today() {
    let world = loaded();
    let report = world.json(&["archive", "--once", "--output", "json"]);
    assert_eq!(report["moved"], 4, "everything of 2013 that has an age");
}

#[test]
fn search_prints_what_scripts_and_people_want() {
    let world = loaded();
    world.ok(&["archive", "--once", "--now", NOW]);
    let query = [
        "search", "v exists", "--sort", "v:desc", "--offset", "1", "--limit", "3", "--fields",
        "a.b,v",
    ];
    let lines = world.ok(&query);
    let records: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let seen: Vec<_> = records
        .iter()
        .map(|record| {
            (
                record["id"].as_str().unwrap(),
                record["source"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("new/1", "primary"),
            ("old/3", "archive"),
            ("old/2", "archive")
        ]
    );
    assert_eq!(
        records[1]["fields"],
        json!({ "a": { "b": "old/3" }, "v": 3 })
    );

    let form = |form| [&query[..], &["--output", form]].concat();
    assert_eq!(world.json(&form("json")), Value::from(records));
    assert_eq!(
        world.ok(&form("csv")),
        "id,a.b,v,source\nnew/1,new/1,4,primary\nold/3,old/3,3,archive\nold/2,old/2,2,archive\n"
    );
    let table = world.ok(&form("table"));
    let table: Vec<Vec<&str>> = table
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(table[0], ["id", "source", "a.b", "v"]);
    assert_eq!(table[2], ["old/3", "archive", "old/3", "3"]);

    assert_eq!(world.ok(&["search", "v = 'x'", "--output", "ndjson"]), "");
    assert_eq!(world.ok(&["search", "v = 'x'", "--output", "json"]), "[]\n");
    assert_eq!(
        world.ok(&["search", "v = 'x'", "--output", "csv", "--fields", "v"]),
        "id,v,source\n"
    );
}

#[test]
fn a_search_that_finds_nothing_names_the_fields_that_are_not_there() {
    let world = loaded();
    for (filter, says) in [
        (
            "vv = 1 and day exists",
            "no record has the field vv; did you mean `v`?\n",
        ),
        ("a.c = 1", "no record has the field a.c"),
        (
            "created_at > '2000'",
            "did you mean `@created_at`, the record's own time?\n",
        ),
        ("v = 99", ""),
    ] {
        let ended = world.run(&["search", filter]);
        assert_eq!(
            (ended.code, ended.out.as_str()),
            (Some(0), ""),
            "{}",
            ended.err
        );
        assert!(
            ended.err.contains(says) && ended.err.is_empty() == says.is_empty(),
            "{}",
            ended.err
        );
    }
    let empty = World::new().run(&["search", "v = 1"]);
    assert_eq!(empty.err, "", "no record at all needs no word");
}

#[test]
fn init_check_and_config_go_together() {
    let world = World::empty();
    let ended = world.run(&["init", "--dir", "shop", "--collection", "orders"]);
    assert_eq!(
        (ended.code, ended.out.as_str()),
        (Some(0), ""),
        "{}",
        ended.err
    );
    let at = ["--config", "shop/thermocline.toml"];
    let checked = world.ok(&[&["check"], &at[..]].concat());
    assert!(
        checked.contains("orders: policy orders-after-90d is well"),
        "{checked}"
    );
    let shown = world.json(&[&["config", "--output", "json"], &at[..]].concat());
    assert_eq!(shown["config"]["hot"]["max_bytes"], "256 MiB");
    assert_eq!(shown["policies"][0]["older_than"], "90d");
    let text = world.ok(&[&["config"], &at[..]].concat());
    assert!(text.contains("[collections.orders]\n"), "{text}");
    assert!(
        text.contains("# shop/policies/orders.toml\n\nname = \"orders-after-90d\"\n"),
        "{text}"
    );
    let ended = world.run(&["init", "--dir", "shop"]);
    assert_eq!(ended.code, Some(2), "a second time it overwrites nothing");

    let ended = world
        .command(&["config"])
        .env("THERMOCLINE_CONFIG", "shop/thermocline.toml")
        .output()
        .unwrap();
    assert!(ended.status.success(), "the environment names the file too");
}

#[test]
fn init_adopts_an_archive_that_was_moved() {
    let world = loaded();
    world.ok(&["archive", "--once", "--now", NOW]);
    let status =
        |world: &World| world.json(&["status", "--output", "json"])["collections"][0].clone();
    assert_eq!(status(&world)["notes"], json!([]));
    std::fs::rename(world.path().join("archive"), world.path().join("moved")).unwrap();
    let config = std::fs::read_to_string(world.path().join("thermocline.toml")).unwrap();
    world.file("thermocline.toml", &config.replace("archive/", "moved/"));
    let note = status(&world)["notes"][0].clone();
    assert!(
        note.as_str()
            .unwrap()
            .contains("other readers look for the segments in"),
        "{note}"
    );
    assert_eq!(
        source(&world, "old/1"),
        "archive",
        "our own reads follow the configuration"
    );

    let place = world.json(&["explain", "old/3", "--output", "json"]);
    let segment = world
        .path()
        .join("moved")
        .join(place["segment"].as_str().unwrap());
    std::fs::rename(&segment, world.path().join("aside")).unwrap();
    let ended = world.run(&["init"]);
    assert_eq!(ended.code, Some(2), "{}", ended.err);
    assert!(ended.err.contains("found: missing"), "{}", ended.err);
    assert_eq!(status(&world)["notes"][0], note, "nothing was changed");

    std::fs::rename(world.path().join("aside"), &segment).unwrap();
    let ended = world.run(&["init"]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(
        ended.err.contains("events: 2 segments found in"),
        "{}",
        ended.err
    );
    assert_eq!(status(&world)["notes"], json!([]));
    assert_eq!(
        world.run(&["init"]).code,
        Some(2),
        "nothing is left to correct"
    );
}

#[test]
fn an_archive_whose_folder_is_gone_is_not_begun_anew() {
    let world = loaded();
    world.ok(&["archive", "--once", "--now", NOW]);
    let all = world.ok(&["count"]);
    let (folder, aside) = (world.path().join("archive"), world.path().join("aside"));
    std::fs::rename(&folder, &aside).unwrap();
    assert_eq!(source(&world, "new/1"), "primary", "live records are read");
    let ended = world.run(&["get", "old/1"]);
    assert_eq!(ended.code, Some(1), "{}", ended.err);
    for part in ["the folder of the archive is gone", "thermocline init"] {
        assert!(ended.err.contains(part), "{part}: {}", ended.err);
    }
    let ended = world.run(&["check"]);
    assert_eq!(ended.code, Some(1), "{}", ended.err);
    let gone = "the folder of the archive is gone";
    assert!(ended.err.contains(gone), "{}", ended.err);
    let ended = world.run(&["archive", "--once", "--now", "2030-01-01"]);
    assert_eq!(ended.code, Some(1), "{}", ended.err);
    assert!(!folder.exists());
    std::fs::rename(&aside, &folder).unwrap();
    assert_eq!(world.ok(&["count"]), all);
    world.ok(&["archive", "--once", "--now", "2030-01-01"]);
    assert_eq!(world.ok(&["count"]), all);
}

#[test]
#[ignore = "takes minutes without optimization: run scripts/test"]
fn the_demo_leaves_what_it_promises() {
    let world = World::empty();
    let summary = world.json(&["demo", "--dir", "demo", "--output", "json"]);
    assert_eq!(summary["records"], 336_776);
    assert_eq!(
        summary["archived"], 254_334,
        "two of 254,336 were updated and deleted"
    );
    assert_eq!(summary["primary"], 82_441);
    assert!(
        summary["segments"].as_u64().unwrap() >= 10,
        "a segment a month: {summary}"
    );
    assert!(summary["archive_bytes"].as_u64().unwrap() > 0);
    assert!(summary["primary_bytes"].as_u64().unwrap() > 0);
    for step in [
        "load", "read", "plan", "archive", "lookup", "search", "write", "count",
    ] {
        assert!(summary["seconds"][step].is_number(), "{step}: {summary}");
    }
    let at = ["--config", "demo/thermocline.toml"];
    let asked = |args: &[&str]| world.ok(&[args, &at[..]].concat());
    assert_eq!(asked(&["count"]), "336775\n");
    assert!(asked(&["get", "UA1714-2013-01-01T10:00:00Z"]).contains("\"source\":\"archive\""));
    assert_eq!(asked(&["count", "carrier = 'UA'"]), "58665\n");
}
