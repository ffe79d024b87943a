//! The record's own times.

use jiff::Timestamp;

use super::ground::{create, delete, numbered, put, read, update, upsert, write};
use crate::{Database, Record};

fn dated(id: &str, n: u64, created: &str, updated: &str) -> Record {
    let time = |text: &str| text.parse::<Timestamp>().ok();
    numbered(id, n).with_times(time(created), time(updated))
}

const OLD: &str = "1999-12-31T23:59:59.999999Z";
const LATER: &str = "2001-02-03T04:05:06.000007Z";

/// The database's clock dates a new record, whatever times it came with.
pub async fn the_clock_dates_new_records(db: &dyn Database) {
    write(
        db,
        vec![
            create(dated("a", 1, OLD, OLD)),
            upsert(dated("b", 1, OLD, OLD)),
        ],
    )
    .await;
    for id in ["a", "b"] {
        let record = read(db, id).await;
        assert!(
            record
                .created_at()
                .is_some_and(|time| time.to_string().as_str() > LATER)
        );
        assert_eq!(
            record.created_at(),
            record.updated_at(),
            "one time for both"
        );
    }
}

/// A record that is replaced keeps `created_at`, and `updated_at` moves forwards with every write.
pub async fn replacing_keeps_created_at(db: &dyn Database) {
    write(db, vec![create(numbered("a", 0))]).await;
    let first = read(db, "a").await;
    let mut last = first.updated_at();
    for (n, replace) in [update, upsert, update, upsert].into_iter().enumerate() {
        write(db, vec![replace(dated("a", n as u64, OLD, OLD))]).await;
        let now = read(db, "a").await;
        assert_eq!(now.created_at(), first.created_at());
        assert!(
            now.updated_at() > last,
            "{:?} after {last:?}",
            now.updated_at()
        );
        last = now.updated_at();
    }
}

/// A put keeps the record's own times, of a new record and of one that it replaces.
pub async fn put_keeps_times(db: &dyn Database) {
    let written = |record: &Record| {
        (
            record.created_at().map(|t| t.to_string()),
            record.updated_at().map(|t| t.to_string()),
        )
    };
    write(db, vec![put(dated("a", 1, OLD, LATER))]).await;
    assert_eq!(
        written(&*read(db, "a").await),
        (Some(OLD.into()), Some(LATER.into()))
    );
    write(
        db,
        vec![create(numbered("b", 1)), put(dated("b", 2, OLD, OLD))],
    )
    .await;
    assert_eq!(
        written(&*read(db, "b").await),
        (Some(OLD.into()), Some(OLD.into()))
    );
    write(db, vec![update(numbered("a", 2))]).await;
    let updated = read(db, "a").await;
    assert_eq!(
        updated.created_at().map(|t| t.to_string()),
        Some(OLD.into())
    );
    assert!(
        updated
            .updated_at()
            .is_some_and(|time| time.to_string().as_str() > LATER)
    );
}

/// A time that is not known stays unknown: it is never taken for now.
pub async fn unknown_times_stay_unknown(db: &dyn Database) {
    write(db, vec![put(numbered("a", 1))]).await;
    let record = read(db, "a").await;
    assert_eq!((record.created_at(), record.updated_at()), (None, None));
    write(db, vec![upsert(numbered("a", 2))]).await;
    let record = read(db, "a").await;
    assert_eq!(record.created_at(), None);
    assert!(record.updated_at().is_some());
}

/// A record that was deleted and comes back is a new record.
pub async fn a_recreated_record_is_new(db: &dyn Database) {
    write(
        db,
        vec![
            put(dated("a", 1, OLD, OLD)),
            delete("a"),
            upsert(numbered("a", 1)),
        ],
    )
    .await;
    let record = read(db, "a").await;
    assert!(
        record
            .created_at()
            .is_some_and(|time| time.to_string().as_str() > LATER)
    );
}
