//! Writers and readers on few keys, as fast as they can: no read may be older than a write that was acknowledged to
//! anybody before the read began.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use thermocline::{Call, DatabaseExt, Fault, HotCache, MemoryDatabase, TieredDatabase};

use super::stage::{Directed, stage};
use super::{record, value};

const KEYS: [&str; 4] = ["a", "b", "c", "d"];
const WRITERS: usize = 2;
const READERS: usize = 16;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_read_is_stale() {
    stress(MemoryDatabase::new()).await;
}

#[cfg(feature = "moka")]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_read_through_moka_is_stale() {
    stress(thermocline::MokaDatabase::with_max_bytes(1 << 20)).await;
}

#[cfg(feature = "quick_cache")]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_read_through_quick_cache_is_stale() {
    stress(thermocline::QuickCache::with_max_bytes(1 << 20)).await;
}

async fn stress(hot: impl HotCache + 'static) {
    let stage = stage();
    // Readers hold their records for a while before they give them away.
    let slow = Fault::Slow(Duration::from_millis(1));
    stage.script().always(Call::Read, slow);
    let router = TieredDatabase::builder()
        .hot(hot)
        .primary(Arc::clone(&stage))
        .build()
        .await
        .unwrap();
    let acknowledged: Arc<[AtomicI64; 4]> = Arc::default();
    for id in KEYS {
        router.upsert(record(id, 0)).await.unwrap();
    }
    let end = Instant::now() + Duration::from_secs(4);
    let writers = (0..WRITERS).map(|writer| {
        let (router, acknowledged) = (router.clone(), Arc::clone(&acknowledged));
        tokio::spawn(async move {
            // Each writer has keys of its own, so that the newest value is known.
            for number in 1.. {
                for key in (writer..KEYS.len()).step_by(WRITERS) {
                    router.upsert(record(KEYS[key], number)).await.unwrap();
                    acknowledged[key].store(number, Ordering::SeqCst);
                    tokio::time::sleep(Duration::from_micros(500)).await;
                }
                if Instant::now() > end {
                    break;
                }
            }
        })
    });
    let (stale, reads) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let readers = (0..READERS).map(|reader| {
        let (router, acknowledged) = (router.clone(), Arc::clone(&acknowledged));
        let (stale, reads) = (Arc::clone(&stale), Arc::clone(&reads));
        tokio::spawn(async move {
            for turn in reader.. {
                let key = turn % KEYS.len();
                let newest = acknowledged[key].load(Ordering::SeqCst);
                let read = value(router.read(KEYS[key]).await.unwrap()).unwrap();
                reads.fetch_add(1, Ordering::Relaxed);
                if read < newest {
                    stale.fetch_add(1, Ordering::Relaxed);
                }
                if turn % 64 == 0 {
                    tokio::task::yield_now().await;
                    if Instant::now() > end {
                        break;
                    }
                }
            }
        })
    });
    let tasks: Vec<_> = writers.chain(readers).collect();
    for task in tasks {
        task.await.unwrap();
    }
    let (stale, reads) = (stale.load(Ordering::Relaxed), reads.load(Ordering::Relaxed));
    println!("{stale} stale of {reads} reads, {} loads", stage.reads());
    assert!(reads > 10_000, "only {reads} reads");
    assert!(stage.reads() > 100, "only {} loads", stage.reads());
    assert_eq!(stale, 0, "of {reads} reads");
}
