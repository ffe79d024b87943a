//! A hit in the hot tier is free of allocations: no copy of a record, of an id or of anything else.

use std::hint::black_box;

use serde_json::json;
use thermocline::{Database, DatabaseExt, HotCache, MemoryDatabase, Record, TieredDatabase};

/// How many allocations `hits` reads of one record take, one time through the handle and one through the trait.
async fn of_hits(hot: impl HotCache + 'static, hits: u64) -> (u64, u64) {
    let router = TieredDatabase::builder()
        .hot(hot)
        .primary(MemoryDatabase::new())
        .build()
        .await
        .unwrap();
    let text = "x".repeat(1_000);
    router
        .upsert(Record::new("a", json!({ "text": text })).unwrap())
        .await
        .unwrap();
    // The first read fills the cache, and others let it make what it makes on the way.
    for _ in 0..1_000 {
        assert!(router.read("a").await.unwrap().is_some());
    }
    // What waits for a future makes something once per thread.
    assert!(
        futures::executor::block_on(router.read("a"))
            .unwrap()
            .is_some()
    );
    let count = |work: &mut dyn FnMut()| allocation_counter::measure(work).count_total;
    let inherent = count(&mut || {
        for _ in 0..hits {
            let read = futures::executor::block_on(router.read(black_box("a")));
            assert!(read.unwrap().is_some());
        }
    });
    let database: &dyn Database = &router;
    let boxed = count(&mut || {
        for _ in 0..hits {
            let read = futures::executor::block_on(database.read(black_box("a")));
            assert!(read.unwrap().is_some());
        }
    });
    (inherent, boxed)
}

#[tokio::test]
async fn a_hit_allocates_nothing_and_through_the_trait_only_its_future() {
    let (inherent, boxed) = of_hits(MemoryDatabase::new(), 100).await;
    assert_eq!((inherent, boxed), (0, 100));
}

#[cfg(feature = "quick_cache")]
#[tokio::test]
async fn a_hit_in_quick_cache_allocates_nothing() {
    let (inherent, boxed) = of_hits(thermocline::QuickCache::with_max_bytes(1 << 20), 100).await;
    assert_eq!((inherent, boxed), (0, 100));
}

/// moka tidies up on the way, once in a while; no hit pays for another.
#[cfg(feature = "moka")]
#[tokio::test]
async fn a_hit_in_moka_allocates_nothing_most_of_the_time() {
    let (inherent, boxed) =
        of_hits(thermocline::MokaDatabase::with_max_bytes(1 << 20), 1_000).await;
    assert!(inherent <= 50, "{inherent} allocations in 1000 hits");
    assert!(boxed <= 1_050, "{boxed} allocations in 1000 hits");
}
