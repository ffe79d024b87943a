//! The whole move, as a process: from a file of SQLite's to segments, and out of the file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use tempfile::TempDir;
use thermocline::{Database, Op, SqliteDatabase};

use super::{runtime, store};
use crate::common::child::{self, Took};
use crate::common::flights::flights;
use crate::common::rounds::median;
use crate::common::table::Row;
use crate::{Amount, Failure};

const PEER: &str = "DuckDB COPY TO parquet, then DELETE";

/// A collection that is to be moved.
struct Case {
    name: &'static str,
    /// The age, for us.
    age: &'static str,
    /// What is old, for DuckDB.
    old: &'static str,
    /// What is old, for SQLite.
    old_in_sqlite: &'static str,
    records: u64,
    file: PathBuf,
}

pub(crate) fn run(amount: Amount) -> Result<Vec<Row>, Failure> {
    let runtime = runtime(2)?;
    let folder = store::folder()?;
    let records = amount.of(1_000_000);
    let synthetic = Case {
        name: "synthetic records",
        age: "@created_at",
        old: "created_at < TIMESTAMP '2026-01-01'",
        // The column compares as a number with what looks like one.
        old_in_sqlite: "created_at < '2026-01-01'",
        records,
        file: runtime.block_on(store::file(&folder, records))?,
    };
    let file = folder.path().join("flights.db");
    let flights = Case {
        name: "flights",
        age: "time_hour",
        old: "json_extract_string(data, '$.time_hour') < '2026'",
        old_in_sqlite: "json_extract(data, '$.time_hour') < '2026'",
        records: runtime.block_on(load_flights(&file))?,
        file,
    };
    let mut rows = Vec::new();
    for case in [flights, synthetic] {
        rows.extend(compared(amount, &folder, &case)?);
    }
    Ok(rows)
}

async fn load_flights(file: &Path) -> Result<u64, Failure> {
    let database = SqliteDatabase::open(file).await?;
    let mut flights = flights()?;
    let mut count = 0;
    loop {
        let batch = flights.by_ref().take(5_000);
        let puts: Vec<_> = batch
            .map(|(flight, _)| Op::Put(Arc::new(flight)).into())
            .collect();
        if puts.is_empty() {
            break;
        }
        count += puts.len() as u64;
        database.write(puts).await?;
    }
    database.close().await?;
    Ok(count)
}

fn compared(amount: Amount, folder: &TempDir, case: &Case) -> Result<Vec<Row>, Failure> {
    let (mut ours, mut peer) = (Vec::new(), Vec::new());
    for round in 0..amount.long_rounds() {
        // Another one first each time.
        if round % 2 == 0 {
            ours.push(move_ours(folder.path(), case)?);
            peer.push(move_by_hand(folder.path(), case)?);
        } else {
            peer.push(move_by_hand(folder.path(), case)?);
            ours.push(move_ours(folder.path(), case)?);
        }
    }
    let row = |what: &str, unit, of: fn(&Took) -> f64| {
        let middle = |took: &[Took]| median(took.iter().map(of).collect());
        let ratios = ours
            .iter()
            .zip(&peer)
            .map(|(ours, peer)| of(ours) / of(peer));
        Row::counted(
            "move",
            format!("{} {}, {what}", case.records, case.name),
            middle(&ours),
            (PEER, middle(&peer)),
            unit,
        )
        .with_ratio(median(ratios.collect()))
    };
    Ok(vec![
        row("wall", "s", |took| took.wall).goal("G7c", 1.3),
        row("CPU", "s", |took| took.cpu),
        row("peak memory", "MiB", |took| took.memory),
        row("archived bytes", "MB", |took| {
            took.said["bytes"].as_f64().unwrap_or(f64::NAN) / 1e6
        }),
    ])
}

/// `thermocline archive --once`, as cron would run it.
fn move_ours(folder: &Path, case: &Case) -> Result<Took, Failure> {
    let dir = tempfile::tempdir_in(folder)?;
    fs::copy(&case.file, dir.path().join("records.db"))?;
    fs::create_dir(dir.path().join("policies"))?;
    let config = format!(
        "policies = \"policies/\"\n[hot]\nbackend = \"none\"\n[primary]\nbackend = \"sqlite\"\npath = \"records.db\"\n\
         [archive]\ndata = \"archive/\"\n[collections.records]\nage = \"{}\"\ncolumns = \"none\"\n",
        case.age
    );
    fs::write(dir.path().join("thermocline.toml"), config)?;
    let policy = "name = \"old\"\ncollection = \"records\"\nolder_than = \"90d\"\n";
    fs::write(dir.path().join("policies/old.toml"), policy)?;
    let mut took = child::run(
        Command::new(env!("CARGO_BIN_EXE_thermocline"))
            .current_dir(dir.path())
            .args(["archive", "--once", "--output", "json"]),
    )?;
    let moved = took.said["moved"].as_u64();
    if moved != Some(case.records) {
        return Err(format!("archive moved {moved:?} of {}: {}", case.records, took.said).into());
    }
    took.said["bytes"] = size_of(&dir.path().join("archive"))?.into();
    Ok(took)
}

/// Two processes, whose times add up.
fn move_by_hand(folder: &Path, case: &Case) -> Result<Took, Failure> {
    let dir = tempfile::tempdir_in(folder)?;
    let file = dir.path().join("records.db");
    fs::copy(&case.file, &file)?;
    let copied = child::run(
        child::python("move.py")?
            .arg(&file)
            .arg(case.old)
            .arg(dir.path().join("old.parquet")),
    )?;
    let deleted = child::run(
        child::python("delete.py")?
            .arg(&file)
            .arg(case.old_in_sqlite),
    )?;
    for took in [&copied, &deleted] {
        if took.said["rows"].as_u64() != Some(case.records) {
            return Err(format!("a half by hand did other rows: {}", took.said).into());
        }
    }
    Ok(Took {
        wall: copied.wall + deleted.wall,
        cpu: copied.cpu + deleted.cpu,
        memory: copied.memory.max(deleted.memory),
        said: copied.said,
    })
}

fn size_of(folder: &Path) -> Result<u64, Failure> {
    let mut size = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        size += match entry.file_type()?.is_dir() {
            true => size_of(&entry.path())?,
            false => entry.metadata()?.len(),
        };
    }
    Ok(size)
}
