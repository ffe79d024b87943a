//! The crash table of the move, and of the flush: every step, times every way to fail there; then it is run again, and counted.
//!
//! Each cell runs in a process of its own (this test binary, with the fault in its environment), since some of them end
//! it. Writers change records meanwhile. Afterwards every record must be in exactly one tier with its newest value, and
//! once orphans are collected, the folder must hold exactly what the catalog names. All of it over SQLite and over
//! PostgreSQL.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt;
use serde_json::json;
use thermocline::{
    Age, Batch, Database, DatabaseExt, ErrorKind, ManualClock, ParquetArchive, Policy, Query,
    Record, Result, TieredDatabase,
};

const RECORDS: usize = 120;

/// Every so many records change meanwhile: no multiple of three, so that old ones are among them.
const CHANGED: usize = 11;

/// The ways to fail. What ends the process is found by its exit; the others must have happened, which the cell asserts.
const KINDS: [&str; 5] = ["error", "failed", "abort", "abort_after", "cancel"];

/// What meets the fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    Move,
    /// PostgreSQL only: of what a move and changes after it left.
    Flush,
}

/// Where a cell's records live: the URL of their database, and the folder of their segments.
#[derive(Clone, Debug)]
struct Ground {
    url: String,
    archive: PathBuf,
    work: Work,
}

impl Ground {
    fn new(url: &str, archive: &Path, work: Work) -> Self {
        Self {
            url: url.to_owned(),
            archive: archive.to_owned(),
            work,
        }
    }

    fn from_env() -> Option<Self> {
        let variable = |name| std::env::var(name).ok();
        let url = variable("THERMOCLINE_CELL_DATABASE")?;
        let archive = variable("THERMOCLINE_CELL_ARCHIVE")?;
        let work = match &*variable("THERMOCLINE_CELL_WORK")? {
            "Flush" => Work::Flush,
            _ => Work::Move,
        };
        Some(Self::new(&url, Path::new(&archive), work))
    }

    /// The name of a table of the catalog.
    fn table(&self, name: &str) -> String {
        match self.url.starts_with("sqlite:") {
            true => name.to_owned(),
            false => format!("thermocline.{name}"),
        }
    }
}

struct Tiers {
    clock: ManualClock,
    primary: Arc<dyn Database>,
    archive: ParquetArchive,
    router: TieredDatabase,
}

async fn open(ground: &Ground) -> Result<Tiers> {
    let clock = ManualClock::at("2014-01-01T00:00:00Z".parse().unwrap());
    let primary = thermocline::database(&ground.url).await?;
    let host = primary.catalog_host().unwrap();
    let archive = ParquetArchive::in_dir(&ground.archive)
        .catalog(host)?
        .age(Age::at("day")?)
        .clock(clock.clone())
        .build()
        .await?;
    let policy = Policy::older_than("90d")?.batch(Batch {
        rows: 25,
        bytes: 1 << 20,
    })?;
    let router = TieredDatabase::builder()
        .primary(Arc::clone(&primary))
        .archive(archive.clone())
        .age("day")
        .policy(policy)
        .clock(clock.clone())
        .build()
        .await?;
    Ok(Tiers {
        clock,
        primary,
        archive,
        router,
    })
}

/// A record that is old, unless its number is a multiple of three.
fn record(number: usize, value: usize) -> Record {
    let day = match number % 3 {
        0 => "2013-12-24".to_owned(),
        _ => format!("2013-{:02}-{:02}", 1 + number % 9, 1 + number % 28),
    };
    Record::new(format!("r{number:03}"), json!({"value": value, "day": day})).unwrap()
}

async fn values(database: &dyn Database) -> BTreeMap<String, u64> {
    let records: Vec<_> = database
        .search(Query::all())
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    let count = records.len();
    let value = |record: Arc<Record>| {
        let fields: serde_json::Value = record.parse().unwrap();
        (record.id().to_string(), fields["value"].as_u64().unwrap())
    };
    let values: BTreeMap<_, _> = records.into_iter().map(value).collect();
    assert_eq!(values.len(), count, "an id is there twice in one tier");
    values
}

/// Changes some records, old and young, archived or not: their value is their number and a thousand.
async fn change(router: &TieredDatabase) -> Result<()> {
    for number in (0..RECORDS).step_by(CHANGED) {
        router.upsert(record(number, number + 1000)).await?;
    }
    Ok(())
}

fn expected() -> BTreeMap<String, u64> {
    let value = |number: usize| match number % CHANGED {
        0 => number + 1000,
        _ => number,
    };
    (0..RECORDS)
        .map(|number| (format!("r{number:03}"), value(number) as u64))
        .collect()
}

/// One cell's process: moves, or flushes, while records change, meets its fault, and goes on if it still lives.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a child of the crash table"]
async fn cell() {
    let Some(ground) = Ground::from_env() else {
        return;
    };
    let tiers = open(&ground).await.unwrap();
    let work = async {
        match ground.work {
            Work::Move => tiers.router.archive_due().await.map(drop),
            Work::Flush => tiers.archive.flush().await.map(drop),
        }
    };
    let (done, changed) = tokio::join!(
        async {
            tokio::select! {
                outcome = work => outcome,
                () = thermocline::fault::reached() => Ok(()),
            }
        },
        change(&tiers.router),
    );
    changed.unwrap();
    if let Err(error) = done {
        let kinds = [
            ErrorKind::Unavailable,
            ErrorKind::Ambiguous,
            ErrorKind::Conflict,
        ];
        assert!(kinds.contains(&error.kind()), "{error:?}");
    }
    assert!(
        thermocline::fault::all_fired(),
        "the step was never reached"
    );
    tiers.router.archive_due().await.unwrap();
    tiers.router.close().await.unwrap();
}

