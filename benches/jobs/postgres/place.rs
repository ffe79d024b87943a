//! A database on the server that `scripts/bench` started, for the time of the job.

use std::sync::Arc;

use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use thermocline::{Database, Op, PostgresDatabase};

use super::{BATCH, Failure};
use crate::common::data;

/// How many connections a pool may have, ours and the others'.
const CONNECTIONS: u32 = 8;

pub(super) struct Place {
    server: String,
    name: String,
    pub(super) url: String,
}

impl Place {
    pub(super) async fn new() -> Result<Self, Failure> {
        let server = std::env::var("THERMOCLINE_TEST_POSTGRES")
            .map_err(|_| "THERMOCLINE_TEST_POSTGRES is not set: scripts/bench does it")?;
        let name = format!("bench_{}", std::process::id());
        let (before, _) = server.rsplit_once('/').ok_or("no URL of a database")?;
        let place = Self {
            url: format!("{before}/{name}"),
            name,
            server,
        };
        let create = format!("CREATE DATABASE {}", place.name);
        execute(&place.server, &create).await?;
        Ok(place)
    }

    pub(super) async fn connection(&self) -> Result<PgConnection, Failure> {
        Ok(PgConnection::connect(&self.url).await?)
    }

    /// A pool as it comes, of as many connections as ours.
    pub(super) async fn pool(&self) -> Result<PgPool, Failure> {
        let options = PgPoolOptions::new().max_connections(CONNECTIONS);
        Ok(options.connect(&self.url).await?)
    }

    /// Ours, over a table that is made if need be.
    pub(super) async fn ours(&self, table: &str) -> Result<PostgresDatabase, Failure> {
        let builder = PostgresDatabase::builder(&self.url).table(table);
        Ok(builder.connections(CONNECTIONS).open().await?)
    }

    /// A table of records as a user of ours would fill it, analysed and indexed by age.
    pub(super) async fn fill(
        &self,
        table: &str,
        records: u64,
    ) -> Result<PostgresDatabase, Failure> {
        let ours = self.ours(table).await?;
        for first in (0..records).step_by(usize::try_from(BATCH)?) {
            let batch = first..records.min(first + BATCH);
            let puts = batch.map(|number| Op::Put(Arc::new(data::record(number))).into());
            ours.write(puts.collect()).await?;
        }
        self.run(&format!("CREATE INDEX ON {table} (created_at)"))
            .await?;
        self.run(&format!("VACUUM (ANALYZE) {table}")).await?;
        Ok(ours)
    }

    pub(super) async fn run(&self, sql: &str) -> Result<(), Failure> {
        execute(&self.url, sql).await
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let server = self.server.clone();
        // A runtime of its own: whoever drops this may be inside one.
        let dropped = std::thread::spawn(move || {
            let runtime = super::runtime(1)?;
            runtime.block_on(execute(&server, &drop))
        });
        if !matches!(dropped.join(), Ok(Ok(()))) {
            eprintln!("the database {} was left behind", self.name);
        }
    }
}

async fn execute(url: &str, sql: &str) -> Result<(), Failure> {
    let mut connection = PgConnection::connect(url).await?;
    let statement = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
    connection.execute(statement).await?;
    Ok(())
}
