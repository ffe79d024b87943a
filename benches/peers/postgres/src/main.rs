//! tokio-postgres, which sends many questions over one connection without waiting for the answers in between.
//!
//! The first line of standard input is `{"open": url, "sql": statement}`, each other one a piece of work,
//! `{"read": [id, ..], "at_once": n}`. The answer is a line with the seconds that it took.

use std::error::Error;
use std::io::{BufRead, Write, stdin, stdout};
use std::time::{Instant, SystemTime};

use futures::{StreamExt, TryStreamExt, stream};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::{Client, NoTls, Statement};

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let mut lines = stdin().lock().lines();
    let place: Value = serde_json::from_str(&lines.next().ok_or("nothing to open")??)?;
    let text = |name: &str| place[name].as_str().ok_or(format!("no {name}"));
    let (client, connection) = runtime.block_on(tokio_postgres::connect(text("open")?, NoTls))?;
    runtime.spawn(connection);
    let statement = runtime.block_on(client.prepare(text("sql")?))?;
    for line in lines {
        let work: Value = serde_json::from_str(&line?)?;
        let ids = work["read"].as_array().ok_or("no work that is known")?;
        let ids: Vec<&str> = ids.iter().filter_map(Value::as_str).collect();
        let at_once = work["at_once"].as_u64().ok_or("how many at once?")?;
        println!(
            "{}",
            read(
                &runtime,
                &client,
                &statement,
                &ids,
                usize::try_from(at_once)?
            )?
        );
        stdout().flush()?;
    }
    Ok(())
}

fn read(
    runtime: &Runtime,
    client: &Client,
    statement: &Statement,
    ids: &[&str],
    at_once: usize,
) -> Result<f64, tokio_postgres::Error> {
    let began = Instant::now();
    runtime.block_on(
        stream::iter(ids)
            .map(async |id| {
                let row = client.query_one(statement, &[id]).await?;
                let stored: (String, String, Option<String>, SystemTime, SystemTime) = (
                    row.try_get(0)?,
                    row.try_get(1)?,
                    row.try_get(2)?,
                    row.try_get(3)?,
                    row.try_get(4)?,
                );
                assert_eq!(stored.0, *id);
                Ok(())
            })
            .buffer_unordered(at_once)
            .try_collect::<()>(),
    )?;
    Ok(began.elapsed().as_secs_f64())
}
