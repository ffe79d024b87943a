//! Configurations that are wrong, and what is said about each: the key, the line, the value, the remedy.

use std::fs;
use std::path::Path;

use thermocline::config::{Config, Problems};
use thermocline::{Error, ErrorKind};

const PRIMARY: &str = "[primary]\nbackend = \"sqlite\"\npath = \"t.db\"\n";
const REST: &str = "[archive]\ndata = \"archive/\"\n[collections.flights]\n";

const POLICY: &str = "collection = \"flights\"\nolder_than = \"90d\"";

/// Loads a configuration and the policies `a.toml`, `b.toml`, ..
fn load(folder: &Path, config: &str, policies: &[&str]) -> Result<Config, Problems> {
    fs::write(folder.join("thermocline.toml"), config).expect("a file");
    if !policies.is_empty() {
        fs::create_dir(folder.join("policies")).expect("a folder");
    }
    for (name, policy) in ('a'..).zip(policies) {
        fs::write(folder.join(format!("policies/{name}.toml")), policy).expect("a file");
    }
    Config::load(folder.join("thermocline.toml"))
}

/// What is said, with the folder's name left out.
fn said(config: &str, policies: &[&str]) -> (ErrorKind, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let problems = load(folder.path(), config, policies).expect_err(config);
    let text = problems.to_string();
    let name = format!("{}/", folder.path().display());
    (Error::from(problems).kind(), text.replace(&name, ""))
}

