//! What is wrong is said on standard error, with the exit code that scripts expect, and nothing on standard output.

use super::World;

#[test]
fn wrong_use_ends_with_2_and_absence_with_3() {
    let world = World::new();
    world.ok(&["put", "a", "{\"day\": \"2013-01-01\"}"]);
    let long = "x".repeat(10_000);
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    let cases: &[(&[&str], i32, &[&str])] = &[
        (&["get", "b"], 3, &["there is no record \"b\""]),
        (&["get", ""], 3, &["there is no record"]),
        (&["get", &long], 3, &["there is no record"]),
        (&["get", "../x"], 3, &["there is no record \"../x\""]),
        (&["delete", "b"], 3, &["there is no record \"b\""]),
        (&["explain", "b"], 3, &["there is no record \"b\""]),
        (&["delete", ""], 2, &["error: an id is not empty"]),
        (&["put", "", "{}"], 2, &["error: an id is not empty"]),
        (
            &["put", &long, "{}"],
            2,
            &["at most 512 bytes", "bytes: 10000"],
        ),
        (
            &["put", "a\nb", "{}"],
            2,
            &["no control characters", "found: U+000A"],
        ),
        (&["put", "x", "[1]"], 2, &["JSON object"]),
        (&["put", "x", "{\"a\":"], 2, &["error: "]),
        (&["put", "x", "{\"a\": NaN}"], 2, &["error: "]),
        (&["put", "x", "{\"a\": 1e400}"], 2, &["error: "]),
        (&["put", "x", &deep], 2, &["error: "]),
        (&["put", "x", "{}", "--metadata", "1"], 2, &["error: "]),
        (
            &["search", "status = \"closed\""],
            2,
            &[
                "error: ",
                "\n  --> filter, line 1, column 10\n 1 | status = \"closed\"\n   |          ^",
            ],
        ),
        (&["count", "a ="], 2, &["error: ", "column 4"]),
        (
            &["search", "--sort", "a:up"],
            2,
            &["a sort goes `asc` or `desc`", "sort: a:up"],
        ),
        (&["search", "--limit=-1"], 2, &["--limit"]),
        (
            &["search", "--output", "parquet"],
            2,
            &["`export --output parquet` has"],
        ),
        (
            &["search", "--output", "yaml"],
            2,
            &["possible values: table, json, ndjson, csv, parquet"],
        ),
        (
            &["status", "--output", "csv"],
            2,
            &["no such form of output", "forms: table, json"],
        ),
        (
            &["plan", "--policy", "new"],
            2,
            &["there is no such policy", "policies: old"],
        ),
        (
            &["plan", "--now", "yesterday"],
            2,
            &["2014-01-01T00:00:00Z or 2014-01-01"],
        ),
        (&["archive"], 2, &["--once"]),
        (
            &["count", "--collection", "other"],
            2,
            &["no such collection", "collections: events"],
        ),
        (
            &["count", "--config", "none.toml"],
            2,
            &["no such configuration file\n  --> none.toml"],
        ),
        (
            &["import", "none.ndjson"],
            2,
            &["cannot read the file", "file: none.ndjson"],
        ),
        (
            &["import", "x.gz"],
            2,
            &["zcat FILE | thermocline import -"],
        ),
        (&["export", "--fields", "a"], 2, &["--fields is for CSV"]),
        (
            &["export", "--output", "table"],
            2,
            &["`export` writes ndjson, csv or parquet"],
        ),
        (&["walk"], 2, &["unrecognized subcommand"]),
        (
            &["init"],
            2,
            &["this file is there already", "thermocline.toml"],
        ),
        (
            &["demo", "--dir", "."],
            2,
            &["the demo's folder is not empty"],
        ),
    ];
    for (args, code, says) in cases {
        let ended = world.run(args);
        let shown: Vec<String> = args
            .iter()
            .map(|arg| arg.chars().take(60).collect())
            .collect();
        assert_eq!(ended.code, Some(*code), "{shown:?}: {}", ended.err);
        assert_eq!(ended.out, "", "{shown:?}");
        for part in *says {
            assert!(
                ended.err.contains(part),
                "{shown:?} says\n{}without {part}",
                ended.err
            );
        }
    }
    assert_eq!(
        world.ok(&["count"]),
        "1\n",
        "nothing was written on the way"
    );
}

