//! Readers that go away, and Ctrl-C.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use super::{World, ended};

fn lines(from: u32, count: u32) -> String {
    let text = "x".repeat(100);
    (from..from + count)
        .map(|n| {
            format!(
                "{{\"id\":\"{n}\",\"fields\":{{\"text\":\"{text}\",\"day\":\"2013-01-01\"}}}}\n"
            )
        })
        .collect()
}

fn interrupt(child: &Child) {
    let sent = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(sent.expect("kill").success());
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let world = World::new();
    assert_eq!(
        world.fed(&["import", "-"], lines(0, 5_000).as_bytes()).code,
        Some(0)
    );
    for args in [
        &["export"][..],
        &["search", "day exists"],
        &["search", "day exists", "--output", "csv"],
    ] {
        let mut child = world.command(args).spawn().unwrap();
        let mut first = String::new();
        let mut out = BufReader::with_capacity(64, child.stdout.take().unwrap());
        out.read_line(&mut first).unwrap();
        assert!(first.len() > 10, "{first}");
        drop(out);
        let ended = ended(child.wait_with_output().unwrap());
        assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{args:?}");
    }
}

#[test]
fn ctrl_c_stops_an_import_between_batches() {
    let world = World::new();
    let mut child = world
        .command(&["import", "-"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(lines(0, 6_000).as_bytes()).unwrap();
    // Standard input stays open: the import waits for more until it is told to stop.
    let written = || world.ok(&["count"]).trim().parse::<u64>().unwrap();
    while written() < 2_000 {
        std::thread::yield_now();
    }
    interrupt(&child);
    let ended = ended(child.wait_with_output().unwrap());
    drop(stdin);
    assert_eq!(ended.code, Some(130), "{}", ended.err);
    assert!(
        ended.err.contains("stopped: the rest was not read"),
        "{}",
        ended.err
    );
    let count = written();
    assert!(
        count >= 2_000 && count.is_multiple_of(2_000),
        "whole batches: {count}"
    );
    assert_eq!(
        world.fed(&["import", "-"], lines(0, 6_000).as_bytes()).code,
        Some(0)
    );
    assert_eq!(written(), 6_000, "again is harmless");
}