#[test]
fn one_thing_wrong() {
    let cases: &[(&str, ErrorKind, &[&str])] = &[
        (
            "polices = \"p/\"\nPRIMARY REST",
            ErrorKind::Invalid,
            &[
                "there is no such key\n  --> thermocline.toml, line 1, polices = \"p/\"",
                "did you mean `policies`?",
                "the keys here are archive, collections, daemon, hot, policies, primary, s3, search_max_age",
            ],
        ),
        (
            "policies = \"nowhere/\"\nPRIMARY REST",
            ErrorKind::Invalid,
            &["no such folder", "line 1, policies = \"nowhere/\""],
        ),
        (
            "search_max_age = \"3 months\"\nPRIMARY REST",
            ErrorKind::Invalid,
            &[
                "months and years differ in length",
                "line 1, search_max_age",
            ],
        ),
        (
            "search_max_age = \"0s\"\nPRIMARY REST",
            ErrorKind::Invalid,
            &["no search could be read", "line 1, search_max_age"],
        ),
        (
            "PRIMARY REST [hot]\nttl = 600",
            ErrorKind::Invalid,
            &[
                "a duration is text, with its unit",
                "line 8, hot.ttl = 600",
                "\"10m\"",
            ],
        ),
        (
            "PRIMARY REST [hot]\nbackend = \"mocka\"",
            ErrorKind::Invalid,
            &[
                "hot.backend = \"mocka\"",
                "did you mean \"moka\"? it is one of moka, quick_cache, memory, none",
            ],
        ),
        (
            "PRIMARY REST [hot]\nmax_bytes = \"many\"",
            ErrorKind::Invalid,
            &["expected a size like 64 MiB", "hot.max_bytes = \"many\""],
        ),
        (
            "PRIMARY REST [hot]\nmax_bytes = -1",
            ErrorKind::Invalid,
            &["not below zero", "hot.max_bytes = -1"],
        ),
        (
            "hot = 1\nPRIMARY REST",
            ErrorKind::Invalid,
            &[
                "expected a table\n  --> thermocline.toml, line 1, hot = 1",
                "write it as [hot]",
            ],
        ),
        (
            "REST",
            ErrorKind::Invalid,
            &[
                "a primary tier is needed\n  --> thermocline.toml, primary",
                "backend = \"sqlite\"",
            ],
        ),
        (
            "[primary]\nREST",
            ErrorKind::Invalid,
            &["a primary tier needs its backend\n  --> thermocline.toml, line 1, primary.backend"],
        ),
        (
            "[primary]\nbackend = \"sqlite\"\nREST",
            ErrorKind::Invalid,
            &["a SQLite primary needs its file\n  --> thermocline.toml, line 1, primary.path"],
        ),
        (
            "[primary]\nbackend = \"postgres\"\nREST",
            ErrorKind::Invalid,
            &["a PostgreSQL primary needs its url\n  --> thermocline.toml, line 1, primary.url"],
        ),
        (
            "[primary]\nbackend = \"elasticsearch\"\nREST",
            ErrorKind::Unsupported,
            &["`elasticsearch` is not built yet"],
        ),
        (
            "[primary]\nbackend = \"memory\"\nREST",
            ErrorKind::Unsupported,
            &["memory cannot hold one\n  --> thermocline.toml, line 3, archive"],
        ),
        (
            "PRIMARY [archive]\ndata = \"s3://b\"\n[collections.a]",
            ErrorKind::Invalid,
            &[
                "a bucket's name has 3 to 63 letters",
                "line 5, archive.data = \"s3://b\"",
            ],
        ),
        (
            "PRIMARY [archive]\n[collections.a]",
            ErrorKind::Invalid,
            &[
                "an archive needs a place for its segments\n  --> thermocline.toml, line 4, archive.data",
            ],
        ),
        (
            "PRIMARY",
            ErrorKind::Invalid,
            &["there is no collection", "add [collections.NAME]"],
        ),
        (
            "PRIMARY REST table = \"ducklake_x\"",
            ErrorKind::Invalid,
            &[
                "cannot be a collection's table",
                "line 7, collections.flights.table",
            ],
        ),
        (
            "PRIMARY REST [collections.other]\ntable = \"flights\"",
            ErrorKind::Invalid,
            &[
                "the collections flights and other have the same table flights",
                "line 8, collections.other.table",
            ],
        ),
        (
            "PRIMARY REST columns = \"all\"",
            ErrorKind::Invalid,
            &[
                "collections.flights.columns = \"all\"",
                "it is one of auto, none",
            ],
        ),
        (
            "PRIMARY REST columns = 3",
            ErrorKind::Invalid,
            &[
                "columns are names of fields, or a word",
                "columns = [\"carrier\", \"origin\"]",
            ],
        ),
        (
            "PRIMARY REST columns = [\"a\", 1]",
            ErrorKind::Invalid,
            &["expected text\n  --> thermocline.toml, line 7, collections.flights.columns = 1"],
        ),
        (
            "PRIMARY REST columns = [\"a\", \"A\"]",
            ErrorKind::Invalid,
            &["\"A\" stands here twice"],
        ),
        (
            "PRIMARY REST columns = [\"Fields\"]",
            ErrorKind::Invalid,
            &["\"Fields\" is a column of every archived table already"],
        ),
        (
            "PRIMARY REST age = 7",
            ErrorKind::Invalid,
            &[
                "an age is a path, or a field with a unit",
                "age = { field = \"ts\", unit = \"s\" }",
            ],
        ),
        (
            "PRIMARY REST age = { field = \"ts\" }",
            ErrorKind::Invalid,
            &[
                "a numeric age needs a field and a unit\n  --> thermocline.toml, line 7, collections.flights.age.unit",
            ],
        ),
        (
            "PRIMARY REST age = { field = \"ts\", unit = \"min\" }",
            ErrorKind::Invalid,
            &[
                "collections.flights.age.unit = \"min\"",
                "it is one of s, ms",
            ],
        ),
        (
            "PRIMARY REST age = \"a b\"",
            ErrorKind::Invalid,
            &["line 7, collections.flights.age = \"a b\""],
        ),
        (
            "PRIMARY REST hot_bytes = \"1 GiB\"",
            ErrorKind::Invalid,
            &["add up to more than the whole budget", "hot.max_bytes"],
        ),
        (
            "PRIMARY REST table = \"${NO_SUCH_VARIABLE_HERE}\"",
            ErrorKind::Invalid,
            &[
                "the environment has no variable NO_SUCH_VARIABLE_HERE",
                "collections.flights.table = \"${NO_",
            ],
        ),
        (
            "[collections.\"a#b\"]\nPRIMARY",
            ErrorKind::Invalid,
            &[
                "a collection's name is text without #",
                "line 1, collections.a#b",
            ],
        ),
        (
            "PRIMARY REST writers = \"shared\"",
            ErrorKind::Unsupported,
            &["`shared` is not built yet"],
        ),
        (
            "PRIMARY REST ids = \"never\"",
            ErrorKind::Invalid,
            &[
                "collections.flights.ids = \"never\"",
                "it is one of any, never_reused",
            ],
        ),
        (
            "PRIMARY REST partition_by = [\"t\"]",
            ErrorKind::Unsupported,
            &["partitions are not built yet"],
        ),
        (
            "PRIMARY REST python_readers = \"no\"",
            ErrorKind::Invalid,
            &[
                "expected true or false",
                "line 7, collections.flights.python_readers = \"no\"",
            ],
        ),
        (
            "PRIMARY REST [collections.other]\npython_readers = false",
            ErrorKind::Invalid,
            &[
                "the collections share one database",
                "line 8, collections.other.python_readers",
            ],
        ),
        (
            "PRIMARY REST timestamp_zone = \"UTC\"",
            ErrorKind::Invalid,
            &["only a PostgreSQL primary keeps times without a zone"],
        ),
        (
            "PRIMARY REST [daemon]\nlisten = \"localhost\"",
            ErrorKind::Invalid,
            &[
                "an address has a port: \"127.0.0.1:9464\"",
                "line 8, daemon.listen = \"localhost\"",
            ],
        ),
        (
            "PRIMARY REST [daemon]\nlease = \"0s\"",
            ErrorKind::Invalid,
            &["line 8, daemon.lease", "\"30s\" is the default"],
        ),
        (
            "PRIMARY REST [daemon]\nfailures = 0",
            ErrorKind::Invalid,
            &["cannot be counted", "line 8, daemon.failures = 0"],
        ),
        (
            "PRIMARY REST [daemon]\nport = 9464",
            ErrorKind::Invalid,
            &["the keys here are failures, grace, lease, listen, measure, retry"],
        ),
        (
            "[primary]\nbackend = \"memory\"\nbusy_timeout = \"1s\"\n[collections.a]",
            ErrorKind::Invalid,
            &[
                "the memory backend has no file",
                "line 3, primary.busy_timeout",
            ],
        ),
        (
            "PRIMARY REST [s3]\nregion = \"\"",
            ErrorKind::Invalid,
            &["a region has letters, digits and hyphens", "s3.region"],
        ),
        (
            "PRIMARY REST [hot]\nttl = \"1h\"\nttl = \"2h\"\n[hot",
            ErrorKind::Invalid,
            &[
                "not TOML: duplicate key\n  --> thermocline.toml, line 9, ttl = \"2h\"",
                "line 10, [hot",
            ],
        ),
    ];
    for (config, kind, expected) in cases {
        let config = config.replace("PRIMARY", PRIMARY).replace("REST", REST);
        let (found, text) = said(&config, &[]);
        assert_eq!(found, *kind, "{config}\n{text}");
        for part in *expected {
            assert!(
                text.contains(part),
                "{config}\nsays\n{text}\nwithout\n{part}"
            );
        }
    }
}

