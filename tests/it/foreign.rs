//! Programs that know nothing of us, as witnesses: DuckDB and DataFusion over the archive, pyarrow over its segments.
//!
//! Each runs in a process of its own. DuckDB brings its own SQLite, and two SQLite libraries in one process do
//! not see each other's locks on a file. `THERMOCLINE_PYTHON` names the Python to use; `scripts/test` sets it.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// A program that answers each line of JSON with another, killed when dropped.
struct Talk {
    name: &'static str,
    _child: Child,
    commands: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Talk {
    fn with(name: &'static str, mut program: Command) -> Self {
        let mut child = program
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{name} starts: {error}"));
        Self {
            name,
            commands: child.stdin.take().expect("a pipe"),
            answers: BufReader::new(child.stdout.take().expect("a pipe")).lines(),
            _child: child,
        }
    }

    /// Sends one command and hands back the answer, or panics with what the program said.
    async fn ask(&mut self, command: Value) -> Value {
        match self.try_ask(&command).await {
            Ok(answer) => answer,
            Err(error) => panic!("{} answered {command} with: {error}", self.name),
        }
    }

    async fn rows(&mut self, command: Value) -> Vec<Vec<Value>> {
        let mut answer = self.ask(command).await;
        serde_json::from_value(answer["rows"].take()).expect("rows")
    }

    async fn try_ask(&mut self, command: &Value) -> Result<Value, String> {
        let line = format!("{command}\n");
        self.commands
            .write_all(line.as_bytes())
            .await
            .map_err(|error| format!("it is gone: {error}"))?;
        let answer = self.answers.next_line().await.expect("UTF-8");
        let answer = answer.ok_or("it ended without an answer; its own words are above")?;
        let mut answer: Value = serde_json::from_str(&answer).expect("one JSON object a line");
        match answer["error"].take() {
            Value::String(error) => Err(error),
            _ => Ok(answer),
        }
    }
}

/// A running DuckDB with its DuckLake, killed when dropped. What fails panics with DuckDB's own words.
pub(crate) struct DuckDb(Talk);

impl DuckDb {
    pub(crate) fn start() -> Self {
        Self(Talk::with("DuckDB", python("duck.py")))
    }

    /// Attaches the archive whose catalog is in the SQLite file `catalog`, as `lake`.
    pub(crate) async fn attach_sqlite(&mut self, catalog: &Path, read_only: bool) {
        self.attach(catalog, read_only, None).await;
    }

    /// The same, with segments in another place than the catalog says (or does not say yet).
    pub(crate) async fn attach_sqlite_at(&mut self, catalog: &Path, read_only: bool, data: &Path) {
        self.attach(catalog, read_only, Some(data)).await;
    }

    /// Attaches the archive whose catalog is in the PostgreSQL database of a URL, as `lake`.
    #[cfg(all(feature = "postgres", feature = "archive", feature = "conformance"))]
    pub(crate) async fn attach_postgres(&mut self, url: &str, read_only: bool) {
        self.0.ask(json!({
            "attach": url, "as": "lake", "read_only": read_only, "kind": "postgres", "schema": "thermocline",
        }))
        .await;
    }

    async fn attach(&mut self, catalog: &Path, read_only: bool, data: Option<&Path>) {
        let data = data.map(|data| format!("{}/", data.display()));
        self.0
            .ask(
                json!({"attach": catalog, "as": "lake", "read_only": read_only, "data_path": data}),
            )
            .await;
    }

    pub(crate) async fn detach(&mut self) {
        self.0.ask(json!({"detach": "lake"})).await;
    }

    /// The rows of a query: times as RFC 3339 text, JSON as text.
    pub(crate) async fn query(&mut self, sql: &str) -> Vec<Vec<Value>> {
        self.0.rows(json!({"query": sql})).await
    }

    /// How many rows a statement changed; `None` for one that changes no rows.
    pub(crate) async fn execute(&mut self, sql: &str) -> Option<u64> {
        self.0.ask(json!({"execute": sql})).await["count"].as_u64()
    }

    /// What DuckDB answers, or its error: for tests in which it is refused.
    pub(crate) async fn try_query(&mut self, sql: &str) -> Result<Value, String> {
        self.0.try_ask(&json!({"query": sql})).await
    }
}

/// A program that finds an archive's rows without DuckDB.
#[cfg(all(
    feature = "postgres",
    feature = "s3",
    feature = "conformance",
    feature = "cli"
))]
pub(crate) struct Reader(Talk);

#[cfg(all(
    feature = "postgres",
    feature = "s3",
    feature = "conformance",
    feature = "cli"
))]
impl Reader {
    /// pyarrow over the objects of an archive, as tests/foreign/live.py has it; what is live among them, others tell it.
    pub(crate) fn pyarrow() -> Self {
        Self(Talk::with("pyarrow", python("live.py")))
    }

