//! `thermocline run` as its neighbours see it: a process that is started, asked over HTTP, and sent signals.

mod backlog;
mod history;
mod reload;
mod running;
mod sharing;
mod stopping;
mod trouble;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde_json::Value;
use thermocline::{Database, HostTransaction, SqliteDatabase};

use crate::cli::World;

/// How long anything may take on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(60);

/// Two collections, everything that is waited for cut short.
pub(crate) const CONFIG: &str = r#"
policies = "policies/"
[primary]
backend = "sqlite"
path = "records.db"
busy_timeout = "100ms"
[archive]
data = "archive/"
[daemon]
listen = "127.0.0.1:0"
grace = "20s"
lease = "2s"
retry = "50ms"
failures = 2
measure = "50ms"
[collections.events]
age = "day"
[collections.orders]
age = "day"
"#;

const PLAIN: &str = "plain/thermocline.toml";

/// A running daemon; it is killed when the test is over.
pub(crate) struct Daemon {
    child: Child,
    address: SocketAddr,
    log: Arc<Mutex<Vec<String>>>,
}

/// What a page answered.
pub(crate) struct Answer {
    pub(crate) code: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// A folder with a configuration, and a policy `old` over `events` that runs every second.
pub(crate) fn world() -> World {
    let world = World::empty();
    world.file("thermocline.toml", CONFIG);
    // The same tiers without policies, for commands while a policy is bad.
    let plain = CONFIG
        .replace("policies = \"policies/\"\n", "")
        .replace("busy_timeout = \"100ms\"\n", "")
        .replace("\"records.db\"", "\"../records.db\"")
        .replace("\"archive/\"", "\"../archive/\"");
    world.file(PLAIN, &plain);
    policy(&world, "old", "events", "every = \"1s\"");
    world
}

/// Writes a policy over what is older than 90 days.
pub(crate) fn policy(world: &World, name: &str, collection: &str, more: &str) {
    world.file(
        &format!("policies/{name}.toml"),
        &format!(
            "name = \"{name}\"\ncollection = \"{collection}\"\nolder_than = \"90d\"\n{more}\n"
        ),
    );
}

/// Adds old records, whose ids begin with `prefix`.
pub(crate) fn add(world: &World, collection: &str, prefix: &str, count: usize) {
    let lines: String = (0..count)
        .map(|n| format!("{{\"id\":\"{prefix}{n}\",\"fields\":{{\"day\":\"2013-01-01\"}}}}\n"))
        .collect();
    let args = ["import", "-", "--config", PLAIN, "--collection", collection];
    let ended = world.fed(&args, lines.as_bytes());
    assert_eq!(ended.code, Some(0), "{}", ended.err);
}

/// How many records there are in all tiers, as a command counts them.
pub(crate) fn count(world: &World, collection: &str) -> u64 {
    let out = world.ok(&["count", "--config", PLAIN, "--collection", collection]);
    out.trim().parse().expect("a number")
}

/// Runs SQL of a test's own on the primary's file, with its write lock.
pub(crate) fn sql(world: &World, statements: &[&str]) {
    with_lock(world, async |tx| {
        for statement in statements {
            tx.execute(statement, &[]).await.expect(statement);
        }
    });
}

/// Does something while this process holds the write lock of the primary's file.
pub(crate) fn with_lock(world: &World, work: impl AsyncFnOnce(&mut dyn HostTransaction)) {
    with_lock_of(world, "records.db", work);
}

/// The same for a file of another name. Closing it writes its log back into it.
pub(crate) fn with_lock_of(
    world: &World,
    file: &str,
    work: impl AsyncFnOnce(&mut dyn HostTransaction),
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let database = SqliteDatabase::builder(world.path().join(file))
            .table("events")
            .busy_timeout(PATIENCE)
            .open()
            .await
            .expect("it opens");
        let host = database.catalog_host().expect("a host");
        let mut tx = host.begin_write().await.expect("the lock");
        work(&mut *tx).await;
        tx.commit().await.expect("it commits");
        database.close().await.expect("it closes");
    });
}

impl Daemon {
    pub(crate) fn start(world: &World) -> Self {
        Self::with(world.command(&["run"]))
    }

