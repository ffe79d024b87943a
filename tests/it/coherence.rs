//! A cache that cannot serve what it was told to forget: every rule of the router's coherence, and what breaks it.

mod mutations;
pub(crate) mod stage;
mod stress;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use thermocline::{
    Database, DatabaseExt, ErrorKind, Fault, ManualClock, MemoryDatabase, Op, ReadSource, Record,
    TieredDatabase, TieredDatabaseBuilder, Written,
};
use tokio::task::{JoinHandle, yield_now};

use self::stage::{Directed, Stage, stage};

const TTL: Duration = Duration::from_secs(60);
const ABSENT_TTL: Duration = Duration::from_secs(10);

/// A router over a staged primary, on a clock that the test turns.
struct World {
    router: TieredDatabase,
    primary: Arc<Stage>,
    clock: ManualClock,
}

impl World {
    async fn new() -> Self {
        Self::built(|builder| builder).await
    }

    async fn with_archive(archive: &Arc<Stage>) -> Self {
        Self::built(|builder| builder.archive(Arc::clone(archive))).await
    }

    async fn built(more: impl FnOnce(TieredDatabaseBuilder) -> TieredDatabaseBuilder) -> Self {
        let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
        let primary = stage();
        let builder = TieredDatabase::builder()
            .hot(MemoryDatabase::new())
            .primary(Arc::clone(&primary))
            .ttl(TTL)
            .absent_ttl(ABSENT_TTL)
            .clock(clock.clone());
        Self {
            router: more(builder).build().await.unwrap(),
            primary,
            clock,
        }
    }

    /// A world in which `x` is 1, in the primary and not yet in the hot tier.
    async fn with_x() -> Self {
        let world = Self::new().await;
        world.primary.inner().upsert(x(1)).await.unwrap();
        world
    }

    async fn x(&self) -> Option<i64> {
        value(self.router.read("x").await.unwrap())
    }

    async fn source_of_x(&self) -> ReadSource {
        self.router.read_with_source("x").await.unwrap().1
    }

    fn spawn_read(&self) -> JoinHandle<Option<i64>> {
        let router = self.router.clone();
        tokio::spawn(async move { value(router.read("x").await.unwrap()) })
    }
}

fn x(value: i64) -> Record {
    record("x", value)
}

fn record(id: &str, value: i64) -> Record {
    Record::new(id, json!({ "value": value })).unwrap()
}

fn value(record: Option<Arc<Record>>) -> Option<i64> {
    #[derive(serde::Deserialize)]
    struct Fields {
        value: i64,
    }
    record.map(|record| record.parse::<Fields>().unwrap().value)
}

/// Lets every task run until nothing moves: enough turns on a runtime of one thread.
async fn settle() {
    for _ in 0..100 {
        yield_now().await;
    }
}

#[tokio::test]
async fn a_read_fills_the_hot_tier_and_a_write_empties_it() {
    let world = World::with_x().await;
    assert_eq!(world.source_of_x().await, ReadSource::Primary);
    assert_eq!(world.source_of_x().await, ReadSource::Hot);
    assert_eq!(world.primary.reads(), 1);
    world.router.upsert(x(2)).await.unwrap();
    assert_eq!(world.source_of_x().await, ReadSource::Primary);
    assert_eq!(world.x().await, Some(2));
    world.router.delete("x").await.unwrap();
    assert_eq!(world.x().await, None);
}

#[tokio::test]
async fn a_load_that_began_before_a_write_is_neither_joined_nor_kept() {
    let world = World::with_x().await;
    let gate = world.primary.hold_reads();
    let early = world.spawn_read();
    gate.arrived(1).await;
    world.router.upsert(x(2)).await.unwrap();

    let late = world.spawn_read();
    settle().await;
    gate.open();
    early.await.unwrap();
    assert_eq!(
        late.await.unwrap(),
        Some(2),
        "a read after the write joined the load before it"
    );
    assert_eq!(
        world.x().await,
        Some(2),
        "the load before the write was kept"
    );
}

#[tokio::test]
async fn a_batch_read_that_began_before_a_write_is_not_kept() {
    let world = World::with_x().await;
    let gate = world.primary.hold_reads();
    let router = world.router.clone();
    let early = tokio::spawn(async move { router.read_many(&["y", "x", "x"]).await.unwrap() });
    gate.arrived(1).await;
    world.primary.inner().upsert(x(2)).await.unwrap();
    world.router.delete("x").await.unwrap();
    gate.open();
    let early = early.await.unwrap();
    assert_eq!(
        early.into_iter().map(value).collect::<Vec<_>>(),
        [None, Some(1), Some(1)]
    );
    assert_eq!(world.x().await, None);
}

