//! Random operations against every database and against a map that knows what must come out.

mod book;

use std::sync::Arc;

use futures::TryStreamExt;
use jiff::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use thermocline::{Database, Order, Query, Record};

use self::book::{Book, Entry, Expect, Kind};
use crate::subjects::{Make, SERVED, SUBJECTS, Subject, cases, outcome};

const IDS: [&str; 6] = ["a", "b", "c", "../d", "é", "F"];

/// What is done next.
#[derive(Clone, Debug)]
enum Step {
    Write(Vec<Entry>),
    Read(&'static str),
    ReadMany(Vec<&'static str>),
    Search { below: u32, limit: Option<u64> },
    Clear,
    Rearrange,
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: cases(32),
        max_shrink_iters: 2_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_database_does_as_the_book_says(steps in steps()) {
        go_through(SUBJECTS, &steps)?;
    }
}

// A database of its own for every case and subject: few of them take as long as many in memory.
proptest! {
    #![proptest_config(ProptestConfig {
        cases: cases(6),
        max_shrink_iters: 2_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    #[ignore = "needs PostgreSQL: run scripts/test"]
    fn every_server_does_as_the_book_says(steps in steps()) {
        go_through(SERVED, &steps)?;
    }
}

fn go_through(subjects: &[Make], steps: &[Step]) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    for (name, make) in subjects {
        runtime.block_on(async {
            let subject = make().await;
            let mut book = Book::default();
            book.values_alone = !subject.database().capabilities().exact_json;
            for (place, step) in steps.iter().enumerate() {
                let done = take(&*subject, &mut book, step).await;
                done.map_err(|problem| {
                    TestCaseError::fail(format!("{name}, step {place}, {step:?}: {problem}"))
                })?;
            }
            let end = take(&*subject, &mut book, &Step::ReadMany(IDS.to_vec())).await;
            end.map_err(|problem| TestCaseError::fail(format!("{name}, at the end: {problem}")))?;
            subject.database().close().await.unwrap();
            Ok::<_, TestCaseError>(())
        })?;
    }
    Ok(())
}

/// No two of the writes store the same: a version stands for a state, and what is a hash gives equal ones the same.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    vec(step(), 1..40).prop_map(|mut steps| {
        let entries = steps.iter_mut().filter_map(|step| match step {
            Step::Write(entries) => Some(entries),
            _ => None,
        });
        (0..)
            .zip(entries.flatten())
            .for_each(|(mark, entry)| entry.mark = mark);
        steps
    })
}

fn step() -> impl Strategy<Value = Step> {
    let limit = proptest::option::of(0..4_u64);
    prop_oneof![
        8 => vec(entry(), 1..6).prop_map(Step::Write),
        4 => select(&IDS[..]).prop_map(Step::Read),
        2 => vec(select(&IDS[..]), 0..8).prop_map(Step::ReadMany),
        3 => (0..8_u32, limit).prop_map(|(below, limit)| Step::Search { below, limit }),
        1 => Just(Step::Clear),
        3 => Just(Step::Rearrange),
    ]
}

fn entry() -> impl Strategy<Value = Entry> {
    let kinds = [
        Kind::Create,
        Kind::Update,
        Kind::Upsert,
        Kind::Put,
        Kind::Delete,
    ];
    let expects = [
        Expect::Nothing,
        Expect::Nothing,
        Expect::Current,
        Expect::Older,
        Expect::Foreign,
    ];
    let time = proptest::option::of(
        (0..2_000_000_000_i64).prop_map(|second| Timestamp::from_second(second).unwrap()),
    );
    let content = (0..8_u32, any::<bool>(), time.clone(), time);
    (
        select(&IDS[..]),
        select(kinds.to_vec()),
        select(expects.to_vec()),
        content,
    )
        .prop_map(
            |(id, kind, expect, (n, metadata, created_at, updated_at))| Entry {
                id,
                kind,
                expect,
                n,
                mark: 0,
                metadata,
                times: (created_at, updated_at),
            },
        )
}

async fn take(subject: &dyn Subject, book: &mut Book, step: &Step) -> Result<(), String> {
    let db = subject.database();
    match step {
        Step::Write(entries) => write(db, book, entries).await,
        Step::Read(id) => book.check(id, db.read(id).await.map_err(told)?.as_deref()),
        Step::ReadMany(ids) => read_many(db, book, ids).await,
        Step::Search { below, limit } => search(db, book, *below, *limit).await,
        Step::Clear => {
            book.clear();
            db.clear().await.map_err(told)
        }
        Step::Rearrange => {
            subject.rearrange().await;
            // Where a record now lies somewhere else it has another version, which a search tells at once; a hot
            // tier may give the old one until a conditional write has met it.
            book.moved();
            for record in found(db, Query::all()).await? {
                book.note_move(&record);
            }
            Ok(())
        }
    }
}

async fn write(db: &dyn Database, book: &mut Book, entries: &[Entry]) -> Result<(), String> {
    let conditional = db.capabilities().conditional_writes;
    let writes = entries
        .iter()
        .map(|entry| book.write(entry, conditional))
        .collect();
    let expected: Vec<&str> = entries
        .iter()
        .map(|entry| book.apply(entry, conditional))
        .collect();
    let written = db.write(writes).await.map_err(told)?;
    let got: Vec<&str> = written.iter().map(outcome).collect();
    if got != expected {
        return Err(format!("got {got:?}, expected {expected:?}"));
    }
    book.note_versions(entries, &written);
    Ok(())
}

async fn read_many(db: &dyn Database, book: &mut Book, ids: &[&'static str]) -> Result<(), String> {
    let records = db.read_many(ids).await.map_err(told)?;
    if records.len() != ids.len() {
        return Err(format!("{} answers", records.len()));
    }
    ids.iter()
        .zip(&records)
        .try_for_each(|(id, record)| book.check(id, record.as_deref()))
}

async fn search(
    db: &dyn Database,
    book: &mut Book,
    below: u32,
    limit: Option<u64>,
) -> Result<(), String> {
    let query = Query::filter(&format!("n < {below}")).map_err(told)?;
    let mut query = query.sort("n", Order::Desc).map_err(told)?;
    query.limit = limit;
    let expected = book.ids_below(below, limit);
    let count = db.count(&query).await.map_err(told)?;
    if count != expected.len() as u64 {
        return Err(format!("counted {count}, expected {expected:?}"));
    }
    let records = found(db, query).await?;
    let got: Vec<&str> = records.iter().map(|record| record.id().as_str()).collect();
    if got != expected {
        return Err(format!("found {got:?}, expected {expected:?}"));
    }
    records
        .iter()
        .try_for_each(|record| book.check(record.id().as_str(), Some(record)))
}

async fn found(db: &dyn Database, query: Query) -> Result<Vec<Arc<Record>>, String> {
    let stream = db.search(query).await.map_err(told)?;
    stream.try_collect().await.map_err(told)
}

fn told(error: thermocline::Error) -> String {
    format!("{error:?}")
}
