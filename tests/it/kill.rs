//! `kill -9` at random moments, a hundred times: nothing is lost, nothing is there twice, every record is the newest.
//!
//! The commands run as a user runs them, one process each. DuckDB, in a process of its own, reads the primary's table and
//! the archive, and the test's own book says what should be there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

use crate::foreign::DuckDb;

const ROUNDS: u64 = 100;
const IDS: usize = 300;
const NOW: &str = "2014-01-01T00:00:00Z";

const CONFIG: &str = r#"
policies = "policies/"

[primary]
backend = "sqlite"
path = "records.db"

[archive]
data = "archive/"

[collections.events]
age = "day"
columns = ["v", "day"]
"#;

const POLICY: &str = r#"
name = "old-events"
collection = "events"
older_than = "90d"
batch = { rows = 40, bytes = "1 MiB" }
"#;

/// A folder with a configuration, and the book of what it should hold.
struct World {
    dir: PathBuf,
    random: fastrand::Rng,
    writes: u64,
    /// What each id may hold: one value, or several where a killed process left its outcome open; `None` is absent.
    book: BTreeMap<String, Vec<Option<u64>>>,
}

impl World {
    fn new(dir: &Path, seed: u64) -> Self {
        std::fs::create_dir(dir.join("policies")).unwrap();
        std::fs::write(dir.join("thermocline.toml"), CONFIG).unwrap();
        std::fs::write(dir.join("policies/old-events.toml"), POLICY).unwrap();
        Self {
            dir: dir.to_owned(),
            random: fastrand::Rng::with_seed(seed),
            writes: 0,
            book: BTreeMap::new(),
        }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_thermocline"));
        command
            .args(args)
            .current_dir(&self.dir)
            .env_remove("THERMOCLINE_CONFIG")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Some text of a record that is new, and the value by which it is known again.
    fn fields(&mut self) -> (u64, String) {
        self.writes += 1;
        let (month, day) = (self.random.u8(1..=12), self.random.u8(1..=28));
        let v = self.writes;
        (
            v,
            format!(r#"{{"v":{v},"day":"2013-{month:02}-{day:02}","text":"größer ✓"}}"#),
        )
    }

    fn id(&mut self) -> String {
        format!("event/{}", self.random.usize(0..IDS))
    }

    /// Loads the first records by `import`.
    async fn load(&mut self) {
        let mut lines = String::new();
        for number in 0..IDS {
            let (v, fields) = self.fields();
            lines += &format!("{{\"id\":\"event/{number}\",\"fields\":{fields}}}\n");
            self.book.insert(format!("event/{number}"), vec![Some(v)]);
        }
        let mut import = self
            .command(&["import", "-"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = import.stdin.take().unwrap();
        input.write_all(lines.as_bytes()).await.unwrap();
        drop(input);
        finished(import, "import").await;
    }

    /// One `put` or `delete`, perhaps killed on its way.
    async fn write(&mut self) {
        let id = self.id();
        let new = if self.random.u8(0..4) == 0 {
            (None, self.command(&["delete", &id]))
        } else {
            let (v, fields) = self.fields();
            (Some(v), self.command(&["put", &id, &fields]))
        };
        let (value, mut command) = new;
        let child = command.spawn().unwrap();
        let patience = self.patience(30, 250);
        let outcome = self.book.entry(id.clone()).or_insert_with(|| vec![None]);
        match killed_after(child, patience).await {
            Outcome::Killed => outcome.push(value),
            Outcome::Ended(status, said) => {
                // A delete of what is not there is `not found`: no failure.
                let fine = status.success() || (value.is_none() && status.code() == Some(3));
                assert!(fine, "writing {id}: {status}: {said}");
                *outcome = vec![value];
            }
        }
    }

    fn archive(&self) -> Child {
        self.command(&["archive", "--once", "--now", NOW])
            .spawn()
            .unwrap()
    }

    /// How long a child may live before it is killed; none for ever.
    fn patience(&mut self, percent: u8, most: u64) -> Option<Duration> {
        (self.random.u8(0..100) < percent).then(|| Duration::from_millis(self.random.u64(0..most)))
    }

    /// Compares what DuckDB sees in both tiers with the book, which then knows what killed writes did.
    async fn check(&mut self, duck: &mut DuckDb, when: &str) {
        let db = self.dir.join("records.db");
        duck.attach_sqlite(&db, true).await;
        duck.execute(&format!(
            "ATTACH '{}' AS live (TYPE sqlite, READ_ONLY)",
            db.display()
        ))
        .await;
        let live = values(
            duck.query("SELECT id, json_extract_string(data, '$.v') FROM live.events")
                .await,
        );
        let old = values(
            duck.query("SELECT id, json_extract_string(fields, '$.v') FROM lake.events")
                .await,
        );
        duck.execute("DETACH live").await;
        duck.detach().await;

        let mut all = BTreeMap::new();
        for (id, v) in live.iter().chain(&old) {
            let before = all.insert(id.clone(), *v);
            assert!(
                before.is_none(),
                "{when}: {id} is there twice, as {before:?} and {v}"
            );
        }
        for id in all.keys() {
            assert!(self.book.contains_key(id), "{when}: {id} was never written");
        }
        for (id, allowed) in &mut self.book {
            let found = all.get(id).copied();
            assert!(
                allowed.contains(&found),
                "{when}: {id} is {found:?}, should be one of {allowed:?}"
            );
            *allowed = vec![found];
        }
    }
}

enum Outcome {
    Ended(ExitStatus, String),
    Killed,
}

async fn killed_after(mut child: Child, patience: Option<Duration>) -> Outcome {
    let Some(patience) = patience else {
        let output = child.wait_with_output().await.unwrap();
        return Outcome::Ended(
            output.status,
            String::from_utf8_lossy(&output.stderr).into(),
        );
    };
    if let Ok(status) = tokio::time::timeout(patience, child.wait()).await {
        return Outcome::Ended(status.unwrap(), "(it ended by itself)".into());
    }
    child.kill().await.unwrap();
    Outcome::Killed
}

async fn finished(child: Child, what: &str) {
    match killed_after(child, None).await {
        Outcome::Ended(status, said) => assert!(status.success(), "{what}: {status}: {said}"),
        Outcome::Killed => unreachable!("nobody kills it"),
    }
}

fn values(rows: Vec<Vec<Value>>) -> Vec<(String, u64)> {
    let value = |row: &Vec<Value>| {
        let v = row[1]
            .as_str()
            .expect("the field v")
            .parse()
            .expect("a number");
        (row[0].as_str().expect("an id").to_owned(), v)
    };
    rows.iter().map(value).collect()
}

#[tokio::test]
#[ignore = "needs DuckDB: run scripts/test"]
async fn a_hundred_kills_lose_nothing_and_double_nothing() {
    let seed = std::env::var("THERMOCLINE_SEED")
        .map_or_else(|_| fastrand::u64(..), |text| text.parse().unwrap());
    println!("THERMOCLINE_SEED={seed} repeats the choices of this run");
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(folder.path(), seed);
    let mut duck = DuckDb::start();
    world.load().await;
    let begun = Instant::now();
    finished(world.archive(), "the first run").await;
    // How long a run takes on this machine: the moments of the kills are spread over that.
    let mut usual = begun.elapsed();
    world.check(&mut duck, "after the first run").await;

    let mut kills = 0;
    for round in 0..ROUNDS {
        let archive = world.archive();
        let patience = world.patience(80, u64::try_from(usual.as_millis()).unwrap().max(1));
        let begun = Instant::now();
        let archive = tokio::spawn(async move {
            let outcome = killed_after(archive, patience).await;
            (outcome, begun.elapsed())
        });
        for _ in 0..world.random.u8(1..4) {
            world.write().await;
        }
        match archive.await.unwrap() {
            (Outcome::Ended(status, said), took) => {
                assert!(status.success(), "round {round}: {status}: {said}");
                usual = (usual * 3 + took) / 4;
            }
            (Outcome::Killed, _) => kills += 1,
        }
        world
            .check(&mut duck, &format!("round {round}, seed {seed}"))
            .await;
    }
    assert!(
        kills > ROUNDS / 10,
        "only {kills} runs were killed: the moments are badly chosen"
    );

    finished(world.archive(), "the last run").await;
    world.check(&mut duck, "after the last run").await;
}
