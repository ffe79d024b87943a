//! Random operations on a router whose records move to the archive meanwhile, against a map: no answer ever differs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt;
use proptest::prelude::*;
use thermocline::{Database, DatabaseExt, Op, Order, Query, Record, RecordId, Write, Written};

use super::{Tiers, record};
use crate::subjects::outcome;

const IDS: [&str; 5] = ["a", "b", "c", "d", "e"];

#[derive(Clone, Debug)]
enum Step {
    Write(Vec<(Verb, usize)>),
    /// By the version that a read just told.
    Conditional(Verb, usize),
    Read(usize),
    ReadAll,
    Search {
        offset: u64,
        limit: Option<u64>,
    },
    Exists(usize),
    Move(usize),
    Wait(u64),
    Clear,
}

#[derive(Clone, Copy, Debug)]
enum Verb {
    Create,
    Update,
    Upsert,
    Put,
    Delete,
}

fn verb() -> impl Strategy<Value = Verb> {
    prop_oneof![
        Just(Verb::Create),
        Just(Verb::Update),
        Just(Verb::Upsert),
        Just(Verb::Put),
        Just(Verb::Delete),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let id = 0..IDS.len();
    prop_oneof![
        6 => prop::collection::vec((verb(), id.clone()), 1..5).prop_map(Step::Write),
        3 => (verb(), id.clone()).prop_map(|(verb, id)| Step::Conditional(verb, id)),
        6 => id.clone().prop_map(Step::Read),
        2 => Just(Step::ReadAll),
        2 => (0..4_u64, prop::option::of(0..4_u64))
            .prop_map(|(offset, limit)| Step::Search { offset, limit }),
        1 => id.clone().prop_map(Step::Exists),
        6 => id.prop_map(Step::Move),
        1 => (0..900_u64).prop_map(Step::Wait),
        1 => Just(Step::Clear),
    ]
}

/// What should be there, and the router that should agree.
struct Check {
    tiers: Tiers,
    model: BTreeMap<&'static str, i64>,
    next: i64,
}

impl Check {
    fn over(tiers: Tiers) -> Self {
        Self {
            tiers,
            model: BTreeMap::new(),
            next: 0,
        }
    }

    fn op(&mut self, verb: Verb, id: usize) -> (Op, i64) {
        self.next += 1;
        let new = Arc::new(record(IDS[id], self.next));
        let op = match verb {
            Verb::Create => Op::Create(new),
            Verb::Update => Op::Update(new),
            Verb::Upsert => Op::Upsert(new),
            Verb::Put => Op::Put(new),
            Verb::Delete => Op::Delete(RecordId::new(IDS[id]).unwrap()),
        };
        (op, self.next)
    }

    /// Applies a write to the model; the name of its outcome.
    fn expect(&mut self, verb: Verb, id: usize, value: i64) -> &'static str {
        let id = IDS[id];
        let is_there = self.model.contains_key(id);
        match (verb, is_there) {
            (Verb::Create, true) => return "exists",
            (Verb::Update | Verb::Delete, false) => return "missing",
            (Verb::Delete, true) => {
                self.model.remove(id);
                return "deleted";
            }
            _ => {}
        }
        self.model.insert(id, value);
        if is_there { "updated" } else { "created" }
    }

    async fn run(&mut self, step: Step) {
        let router = self.tiers.router.clone();
        match step {
            Step::Write(verbs) => {
                let mut writes: Vec<Write> = Vec::new();
                let mut expected = Vec::new();
                for (verb, id) in verbs {
                    let (op, value) = self.op(verb, id);
                    writes.push(op.into());
                    expected.push(self.expect(verb, id, value));
                }
                let written = router.write(writes).await.unwrap();
                assert_eq!(written.iter().map(outcome).collect::<Vec<_>>(), expected);
            }
            Step::Conditional(verb, id) => self.conditional(verb, id).await,
            Step::Read(id) => {
                let read = router.read(IDS[id]).await.unwrap();
                assert_eq!(read.as_deref().map(value), self.model.get(IDS[id]).copied());
            }
            Step::ReadAll => {
                let read = router.read_many(&IDS).await.unwrap();
                let read: Vec<_> = read.iter().map(|read| read.as_deref().map(value)).collect();
                let expected: Vec<_> = IDS.iter().map(|id| self.model.get(id).copied()).collect();
                assert_eq!(read, expected);
            }
            Step::Search { offset, limit } => {
                let mut query = Query::all()
                    .sort("value", Order::Desc)
                    .unwrap()
                    .offset(offset);
                query.limit = limit;
                let count = router.count(&query).await.unwrap();
                let found: Vec<_> = router
                    .search(query)
                    .await
                    .unwrap()
                    .try_collect()
                    .await
                    .unwrap();
                let mut expected: Vec<i64> = self.model.values().copied().collect();
                expected.sort_unstable_by(|one, other| other.cmp(one));
                let most = limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap());
                let skipped = usize::try_from(offset).unwrap();
                let expected: Vec<i64> = expected.into_iter().skip(skipped).take(most).collect();
                assert_eq!(
                    found.iter().map(|found| value(found)).collect::<Vec<_>>(),
                    expected
                );
                assert_eq!(count, expected.len() as u64);
            }
            Step::Exists(id) => {
                let exists = router.exists(IDS[id]).await.unwrap();
                assert_eq!(exists, self.model.contains_key(IDS[id]));
            }
            Step::Move(id) => self.tiers.move_to_archive(IDS[id]).await,
            Step::Wait(seconds) => self.tiers.clock.advance(Duration::from_secs(seconds)),
            Step::Clear => {
                router.clear().await.unwrap();
                self.model.clear();
            }
        }
    }

    /// A version from before a move is answered as changed, once; the version that is read then is the right one.
    async fn conditional(&mut self, verb: Verb, id: usize) {
        let router = self.tiers.router.clone();
        let (op, new) = self.op(verb, id);
        for attempt in 0..2 {
            let Some(read) = router.read(IDS[id]).await.unwrap() else {
                assert!(!self.model.contains_key(IDS[id]));
                return;
            };
            let write = Write::from(op.clone()).expecting(read.version().unwrap());
            match &router.write(vec![write]).await.unwrap()[..] {
                [Written::Changed] => assert_eq!(attempt, 0, "the version was just read"),
                [written] => {
                    assert_eq!(outcome(written), self.expect(verb, id, new));
                    return;
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

fn value(record: &Record) -> i64 {
    #[derive(serde::Deserialize)]
    struct Fields {
        value: i64,
    }
    record.parse::<Fields>().unwrap().value
}

/// Runs the steps over tiers that are made for them.
fn check<F: Future<Output = Tiers>>(tiers: impl FnOnce() -> F, steps: Vec<Step>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut check = Check::over(tiers().await);
        for step in steps {
            check.run(step).await;
        }
    });
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 1..60)
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn no_answer_differs_over_loose_tiers(steps in steps()) {
        check(Tiers::loose, steps);
    }
}

#[cfg(all(feature = "sqlite", feature = "archive"))]
proptest! {
    #![proptest_config(cases(12))]

    #[test]
    fn no_answer_differs_over_joined_tiers(steps in steps()) {
        check(Tiers::joined, steps);
    }
}
