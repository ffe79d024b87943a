//! rusqlite with prepared statements, as one side of a comparison.
//!
//! Each line of standard input is a piece of work, JSON: `{"open": file}`, `{"read": [id, ..]}`,
//! `{"write": [[id, data, metadata, time], ..]}` (each row a commit of its own) or `{"insert": [[row, ..], ..]}` (each
//! batch one). The answer is a line with the seconds of CPU that it took, without the reading of the line.

use std::error::Error;
use std::io::{BufRead, Write, stdin, stdout};

use cpu_time::ProcessTime;
use rusqlite::{Connection, params};
use serde_json::Value;

const SELECT: &str =
    "SELECT id, data, metadata, created_at, updated_at FROM records WHERE id = ?";
const INSERT: &str =
    "INSERT INTO records (id, data, metadata, created_at, updated_at) VALUES (?, ?, ?, ?, ?)";
const UPSERT: &str = "INSERT INTO records (id, data, metadata, created_at, updated_at) \
    VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE \
    SET data = excluded.data, metadata = excluded.metadata, updated_at = excluded.updated_at";

type Row = [String; 4];

fn main() -> Result<(), Box<dyn Error>> {
    let mut connection = None;
    for line in stdin().lock().lines() {
        let work: Value = serde_json::from_str(&line?)?;
        if let Some(file) = work["open"].as_str() {
            connection = Some(open(file)?);
            continue;
        }
        let connection = connection.as_mut().ok_or("open a file first")?;
        let seconds = if let Some(ids) = work["read"].as_array() {
            let ids: Vec<&str> = ids.iter().filter_map(Value::as_str).collect();
            read(connection, &ids)?
        } else if !work["write"].is_null() {
            write(connection, &rows(&work["write"])?)?
        } else {
            let batches = work["insert"].as_array().ok_or("no work that is known")?;
            insert(connection, &batches.iter().map(rows).collect::<Result<Vec<_>, _>>()?)?
        };
        println!("{seconds}");
        stdout().flush()?;
    }
    Ok(())
}

/// A connection with the durability and the cache of the other sides'.
fn open(file: &str) -> rusqlite::Result<Connection> {
    let connection = Connection::open(file)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "cache_size", -32768)?;
    Ok(connection)
}

fn rows(list: &Value) -> Result<Vec<Row>, serde_json::Error> {
    serde_json::from_value(list.clone())
}

fn read(connection: &Connection, ids: &[&str]) -> rusqlite::Result<f64> {
    let mut statement = connection.prepare(SELECT)?;
    let began = ProcessTime::now();
    for id in ids {
        let row: (String, String, Option<String>, String, String) = statement
            .query_row([id], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
            })?;
        assert_eq!(row.0, *id);
    }
    Ok(began.elapsed().as_secs_f64())
}

fn write(connection: &Connection, rows: &[Row]) -> rusqlite::Result<f64> {
    let mut statement = connection.prepare(UPSERT)?;
    let began = ProcessTime::now();
    for [id, data, metadata, at] in rows {
        statement.execute(params![id, data, metadata, at, at])?;
    }
    Ok(began.elapsed().as_secs_f64())
}

fn insert(connection: &mut Connection, batches: &[Vec<Row>]) -> rusqlite::Result<f64> {
    let began = ProcessTime::now();
    for batch in batches {
        let tx = connection.transaction()?;
        let mut statement = tx.prepare(INSERT)?;
        for [id, data, metadata, at] in batch {
            statement.execute(params![id, data, metadata, at, at])?;
        }
        drop(statement);
        tx.commit()?;
    }
    Ok(began.elapsed().as_secs_f64())
}
