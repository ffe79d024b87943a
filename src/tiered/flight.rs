//! Single flight: one load however many readers wait for it.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use parking_lot::Mutex;
use tokio::sync::watch;

use super::source::Found;
use crate::Result;

/// What a load ends with, told to everybody who waited.
type Answer = Result<Found>;

type Landing = watch::Receiver<Option<Answer>>;

/// The loads that are under way, by id and generation.
///
/// The generation is part of the key, so nobody joins a load that began before a write was acknowledged.
#[derive(Debug, Default)]
pub(super) struct Flights {
    aloft: Mutex<HashMap<(Box<str>, u64), Landing, RandomState>>,
}

/// A reader's part in a flight.
pub(super) enum Seat<'a> {
    /// Nobody loads this yet: the reader does.
    Leader(Leader<'a>),
    /// Somebody does: the reader waits.
    Follower(Follower),
}

/// Whoever loads. Dropped without an answer (its caller was cancelled), it wakes the followers, and one of them leads.
pub(super) struct Leader<'a> {
    flights: &'a Flights,
    key: (Box<str>, u64),
    answer: watch::Sender<Option<Answer>>,
}

/// Whoever waits.
pub(super) struct Follower(Landing);

impl Flights {
    /// Takes a seat in the flight for `id` in `generation`; begins it if there is none.
    pub(super) fn board(&self, id: &str, generation: u64) -> Seat<'_> {
        let key = (Box::from(id), generation);
        let mut aloft = self.aloft.lock();
        // A sender that is gone left no answer: its leader is between the two steps of its drop.
        if let Some(landing) = aloft.get(&key)
            && landing.has_changed().is_ok()
        {
            return Seat::Follower(Follower(landing.clone()));
        }
        let (answer, landing) = watch::channel(None);
        aloft.insert(key.clone(), landing);
        Seat::Leader(Leader {
            flights: self,
            key,
            answer,
        })
    }
}

impl Leader<'_> {
    /// Tells the answer to everybody who waits.
    ///
    /// What the answer puts into the hot tier must be there already: from here on a reader begins a new flight.
    pub(super) fn land(self, answer: Answer) {
        self.leave();
        self.answer.send_replace(Some(answer));
    }

    fn leave(&self) {
        let mut aloft = self.flights.aloft.lock();
        if let Some(landing) = aloft.get(&self.key)
            && landing.same_channel(&self.answer.subscribe())
        {
            aloft.remove(&self.key);
        }
    }
}

impl Drop for Leader<'_> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl Follower {
    /// Waits for the answer; none if the leader was cancelled.
    pub(super) async fn answer(mut self) -> Option<Answer> {
        let answer = self.0.wait_for(Option::is_some).await.ok()?;
        answer.clone()
    }
}