#[test]
fn one_thing_wrong_with_a_policy() {
    let cases: &[(&str, ErrorKind, &[&str])] = &[
        (
            "",
            ErrorKind::Invalid,
            &[
                "a policy needs this key\n  --> policies/a.toml, collection",
                "--> policies/a.toml, older_than",
            ],
        ),
        (
            "POLICY\nolder_then = \"1d\"",
            ErrorKind::Invalid,
            &["did you mean `older_than`?", "line 3"],
        ),
        (
            "collection = \"flihgts\"\nolder_than = \"90d\"",
            ErrorKind::Invalid,
            &[
                "there is no collection \"flihgts\"\n  --> policies/a.toml, line 1",
                "did you mean \"flights\"?",
            ],
        ),
        (
            "collection = \"flights\"\nolder_than = \"90 dayz\"",
            ErrorKind::Invalid,
            &[
                "an age is written like `90d`",
                "line 2, older_than = \"90 dayz\"",
            ],
        ),
        (
            "collection = \"flights\"\nolder_than = \"-1d\"",
            ErrorKind::Invalid,
            &["line 2, older_than = \"-1d\""],
        ),
        (
            "POLICY\nbatch = { rows = 0 }",
            ErrorKind::Invalid,
            &["a batch of nothing", "line 3, batch.rows = 0"],
        ),
        (
            "POLICY\nbatch = { bytes = \"0\" }",
            ErrorKind::Invalid,
            &["line 3, batch.bytes = \"0\""],
        ),
        (
            "POLICY\nbatch = { size = 1 }",
            ErrorKind::Invalid,
            &["the keys here are bytes, rows"],
        ),
        (
            "POLICY\naction = \"delete\"",
            ErrorKind::Unsupported,
            &["`delete` is not built yet"],
        ),
        (
            "POLICY\naction = \"burn\"",
            ErrorKind::Invalid,
            &["it is one of move, delete"],
        ),
        (
            "POLICY\nhold = [\"a = 1\"]",
            ErrorKind::Unsupported,
            &["line 3, hold = [\"a = 1\"]", "where"],
        ),
        (
            "POLICY\nguard = { max_share = 0.5 }",
            ErrorKind::Unsupported,
            &["line 3, guard", "thermocline plan"],
        ),
        (
            "POLICY\nexpire = { after = \"7 years\" }",
            ErrorKind::Unsupported,
            &["line 3, expire"],
        ),
        (
            "POLICY\nthrottle = { lock_waits = 3 }",
            ErrorKind::Unsupported,
            &["line 3, throttle"],
        ),
        (
            "POLICY\nlimits = { max_run = \"2h\" }",
            ErrorKind::Unsupported,
            &["line 3, limits"],
        ),
        (
            "POLICY\nwindow = { from = \"01:00\" }",
            ErrorKind::Unsupported,
            &["line 3, window"],
        ),
        (
            "POLICY\nschedule = \"0 2 30 2 *\"",
            ErrorKind::Invalid,
            &[
                "this cron line never fires: no year has such a day\n  --> policies/a.toml, line 3, schedule = \"0 2 30 2 *\"",
            ],
        ),
        (
            "POLICY\nschedule = \"0 26 * * *\"",
            ErrorKind::Invalid,
            &["a cron line has five fields", "26", "line 3, schedule"],
        ),
        (
            "POLICY\nschedule = \"0 2 * * *\"\nzone = \"Europe/Atlantis\"",
            ErrorKind::Invalid,
            &[
                "there is no such time zone; they are called like UTC, Europe/Berlin",
                "line 4, zone = \"Europe/Atlantis\"",
            ],
        ),
        (
            "POLICY\nevery = \"1h\"\nschedule = \"0 2 * * *\"",
            ErrorKind::Invalid,
            &[
                "an interval or a cron line, not both\n  --> policies/a.toml, line 3, every = \"1h\"",
                "take `every` or `schedule` out",
            ],
        ),
        (
            "POLICY\nevery = \"0s\"",
            ErrorKind::Invalid,
            &["at least a second", "line 3, every = \"0s\"", "\"15m\""],
        ),
        (
            "POLICY\nevery = 60",
            ErrorKind::Invalid,
            &["a duration is text", "line 3, every = 60"],
        ),
        (
            "POLICY\nevery = \"1h\"\nzone = \"UTC\"",
            ErrorKind::Invalid,
            &["a zone belongs to a cron line", "line 4, zone"],
        ),
        (
            "POLICY\nzone = \"UTC\"",
            ErrorKind::Invalid,
            &["line 3, zone", "add schedule = \"0 2 * * *\""],
        ),
    ];
    for (policy, kind, expected) in cases {
        let policy = policy.replace("POLICY", POLICY);
        let (found, text) = said(&format!("{PRIMARY}{REST}"), &[&policy]);
        assert_eq!(found, *kind, "{policy}\n{text}");
        for part in *expected {
            assert!(
                text.contains(part),
                "{policy}\nsays\n{text}\nwithout\n{part}"
            );
        }
    }
}

