//! The journal of uploads.

use super::*;

#[tokio::test]
async fn a_batch_is_settled_once() {
    let bench = Bench::new().await;
    let catalog = &bench.catalog;
    let now = bench.clock.now();
    let batch = Batch {
        id: "0192".into(),
        opened_at: now,
        objects: vec!["main/flights/a".into(), "main/flights/b".into()],
    };
    let mut tx = bench.host.begin_write().await.unwrap();
    catalog.open_batch(&mut *tx, &batch, 1).await.unwrap();
    assert_eq!(
        catalog.batch_state(&mut *tx, &batch.id).await.unwrap(),
        Some(BatchState::Open)
    );
    let later = now + Duration::from_secs(1);
    let open = journal::batches(&mut *tx, catalog.sql, 1, BatchState::Open, later)
        .await
        .unwrap();
    assert_eq!(open, std::slice::from_ref(&batch));
    assert!(
        journal::batches(&mut *tx, catalog.sql, 1, BatchState::Open, now)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(
        catalog
            .settle_batch(&mut *tx, &batch.id, BatchState::Dead)
            .await
            .unwrap()
    );
    assert!(
        !catalog
            .settle_batch(&mut *tx, &batch.id, BatchState::Published)
            .await
            .unwrap()
    );
    assert_eq!(
        catalog.batch_state(&mut *tx, &batch.id).await.unwrap(),
        Some(BatchState::Dead)
    );
    journal::forget(&mut *tx, catalog.sql, &batch.id)
        .await
        .unwrap();
    assert_eq!(
        catalog.batch_state(&mut *tx, &batch.id).await.unwrap(),
        None
    );
}