#[test]
fn a_wrong_configuration_is_told_at_once_by_every_command() {
    let world = World::new();
    world.file(
        "policies/new.toml",
        "name = \"new\"\nolder_than = \"soon\"\nhold = [\"a = 1\"]\n",
    );
    for args in [&["check"][..], &["count"], &["put", "a", "{}"], &["config"]] {
        let ended = world.run(args);
        assert_eq!((ended.code, ended.out.as_str()), (Some(2), ""), "{args:?}");
        for part in [
            "error: a policy needs this key\n  --> policies/new.toml, collection",
            "\n\nerror: an age is written like `90d`",
            "--> policies/new.toml, line 2, older_than = \"soon\"",
            "--> policies/new.toml, line 3, hold = [\"a = 1\"]",
        ] {
            assert!(
                ended.err.contains(part),
                "{args:?} says\n{}without {part}",
                ended.err
            );
        }
    }
    assert!(
        !world.path().join("records.db").exists(),
        "nothing was opened"
    );
}

#[test]
fn a_collection_whose_age_no_record_has() {
    let world = World::new();
    assert!(world.ok(&["check"]).contains("events: no records yet"));
    world.ok(&["put", "a", "{\"when\": \"2013-01-01\"}"]);
    let ended = world.run(&["check"]);
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.err.contains("no record has the field of the age"),
        "{}",
        ended.err
    );
    assert!(
        ended.err.contains("collections.events.age = \"day\""),
        "{}",
        ended.err
    );

    world.ok(&["put", "a", "{\"day\": 1357000000}"]);
    let ended = world.run(&["check"]);
    assert_eq!(ended.code, Some(2));
    assert!(
        ended
            .err
            .contains("age = { field = \"day\", unit = \"s\" }"),
        "{}",
        ended.err
    );

    world.ok(&["put", "a", "{\"day\": \"2013-01-01\"}"]);
    assert!(
        world
            .ok(&["check"])
            .contains("the age day can be read in 1 of 1 records")
    );
}

#[test]
fn check_prepares_what_a_move_needs_and_tells_what_stands_in_its_way() {
    let world = World::new();
    let file = world.path().join("records.db");
    let sql = |sql: &str| {
        let run = async {
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&file);
            let mut database = sqlx::ConnectOptions::connect(&options).await?;
            sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(sql.to_owned()))
                .fetch_optional(&mut database)
                .await
        };
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map(|runtime| runtime.block_on(run))
            .expect("a runtime")
            .expect("SQLite")
    };
    let indexes = "SELECT count(*) FROM sqlite_master WHERE name = 'idx_events_age_day'";
    world.ok(&["put", "a", "{\"day\": \"2013-01-01\"}"]);
    assert_eq!(sql(indexes), Some(0));
    world.ok(&["check"]);
    assert_eq!(sql(indexes), Some(1), "a dry run reads in its order");

    sql("CREATE TRIGGER watch AFTER DELETE ON events BEGIN SELECT 1; END");
    let ended = world.run(&["check"]);
    assert_eq!(ended.code, Some(2), "{}", ended.err);
    for part in [
        "policies cannot move records of events",
        "drop the trigger",
        "trigger: watch",
    ] {
        assert!(ended.err.contains(part), "{part}: {}", ended.err);
    }
}

#[test]
fn several_collections_need_a_name() {
    let world = World::new();
    world.file(
        "thermocline.toml",
        "[primary]\nbackend = \"sqlite\"\npath = \"records.db\"\n[archive]\ndata = \"archive/\"\n\
         [collections.events]\n[collections.orders]\n",
    );
    let ended = world.run(&["count"]);
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.err.contains("say which with --collection NAME"),
        "{}",
        ended.err
    );
    assert!(
        ended.err.contains("collections: events, orders"),
        "{}",
        ended.err
    );
    world.ok(&["put", "a", "{}", "--collection", "orders"]);
    assert_eq!(world.ok(&["count", "--collection", "orders"]), "1\n");
    assert_eq!(world.ok(&["count", "--collection", "events"]), "0\n");
}

#[test]
fn a_file_that_is_no_database() {
    let world = World::new();
    world.file("records.db", &"this is no database\n".repeat(500));
    let ended = world.run(&["count"]);
    assert_eq!(ended.code, Some(2), "{}", ended.err);
    assert!(ended.err.contains("records.db"), "{}", ended.err);
}

#[test]
fn big_records_and_exact_numbers() {
    let world = World::new();
    let fields = r#"{"n":123456789012345678901234567890.50,"big":9007199254740993,"e":1e-7,"day":"2013-01-01"}"#;
    world.ok(&["put", "numbers", fields]);
    assert!(world.ok(&["get", "numbers"]).contains(fields));

    let text = format!("{{\"text\":\"{}\"}}", "x".repeat(50 << 20));
    let ended = world.fed(&["put", "big", "-"], text.as_bytes());
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let text = format!("{{\"text\":\"{}\"}}", "x".repeat(65 << 20));
    let ended = world.fed(&["put", "huge", "-"], text.as_bytes());
    assert_eq!(ended.code, Some(2));
    assert!(ended.err.contains("at most 64 MiB"), "{}", ended.err);
    assert_eq!(world.ok(&["count"]), "2\n");
}
