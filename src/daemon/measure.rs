//! What lies where, looked at now and then: nobody who asks over HTTP makes the database count.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::state::{State, Told};
use crate::open::CollectionStatus;
use crate::telemetry::CollectionMetrics;
use crate::{Clock, Error, ErrorKind, Store};

/// Measuring takes at most one part in so many of the time.
const SHARE: u32 = 20;

/// Measures one collection.
#[derive(Debug)]
pub(super) struct Measurer {
    pub(super) collection: String,
    pub(super) store: Arc<Store>,
    pub(super) state: Arc<State>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) every: Duration,
    pub(super) metrics: CollectionMetrics,
    /// To be cancelled once the tiers turn out to be closed.
    pub(super) lost: CancellationToken,
}

impl Measurer {
    /// Measures again and again, until it is dropped or the tiers are closed.
    pub(super) async fn measure(self) {
        loop {
            let began = Instant::now();
            let measured = async {
                self.store.collection(&self.collection)?.observe().await?;
                self.store.contents(&self.collection).await
            };
            match measured.await {
                Ok(status) => self.found(status),
                Err(error) if error.kind() == ErrorKind::Closed => return self.lost.cancel(),
                Err(error) => self.failed(&error),
            }
            tokio::time::sleep(self.every.max(began.elapsed() * SHARE)).await;
        }
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
