//! Searches and counts: past the hot tier, over one view where the tiers have one.

use std::sync::Arc;
use std::time::Instant;

use futures::{StreamExt, TryStreamExt};

use super::lease::leased;
use super::source::SourcedStream;
use super::{Inner, TieredDatabase};
use crate::telemetry::Operation;
use crate::{Error, Query, Result};

impl TieredDatabase {
    pub(super) async fn stream(&self, query: &Query) -> Result<SourcedStream> {
        let mut watched = Watched::begin(&self.inner);
        let stream = self.inner.stream(query).await;
        let stream = stream.inspect_err(|error| watched.failed(error))?;
        Ok(stream
            .inspect_err(move |error| watched.failed(error))
            .boxed())
    }

    pub(super) async fn number(&self, query: &Query) -> Result<u64> {
        let began = Instant::now();
        let number = self.inner.number(query).await;
        let error = number.as_ref().err();
        self.inner.count_ended(Operation::Count, error, began);
        number
    }
}

impl Inner {
    async fn stream(&self, query: &Query) -> Result<SourcedStream> {
        self.open()?;
        let found = self.cold.search(query.prepare(self.clock.now())?).await?;
        Ok(leased(found, self.search_max_age, &self.clock))
    }

    async fn number(&self, query: &Query) -> Result<u64> {
        self.open()?;
        self.cold.count(&query.prepare(self.clock.now())?).await
    }
}

/// A search that is counted when its stream is let go.
struct Watched {
    inner: Arc<Inner>,
    began: Instant,
    error: Option<Error>,
}

impl Watched {
    fn begin(inner: &Arc<Inner>) -> Self {
        Self {
            inner: Arc::clone(inner),
            began: Instant::now(),
            error: None,
        }
    }

    fn failed(&mut self, error: &Error) {
        self.error = Some(error.clone());
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.inner
            .count_ended(Operation::Search, self.error.as_ref(), self.began);
    }
}
