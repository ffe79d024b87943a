//! Searches and counts: past the hot tier, over one view where the tiers have one.

use super::TieredDatabase;
use super::lease::leased;
use super::source::SourcedStream;
use crate::{Query, Result};

impl TieredDatabase {
    pub(super) async fn stream(&self, query: &Query) -> Result<SourcedStream> {
        let inner = &*self.inner;
        inner.open()?;
        let query = query.prepare(inner.clock.now())?;
        let found = inner.cold.search(query).await?;
        Ok(leased(found, inner.search_max_age, &inner.clock))
    }

    pub(super) async fn number(&self, query: &Query) -> Result<u64> {
        let inner = &*self.inner;
        inner.open()?;
        inner.cold.count(&query.prepare(inner.clock.now())?).await
    }
}
