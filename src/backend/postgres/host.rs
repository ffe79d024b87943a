//! The database as a host of an archive's catalog.

use std::sync::Arc;

use async_trait::async_trait;

use super::lease::Lease;
use super::pool::Seats;
use super::read::Question;
use super::row::{self, Args};
use super::transaction::PostgresTransaction;
use super::{PostgresDatabase, backlog, error, preconditions};
use crate::catalog_host::{
    CatalogHost, DueCount, DueScan, HostTransaction, Storage, despite_others,
};
use crate::sql::{Dialect, SqlRow, SqlValue};
use crate::{Age, Error, Record, Result, fault};

/// How long, in milliseconds, each part of a transaction that holds the catalog's lock may take, and may wait.
const PUBLISH_LIMIT: u32 = 10_000;

#[async_trait]
impl CatalogHost for PostgresDatabase {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn identity(&self) -> String {
        self.shared.workers.pool().server().identity()
    }

    fn table(&self) -> &str {
        self.place.table.name()
    }

    fn is_collision(&self, error: &Error) -> bool {
        error::was_in_the_way(error) && !fault::mutation("collision_is_final")
    }

    async fn begin_read(&self) -> Result<Box<dyn HostTransaction>> {
        // The snapshot stands from the first statement on, so one is part of the beginning.
        let begin = format!("{}; SELECT 1", self.shared.limits.begin_search());
        self.begin(&self.shared.snapshots, &begin).await
    }

    async fn begin_write(&self) -> Result<Box<dyn HostTransaction>> {
        let mut begin =
            String::from("BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL synchronous_commit = on");
        if !fault::mutation("publish_without_timeouts") {
            for limit in [
                "statement_timeout",
                "lock_timeout",
                "idle_in_transaction_session_timeout",
            ] {
                begin.push_str(&format!("; SET LOCAL {limit} = {PUBLISH_LIMIT}"));
            }
        }
        self.begin(&self.shared.workers, &begin).await
    }

    async fn read_with(
        &self,
        ids: &[&str],
        sql: &str,
        args: &[SqlValue],
    ) -> Result<(Vec<Option<Arc<Record>>>, Vec<SqlRow>)> {
        let question = Question {
            sql: sql.into(),
            args: args.into(),
        };
        match ids {
            [id] => {
                let (record, rows) = self.read_coalesced(id, Some(question)).await?;
                Ok((vec![record], rows))
            }
            ids => self.read_with_now(ids, &question).await,
        }
    }

    async fn prepare_to_move(&self, age: &Age) -> Result<()> {
        despite_others(error::was_in_the_way, || async {
            preconditions::prepare(&mut self.worker().await?, &self.place, age).await
        })
        .await
    }

    async fn count_due(&self, scan: &DueScan<'_>) -> Result<DueCount> {
        let mut lease = self.worker().await?;
        lease.begin(&self.shared.limits.begin_search()).await?;
        backlog::count(&mut lease, &self.place, scan).await
    }

    async fn storage(&self) -> Result<Storage> {
        let mut lease = self.worker().await?;
        lease.begin(&self.shared.limits.begin_search()).await?;
        let sql = format!(
            "SELECT (SELECT count(*) FROM {}), pg_total_relation_size($1::text::regclass)",
            self.place.table.quoted()
        );
        let rows = lease
            .fetch(&sql.into(), self.place.table.regclass().finish())
            .await?;
        let number = |column| rows.first().map_or(Ok(0), |row| row::int(row, column));
        Ok(Storage {
            rows: number(0)?.unsigned_abs(),
            bytes: number(1)?.unsigned_abs(),
            free_bytes: 0,
            remedy: Some(format!(
                "room of moved records is reused after autovacuum, not returned to the disk; to return it, while nobody \
                 needs the table, run: VACUUM FULL {}",
                self.place.table.quoted()
            )),
        })
    }

    /// Nothing: PostgreSQL gives no room back while a table is in use.
    async fn release(&self, _bytes: u64) -> Result<u64> {
        Ok(0)
    }
}

impl PostgresDatabase {
    async fn begin(&self, seats: &Seats, begin: &str) -> Result<Box<dyn HostTransaction>> {
        Ok(Box::new(PostgresTransaction {
            database: self.clone(),
            lease: self.begun(seats, begin).await?,
        }))
    }

    /// The steps of the plan by which the server would run a statement, if it had only indexes.
    pub(super) async fn explain(lease: &mut Lease, sql: &str, args: Args) -> Result<Vec<String>> {
        let begin = "BEGIN READ ONLY; SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off; \
                     SET LOCAL enable_incremental_sort = off; SET LOCAL plan_cache_mode = force_custom_plan";
        lease.begin(begin).await?;
        let sql = format!("EXPLAIN (COSTS OFF) {sql}").into();
        let rows = lease.fetch(&sql, args.finish()).await?;
        lease.commit().await?;
        rows.iter()
            .map(|row| row::text(row, 0).map(str::to_owned))
            .collect()
    }
}
