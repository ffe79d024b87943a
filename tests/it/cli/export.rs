//! What was exported is imported again without loss, and what cannot be imported is named.

use super::World;

const LINES: &str = concat!(
    r#"{"id":"a","fields":{"v":1.50,"t":"größer ✓, \"quoted\"\n","n":9007199254740993},"metadata":{"k":[1]},"created_at":"2013-01-05T00:00:00.000001Z","updated_at":"2013-01-06T00:00:00.000000Z"}"#,
    "\n",
    r#"{"id":"b","fields":{"v":null,"o":{"x":{}}},"metadata":{},"created_at":"2013-12-05T00:00:00.000000Z","updated_at":null}"#,
    "\n",
);

fn imported(world: &World, file: &str) {
    let ended = world.run(&["import", file]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.err.contains("imported 2 records"), "{}", ended.err);
}

#[test]
fn every_form_keeps_everything() {
    let source = World::new();
    source.file("in.ndjson", LINES);
    imported(&source, "in.ndjson");
    source.ok(&["archive", "--once", "--now", "2014-01-01"]);
    assert_eq!(source.ok(&["export"]), LINES);
    for form in ["ndjson", "csv", "parquet"] {
        let file = source.path().join(format!("out.{form}"));
        let file = file.to_str().unwrap();
        assert_eq!(source.ok(&["export", file]), "");
        let target = World::new();
        imported(&target, file);
        assert_eq!(target.ok(&["export"]), LINES, "{form}");
    }
    let by_option = source.ok(&["export", "--output", "csv"]);
    assert_eq!(
        by_option,
        std::fs::read_to_string(source.path().join("out.csv")).unwrap()
    );
}

#[test]
fn every_live_record_once_whichever_tier_holds_it() {
    let world = World::new();
    let lines: String = (0..500)
        .map(|n| {
            format!(
                "{{\"id\":\"{n:03}\",\"fields\":{{\"day\":\"2013-{:02}-01\"}}}}\n",
                n % 12 + 1
            )
        })
        .collect();
    assert_eq!(world.fed(&["import", "-"], lines.as_bytes()).code, Some(0));
    world.ok(&["archive", "--once", "--now", "2014-01-01"]);
    world.ok(&["put", "000", "{\"day\": \"2013-01-01\", \"again\": true}"]);
    world.ok(&["delete", "001"]);
    let exported = world.ok(&["export"]);
    let mut ids: Vec<&str> = exported.lines().map(|line| &line[7..10]).collect();
    ids.sort_unstable();
    let expected: Vec<String> = (0..500)
        .filter(|n| *n != 1)
        .map(|n| format!("{n:03}"))
        .collect();
    assert_eq!(ids, expected);
    let some = world.ok(&[
        "export",
        "--where",
        "again = true",
        "--output",
        "csv",
        "--fields",
        "again,day",
    ]);
    assert_eq!(some, "id,again,day\n000,true,2013-01-01\n");
}

#[test]
fn lines_that_are_no_records_are_named_and_left_out() {
    let world = World::new();
    let input = b"{\"id\":\"a\",\"fields\":{}}\n\n{\"id\":\"b\"\n[1]\n{\"id\":\"c\",\"fields\":{},\"extra\":1}\n\
                  {\"id\":\"\",\"fields\":{}}\n\xff\n{\"id\":\"d\",\"fields\":{\"x\":1e400}}\n{\"x\":1}\n{\"id\":\"e\",\"fields\":{}}";
    let ended = world.fed(&["import", "-"], input);
    assert_eq!((ended.code, ended.out.as_str()), (Some(2), ""));
    for part in [
        "left out: line 3: ",
        "left out: line 4: a record is a JSON object",
        "left out: line 5: ",
        "unknown field `extra`",
        "left out: line 6: an id is not empty",
        "left out: line 7: not UTF-8",
        "left out: line 8: ",
        "left out: line 9: the record has no id",
        "imported 2 records",
        "7 records left out",
    ] {
        assert!(ended.err.contains(part), "without {part}:\n{}", ended.err);
    }
    assert_eq!(world.ok(&["count"]), "2\n");
}

#[test]
fn other_peoples_csv_and_lines() {
    let world = World::new();
    let csv = "no,name,total,paid\n007,Ann,12.50,true\n8,\"B, \"\"C\"\"\",,false\n9,D\n";
    let ended = world.fed(
        &["import", "-", "--output", "csv", "--id", "no"],
        csv.as_bytes(),
    );
    assert_eq!(ended.code, Some(2), "{}", ended.err);
    assert!(ended.err.contains("left out: line 4: "), "{}", ended.err);
    let found = world.ok(&["export", "--output", "csv"]);
    assert!(
        found.contains(r#"007,"{""no"":""007"",""name"":""Ann"",""total"":12.50,""paid"":true}""#),
        "{found}"
    );
    assert!(
        found.contains(r#"8,"{""no"":8,""name"":""B, \""C\"""",""paid"":false}""#),
        "{found}"
    );

    let ended = world.fed(&["import", "-", "--output", "csv"], csv.as_bytes());
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.err.contains("--id names the one that is the id"),
        "{}",
        ended.err
    );
    assert!(
        ended.err.contains("columns: no, name, total, paid"),
        "{}",
        ended.err
    );

    let lines = b"{\"key\": 7, \"x\": 1}\n{\"key\": \"k\", \"x\": 2}\n{\"key\": 1.5}\n";
    let ended = world.fed(&["import", "-", "--id", "key"], lines);
    assert_eq!(ended.code, Some(2));
    assert!(
        ended
            .err
            .contains("line 3: an id is text or a whole number"),
        "{}",
        ended.err
    );
    assert!(
        world
            .ok(&["get", "7"])
            .contains("\"fields\":{\"key\": 7, \"x\": 1}")
    );
    assert_eq!(world.json(&["get", "k"])["fields"]["x"], 2);
}

#[test]
fn an_export_that_fails_leaves_the_old_file() {
    let world = World::new();
    world.ok(&["put", "a", "{}"]);
    world.file("out.csv", "precious");
    let ended = world.run(&["export", "out.csv", "--where", "a ="]);
    assert_eq!(ended.code, Some(2));
    assert_eq!(
        std::fs::read_to_string(world.path().join("out.csv")).unwrap(),
        "precious"
    );
    let ended = world.run(&["export", "nowhere/out.csv"]);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended
            .err
            .contains("cannot write here\n  path: nowhere/out.csv"),
        "{}",
        ended.err
    );
}
