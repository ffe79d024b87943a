//! What only tiers without a database in common do.

use std::sync::Arc;

use thermocline::{Database, DatabaseExt, Ids, Op, Query, TieredDatabase};

use super::{Tiers, record};
use crate::coherence::stage::{Directed, stage};

#[tokio::test]
async fn a_record_that_stands_in_both_is_the_primarys_and_dies_in_both() {
    let tiers = Tiers::loose().await;
    tiers.archive.upsert(record("old", 1)).await.unwrap();
    tiers.primary.upsert(record("old", 2)).await.unwrap();
    let read = tiers.router.read("old").await.unwrap().unwrap();
    assert_eq!(read.fields(), r#"{"value":2}"#);
    assert_eq!(tiers.router.count(&Query::all()).await.unwrap(), 1);
    assert!(tiers.router.delete("old").await.unwrap());
    assert!(tiers.router.read("old").await.unwrap().is_none());
}

#[tokio::test]
async fn a_read_that_meets_a_record_on_its_way_back_finds_it() {
    let (primary, archive) = (stage(), stage());
    archive.inner().upsert(record("old", 1)).await.unwrap();
    let router = TieredDatabase::builder()
        .primary(Arc::clone(&primary))
        .archive(Arc::clone(&archive))
        .build()
        .await
        .unwrap();
    for batch in [false, true] {
        // The reader has asked the primary in vain when the record is taken back.
        let gate = primary.hold_reads();
        let reader = {
            let router = router.clone();
            tokio::spawn(async move {
                match batch {
                    false => router.read("old").await.unwrap(),
                    true => router.read_many(&["old"]).await.unwrap().remove(0),
                }
            })
        };
        gate.arrived(1).await;
        let record = archive.inner().read("old").await.unwrap().unwrap();
        gate.open();
        // The writer goes first: it is polled before the reader goes on.
        router.write(vec![Op::Upsert(record).into()]).await.unwrap();
        assert!(reader.await.unwrap().is_some(), "batch: {batch}");
        // And away again.
        let record = primary.inner().read("old").await.unwrap().unwrap();
        archive
            .inner()
            .write(vec![Op::Put(record).into()])
            .await
            .unwrap();
        primary.inner().delete("old").await.unwrap();
    }
}

#[tokio::test]
async fn ids_that_never_come_again_spare_creates_the_question() {
    let (primary, archive) = (stage(), stage());
    let router = TieredDatabase::builder()
        .primary(Arc::clone(&primary))
        .archive(Arc::clone(&archive))
        .ids(Ids::NeverReused)
        .build()
        .await
        .unwrap();
    router.create(record("x", 1)).await.unwrap();
    assert_eq!(archive.batches(), 0);
    router.upsert(record("y", 1)).await.unwrap();
    assert_eq!(archive.batches(), 1);
}
