//! Reads by id: hot, then the tiers below, one load per key however many wait.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;

use super::coherence::Load;
use super::flight::Seat;
use super::generations::Stripe;
use super::source::{Found, ReadSource};
use super::{Inner, TieredDatabase};
use crate::fault::mutation;
use crate::telemetry::timed;
use crate::{Record, Result, Tier};

impl TieredDatabase {
    /// Reads one record. A hot hit allocates nothing; the rest is boxed, so that the future stays small.
    pub(super) async fn find(&self, id: &str) -> Result<Found> {
        self.inner.open()?;
        let began = timed();
        let stripe = self.inner.coherence.stripe(id);
        if let Some(found) = self.inner.coherence.hit(id, stripe) {
            self.inner.metrics.hit(found.record.is_some(), began);
            return Ok(found);
        }
        Box::pin(self.find_past_hot(id, stripe)).await
    }

    async fn find_past_hot(&self, id: &str, stripe: Stripe) -> Result<Found> {
        let began = Instant::now();
        let answer = self.find_cold(id, stripe).await;
        let metrics = &self.inner.metrics;
        metrics.read(told(&answer), began.elapsed());
        if let Err(error) = &answer {
            metrics.integrity.failed(error);
        }
        answer
    }

    async fn find_cold(&self, id: &str, stripe: Stripe) -> Result<Found> {
        let inner = &*self.inner;
        loop {
            let load = inner.coherence.begin(stripe);
            let generation = match mutation("join_old_flight") {
                true => 0,
                false => load.generation,
            };
            match inner.flights.board(id, generation) {
                Seat::Leader(leader) => {
                    // Another flight may have landed between our look at the hot tier and our taking the lead.
                    let answer = match inner.coherence.hit(id, stripe) {
                        Some(found) => Ok(found),
                        None => self.load(id, stripe, load).await,
                    };
                    leader.land(answer.clone());
                    return answer;
                }
                Seat::Follower(follower) => {
                    if let Some(answer) = follower.answer().await {
                        inner.metrics.coalesced();
                        return answer;
                    }
                }
            }
        }
    }

    async fn load(&self, id: &str, stripe: Stripe, load: Load) -> Result<Found> {
        let found = self.inner.cold.read(id).await?;
        self.inner
            .coherence
            .keep(id, stripe, load, found.record.as_ref());
        Ok(found)
    }

    /// Reads many records: what the hot tier has not is asked of each tier below once.
    pub(super) async fn find_many(&self, ids: &[&str]) -> Result<Vec<Option<Arc<Record>>>> {
        let inner = &*self.inner;
        inner.open()?;
        let mut records = vec![None; ids.len()];
        let mut cold: Vec<&str> = Vec::new();
        let mut loads = Vec::new();
        let mut places: Vec<(usize, usize)> = Vec::new();
        let mut asked: HashMap<&str, usize, RandomState> = HashMap::default();
        let began = Instant::now();
        let (mut hits, mut negative_hits) = (0, 0);
        for (place, id) in ids.iter().copied().enumerate() {
            if let Some(question) = asked.get(id) {
                places.push((place, *question));
                continue;
            }
            let stripe = inner.coherence.stripe(id);
            match inner.coherence.hit(id, stripe) {
                Some(found) => {
                    match found.record {
                        Some(_) => hits += 1,
                        None => negative_hits += 1,
                    }
                    records[place] = found.record;
                }
                None => {
                    asked.insert(id, cold.len());
                    places.push((place, cold.len()));
                    cold.push(id);
                    loads.push((stripe, inner.coherence.begin(stripe)));
                }
            }
        }
        inner.metrics.hits(hits, negative_hits);
        if cold.is_empty() {
            return Ok(records);
        }
        let answer = inner.cold.read_many(&cold).await;
        inner.count_many(&answer, cold.len(), began.elapsed());
        let found = answer?;
        for ((id, (stripe, load)), found) in cold.iter().zip(loads).zip(&found) {
            inner
                .coherence
                .keep(id, stripe, load, found.record.as_ref());
        }
        for (place, question) in places {
            records[place] = found.get(question).and_then(|found| found.record.clone());
        }
        Ok(records)
    }
}

impl Inner {
    /// Counts the ids of a batch that were asked past the hot tier.
    fn count_many(&self, answer: &Result<Vec<Found>>, asked: usize, took: Duration) {
        let answers = match answer {
            Ok(found) => {
                let from = |source| found.iter().filter(|f| f.source == source).count() as u64;
                vec![
                    (Ok(Some(Tier::Primary)), from(ReadSource::Primary)),
                    (Ok(Some(Tier::Archive)), from(ReadSource::Archive)),
                    (Ok(None), from(ReadSource::Miss)),
                ]
            }
            Err(error) => {
                self.metrics.integrity.failed(error);
                vec![(Err(()), asked as u64)]
            }
        };
        self.metrics.read_many(&answers, took);
    }
}

/// The tier that had the record; none where nobody has it.
fn told(answer: &Result<Found>) -> Result<Option<Tier>, ()> {
    match answer {
        Ok(found) => Ok(match found.source {
            ReadSource::Hot => Some(Tier::Hot),
            ReadSource::Primary => Some(Tier::Primary),
            ReadSource::Archive => Some(Tier::Archive),
            ReadSource::Miss => None,
        }),
        Err(_) => Err(()),
    }
}
