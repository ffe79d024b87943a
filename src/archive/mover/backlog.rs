//! What a policy would take now, added up in parts: nobody has to wait for all of them, and nothing is read for long.

use std::time::Instant;

use jiff::Timestamp;

use crate::catalog_host::{CatalogHost, DueCursor, DueScan};
use crate::policy::Policy;
use crate::sql::SqlValue;
use crate::{Age, Result};

/// About so many records of the index are one part: some milliseconds.
const PART: usize = 50_000;

/// What a policy would move now, without a look at each record.
///
/// # Exactness
/// `rows` is exact for ages that are dates, UTC or numbers, as long as the database can judge the policy's filter by
/// itself; a test that it cannot judge (a regular expression, say) counts as fulfilled. An age with another offset counts
/// by its wall clock, which matters within a day of the border alone. Ages that are no times but sort among them count
/// too. `bytes` is exact where the policy has a filter, else it is reckoned from a sample.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Backlog {
    /// The policy's name.
    pub policy: String,
    /// Records.
    pub rows: u64,
    /// Bytes of their text, uncompressed.
    pub bytes: u64,
    /// The age of the oldest.
    pub oldest: Option<Timestamp>,
}

/// A backlog that is being added up.
#[derive(Clone, Debug)]
pub(crate) struct Sweep {
    policy: Policy,
    cutoff: Timestamp,
    after: Option<SqlValue>,
    found: Backlog,
}

impl Sweep {
    /// Begins to add up what `policy` would take at `now`.
    pub(crate) fn new(policy: &Policy, now: Timestamp) -> Result<Self> {
        Ok(Self {
            cutoff: policy.cutoff(now)?,
            after: None,
            found: Backlog {
                policy: policy.name().to_owned(),
                ..Backlog::default()
            },
            policy: policy.clone(),
        })
    }

    /// Goes on until it is done or `until` has passed; the backlog, once it is done.
    pub(crate) async fn go_on(
        &mut self,
        host: &dyn CatalogHost,
        age: &Age,
        until: Option<Instant>,
    ) -> Result<Option<Backlog>> {
        loop {
            let scan = DueScan {
                age,
                before: self.cutoff,
                filter: self.policy.only(),
                after: self.after.take().map(|age| DueCursor {
                    age,
                    id: Box::default(),
                }),
                rows: PART,
                bytes: u64::MAX,
            };
            let part = host.count_due(&scan).await?;
            self.found.rows += part.rows;
            self.found.bytes += part.bytes;
            self.found.oldest = [self.found.oldest, part.oldest].into_iter().flatten().min();
            let Some(next) = part.next else {
                return Ok(Some(self.found.clone()));
            };
            self.after = Some(next);
            if until.is_some_and(|until| Instant::now() >= until) {
                return Ok(None);
            }
        }
    }
}
