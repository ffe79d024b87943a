//! Searches and counts over both tiers as of one moment.

use futures::{StreamExt, TryStreamExt};

use super::{JoinedTiers, judged};
use crate::tiered::merge::{merge, share_of};
use crate::tiered::source::{ReadSource, SourcedStream};
use crate::{Prepared, Query, Result};

impl JoinedTiers {
    /// Both tiers in the snapshot of one transaction, which the stream keeps open.
    pub(super) async fn merged(&self, query: Prepared) -> Result<SourcedStream> {
        let share = share_of(query.query());
        let prepared = share.prepare(self.clock.now())?;
        let mut tx = self.host.begin_read().await?;
        let view = self.archive.view_in(&mut *tx).await?;
        let archived = view.search(&prepared);
        let archive = self.archive.clone();
        let archived = archived
            .or_else(move |error| {
                let (archive, view) = (archive.clone(), view.clone());
                async move { Err(judged(&archive, &view, error).await) }
            })
            .map_ok(|record| (record, ReadSource::Archive));
        let live = tx
            .search(share)
            .map_ok(|record| (record, ReadSource::Primary));
        Ok(merge(vec![live.boxed(), archived.boxed()], query))
    }

    pub(super) async fn counted(&self, query: &Prepared) -> Result<u64> {
        let all = Query::from(query.query().filter.clone());
        let prepared = all.prepare(self.clock.now())?;
        let mut tx = self.host.begin_read().await?;
        let view = self.archive.view_in(&mut *tx).await?;
        let live = tx.count(&all).await?;
        // The files of a view never change, so nothing has to be kept open for them.
        drop(tx);
        let archived = match view.count(&prepared).await {
            Ok(archived) => archived,
            Err(error) => return Err(self.judged(&view, error).await),
        };
        Ok(query.count_of(live + archived))
    }
}