    /// Starts a command that is a daemon, and waits until it listens.
    pub(crate) fn with(mut command: Command) -> Self {
        let mut child = command.spawn().expect("it starts");
        let log = Arc::new(Mutex::new(Vec::new()));
        let lines = BufReader::new(child.stderr.take().expect("piped")).lines();
        let kept = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                kept.lock().push(line);
            }
        });
        let begun = Instant::now();
        loop {
            let found = log.lock().iter().find_map(|line| {
                let (_, rest) = line.split_once("http://")?;
                let end = rest.find(|c: char| !(c.is_ascii_digit() || ".:".contains(c)));
                rest[..end.unwrap_or(rest.len())].parse().ok()
            });
            if let Some(address) = found {
                return Self {
                    child,
                    address,
                    log,
                };
            }
            assert!(
                begun.elapsed() < PATIENCE && child.try_wait().expect("a child").is_none(),
                "it does not listen: {:?}",
                log.lock()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.try_get(path).unwrap_or_else(|error| {
            panic!("{path} does not answer: {error}: {:?}", self.log.lock())
        })
    }

    pub(crate) fn try_get(&self, path: &str) -> std::io::Result<Answer> {
        let mut stream = TcpStream::connect_timeout(&self.address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"
        )?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        let code = head.split(' ').nth(1).expect("a code");
        Ok(Answer {
            code: code.parse().expect("a number"),
            head: head.to_ascii_lowercase(),
            body: body.to_owned(),
        })
    }

    pub(crate) fn json(&self, path: &str) -> Value {
        let answer = self.get(path);
        serde_json::from_str(&answer.body)
            .unwrap_or_else(|error| panic!("{path}: {error}: {}", answer.body))
    }

    /// Polls `/status` until it is as it should be; what it then says.
    pub(crate) fn until(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        self.until_at("/status", what, is_so)
    }

    pub(crate) fn until_at(&self, path: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let found = self.json(path);
            if is_so(&found) {
                return found;
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "waited in vain until {what}:\n{found:#}\n{:#?}",
                self.log.lock()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until a metric, with its labels, has a value that is as it should be.
    pub(crate) fn until_metric(&self, metric: &str, is_so: impl Fn(f64) -> bool) {
        let begun = Instant::now();
        loop {
            let text = self.get("/metrics").body;
            let value = text.lines().find_map(|line| {
                let value = line.strip_prefix(metric)?.strip_prefix(' ')?;
                value.parse().ok()
            });
            if value.is_some_and(&is_so) {
                return;
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "waited in vain for {metric}, which is {value:?}:\n{text}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &self.pid().to_string()])
            .status();
        assert!(sent.expect("kill").success(), "it is gone already");
    }

    /// Waits for its end: the exit code, and what it logged.
    pub(crate) fn ended(mut self) -> (Option<i32>, Vec<String>) {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                break status;
            }
            assert!(begun.elapsed() < PATIENCE, "it does not end");
            std::thread::sleep(Duration::from_millis(5));
        };
        let log = self.log.lock().clone();
        (status.code(), log)
    }

    /// Stops it as a service manager does; it must end well.
    pub(crate) fn stop(self) -> Vec<String> {
        self.signal("TERM");
        let (code, log) = self.ended();
        assert_eq!(code, Some(0), "{log:#?}");
        log
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What `/status` says of a collection.
pub(crate) fn collection<'a>(status: &'a Value, name: &str) -> &'a Value {
    let collections = status["collections"].as_array().expect("collections");
    let found = collections.iter().find(|c| c["collection"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {status}"))
}

/// What `/status` says of a policy.
pub(crate) fn policy_in<'a>(status: &'a Value, name: &str) -> &'a Value {
    let collections = status["collections"].as_array().expect("collections");
    let mut policies = collections
        .iter()
        .flat_map(|c| c["policies"].as_array().expect("policies"));
    let found = policies.find(|policy| policy["policy"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {status}"))
}

/// Records in the archive of a collection; 0 before it was measured.
pub(crate) fn archived(status: &Value, name: &str) -> u64 {
    collection(status, name)["archive"]["records"]
        .as_u64()
        .unwrap_or(0)
}

/// Why `/readyz` says no.
pub(crate) fn reasons(readiness: &Value) -> Vec<String> {
    let reasons = readiness["reasons"].as_array().expect("reasons");
    reasons
        .iter()
        .map(|reason| {
            format!(
                "{} {}",
                reason["what"].as_str().expect("a word"),
                reason["message"].as_str().expect("a sentence")
            )
        })
        .collect()
}