async fn check(ground: &Ground, cell: &str) {
    let tiers = open(ground).await.unwrap();
    // A process that was ended may not have come to its changes.
    change(&tiers.router).await.unwrap();
    tiers.router.archive_due().await.unwrap();
    let (live, archived) = (values(&tiers.primary).await, values(&tiers.archive).await);
    let both: Vec<_> = live
        .keys()
        .filter(|id| archived.contains_key(*id))
        .collect();
    assert!(both.is_empty(), "{cell}: in both tiers: {both:?}");
    let all: BTreeMap<_, _> = live
        .iter()
        .chain(&archived)
        .map(|(id, value)| (id.clone(), *value))
        .collect();
    assert_eq!(all, expected(), "{cell}");
    assert_eq!(
        values(&tiers.router).await,
        all,
        "{cell}: through the router"
    );
    assert!(
        live.keys()
            .all(|id| id[1..].parse::<usize>().unwrap() % 3 == 0),
        "{cell}: something old stays"
    );

    // What a crash left behind is found: the first look remembers unknown objects, a later one removes them.
    for _ in 0..2 {
        tiers.clock.advance(Duration::from_secs(7200));
        let orphans = tiers.archive.find_orphans().await.unwrap();
        tiers.archive.remove_orphans(&orphans).await.unwrap();
    }
    let named = named_objects(&tiers.primary, ground).await;
    assert_eq!(
        objects_in(&ground.archive),
        named,
        "{cell}: objects in the folder, and in the catalog"
    );
    assert_eq!(
        values(&tiers.router).await,
        all,
        "{cell}: after the orphans were collected"
    );
}

/// The names of the objects that the catalog knows, those among them that are to be deleted once no reader needs them.
async fn named_objects(primary: &dyn Database, ground: &Ground) -> Vec<String> {
    let mut tx = primary.catalog_host().unwrap().begin_read().await.unwrap();
    let tables = [
        "ducklake_data_file",
        "ducklake_delete_file",
        "ducklake_files_scheduled_for_deletion",
    ];
    let names = tables.map(|table| format!("SELECT path FROM {}", ground.table(table)));
    let rows = tx.query(&names.join(" UNION "), &[]).await.unwrap();
    let name = |path: &str| path.rsplit('/').next().unwrap().to_owned();
    let mut names: Vec<_> = rows.iter().map(|row| name(row.text(0).unwrap())).collect();
    names.sort();
    names
}

/// The names of the objects below a folder.
fn objects_in(folder: &Path) -> Vec<String> {
    fn walk(folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            match entry.path().is_dir() {
                true => walk(&entry.path(), found),
                false => found.push(entry.file_name().into_string().unwrap()),
            }
        }
    }
    let mut found = Vec::new();
    walk(folder, &mut found);
    found.sort();
    found
}

async fn run_cell(ground: &Ground, faults: &str, kind: &str) {
    let tiers = open(ground).await.unwrap();
    let records = (0..RECORDS).map(|number| record(number, number));
    tiers.router.upsert_many(records.collect()).await.unwrap();
    if ground.work == Work::Flush {
        tiers.router.archive_due().await.unwrap();
        change(&tiers.router).await.unwrap();
    }
    tiers.router.close().await.unwrap();
    drop(tiers);
    let mut child = Command::new(std::env::current_exe().unwrap());
    child
        .args(["--exact", "crash::cell", "--ignored", "--nocapture"])
        .env("THERMOCLINE_CELL_DATABASE", &ground.url)
        .env("THERMOCLINE_CELL_ARCHIVE", &ground.archive)
        .env("THERMOCLINE_CELL_WORK", format!("{:?}", ground.work))
        .env("THERMOCLINE_FAULT", format!("{faults}:{kind}"));
    let output = tokio::task::spawn_blocking(move || child.output().unwrap())
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        output.status.success(),
        !kind.starts_with("abort"),
        "{faults}:{kind}: {said}"
    );
    check(ground, &format!("{faults}:{kind}")).await;
}

async fn over_sqlite(faults: &str) {
    for kind in KINDS {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("records.db").display());
        let ground = Ground::new(&url, &folder.path().join("archive"), Work::Move);
        run_cell(&ground, faults, kind).await;
    }
}

#[cfg(all(feature = "postgres", feature = "conformance"))]
async fn over_postgres(work: Work, faults: &str) {
    for kind in KINDS {
        let scratch = crate::postgres::Scratch::lent().await;
        let folder = tempfile::tempdir().unwrap();
        let ground = Ground::new(&scratch.url, folder.path(), work);
        run_cell(&ground, faults, kind).await;
    }
}

/// The table, a row a test. Some steps are only reached after another has failed.
macro_rules! rows {
    ($($name:ident: $faults:literal,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                over_sqlite($faults).await;
            }
        )*

        #[cfg(all(feature = "postgres", feature = "conformance"))]
        mod postgres {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            #[ignore = "needs PostgreSQL: run scripts/test"]
            async fn $name() {
                super::over_postgres(super::Work::Move, $faults).await;
            }
        )*}

        #[cfg(all(feature = "postgres", feature = "conformance"))]
        mod flush {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            #[ignore = "needs PostgreSQL: run scripts/test"]
            async fn $name() {
                super::over_postgres(super::Work::Flush, $faults).await;
            }
        )*}
    };
}

rows! {
    at_the_journal: "journal",
    at_the_upload: "upload",
    at_the_begin: "publish.begin",
    at_the_primarys_half: "publish.primary",
    at_the_catalogs_half: "publish.catalog",
    at_the_last_look: "publish.head",
    at_the_commit: "publish.commit",
    at_the_outcome: "publish.commit:failed,publish.outcome",
    at_the_discard: "publish.head:error,discard.commit",
}
