//! Searches over loose tiers: each tier as it is when it is asked, and the primary's word counts.

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};

use super::LooseTiers;
use crate::tiered::cold::of_archive;
use crate::tiered::merge::{merge, share_of};
use crate::tiered::source::{ReadSource, SourcedStream};
use crate::{Database, Prepared, Query, Record, RecordStream, Result};

/// How many archived hits are looked up in the primary at once.
const LOOK_UP: usize = 256;

impl LooseTiers {
    pub(super) async fn merged(&self, query: Prepared) -> Result<SourcedStream> {
        let share = share_of(query.query());
        // Shadows are dropped from the archive's answer, so a limit would cut it too short.
        let archived = self.archived(Query {
            limit: None,
            ..share.clone()
        });
        let (live, archived) = futures::try_join!(self.primary.search(share), archived)?;
        let live = live.map_ok(|record| (record, ReadSource::Primary)).boxed();
        Ok(merge(vec![live, archived], query))
    }

    pub(super) async fn counted(&self, query: &Prepared) -> Result<u64> {
        let all = Query {
            filter: query.query().filter.clone(),
            fields: Some(Vec::new()),
            ..Query::default()
        };
        let (live, archived) = futures::try_join!(self.primary.count(&all), async {
            let archived = self.archived(all.clone()).await?;
            archived
                .try_fold(0, |count, _| async move { Ok(count + 1) })
                .await
        })?;
        Ok(query.count_of(live + archived))
    }

    /// What the archive holds and the primary does not.
    async fn archived(&self, query: Query) -> Result<SourcedStream> {
        let primary = Arc::clone(&self.primary);
        let found = self.archive.search(query).await.map_err(of_archive)?;
        Ok(found
            .map_err(of_archive)
            .try_chunks(LOOK_UP)
            .map_err(|broken| broken.1)
            .and_then(move |found| without_shadows(Arc::clone(&primary), found))
            .try_flatten()
            .map_ok(|record| (record, ReadSource::Archive))
            .boxed())
    }
}

async fn without_shadows(
    primary: Arc<dyn Database>,
    found: Vec<Arc<Record>>,
) -> Result<RecordStream> {
    let ids: Vec<&str> = found.iter().map(|record| record.id().as_str()).collect();
    let live = primary.read_many(&ids).await?;
    let archived = found.into_iter().zip(live);
    let kept: Vec<_> = archived
        .filter(|(_, live)| live.is_none())
        .map(|(record, _)| Ok(record))
        .collect();
    Ok(stream::iter(kept).boxed())
}
