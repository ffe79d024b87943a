use std::fs;
use std::path::Path;
use std::time::Duration;

use super::*;

fn load(folder: &Path, text: &str) -> Result<Config, Problems> {
    let file = folder.join("thermocline.toml");
    fs::write(&file, text).unwrap();
    Config::load(file)
}

const SMALLEST: &str = "[primary]\nbackend = \"memory\"\n[collections.flights]\n";

#[test]
fn every_key_but_the_primary_has_a_default() {
    let folder = tempfile::tempdir().unwrap();
    let config = load(folder.path(), SMALLEST).unwrap();
    assert_eq!(config.hot, HotConfig::default());
    assert_eq!(config.search_max_age, Duration::from_secs(600));
    assert_eq!(config.policies_dir, None);
    let flights = &config.collections["flights"];
    assert_eq!(flights.table, "flights");
    assert_eq!(flights.age, Age::default());
    assert_eq!(flights.columns, Columns::Auto);
}

#[test]
fn paths_count_from_the_files_folder() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("policies")).unwrap();
    let text = "[primary]\nbackend = \"sqlite\"\npath = \"a/b.db\"\n[archive]\ndata = \"/else/where\"\n[collections.c]\n";
    let config = load(folder.path(), text).unwrap();
    let path = folder.path().join("a/b.db");
    let busy_timeout = Duration::from_secs(5);
    assert_eq!(config.primary, PrimaryConfig::Sqlite { path, busy_timeout });
    let data = ArchiveData::Directory("/else/where".into());
    assert_eq!(config.archive.unwrap().data, data);
    assert_eq!(config.policies_dir, Some(folder.path().join("policies")));
}

#[test]
fn an_archive_in_s3_is_printed_as_it_was_read() {
    let folder = tempfile::tempdir().unwrap();
    let text = "[primary]\nbackend = \"sqlite\"\npath = \"t.db\"\n\
                [archive]\ndata = \"s3://bucket/a b?region=x\"\n\
                [s3]\nendpoint = \"https://localhost\"\npath_style = false\nca_file = \"ca.pem\"\n[collections.c]\n";
    let config = load(folder.path(), text).unwrap();
    let server = config.s3.clone().unwrap();
    assert_eq!(server.ca_file, Some(folder.path().join("ca.pem")));
    let printed = toml::to_string(&config).unwrap();
    assert!(
        printed.contains("data = \"s3://bucket/a%20b/?region=x\""),
        "{printed}"
    );
    let again = load(folder.path(), &printed).unwrap();
    assert_eq!((again.archive, again.s3), (config.archive, Some(server)));
}

#[test]
fn the_hot_budget_is_shared_by_those_who_have_none_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "[hot]\nmax_bytes = \"10 MiB\"\n{SMALLEST}hot_bytes = \"4 MiB\"\n[collections.b]\n[collections.c]\n"
    );
    let config = load(folder.path(), &text).unwrap();
    assert_eq!(config.hot_bytes("flights"), 4 << 20);
    assert_eq!(config.hot_bytes("b"), 3 << 20);
    assert_eq!(config.hot_bytes("c"), 3 << 20);
}

#[test]
fn what_is_printed_reads_back_as_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let text = "search_max_age = \"1m 30s\"\n[hot]\nbackend = \"none\"\nmax_bytes = 1_000_001\n\
                [primary]\nbackend = \"sqlite\"\npath = \"t.db\"\nbusy_timeout = \"100ms\"\n[archive]\ndata = \"archive\"\n\
                [daemon]\nlisten = \"[::1]:1\"\ngrace = \"1s\"\nlease = \"2s\"\nretry = \"3s\"\nfailures = 4\nmeasure = \"5s\"\n\
                [collections.a]\ntable = \"b\"\ncolumns = [\"x\"]\nids = \"never_reused\"\npython_readers = false\nhot_bytes = \"1 KiB\"\n[collections.c]\ncolumns = \"none\"\npython_readers = false\n";
    let config = load(folder.path(), text).unwrap();
    let again = load(folder.path(), &toml::to_string(&config).unwrap()).unwrap();
    assert_eq!(format!("{config:?}"), format!("{again:?}"));
}

#[test]
fn a_printed_policy_reads_back_as_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policies/p.toml");
    fs::create_dir(folder.path().join("policies")).unwrap();
    let config = format!(
        "{}[archive]\ndata = \"a\"\n",
        SMALLEST.replace("memory", "sqlite\"\npath = \"t.db")
    );
    for schedule in [
        "",
        "every = \"1h 30m\"",
        "schedule = \"0 2 * * MON-FRI\"\nzone = \"Europe/Berlin\"",
        "schedule = \"@daily\"",
    ] {
        let policy = format!("collection = \"flights\"\nolder_than = \"90d\"\n{schedule}\n");
        fs::write(&file, &policy).unwrap();
        let first = load(folder.path(), &config).unwrap();
        fs::write(&file, toml::to_string(&first.policies[0]).unwrap()).unwrap();
        let again = load(folder.path(), &config).unwrap();
        let told = |config: &Config| format!("{:?}", config.policies[0].schedule);
        assert_eq!(first.policies[0].schedule.is_some(), !schedule.is_empty());
        assert_eq!(told(&first), told(&again));
    }
}

#[test]
fn durations() {
    for (text, seconds) in [
        ("90d", 7_776_000),
        ("1h 30m", 5_400),
        ("10m", 600),
        ("0s", 0),
        ("2 weeks", 1_209_600),
    ] {
        let duration = units::parse_duration(text).unwrap();
        assert_eq!(duration, Duration::from_secs(seconds), "{text}");
        assert_eq!(
            units::parse_duration(&units::duration_text(duration)),
            Ok(duration)
        );
    }
    for (text, says) in [
        ("3 months", "months and years"),
        ("1y", "months and years"),
        ("-1s", "negative"),
        ("90", "expected a duration"),
        ("", "expected a duration"),
        ("99999999999999h", "expected a duration"),
    ] {
        let problem = units::parse_duration(text).unwrap_err();
        assert!(problem.contains(says), "{text}: {problem}");
    }
}

#[test]
fn sizes() {
    for (text, bytes) in [
        ("256 MiB", 256 << 20),
        ("256MB", 256_000_000),
        ("1.5 GiB", 3 << 29),
        ("1024", 1024),
        ("0", 0),
        ("9007199254740993 B", 9_007_199_254_740_993),
    ] {
        assert_eq!(units::parse_size(text), Ok(bytes), "{text}");
        assert_eq!(
            units::parse_size(&units::size_text(bytes)),
            Ok(bytes),
            "{text}"
        );
    }
    for text in ["-1", "1 apple", "", "MiB", "1e3", "99999999 EiB"] {
        assert!(units::parse_size(text).is_err(), "{text}");
    }
}

#[test]
fn the_environment() {
    let variable = |name: &str| (name == "HOME_OF_IT").then(|| "/data".to_owned());
    let expand = |text| environment::expand(text, variable);
    assert_eq!(
        expand("${HOME_OF_IT}/x${HOME_OF_IT}").unwrap(),
        "/data/x/data"
    );
    assert_eq!(expand("no $ at $all {}").unwrap(), "no $ at $all {}");
    assert_eq!(expand("$${HOME_OF_IT}").unwrap(), "${HOME_OF_IT}");
    for (text, says) in [
        ("${MISSING}", "the environment has no variable MISSING"),
        ("${", "without its `}`"),
        ("${}", "names no variable"),
        ("${a b}", "names no variable"),
    ] {
        let (message, _) = expand(text).unwrap_err();
        assert!(message.contains(says), "{text}: {message}");
    }
}
