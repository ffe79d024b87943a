//! Searches and counts over both tiers as of one moment.

use futures::{StreamExt, TryStreamExt};

use super::JoinedTiers;
use crate::telemetry::Operation;
use crate::tiered::cold::of_archive;
use crate::tiered::merge::{merge, share_of};
use crate::tiered::source::{ReadSource, SourcedStream};
use crate::{Error, Prepared, Query, Result};

impl JoinedTiers {
    /// Both tiers in the snapshot of one transaction, which the stream keeps open.
    pub(super) async fn merged(&self, query: Prepared) -> Result<SourcedStream> {
        let share = share_of(query.query());
        let prepared = share.prepare(self.clock.now())?;
        let begin = async {
            let mut tx = self.host.begin_read().await?;
            let view = self.archive.view_in(&mut *tx).await?;
            Ok::<_, Error>((tx, view))
        };
        let (tx, view) = self.guards.primary.run(Operation::Search, begin).await?;
        let leave = self.guards.archive.admit(Operation::Search)?;
        let archived = leave
            .watch(self.archive.stream(view, &prepared))
            .map_err(of_archive)
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
        let live = tx.count(&all);
        let live = self.guards.primary.run_long(Operation::Count, live).await?;
        // The files of a view never change, so nothing has to be kept open for them.
        drop(tx);
        let archived = view.count(&prepared);
        let archived = match self
            .guards
            .archive
            .run_long(Operation::Count, archived)
            .await
        {
            Ok(archived) => archived,
            Err(error) => return Err(of_archive(self.archive.judged(&view, error).await)),
        };
        Ok(query.count_of(live + archived))
    }
}