#[test]
fn everything_wrong_is_said_at_once() {
    let config = format!(
        "polices = 1\n[hot]\nttl = 1\n{}{REST}age = 1\nwriters = \"shared\"\n",
        PRIMARY.replace("sqlite", "sqlight")
    );
    let policies = [
        "collection = \"f\"\nolder_than = \"x\"\nhold = []",
        "name = \"",
        "name = \"a\"\ncollection = \"flights\"\nolder_than = \"1d\"",
    ];
    let (kind, text) = said(&config, &policies);
    assert_eq!(
        kind,
        ErrorKind::Invalid,
        "one wrong thing among unbuilt ones"
    );
    let places: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("  --> "))
        .collect();
    let expected = [
        "thermocline.toml, line 1, polices = 1",
        "thermocline.toml, line 3, hot.ttl = 1",
        "thermocline.toml, line 5, primary.backend = \"sqlight\"",
        "thermocline.toml, line 10, collections.flights.age = 1",
        "thermocline.toml, line 11, collections.flights.writers = \"shared\"",
        "policies/a.toml, line 2, older_than = \"x\"",
        "policies/a.toml, line 3, hold = []",
        "policies/b.toml, line 1, name = \"",
        "policies/a.toml, line 1, collection",
        "policies/c.toml, line 1, name",
    ];
    assert_eq!(places, expected, "{text}");
}

#[test]
fn a_policy_without_an_archive() {
    let (kind, text) = said(&format!("{PRIMARY}[collections.flights]"), &[POLICY]);
    assert_eq!(kind, ErrorKind::Invalid);
    assert!(
        text.contains("there is no archive that this policy could move records to"),
        "{text}"
    );
    assert!(
        text.contains("--> policies/a.toml, line 1, collection"),
        "{text}"
    );
}

