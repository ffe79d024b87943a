//! A move that finds no room, or nowhere to write to: a clear error, nothing lost, and the next run goes on.

use std::fs;
#[cfg(target_os = "linux")]
use std::os::linux::fs::MetadataExt;
#[cfg(target_os = "linux")]
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::{Ended, World, ended};
use crate::directory::files;

const RECORDS: usize = 1_500;

/// A world of old records that do not compress, in so many months.
fn loaded(months: usize) -> World {
    let world = World::new();
    let mut random = fastrand::Rng::with_seed(7);
    let lines: String = (0..RECORDS)
        .map(|n| {
            let text: String = (0..300).map(|_| random.alphanumeric()).collect();
            let month = 1 + n % months;
            format!(
                "{{\"id\":\"r{n}\",\"fields\":{{\"day\":\"2013-{month:02}-01\",\"text\":\"{text}\"}}}}\n"
            )
        })
        .collect();
    let import = world.fed(&["import", "-"], lines.as_bytes());
    assert_eq!(import.code, Some(0), "{}", import.err);
    world
}

/// Runs a move whose files may not become larger than so many blocks of 512 bytes.
#[cfg(unix)]
fn archive_within(world: &World, blocks: u32) -> Ended {
    // A process that does not ignore the signal is killed: the write is to fail instead, as on a full disk.
    let script = "trap '' XFSZ; ulimit -f \"$1\"; shift; exec \"$@\"";
    let run = Command::new("sh")
        .args(["-c", script, "sh", &blocks.to_string()])
        .args([env!("CARGO_BIN_EXE_thermocline"), "archive", "--once"])
        .current_dir(world.path())
        .env_remove("THERMOCLINE_CONFIG")
        .output();
    ended(run.expect("sh"))
}

/// Everything is there once, in one tier or the other, and the next run moves what is left and leaves nothing behind.
fn check_and_go_on(world: &World) {
    let all = RECORDS.to_string();
    assert_eq!(world.ok(&["count"]).trim(), all);
    world.ok(&["archive", "--once"]);
    assert_eq!(world.ok(&["count"]).trim(), all);
    let status = world.json(&["status", "--output", "json"]);
    let archive = &status["collections"][0]["archive"];
    assert_eq!(archive["records"], RECORDS, "{status}");
    let segments = archive["segments"].as_u64().expect("a number");
    assert_eq!(
        files(&world.path().join("archive")) as u64,
        segments,
        "an orphan stayed"
    );
}

#[cfg(unix)]
#[test]
fn a_disk_without_room_stops_a_move_and_loses_nothing() {
    let mut failed = [false; 2];
    for blocks in [4, 200, 600, 1_500, 2_500] {
        // One segment of half a megabyte, so that it needs more room than the journal.
        let world = loaded(1);
        let stopped = archive_within(&world, blocks);
        match stopped.code {
            Some(0) => {}
            Some(1) => {
                let in_archive = stopped.err.contains("/archive/main/events/2013-0");
                assert!(
                    in_archive || stopped.err.contains("/records.db"),
                    "{blocks}: {}",
                    stopped.err
                );
                assert!(stopped.err.contains("room"), "{blocks}: {}", stopped.err);
                failed[usize::from(in_archive)] = true;
            }
            code => panic!("{blocks}: {code:?}: {}", stopped.err),
        }
        check_and_go_on(&world);
    }
    assert_eq!(failed, [true; 2], "the database failed, and a segment did");
}

#[test]
fn a_file_in_the_place_of_a_folder_stops_a_move_and_loses_nothing() {
    let world = loaded(3);
    let folder = world.path().join("archive/main/events");
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join("2013-02"), "").expect("a file");
    let stopped = world.run(&["archive", "--once"]);
    assert_eq!(stopped.code, Some(1), "{}", stopped.err);
    for part in [
        "error: an object cannot be written",
        "archive/main/events/2013-02",
        "remedy: a file stands where a folder should",
    ] {
        assert!(stopped.err.contains(part), "{}", stopped.err);
    }
    assert_eq!(
        files(&folder),
        1,
        "what was uploaded beside it was taken away"
    );
    fs::remove_file(folder.join("2013-02")).expect("the file goes");
    check_and_go_on(&world);
}

/// Runs a command whom the bits of a folder stop, even if the tests run as root.
#[cfg(target_os = "linux")]
fn without_privilege(world: &World, args: &[&str]) -> Ended {
    let mut command = Command::new("setpriv");
    if fs::metadata("/proc/self").expect("proc").st_uid() == 0 {
        command.arg("--bounding-set=-dac_override,-dac_read_search");
    }
    let run = command
        .arg(env!("CARGO_BIN_EXE_thermocline"))
        .args(args)
        .current_dir(world.path())
        .env_remove("THERMOCLINE_CONFIG")
        .output();
    ended(run.expect("setpriv"))
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_nobody_may_write_to_stops_a_move_and_loses_nothing() {
    let world = loaded(3);
    let folder = world.path().join("archive");
    fs::create_dir_all(&folder).expect("a folder");
    let allow = |mode| fs::set_permissions(&folder, fs::Permissions::from_mode(mode));
    allow(0o555).expect("no writing");
    let stopped = without_privilege(&world, &["archive", "--once"]);
    assert_eq!(stopped.code, Some(1), "{}", stopped.err);
    assert!(
        stopped.err.contains("allow this user to write there"),
        "{}",
        stopped.err
    );
    allow(0o755).expect("writing");
    check_and_go_on(&world);
}

#[test]
fn the_file_alone_holds_everything_when_a_command_has_ended() {
    let world = loaded(3);
    let log = world.path().join("records.db-wal");
    assert!(!log.exists(), "the log was written back");
    world.file(
        "copy/copy.toml",
        "[primary]\nbackend = \"sqlite\"\npath = \"copy.db\"\n[collections.events]\n",
    );
    let copy = world.path().join("copy/copy.db");
    fs::copy(world.path().join("records.db"), copy).expect("a copy");
    let count = world.ok(&["count", "--config", "copy/copy.toml"]);
    assert_eq!(count.trim(), RECORDS.to_string());
}
