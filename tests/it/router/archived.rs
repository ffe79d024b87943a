//! Writes that meet an archived record.

use std::sync::Arc;
use std::time::Duration;

use thermocline::{Database, DatabaseExt, ErrorKind, Op, Query, Record, Written};

use super::{Tiers, record};

over_all_tiers! {
    a_create_of_an_archived_id_is_a_conflict
    an_upsert_takes_the_record_back_with_its_time_of_creation
    an_update_takes_the_record_back_with_its_time_of_creation
    a_put_takes_the_record_back_with_its_own_times
    a_delete_leaves_no_copy
    a_conditional_write_compares_with_the_archived_record
    a_batch_may_write_an_archived_id_again_and_again
    a_batch_meets_live_and_archived_and_new_ids
    a_clear_leaves_neither
}

/// In these tiers `old` is 1 and archived.
async fn archive_old(tiers: &Tiers) {
    tiers.router.upsert(record("old", 1)).await.unwrap();
    tiers.move_to_archive("old").await;
    tiers.clock.advance(Duration::from_secs(1));
}

async fn assert_one_copy(tiers: &Tiers, in_primary: bool) {
    assert_eq!(tiers.primary.exists("old").await.unwrap(), in_primary);
    assert_eq!(tiers.archive.exists("old").await.unwrap(), !in_primary);
}

async fn a_create_of_an_archived_id_is_a_conflict(tiers: Tiers) {
    archive_old(&tiers).await;
    let error = tiers.router.create(record("old", 2)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_one_copy(&tiers, false).await;
}

async fn an_upsert_takes_the_record_back_with_its_time_of_creation(tiers: Tiers) {
    archive_old(&tiers).await;
    let old = tiers.router.read("old").await.unwrap().unwrap();
    tiers.router.upsert(record("old", 2)).await.unwrap();
    assert_taken_back(&tiers, &old).await;
}

async fn an_update_takes_the_record_back_with_its_time_of_creation(tiers: Tiers) {
    archive_old(&tiers).await;
    let old = tiers.router.read("old").await.unwrap().unwrap();
    let updated = tiers.router.update(record("old", 2)).await.unwrap();
    assert!(updated.is_some());
    assert_taken_back(&tiers, &old).await;
    let new = tiers.router.read("old").await.unwrap().unwrap();
    assert_eq!(
        new.version(),
        updated,
        "the version that was told is the one that is read"
    );
}

async fn assert_taken_back(tiers: &Tiers, old: &Record) {
    assert_one_copy(tiers, true).await;
    let new = tiers.router.read("old").await.unwrap().unwrap();
    assert_eq!(new.fields(), r#"{"value":2}"#);
    assert_eq!(new.created_at(), old.created_at());
    assert!(new.updated_at() > old.updated_at());
}

async fn a_put_takes_the_record_back_with_its_own_times(tiers: Tiers) {
    archive_old(&tiers).await;
    let time = "2001-02-03T04:05:06Z".parse().unwrap();
    let new = record("old", 2).with_times(Some(time), Some(time));
    let written = tiers
        .router
        .write(vec![Op::Put(Arc::new(new)).into()])
        .await
        .unwrap();
    assert!(matches!(written[..], [Written::Updated(_)]), "{written:?}");
    assert_one_copy(&tiers, true).await;
    let new = tiers.router.read("old").await.unwrap().unwrap();
    assert_eq!(
        (new.created_at(), new.updated_at()),
        (Some(time), Some(time))
    );
}

async fn a_delete_leaves_no_copy(tiers: Tiers) {
    archive_old(&tiers).await;
    assert!(tiers.router.delete("old").await.unwrap());
    assert!(!tiers.router.delete("old").await.unwrap());
    assert!(!tiers.archive.exists("old").await.unwrap());
    assert!(tiers.router.read("old").await.unwrap().is_none());
}

async fn a_conditional_write_compares_with_the_archived_record(tiers: Tiers) {
    archive_old(&tiers).await;
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

async fn a_batch_may_write_an_archived_id_again_and_again(tiers: Tiers) {
    archive_old(&tiers).await;
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

async fn a_batch_meets_live_and_archived_and_new_ids(tiers: Tiers) {
    archive_old(&tiers).await;
    tiers.router.upsert(record("live", 1)).await.unwrap();
    let op = |id, value| Arc::new(record(id, value));
    let written = tiers
        .router
        .write(vec![
            Op::Update(op("old", 2)).into(),
            Op::Upsert(op("live", 2)).into(),
            Op::Upsert(op("new", 2)).into(),
            Op::Update(op("nowhere", 2)).into(),
            Op::Delete(op("nowhere at all", 2).id().clone()).into(),
        ])
        .await
        .unwrap();
    assert!(
        matches!(
            written[..],
            [
                Written::Updated(_),
                Written::Updated(_),
                Written::Created(_),
                Written::Missing,
                Written::Missing
            ]
        ),
        "{written:?}"
    );
    assert_one_copy(&tiers, true).await;
    assert_eq!(tiers.router.count(&Query::all()).await.unwrap(), 3);
}

async fn a_clear_leaves_neither(tiers: Tiers) {
    archive_old(&tiers).await;
    tiers.router.upsert(record("live", 1)).await.unwrap();
    assert!(tiers.router.read("old").await.unwrap().is_some());
    tiers.router.clear().await.unwrap();
    assert_eq!(tiers.router.count(&Query::all()).await.unwrap(), 0);
    assert!(tiers.router.read("old").await.unwrap().is_none());
    assert!(tiers.router.read("live").await.unwrap().is_none());
    tiers.router.create(record("old", 3)).await.unwrap();
}
