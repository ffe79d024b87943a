//! A pooler in transaction mode, and a server that restarts.

use futures::future::join_all;
use serde_json::json;
use thermocline::{Database, DatabaseExt, ErrorKind, PostgresDatabase, Query, Record};

use super::Scratch;

/// Sessions change hands between any two calls, and the pooler has three of them for all.
#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn nothing_is_kept_in_a_session() {
    let (db, _scratch) = super::open_pooled().await;
    let work = async |n: u64| {
        let id = format!("r{n}");
        for round in 0..5 {
            db.upsert(Record::new(&*id, json!({"n": round})).unwrap())
                .await
                .unwrap();
            let record = db.read(&id).await.unwrap().unwrap();
            assert_eq!(record.fields(), format!("{{\"n\":{round}}}"));
            db.count(&Query::filter("n = 1").unwrap()).await.unwrap();
        }
    };
    join_all((0..20).map(work)).await;
    assert_eq!(db.count(&Query::all()).await.unwrap(), 20);
}

/// Without the key in the URL the error names it.
#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn a_pooler_that_nobody_told_of_is_named() {
    let scratch = Scratch::new().await;
    let url = scratch.pooled_url();
    let (url, _) = url.split_once('?').unwrap();
    let error = PostgresDatabase::open(url).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}");
    assert!(error.message().contains("statement_cache=0"), "{error}");
}
