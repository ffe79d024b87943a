//! The breaker on a clock that the tests turn.

use std::future::{pending, ready};

use super::*;

const LIMITS: Limits = Limits {
    timeout: Duration::from_secs(30),
    failures: 3,
    rest: Duration::from_secs(5),
};

fn guard() -> Arc<Guard> {
    Guard::new("records", Tier::Archive, LIMITS)
}

async fn fail(guard: &Arc<Guard>) -> Error {
    let down = ready(Err::<(), _>(Error::unavailable("down")));
    guard.run(Operation::Read, down).await.unwrap_err()
}

async fn succeed(guard: &Arc<Guard>) -> Result<()> {
    guard.run(Operation::Read, ready(Ok(()))).await
}

fn says(error: &Error, key: &str) -> String {
    let found = error.context().find(|(known, _)| *known == key);
    found
        .unwrap_or_else(|| panic!("{error:?} has no {key}"))
        .1
        .to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_tier_is_waited_for_no_longer_than_the_timeout() {
    let guard = guard();
    let error = guard
        .run(Operation::ReadMany, pending::<Result<()>>())
        .await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(
        ["tier", "op", "elapsed"].map(|key| says(&error, key)),
        ["archive", "read_many", "30.0s"]
    );
    assert!(error.is_retryable());
    // What may rightly take long is waited for.
    let long = async {
        tokio::time::sleep(Duration::from_secs(600)).await;
        Ok(7)
    };
    assert_eq!(guard.run_long(Operation::Count, long).await.unwrap(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_tier_that_keeps_failing_is_left_alone_and_then_tried_once() {
    let guard = guard();
    for _ in 0..3 {
        assert_eq!(guard.circuit(), Circuit::Closed);
        assert_eq!(fail(&guard).await.message(), "down");
    }
    assert_eq!(guard.circuit(), Circuit::Open);
    let refused: Result<()> = guard
        .run(Operation::Read, async { panic!("it is left alone") })
        .await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unavailable);
    assert_eq!(says(&refused, "asked_again_in"), "5.0s");

    tokio::time::advance(LIMITS.rest).await;
    let trial = guard.admit(Operation::Read).unwrap();
    assert_eq!(guard.circuit(), Circuit::HalfOpen);
    assert!(guard.admit(Operation::Read).is_err(), "one tries, not all");
    trial.tell(Some(&Error::unavailable("still down")));
    assert_eq!(guard.circuit(), Circuit::Open);

    tokio::time::advance(LIMITS.rest).await;
    succeed(&guard).await.unwrap();
    assert_eq!(guard.circuit(), Circuit::Closed);
    succeed(&guard).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn only_failures_in_a_row_count_and_only_of_the_tier() {
    let guard = guard();
    for _ in 0..5 {
        fail(&guard).await;
        fail(&guard).await;
        succeed(&guard).await.unwrap();
    }
    for _ in 0..5 {
        let wrong = ready(Err::<(), _>(Error::invalid("a wrong query")));
        guard.run(Operation::Search, wrong).await.unwrap_err();
    }
    assert_eq!(guard.circuit(), Circuit::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_trial_that_was_given_up_lets_the_next_one_try() {
    let guard = guard();
    for _ in 0..3 {
        fail(&guard).await;
    }
    tokio::time::advance(LIMITS.rest).await;
    drop(guard.admit(Operation::Read).unwrap());
    assert_eq!(guard.circuit(), Circuit::Open);
    succeed(&guard).await.unwrap();
    assert_eq!(guard.circuit(), Circuit::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_look_at_the_health_asks_whatever_the_circuit_says() {
    let guard = guard();
    for _ in 0..3 {
        let down = ready(Err::<(), _>(Error::unavailable("down")));
        guard.probe(down).await.unwrap_err();
    }
    assert_eq!(guard.circuit(), Circuit::Open);
    guard.probe(ready(Ok(()))).await.unwrap();
    assert_eq!(guard.circuit(), Circuit::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_stream_tells_by_its_error_or_its_end() {
    let guard = guard();
    let stream_of = |items: Vec<Result<u8>>| stream::iter(items).boxed();
    for _ in 0..3 {
        let leave = guard.admit(Operation::Search).unwrap();
        let broken = stream_of(vec![Ok(1), Err(Error::unavailable("gone"))]);
        let seen = leave.watch(broken).take(2).collect::<Vec<_>>().await;
        assert!(seen[0].is_ok() && seen[1].is_err());
    }
    assert_eq!(guard.circuit(), Circuit::Open);
    tokio::time::advance(LIMITS.rest).await;
    let leave = guard.admit(Operation::Search).unwrap();
    let seen = leave.watch(stream_of(vec![Ok(1), Ok(2)])).count().await;
    assert_eq!(seen, 2);
    assert_eq!(guard.circuit(), Circuit::Closed);
}
