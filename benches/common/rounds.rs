//! Rounds in which every side takes its turn, so that all of them meet the same machine.

use cpu_time::{ProcessTime, ThreadTime};

/// One side of a comparison: a name, and what one turn of it costs.
pub(crate) struct Side<'a> {
    name: &'static str,
    turn: Box<dyn FnMut() -> f64 + 'a>,
}

impl<'a> Side<'a> {
    pub(crate) fn new(name: &'static str, turn: impl FnMut() -> f64 + 'a) -> Self {
        Self {
            name,
            turn: Box::new(turn),
        }
    }
}

/// What the turns cost, by side.
#[derive(Debug)]
pub(crate) struct Costs {
    names: Vec<&'static str>,
    costs: Vec<Vec<f64>>,
}

/// Lets every side take a turn in each round, another one first each time. A first round is not counted.
pub(crate) fn take_turns(rounds: usize, mut sides: Vec<Side<'_>>) -> Costs {
    let count = sides.len();
    let mut costs = vec![Vec::with_capacity(rounds); count];
    for round in 0..=rounds {
        for place in 0..count {
            let at = (round + place) % count;
            let cost = (sides[at].turn)();
            if round > 0 {
                costs[at].push(cost);
            }
        }
    }
    Costs {
        names: sides.iter().map(|side| side.name).collect(),
        costs,
    }
}

impl Costs {
    fn of(&self, name: &str) -> &[f64] {
        let at = self.names.iter().position(|one| *one == name);
        &self.costs[at.unwrap_or_else(|| panic!("no side {name}"))]
    }

    /// The median of what a side's turns cost.
    pub(crate) fn median(&self, name: &str) -> f64 {
        median(self.of(name).to_vec())
    }

    /// The median over the rounds of how much more one side's turn cost than the other's in the same round.
    pub(crate) fn ratio(&self, ours: &str, peer: &str) -> f64 {
        let pairs = self.of(ours).iter().zip(self.of(peer));
        median(pairs.map(|(ours, peer)| ours / peer).collect())
    }

    /// The median over the rounds of how much more one side's turn cost than the other's.
    pub(crate) fn difference(&self, ours: &str, peer: &str) -> f64 {
        let pairs = self.of(ours).iter().zip(self.of(peer));
        median(pairs.map(|(ours, peer)| ours - peer).collect())
    }
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() % 2 {
        0 => f64::midpoint(values[middle - 1], values[middle]),
        _ => values[middle],
    }
}

/// The seconds of CPU that this thread takes for `work`.
pub(crate) fn thread_cpu<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let began = ThreadTime::now();
    let done = work();
    (done, began.elapsed().as_secs_f64())
}

/// The seconds of CPU that all threads of this process take during `work`.
pub(crate) fn process_cpu<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let began = ProcessTime::now();
    let done = work();
    (done, began.elapsed().as_secs_f64())
}
