//! A database of a test's own, gone when the test is over.

use std::env;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::Mutex;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};

static COUNT: AtomicU32 = AtomicU32::new(0);

/// Databases whose tests are over, for those that take one as it comes.
static SPARE: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// A database of one test's on the server that `scripts/services` started.
#[derive(Debug)]
pub(crate) struct Scratch {
    pub(crate) name: String,
    pub(crate) url: String,
    /// Whether another test may have it afterwards.
    is_lent: bool,
}

impl Scratch {
    pub(crate) async fn new() -> Self {
        let name = format!(
            "t{}_{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        execute(&server(), &format!("CREATE DATABASE {name}")).await;
        Self {
            url: to(&server(), &name),
            name,
            is_lent: false,
        }
    }

    /// A database that may have served another test and was emptied: much sooner there than a new one.
    ///
    /// For tests that leave roles and settings of databases alone.
    pub(crate) async fn lent() -> Self {
        let spare = SPARE.lock().pop();
        let Some(name) = spare else {
            let mut new = Self::new().await;
            new.is_lent = true;
            return new;
        };
        let scratch = Self {
            url: to(&server(), &name),
            name,
            is_lent: true,
        };
        let empty = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity \
                     WHERE datname = current_database() AND pid <> pg_backend_pid(); \
                     DROP SCHEMA IF EXISTS thermocline, public CASCADE; CREATE SCHEMA public";
        scratch.run(empty).await;
        scratch
    }

    /// The same database through the pooler.
    pub(crate) fn pooled_url(&self) -> String {
        format!(
            "{}?statement_cache=0",
            to(&variable("THERMOCLINE_TEST_PGBOUNCER"), &self.name)
        )
    }

    /// The same database with more in the URL.
    pub(crate) fn with(&self, more: &str) -> String {
        format!("{}?{more}", self.url)
    }

    /// The same database as another user, whose password is `secret`.
    pub(crate) async fn as_user(&self, user: &str) -> String {
        let user = format!("{}_{user}", self.name);
        self.run(&format!("CREATE ROLE {user} LOGIN PASSWORD 'secret'"))
            .await;
        let (_, place) = self.url.rsplit_once('@').unwrap();
        format!("postgres://{user}:secret@{place}")
    }

    /// Runs statements, as the superuser.
    pub(crate) async fn run(&self, sql: &str) {
        execute(&self.url, sql).await;
    }

    /// A transaction that did `sql` and holds its locks until it is dropped.
    pub(crate) async fn hold(&self, sql: &str) -> PgConnection {
        hold(&self.url, sql).await
    }

    /// How long new sessions wait for a lock before they look whether it is a dead one.
    pub(crate) async fn patience(&self, time: &str) {
        let set = format!(
            "ALTER DATABASE {} SET deadlock_timeout = '{time}'",
            self.name
        );
        self.run(&set).await;
        self.throw_everybody_out().await;
    }

    /// Copies the database to another one. Its sessions end.
    pub(crate) async fn copy_to(&self, copy: &str) {
        self.throw_everybody_out().await;
        let create = format!("CREATE DATABASE {copy} TEMPLATE {}", self.name);
        execute(&server(), &create).await;
    }

    /// Puts a copy in the place of the database; the copy is gone then. Its sessions end.
    pub(crate) async fn restore_from(&self, copy: &str) {
        execute(
            &server(),
            &format!("DROP DATABASE {} WITH (FORCE)", self.name),
        )
        .await;
        execute(
            &server(),
            &format!("ALTER DATABASE {copy} RENAME TO {}", self.name),
        )
        .await;
    }

    pub(crate) async fn throw_everybody_out(&self) {
        let all = format!(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{}'",
            self.name
        );
        execute(&server(), &all).await;
    }

    /// Waits until a query answers so.
    pub(crate) async fn until(&self, sql: &str, answer: &str) {
        while self.ask(sql).await != [answer] {
            tokio::task::yield_now().await;
        }
    }

    /// How many sessions wait for a lock.
    pub(crate) async fn waiting(&self) -> usize {
        let waiting = "SELECT count(*)::text FROM pg_stat_activity \
                       WHERE wait_event_type = 'Lock' AND datname = current_database()";
        self.ask(waiting).await[0].parse().unwrap()
    }

    /// Waits until so many sessions wait for a lock.
    pub(crate) async fn until_waiting(&self, sessions: usize) {
        while self.waiting().await != sessions {
            tokio::task::yield_now().await;
        }
    }

    /// How many sessions there are besides the one that asks.
    pub(crate) async fn sessions(&self) -> usize {
        let others = "SELECT count(*)::text FROM pg_stat_activity \
                      WHERE datname = current_database() AND pid <> pg_backend_pid()";
        self.ask(others).await[0].parse().unwrap()
    }

    /// The first column of what a query answers, as text.
    pub(crate) async fn ask(&self, sql: &str) -> Vec<String> {
        let mut connection = PgConnection::connect(&self.url).await.unwrap();
        let rows = connection
            .fetch_all(sqlx::raw_sql(AssertSqlSafe(sql.to_owned())))
            .await
            .unwrap();
        rows.iter()
            .map(|row| row.try_get_unchecked::<String, _>(0).unwrap())
            .collect()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.is_lent && !std::thread::panicking() {
            return SPARE.lock().push(std::mem::take(&mut self.name));
        }
        let sql = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        // A test that failed leaves its runtime in whatever state.
        let gone = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(execute(&server(), &sql));
        });
        let _ = gone.join();
    }
}

/// The URL of the server's superuser.
pub(crate) fn server() -> String {
    variable("THERMOCLINE_TEST_POSTGRES")
}

pub(crate) fn variable(name: &str) -> String {
    env::var(name)
        .unwrap_or_else(|_| panic!("{name} is not set: run scripts/test, or scripts/services"))
}

fn to(url: &str, database: &str) -> String {
    let (place, _) = url.rsplit_once('/').unwrap();
    format!("{place}/{database}")
}

/// A transaction that did `sql` and holds its locks until it is dropped.
pub(crate) async fn hold(url: &str, sql: &str) -> PgConnection {
    let mut connection = PgConnection::connect(url).await.unwrap();
    connection.execute("BEGIN").await.unwrap();
    connection
        .execute(sqlx::raw_sql(AssertSqlSafe(sql.to_owned())))
        .await
        .unwrap();
    connection
}

pub(crate) async fn execute(url: &str, sql: &str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    connection
        .execute(sqlx::raw_sql(AssertSqlSafe(sql.to_owned())))
        .await
        .unwrap();
    connection.close().await.unwrap();
}
