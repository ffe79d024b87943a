//! What still works while a tier does not answer, and that nothing is guessed in its place.

use std::sync::Arc;
use std::time::Duration;

use thermocline::{
    Circuit, DEFAULT_TIMEOUT, Database, DatabaseExt, ErrorKind, MemoryDatabase, Query, Tier,
    TieredDatabase,
};
use tokio::time::Instant;

use super::record;
use crate::coherence::stage::{Directed, Stage, stage};

/// More failures in a row than the tests of single answers make.
const FAILURES: u32 = 20;
const REST: Duration = Duration::from_secs(5);

struct World {
    router: TieredDatabase,
    primary: Arc<Stage>,
    archive: Arc<Stage>,
}

/// `live` is in the primary, `old` in the archive, neither in the hot tier.
async fn world() -> World {
    let (primary, archive) = (stage(), stage());
    primary.inner().upsert(record("live", 1)).await.unwrap();
    archive.inner().upsert(record("old", 2)).await.unwrap();
    let router = TieredDatabase::builder()
        .hot(MemoryDatabase::new())
        .primary(Arc::clone(&primary))
        .archive(Arc::clone(&archive))
        .circuit_breaker(FAILURES, REST)
        .build()
        .await
        .unwrap();
    World {
        router,
        primary,
        archive,
    }
}

fn unavailable<T: std::fmt::Debug>(answer: thermocline::Result<T>) {
    let error = answer.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
}

#[tokio::test]
async fn without_the_archive_live_records_go_on() {
    let World {
        router, archive, ..
    } = world().await;
    archive.fail(ErrorKind::Unavailable);
    assert!(router.read("live").await.unwrap().is_some());
    router.upsert(record("live", 2)).await.unwrap();
    router.update(record("live", 3)).await.unwrap().unwrap();
    assert_eq!(
        router.create(record("live", 4)).await.unwrap_err().kind(),
        ErrorKind::Conflict
    );

    unavailable(router.read("old").await);
    unavailable(router.read_many(&["live", "old"]).await);
    unavailable(router.create(record("old", 3)).await);
    unavailable(router.upsert(record("old", 3)).await);
    unavailable(router.update(record("old", 3)).await);
    unavailable(router.delete("old").await);
    unavailable(router.create(record("new", 3)).await);
    unavailable(router.search(Query::all()).await.map(|_| ()));
    unavailable(router.count(&Query::all()).await);
    unavailable(router.health().await);
    // Over loose tiers a delete must not leave a shadow that would come back.
    unavailable(router.delete("live").await);

    archive.fail(None);
    assert_eq!(router.count(&Query::all()).await.unwrap(), 2);
    assert_eq!(
        router.read("old").await.unwrap().unwrap().fields(),
        r#"{"value":2}"#
    );
    assert!(router.read("new").await.unwrap().is_none());
}

#[tokio::test]
async fn a_batch_of_loose_tiers_tells_each_outcome() {
    let World {
        router, archive, ..
    } = world().await;
    archive.fail(ErrorKind::Unavailable);
    let written = router
        .upsert_many(vec![record("live", 5), record("old", 5)])
        .await
        .unwrap();
    assert!(matches!(
        &written[..],
        [thermocline::Written::Updated(_), thermocline::Written::Failed(error)] if error.is_retryable()
    ));
    assert_eq!(
        router.read("live").await.unwrap().unwrap().fields(),
        r#"{"value":5}"#
    );
}

#[tokio::test]
async fn without_the_primary_only_hot_hits_are_served() {
    let World {
        router, primary, ..
    } = world().await;
    router.read("live").await.unwrap().unwrap();
    primary.fail(ErrorKind::Unavailable);
    assert!(
        router.read("live").await.unwrap().is_some(),
        "hot, and within its lifetime"
    );
    unavailable(router.read("old").await);
    unavailable(router.upsert(record("live", 2)).await);
    unavailable(router.delete("live").await);
    unavailable(router.search(Query::all()).await.map(|_| ()));
    unavailable(router.count(&Query::all()).await);
    unavailable(router.read("live").await);
}

#[tokio::test]
async fn without_a_hot_tier_everything_works() {
    let (primary, archive) = (stage(), stage());
    archive.inner().upsert(record("old", 2)).await.unwrap();
    let router = TieredDatabase::builder()
        .primary(Arc::clone(&primary))
        .archive(archive)
        .build()
        .await
        .unwrap();
    for _ in 0..2 {
        assert!(router.read("old").await.unwrap().is_some());
    }
    assert_eq!(primary.reads(), 2);
    router.upsert(record("old", 3)).await.unwrap();
    assert_eq!(
        router.read("old").await.unwrap().unwrap().fields(),
        r#"{"value":3}"#
    );
}

#[tokio::test(start_paused = true)]
async fn a_slow_archive_is_left_alone_and_holds_up_nobody_else() {
    let World {
        router, archive, ..
    } = world().await;
    let gate = archive.hold_reads();
    for number in 0..FAILURES {
        assert_eq!(router.circuit(Tier::Archive), Circuit::Closed);
        let began = Instant::now();
        let error = router.read(&format!("old{number}")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.to_string().contains("elapsed: 30.0s"), "{error}");
        assert_eq!(began.elapsed(), DEFAULT_TIMEOUT);
    }
    assert_eq!(router.circuit(Tier::Archive), Circuit::Open);

    let began = Instant::now();
    unavailable(router.read("old").await);
    unavailable(router.create(record("new", 1)).await);
    unavailable(router.search(Query::all()).await.map(|_| ()));
    unavailable(router.count(&Query::all()).await);
    assert!(router.read("live").await.unwrap().is_some());
    router.upsert(record("live", 2)).await.unwrap();
    assert_eq!(began.elapsed(), Duration::ZERO, "nobody waited");
    assert_eq!(router.circuit(Tier::Primary), Circuit::Closed);

    gate.open();
    tokio::time::advance(REST).await;
    assert!(router.read("old").await.unwrap().is_some());
    assert_eq!(router.circuit(Tier::Archive), Circuit::Closed);
}
