//! Writes that meet an archived record, over tiers without a database in common.

use std::sync::Arc;

use thermocline::{Database, DatabaseExt, ErrorKind, Ids, Op, TieredDatabase, Written};

use super::{Tiers, record};
use crate::coherence::stage::Stage;

/// Tiers in which `old` is 1 and archived.
async fn archived() -> Tiers {
    let tiers = Tiers::new().await;
    tiers.router.upsert(record("old", 1)).await.unwrap();
    tiers.move_to_archive("old").await;
    tiers
}

async fn assert_one_copy(tiers: &Tiers, in_primary: bool) {
    assert_eq!(tiers.primary.exists("old").await.unwrap(), in_primary);
    assert_eq!(tiers.archive.exists("old").await.unwrap(), !in_primary);
}

#[tokio::test]
async fn a_create_of_an_archived_id_is_a_conflict() {
    let tiers = archived().await;
    let error = tiers.router.create(record("old", 2)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_one_copy(&tiers, false).await;
}

#[tokio::test]
async fn a_write_takes_the_record_back_with_its_time_of_creation() {
    let before = archived().await.router.read("old").await.unwrap().unwrap();
    for upsert in [true, false] {
        let tiers = archived().await;
        let old = tiers.router.read("old").await.unwrap().unwrap();
        if upsert {
            tiers.router.upsert(record("old", 2)).await.unwrap();
        } else {
            assert!(
                tiers
                    .router
                    .update(record("old", 2))
                    .await
                    .unwrap()
                    .is_some()
            );
        }
        assert_one_copy(&tiers, true).await;
        let new = tiers.router.read("old").await.unwrap().unwrap();
        assert_eq!(new.fields(), r#"{"value":2}"#);
        assert_eq!(new.created_at(), old.created_at());
        assert!(new.updated_at() > old.updated_at());
    }
    drop(before);
}

#[tokio::test]
async fn a_delete_leaves_no_copy() {
    let tiers = archived().await;
    assert!(tiers.router.delete("old").await.unwrap());
    assert!(!tiers.router.delete("old").await.unwrap());
    assert!(!tiers.archive.exists("old").await.unwrap());
    assert!(tiers.router.read("old").await.unwrap().is_none());
}

#[tokio::test]
async fn a_conditional_write_compares_with_the_archived_record() {
    let tiers = archived().await;
    let version = tiers
        .router
        .read("old")
        .await
        .unwrap()
        .unwrap()
        .version()
        .unwrap();
    let op = Op::Upsert(Arc::new(record("old", 2)));
    tiers
        .router
        .write_if(op.clone(), version.clone())
        .await
        .unwrap();
    assert_one_copy(&tiers, true).await;
    tiers.move_to_archive("old").await;
    let stale = tiers.router.write_if(op, version).await.unwrap_err();
    assert_eq!(stale.kind(), ErrorKind::Conflict);
    assert_one_copy(&tiers, false).await;
}

#[tokio::test]
async fn a_batch_may_write_an_archived_id_again_and_again() {
    let tiers = archived().await;
    let new = |value| Arc::new(record("old", value));
    let written = tiers
        .router
        .write(vec![
            Op::Create(new(2)).into(),
            Op::Delete(new(0).id().clone()).into(),
            Op::Create(new(3)).into(),
            Op::Update(new(4)).into(),
        ])
        .await
        .unwrap();
    assert!(
        matches!(
            written[..],
            [
                Written::Exists,
                Written::Deleted,
                Written::Created(_),
                Written::Updated(_)
            ]
        ),
        "{written:?}"
    );
    assert_one_copy(&tiers, true).await;
    assert_eq!(
        tiers.router.read("old").await.unwrap().unwrap().fields(),
        r#"{"value":4}"#
    );
}

#[tokio::test]
async fn a_record_that_stands_in_both_is_the_primarys_and_dies_in_both() {
    let tiers = archived().await;
    tiers.primary.upsert(record("old", 2)).await.unwrap();
    let read = tiers.router.read("old").await.unwrap().unwrap();
    assert_eq!(read.fields(), r#"{"value":2}"#);
    assert_eq!(
        tiers
            .router
            .count(&thermocline::Query::all())
            .await
            .unwrap(),
        1
    );
    assert!(tiers.router.delete("old").await.unwrap());
    assert!(tiers.router.read("old").await.unwrap().is_none());
}

#[tokio::test]
async fn a_read_that_meets_a_record_on_its_way_back_finds_it() {
    let (primary, archive) = (Stage::new(), Stage::new());
    archive.inner.upsert(record("old", 1)).await.unwrap();
    let router = TieredDatabase::builder()
        .primary(Arc::clone(&primary))
        .archive(Arc::clone(&archive))
        .build()
        .await
        .unwrap();
    for batch in [false, true] {
        // The reader has asked the primary in vain when the record is taken back.
        primary.after_read.shut();
        let reader = {
            let router = router.clone();
            tokio::spawn(async move {
                match batch {
                    false => router.read("old").await.unwrap(),
                    true => router.read_many(&["old"]).await.unwrap().remove(0),
                }
            })
        };
        primary.after_read.reached(1 + usize::from(batch)).await;
        let record = archive.inner.read("old").await.unwrap().unwrap();
        primary.after_read.open();
        // The writer goes first: it is polled before the reader goes on.
        router.write(vec![Op::Upsert(record).into()]).await.unwrap();
        assert!(reader.await.unwrap().is_some(), "batch: {batch}");
        // And away again.
        let record = primary.inner.read("old").await.unwrap().unwrap();
        archive
            .inner
            .write(vec![Op::Put(record).into()])
            .await
            .unwrap();
        primary.inner.delete("old").await.unwrap();
    }
}

#[tokio::test]
async fn ids_that_never_come_again_spare_creates_the_question() {
    let (primary, archive) = (Stage::new(), Stage::new());
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
