//! What lies where and what waits, looked at now and then: nobody who asks over HTTP makes the database count.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::state::{State, Told};
use crate::archive::Sweep;
use crate::config::PolicyConfig;
use crate::open::{BacklogStatus, CollectionStatus, waiting};
use crate::telemetry::{Backlog, CollectionMetrics, ScheduleMetrics};
use crate::{Clock, Error, ErrorKind, Result, Store};

/// Measuring takes at most one part in so many of the time.
const SHARE: u32 = 20;

/// So long the backlog of one policy is added up before the next has its turn; the rest is added up the next time.
const BUDGET: Duration = Duration::from_millis(500);

/// Measures one collection.
#[derive(Debug)]
pub(super) struct Measurer {
    pub(super) collection: String,
    pub(super) store: Arc<Store>,
    /// The policies of all collections.
    pub(super) policies: watch::Receiver<Arc<[PolicyConfig]>>,
    pub(super) state: Arc<State>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) every: Duration,
    pub(super) metrics: CollectionMetrics,
    /// Told when a run has changed what there is to measure.
    pub(super) changed: Arc<Notify>,
    /// To be cancelled once the tiers turn out to be closed.
    pub(super) lost: CancellationToken,
}

/// The backlog of one policy: what was found last, and what is being added up.
struct Waiting {
    config: PolicyConfig,
    metrics: ScheduleMetrics,
    found: Option<BacklogStatus>,
    sweep: Option<Sweep>,
}

impl Measurer {
    /// Measures again and again, until it is dropped or the tiers are closed.
    pub(super) async fn measure(mut self) {
        let mut all = BTreeMap::new();
        loop {
            let began = Instant::now();
            match self.look(&mut all).await {
                Ok(status) => self.found(status),
                Err(error) if error.kind() == ErrorKind::Closed => return self.lost.cancel(),
                Err(error) => self.failed(&error),
            }
            let least = began.elapsed() * SHARE;
            tokio::time::sleep(least).await;
            tokio::select! {
                () = tokio::time::sleep(self.every.saturating_sub(least)) => {}
                () = self.changed.notified() => {}
            }
        }
    }

    async fn look(&mut self, all: &mut BTreeMap<String, Waiting>) -> Result<CollectionStatus> {
        self.store.collection(&self.collection)?.observe().await?;
        let mut status = self.store.contents(&self.collection).await?;
        self.adopt(all);
        for waiting in all.values_mut() {
            self.add_up(waiting).await?;
            status.backlog.extend(waiting.found.clone());
        }
        Ok(status)
    }

    /// Takes the policies that are in force now.
    fn adopt(&mut self, all: &mut BTreeMap<String, Waiting>) {
        let policies = Arc::clone(&self.policies.borrow_and_update());
        let mut before = std::mem::take(all);
        for config in policies.iter().filter(|p| p.collection == self.collection) {
            let name = config.policy.name();
            let known = before.remove(name);
            let same = known.filter(|known| known.config == *config);
            let waiting = same.unwrap_or_else(|| Waiting {
                metrics: ScheduleMetrics::new(&self.collection, name),
                config: config.clone(),
                found: None,
                sweep: None,
            });
            all.insert(name.to_owned(), waiting);
        }
        for gone in before.values() {
            gone.metrics.backlog(Backlog::default());
        }
    }

    async fn add_up(&self, waiting_here: &mut Waiting) -> Result<()> {
        let now = self.clock.now();
        let database = self.store.collection(&self.collection)?;
        let archive = database.parquet_archive()?;
        let mut sweep = match waiting_here.sweep.take() {
            Some(sweep) => sweep,
            None => Sweep::new(&waiting_here.config.policy, now)?,
        };
        let until = Some(Instant::now() + BUDGET);
        let Some(backlog) = sweep.go_on(&**archive.host(), archive.age(), until).await? else {
            waiting_here.sweep = Some(sweep);
            return Ok(());
        };
        let age = backlog.oldest.map(|oldest| now.duration_since(oldest));
        waiting_here.metrics.backlog(Backlog {
            rows: backlog.rows,
            bytes: backlog.bytes,
            oldest_age: age
                .and_then(|age| Duration::try_from(age).ok())
                .unwrap_or_default(),
        });
        waiting_here.found = Some(waiting(backlog));
        Ok(())
    }

    fn found(&self, status: CollectionStatus) {
        let now = self.clock.now();
        let primary = &status.primary;
        self.metrics
            .primary(primary.records, primary.bytes.unwrap_or(0));
        self.state.collection(&self.collection, |collection| {
            collection.measured = Some(now);
            collection.problem = None;
            collection.contents = Some(status.into());
        });
    }

    fn failed(&self, error: &Error) {
        let told = Told::of(error, self.clock.now());
        let mut is_new = false;
        self.state.collection(&self.collection, |collection| {
            is_new = collection.problem.replace(told).is_none();
        });
        if is_new {
            tracing::warn!(
                collection = self.collection,
                kind = error.kind().as_str(),
                %error,
                "the collection cannot be measured; it is tried again"
            );
        }
    }
}