#[tokio::test]
async fn a_cancelled_write_still_ends_the_generation_when_it_is_done() {
    let world = World::with_x().await;
    let gate = world.primary.hold_writes();
    let router = world.router.clone();
    let call = tokio::spawn(async move { router.upsert(x(2)).await });
    gate.arrived(1).await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());

    // However long it takes: longer than any mark of a write that was given up.
    world.clock.advance(Duration::from_secs(61));
    assert_eq!(world.x().await, Some(1), "the write has not happened yet");
    gate.open();
    settle().await;
    assert_eq!(
        value(world.primary.inner().read("x").await.unwrap()),
        Some(2)
    );
    assert_eq!(
        world.x().await,
        Some(2),
        "the write happened after its caller had gone"
    );
}

#[tokio::test]
async fn a_write_that_reports_failure_may_have_happened() {
    for kind in [
        ErrorKind::Ambiguous,
        ErrorKind::Unavailable,
        ErrorKind::Unexpected,
    ] {
        let world = World::with_x().await;
        assert_eq!(world.x().await, Some(1));
        world.primary.next_write(Fault::FailAfter, kind);
        assert_eq!(world.router.upsert(x(2)).await.unwrap_err().kind(), kind);
        assert_eq!(world.x().await, Some(2), "after {kind}");
    }
}

#[tokio::test]
async fn a_refused_write_shows_that_the_copy_is_old() {
    let world = World::with_x().await;
    let old = world.router.read("x").await.unwrap().unwrap();
    world.primary.inner().upsert(x(2)).await.unwrap();
    assert_eq!(world.x().await, Some(1), "nobody told the router");
    let op = Op::Update(Arc::new(x(3)));
    let refused = world
        .router
        .write_if(op, old.version().unwrap())
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    assert_eq!(world.x().await, Some(2));

    world.primary.inner().delete("x").await.unwrap();
    assert_eq!(world.x().await, Some(2), "nobody told the router");
    assert!(world.router.update(x(3)).await.unwrap().is_none());
    assert_eq!(world.x().await, None);
}

#[tokio::test]
async fn a_batch_ends_the_generation_of_every_key() {
    let world = World::new().await;
    let ids = ["a", "b", "c", "d", "e", "f"];
    let records = |value| ids.iter().map(|id| record(id, value)).collect::<Vec<_>>();
    for round in 1..=2 {
        world.router.upsert_many(records(round)).await.unwrap();
        for id in ids {
            assert_eq!(
                value(world.router.read(id).await.unwrap()),
                Some(round),
                "{id}"
            );
        }
    }
    assert_eq!(world.router.delete_many(&ids).await.unwrap(), 6);
    let read = world.router.read_many(&ids).await.unwrap();
    assert!(read.iter().all(Option::is_none));
}

#[tokio::test]
async fn a_lifetime_counts_from_the_start_of_the_load() {
    let world = World::with_x().await;
    let gate = world.primary.hold_reads();
    let slow = world.spawn_read();
    gate.arrived(1).await;
    world.primary.inner().upsert(x(2)).await.unwrap();
    world.clock.advance(TTL * 3 / 4);
    gate.open();
    assert_eq!(slow.await.unwrap(), Some(1));
    assert_eq!(world.x().await, Some(1), "still within its lifetime");
    world.clock.advance(TTL / 4);
    assert_eq!(world.x().await, Some(2), "older than its lifetime");
}

#[tokio::test]
async fn absence_is_kept_shortly_and_only_for_reads() {
    let world = World::new().await;
    assert_eq!(world.x().await, None);
    world.primary.inner().upsert(x(1)).await.unwrap();
    assert_eq!(world.x().await, None, "nobody told the router");
    assert!(world.router.exists("x").await.unwrap());
    world.clock.advance(ABSENT_TTL);
    assert_eq!(world.x().await, Some(1));

    let world = World::new().await;
    assert_eq!(world.x().await, None);
    world.primary.inner().upsert(x(1)).await.unwrap();
    assert_eq!(
        world.router.create(x(2)).await.unwrap_err().kind(),
        ErrorKind::Conflict
    );
    assert_eq!(
        world.x().await,
        Some(1),
        "the refused create told the router"
    );
}

#[tokio::test]
async fn a_tier_out_of_reach_is_no_absence() {
    let archive = stage();
    let world = World::with_archive(&archive).await;
    archive.inner().upsert(x(1)).await.unwrap();
    archive.fail(ErrorKind::Unavailable);
    for _ in 0..2 {
        let error = world.router.read("x").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.to_string().contains("tier: archive"), "{error}");
        assert!(world.router.read_many(&["x"]).await.is_err());
    }
    archive.fail(None);
    assert_eq!(world.x().await, Some(1));
}

#[tokio::test]
async fn a_write_of_unknown_outcome_keeps_its_key_out_of_the_hot_tier() {
    let world = World::with_x().await;
    assert_eq!(world.x().await, Some(1));
    world.primary.next_write(Fault::Fail, ErrorKind::Ambiguous);
    assert_eq!(
        world.router.upsert(x(2)).await.unwrap_err().kind(),
        ErrorKind::Ambiguous
    );
    assert_eq!(world.x().await, Some(1), "it has not happened yet");
    world.primary.inner().upsert(x(2)).await.unwrap();
    assert_eq!(
        world.x().await,
        Some(2),
        "it happened after it was given up"
    );

    world.clock.advance(Duration::from_secs(61));
    assert_eq!(world.source_of_x().await, ReadSource::Primary);
    assert_eq!(
        world.source_of_x().await,
        ReadSource::Hot,
        "cached again after the deadline"
    );
}

