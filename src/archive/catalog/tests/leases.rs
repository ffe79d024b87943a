//! The lease of a collection: who may have it when.

use std::time::Duration;

use super::*;

const LENGTH: Duration = Duration::from_secs(30);

impl Bench {
    async fn take(&self, holder: &str) -> Taken {
        let mut tx = self.host.begin_write().await.unwrap();
        let now = self.clock.now();
        let taken = self.catalog.take_lease(&mut *tx, holder, now, LENGTH).await;
        tx.commit().await.unwrap();
        taken.unwrap()
    }

    async fn take_free(&self, holder: &str) -> Lease {
        match self.take(holder).await {
            Taken::Ours(lease) => lease,
            Taken::Held(lease) => panic!("{holder} waits for {lease:?}"),
        }
    }

    async fn renew(&self, lease: &Lease) -> Option<Lease> {
        let mut tx = self.host.begin_write().await.unwrap();
        let now = self.clock.now();
        let renewed = self.catalog.renew_lease(&mut *tx, lease, now, LENGTH).await;
        tx.commit().await.unwrap();
        renewed.unwrap()
    }
}

#[tokio::test]
async fn one_holder_at_a_time_until_its_time_is_over() {
    let bench = Bench::new().await;
    let first = bench.take_free("first").await;
    assert_eq!(bench.take("second").await, Taken::Held(first.clone()));

    bench.clock.advance(LENGTH / 2);
    let renewed = bench.renew(&first).await.expect("it is still its own");
    assert!(renewed.expires > first.expires);
    bench.clock.advance(LENGTH / 2);
    assert_eq!(bench.take("second").await, Taken::Held(renewed));

    bench.clock.advance(LENGTH / 2);
    let second = bench.take_free("second").await;
    assert!(second.epoch > first.epoch);
}

#[tokio::test]
async fn a_holder_that_slept_does_not_renew_what_changed_hands() {
    let bench = Bench::new().await;
    let first = bench.take_free("one").await;
    bench.clock.advance(LENGTH);
    let second = bench.take_free("two").await;
    assert_eq!(bench.renew(&first).await, None);
    bench.clock.advance(LENGTH);
    // Its own name again, and yet another lease than the one it slept with.
    let third = bench.take_free("one").await;
    assert_eq!(bench.renew(&first).await, None);
    assert_eq!(bench.renew(&second).await, None);
    assert!(bench.renew(&third).await.is_some());
}

#[tokio::test]
async fn a_lease_from_a_clock_that_was_set_back_keeps_nobody_out() {
    let bench = Bench::new().await;
    bench.clock.advance(Duration::from_secs(3_600));
    let lease = bench.take_free("ahead").await;
    bench.clock.set("2026-11-24T14:00:00Z".parse().unwrap());
    assert!(lease.expires > bench.clock.now());
    bench.take_free("now").await;
}

#[tokio::test]
async fn what_is_given_back_is_free_at_once() {
    let bench = Bench::new().await;
    let lease = bench.take_free("first").await;
    let mut tx = bench.host.begin_write().await.unwrap();
    let now = bench.clock.now();
    let released = bench.catalog.release_lease(&mut *tx, &lease, now).await;
    released.unwrap();
    tx.commit().await.unwrap();
    bench.take_free("second").await;
}
