//! The dry run: what a policy would take now, and what stays, with the reason.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::due::{DueReader, Reach};
use crate::catalog_host::{CatalogHost, SkipReason};
use crate::policy::{Policy, Verdict};
use crate::{Age, Record, Result};

/// How many records a plan shows.
const SAMPLE: usize = 5;

/// What a policy would do now.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Plan {
    /// The policy's name.
    pub policy: String,
    /// Records from before this time are old.
    pub cutoff: Timestamp,
    /// Records that would move.
    pub rows: u64,
    /// Bytes of their text, uncompressed.
    pub bytes: u64,
    /// Segments that they would make.
    pub segments: u64,
    /// The oldest of them.
    pub oldest: Option<Timestamp>,
    /// The newest of them.
    pub newest: Option<Timestamp>,
    /// Some of the oldest of them.
    pub sample: Vec<Arc<Record>>,
    /// Records that stay, by the policy's verdict.
    pub stay: BTreeMap<Verdict, u64>,
    /// Records that would move but cannot.
    pub skipped: BTreeMap<SkipReason, u64>,
}

/// Reads what a run would read, and writes nothing.
pub(crate) async fn plan(
    host: &dyn CatalogHost,
    policy: &Policy,
    age: &Age,
    now: Timestamp,
) -> Result<Plan> {
    let mut plan = Plan {
        policy: policy.name().to_owned(),
        cutoff: policy.cutoff(now)?,
        rows: 0,
        bytes: 0,
        segments: 0,
        oldest: None,
        newest: None,
        sample: Vec::new(),
        stay: BTreeMap::new(),
        skipped: BTreeMap::new(),
    };
    let mut reader = DueReader::new(host, policy, age, now, Reach::EveryOldRecord)?;
    while let Some(segments) = reader.next().await? {
        plan.segments += segments.len() as u64;
        for row in segments.into_iter().flat_map(|segment| segment.rows) {
            plan.rows += 1;
            plan.bytes += row.record.bytes() as u64;
            plan.oldest = Some(
                plan.oldest
                    .map_or(row.age_at, |oldest| oldest.min(row.age_at)),
            );
            plan.newest = Some(
                plan.newest
                    .map_or(row.age_at, |newest| newest.max(row.age_at)),
            );
            if plan.sample.len() < SAMPLE {
                plan.sample.push(row.record);
            }
        }
    }
    (plan.stay, plan.skipped) = (reader.stay, reader.skipped);
    let undated = host.begin_read().await?.count_undated(age).await?;
    for (verdict, count) in [
        (Verdict::NoAge, undated.absent),
        (Verdict::UnreadableAge, undated.unreadable),
    ] {
        if count > 0 {
            plan.stay.insert(verdict, count);
        }
    }
    let met = plan.rows + plan.stay.values().sum::<u64>() + plan.skipped.values().sum::<u64>();
    let young = host.storage().await?.rows.saturating_sub(met);
    *plan.stay.entry(Verdict::TooYoung).or_default() += young;
    plan.stay.retain(|_, count| *count > 0);
    Ok(plan)
}