#[tokio::test]
async fn a_load_that_began_under_an_unknown_outcome_is_not_kept_after_it() {
    let world = World::with_x().await;
    world.primary.next_write(Fault::Fail, ErrorKind::Ambiguous);
    assert!(world.router.upsert(x(2)).await.is_err());
    let gate = world.primary.hold_reads();
    let early = world.spawn_read();
    gate.arrived(1).await;
    world.primary.inner().upsert(x(2)).await.unwrap();
    world.clock.advance(Duration::from_secs(61));
    // A load that begins now clears the marks that are over.
    let other = world.spawn_read();
    settle().await;
    gate.open();
    other.await.unwrap();
    assert_eq!(early.await.unwrap(), Some(1));
    assert_eq!(world.x().await, Some(2));
}

#[tokio::test]
async fn a_hundred_readers_of_a_cold_key_cause_one_load() {
    let world = World::with_x().await;
    let gate = world.primary.hold_reads();
    let readers: Vec<_> = (0..100).map(|_| world.spawn_read()).collect();
    gate.arrived(1).await;
    settle().await;
    gate.open();
    for reader in readers {
        assert_eq!(reader.await.unwrap(), Some(1));
    }
    assert_eq!(world.primary.reads(), 1);
    assert_eq!(world.x().await, Some(1));
    assert_eq!(world.primary.reads(), 1);
}

#[tokio::test]
async fn a_cancelled_leader_hands_over() {
    let world = World::with_x().await;
    let gate = world.primary.hold_reads();
    let leader = world.spawn_read();
    gate.arrived(1).await;
    let readers: Vec<_> = (0..99).map(|_| world.spawn_read()).collect();
    settle().await;
    leader.abort();
    assert!(leader.await.unwrap_err().is_cancelled());
    gate.arrived(2).await;
    settle().await;
    assert_eq!(
        world.primary.reads(),
        2,
        "one of the others leads, and only one"
    );
    gate.open();
    for reader in readers {
        assert_eq!(reader.await.unwrap(), Some(1));
    }
    assert_eq!(world.primary.reads(), 2);
}

#[tokio::test]
async fn a_failed_load_is_told_to_all_and_kept_by_none() {
    let archive = stage();
    let world = World::with_archive(&archive).await;
    let gate = world.primary.hold_reads();
    archive.fail(ErrorKind::Unavailable);
    let readers: Vec<_> = (0..10)
        .map(|_| {
            let router = world.router.clone();
            tokio::spawn(async move { router.read("x").await.unwrap_err().kind() })
        })
        .collect();
    gate.arrived(1).await;
    settle().await;
    gate.open();
    for reader in readers {
        assert_eq!(reader.await.unwrap(), ErrorKind::Unavailable);
    }
    assert_eq!(world.primary.reads(), 1);
    archive.fail(None);
    assert_eq!(world.x().await, None);
}

#[tokio::test]
async fn a_clear_ends_every_generation() {
    let world = World::with_x().await;
    assert_eq!(world.x().await, Some(1));
    world.router.clear().await.unwrap();
    assert_eq!(world.x().await, None);
}

#[tokio::test]
async fn a_hot_tier_that_another_router_used_holds_no_hit() {
    let hot = Arc::new(MemoryDatabase::new());
    let primary = |value| async move {
        let primary = MemoryDatabase::new();
        primary.upsert(x(value)).await.unwrap();
        primary
    };
    let router = |primary| {
        TieredDatabase::builder()
            .hot(Arc::clone(&hot))
            .primary(primary)
            .build()
    };
    let one = router(primary(1).await).await.unwrap();
    let two = router(primary(2).await).await.unwrap();
    for _ in 0..3 {
        assert_eq!(value(one.read("x").await.unwrap()), Some(1));
        assert_eq!(value(two.read("x").await.unwrap()), Some(2));
    }
}

#[tokio::test]
async fn closing_waits_for_the_writes_and_lets_no_call_in() {
    let world = World::with_x().await;
    assert_eq!(world.x().await, Some(1));
    let gate = world.primary.hold_writes();
    let router = world.router.clone();
    let write =
        tokio::spawn(async move { router.write(vec![Op::Upsert(Arc::new(x(2))).into()]).await });
    gate.arrived(1).await;
    let router = world.router.clone();
    let close = tokio::spawn(async move { router.close().await });
    settle().await;
    assert!(!close.is_finished(), "a write is under way");
    let late = world.router.upsert(x(3)).await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Closed);
    gate.open();
    assert!(matches!(
        write.await.unwrap().unwrap()[..],
        [Written::Updated(_)]
    ));
    close.await.unwrap().unwrap();
    assert_eq!(
        world.router.read("x").await.unwrap_err().kind(),
        ErrorKind::Closed
    );
    world.router.close().await.unwrap();
}