#[test]
fn a_policy_that_would_never_run_is_not_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("policies")).unwrap();
    fs::write(folder.path().join("policies/old.yaml"), "older_than: 90d").unwrap();
    fs::write(folder.path().join("policies/README.md"), "about them").unwrap();
    let text = load(folder.path(), &format!("{PRIMARY}{REST}"), &[])
        .unwrap_err()
        .to_string();
    assert!(
        text.starts_with("policies are written in TOML\n  --> "),
        "{text}"
    );
    assert!(text.ends_with("old.yaml"), "{text}");
}

#[test]
fn secrets_are_not_shown() {
    let (_, text) = said(
        &format!(
            "[primary]\nbackend = \"sqlite\"\npath = \"x\"\nurl = \"postgres://me:secret@host/db\"\n{REST}"
        ),
        &[],
    );
    assert!(
        text.contains("primary.url = \"postgres://me:***@host/db\""),
        "{text}"
    );
    assert!(!text.contains("secret"), "{text}");

    // PATH stands for a secret here: it is set everywhere, and never shown.
    let path = std::env::var("PATH").unwrap();
    let (_, text) = said(
        &format!("search_max_age = \"${{PATH}}\"\n{PRIMARY}{REST}"),
        &[],
    );
    assert!(text.contains("search_max_age = \"${PATH}\""), "{text}");
    assert!(!text.contains(&path), "{text}");
}

#[test]
fn files_that_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("thermocline.toml");
    let said = |file: &Path| Config::load(file).unwrap_err().to_string();
    assert!(said(&file).starts_with("there is no such configuration file"));
    assert!(said(&file).contains("thermocline init"));
    fs::write(&file, b"a = \"\xff\"").unwrap();
    assert!(said(&file).starts_with("cannot read the file: stream did not contain valid UTF-8"));
    assert!(said(folder.path()).starts_with("cannot read the file: "));
}

#[test]
fn the_environment_puts_values_in() {
    let folder = tempfile::tempdir().unwrap();
    let config = format!("{PRIMARY}{REST}table = \"x${{CARGO_PKG_NAME}}\"\n");
    let config = load(folder.path(), &config, &[POLICY]).unwrap();
    assert_eq!(config.collections["flights"].table, "xthermocline");
    assert_eq!(
        config.policies[0].policy.name(),
        "a",
        "the file's name where the policy has none"
    );
    assert_eq!(config.policies_of("flights").count(), 1);
}

const WHOLE: &str = r#"
policies = "policies/"
search_max_age = "10m"
[hot]
backend = "moka"
max_bytes = "256 MiB"
ttl = "10m"
[primary]
backend = "sqlite"
path = "t.db"
[archive]
data = "archive/"
[collections.flights]
age = { field = "ts", unit = "ms" }
columns = ["carrier"]
"#;

const WHOLE_POLICY: &str = r#"
name = "p"
collection = "flights"
older_than = "90d"
where = "status in ('closed', 'x') and n < 5"
batch = { rows = 10, bytes = "1 MiB" }
"#;

/// A text with a piece of it put elsewhere, or something else in its place.
fn broken(text: &str, cut: [usize; 3], instead: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let [from, to, at] = cut.map(|place| place % (chars.len() + 1));
    let (from, to) = (from.min(to), from.max(to));
    let mut kept: Vec<char> = [&chars[..from], &chars[to..]].concat();
    let at = at.min(kept.len());
    kept.splice(at..at, instead.chars());
    kept.into_iter().collect()
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(600))]

    #[test]
    fn no_text_makes_it_panic(
        cuts in proptest::array::uniform3(0_usize..500),
        instead in proptest::option::of("[ -~\\n\u{fc}]{0,20}"),
        is_policy: bool,
    ) {
        let instead = instead.unwrap_or_default();
        let cut = [cuts[0], cuts[1].min(cuts[0] + 40), cuts[2]];
        let folder = tempfile::tempdir().expect("a folder");
        let (config, policy) = match is_policy {
            true => (WHOLE.to_owned(), broken(WHOLE_POLICY, cut, &instead)),
            false => (broken(WHOLE, cut, &instead), WHOLE_POLICY.to_owned()),
        };
        if let Err(problems) = load(folder.path(), &config, &[&policy]) {
            let told = problems.to_string();
            proptest::prop_assert!(!told.is_empty());
            let kind = Error::from(problems).kind();
            proptest::prop_assert!(
                matches!(kind, ErrorKind::Invalid | ErrorKind::Unsupported | ErrorKind::Unavailable),
                "{kind:?}: {told}"
            );
        }
    }
}