    /// DataFusion's reader of DuckLake, as tests/peers/ducklake has it, with a catalog attached; none where its program was
    /// not built, which takes longer than all of ours. It tells every value as text.
    pub(crate) async fn datafusion_where_built(catalog: Value) -> Option<Self> {
        let program = std::env::var_os("THERMOCLINE_DUCKLAKE_PEER")?;
        let mut talk = Talk::with("DataFusion", Command::new(program));
        talk.ask(catalog).await;
        Some(Self(talk))
    }

    pub(crate) async fn rows(&mut self, command: Value) -> Vec<Vec<Value>> {
        self.0.rows(command).await
    }
}

/// One Parquet file as pyarrow sees it: `about` is its schema and layout, `rows` its rows as JSON objects.
pub(crate) struct ParquetFile {
    pub(crate) about: Value,
    pub(crate) rows: Vec<Value>,
}

/// Reads a whole Parquet file with pyarrow, its checksums included. Panics with pyarrow's error.
pub(crate) async fn read_parquet(path: &Path) -> ParquetFile {
    let output = python("parquet.py").arg(path).output().await;
    let output = output.expect("THERMOCLINE_PYTHON starts");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "pyarrow reads {}: {error}",
        path.display()
    );
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let mut lines = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("one JSON object a line"));
    ParquetFile {
        about: lines.next().expect("a first line"),
        rows: lines.collect(),
    }
}

fn python(script: &str) -> Command {
    let python = std::env::var_os("THERMOCLINE_PYTHON")
        .expect("THERMOCLINE_PYTHON names a Python with DuckDB: run scripts/test, or set it to the output of scripts/python-env");
    let mut command = Command::new(python);
    command
        .arg(
            Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("tests/foreign")
                .join(script),
        )
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

/// Every file below a folder, in no particular order.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .flat_map(|path| match path.is_dir() {
            true => files_below(&path),
            false => vec![path],
        })
        .collect()
}

#[tokio::test]
#[ignore = "needs DuckDB: run scripts/test"]
async fn duckdb_keeps_a_lake_of_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let (catalog, data) = (folder.path().join("lake.db"), folder.path().join("data"));
    let mut duck = DuckDb::start();
    duck.attach_sqlite_at(&catalog, false, &data).await;
    duck.execute("CREATE TABLE lake.t (id VARCHAR, seen TIMESTAMPTZ, fields JSON)")
        .await;
    let inserted = duck
        .execute(
            "INSERT INTO lake.t SELECT 'r' || i, '2024-01-01 02:00:00.5+02', '{\"big\":1e400}' FROM range(100) AS r(i)",
        )
        .await;
    assert_eq!(inserted, Some(100));
    assert_eq!(
        duck.execute("DELETE FROM lake.t WHERE id < 'r5'").await,
        Some(45)
    );
    duck.detach().await;

    let mut other = DuckDb::start();
    other.attach_sqlite(&catalog, true).await;
    assert_eq!(
        other.query("SELECT count(*) FROM lake.t").await,
        [[json!(55)]]
    );
    let row = other.query("SELECT * FROM lake.t WHERE id = 'r7'").await;
    let expected = ["r7", "2024-01-01T00:00:00.500000Z", "{\"big\":1e400}"];
    assert_eq!(row, [expected]);
}

#[tokio::test]
#[ignore = "needs DuckDB: run scripts/test"]
async fn pyarrow_reads_what_duckdb_wrote() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut duck = DuckDb::start();
    duck.attach_sqlite_at(
        &folder.path().join("lake.db"),
        false,
        &folder.path().join("data"),
    )
    .await;
    duck.execute("CREATE TABLE lake.t AS SELECT 'r' || i AS id, i AS n FROM range(20) AS r(i)")
        .await;

    let files = files_below(&folder.path().join("data"));
    let [file] = files.as_slice() else {
        panic!("one segment, not {files:?}")
    };
    let file = read_parquet(file).await;
    assert_eq!(file.about["rows"], 20);
    assert_eq!(file.about["columns"][0]["name"], "id");
    assert_eq!(file.about["columns"][0]["field_id"], 1);
    assert_eq!(file.rows.len(), 20);
    assert_eq!(file.rows[7], json!({"id": "r7", "n": 7}));
}

#[tokio::test]
#[ignore = "needs DuckDB: run scripts/test"]
async fn duckdb_says_what_it_refuses_and_goes_on() {
    let mut duck = DuckDb::start();
    let refused = duck.try_query("SELECT * FROM nowhere").await;
    let error = refused.expect_err("there is no such table");
    assert!(
        error.contains("Table with name nowhere does not exist"),
        "{error}"
    );
    assert_eq!(duck.query("SELECT 1").await, [[json!(1)]]);
}
