//! Reads by id: hot, then the tiers below, one load per key however many wait.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::TieredDatabase;
use super::coherence::Load;
use super::flight::Seat;
use super::generations::Stripe;
use super::source::Found;
use crate::fault::mutation;
use crate::{Record, Result};

impl TieredDatabase {
    /// Reads one record. A hot hit allocates nothing; the rest is boxed, so that the future stays small.
    pub(super) async fn find(&self, id: &str) -> Result<Found> {
        self.inner.open()?;
        let stripe = self.inner.coherence.stripe(id);
        if let Some(found) = self.inner.coherence.hit(id, stripe) {
            return Ok(found);
        }
        Box::pin(self.find_cold(id, stripe)).await
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
        for (place, id) in ids.iter().copied().enumerate() {
            if let Some(question) = asked.get(id) {
                places.push((place, *question));
                continue;
            }
            let stripe = inner.coherence.stripe(id);
            match inner.coherence.hit(id, stripe) {
                Some(found) => records[place] = found.record,
                None => {
                    asked.insert(id, cold.len());
                    places.push((place, cold.len()));
                    cold.push(id);
                    loads.push((stripe, inner.coherence.begin(stripe)));
                }
            }
        }
        if cold.is_empty() {
            return Ok(records);
        }
        let found = inner.cold.read_many(&cold).await?;
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
