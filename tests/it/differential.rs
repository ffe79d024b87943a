//! Every operator means one thing everywhere: the same random questions to every backend and to the matcher.

mod questions;
mod records;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::TryStreamExt;
use jiff::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;
use serde_json::value::RawValue;
use thermocline::{Database, Filter, Op, Prepared, Query, Record};

use self::questions::question;
use self::records::{Palette, Sample, palette};
use crate::subjects::{Make, SERVED, SUBJECTS, cases};

proptest! {
    #![proptest_config(ProptestConfig {
        cases: cases(40),
        max_shrink_iters: 2_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_backend_answers_as_the_matcher((samples, questions) in comparison()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(compare(SUBJECTS, &samples, &questions))?;
    }
}

// A database of its own for every case and subject: few of them take as long as many in memory, and a failure
// that is made smaller for hours is told to nobody.
proptest! {
    #![proptest_config(ProptestConfig {
        cases: cases(6),
        max_shrink_iters: 30,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    #[ignore = "needs PostgreSQL: run scripts/test"]
    fn every_server_answers_as_the_matcher((samples, questions) in comparison()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(compare(SERVED, &samples, &questions))?;
    }
}

/// Records and questions about the same few names and values.
fn comparison() -> impl Strategy<Value = (Vec<Sample>, Vec<Query>)> {
    let about = |palette: Palette| (palette.samples(), vec(question(&palette), 12));
    palette().prop_flat_map(about)
}

async fn compare(
    subjects: &[Make],
    samples: &[Sample],
    questions: &[Query],
) -> Result<(), TestCaseError> {
    let records: Vec<Arc<Record>> = samples.iter().map(Sample::record).collect();
    for query in questions {
        let text = query.filter.to_string();
        let again: Filter = text
            .parse()
            .map_err(|error| TestCaseError::fail(format!("{error}")))?;
        let now = Timestamp::now();
        for record in &records {
            let (one, two) = (
                query.filter.matches(record, now),
                again.matches(record, now),
            );
            prop_assert_eq!(one.unwrap(), two.unwrap(), "as text: {}", text);
        }
    }
    for (name, make) in subjects {
        let subject = make().await;
        let db = subject.database();
        for half in records.chunks(records.len().div_ceil(2).max(1)) {
            let puts = half.iter().map(|record| Op::Put(Arc::clone(record)).into());
            db.write(puts.collect()).await.unwrap();
        }
        subject.rearrange().await;
        for query in questions {
            let prepared = query.prepare(Timestamp::now()).unwrap();
            let answer = ask(db, query).await.map_err(|error| {
                TestCaseError::fail(format!("{name}, {}: {error:?}", shown(query)))
            })?;
            let exact = db.capabilities().exact_json;
            if let Err(problem) = judge(&records, &prepared, &answer, exact) {
                let problem = format!("{name}, {}: {problem}", shown(query));
                return Err(TestCaseError::fail(problem));
            }
        }
        db.close().await.unwrap();
    }
    Ok(())
}

/// What a database says to a query.
struct Answer {
    records: Vec<Arc<Record>>,
    count: u64,
}

async fn ask(db: &dyn Database, query: &Query) -> thermocline::Result<Answer> {
    Ok(Answer {
        records: db.search(query.clone()).await?.try_collect().await?,
        count: db.count(query).await?,
    })
}

/// Compares with the plainest way to answer: match each record, sort all, cut.
fn judge(
    all: &[Arc<Record>],
    query: &Prepared,
    answer: &Answer,
    exact: bool,
) -> Result<(), String> {
    let mut matching: Vec<&Arc<Record>> =
        all.iter().filter(|record| query.matches(record)).collect();
    matching.sort_by_cached_key(|record| query.sort_key(record));
    let (offset, limit) = (query.query().offset, query.query().limit);
    let cut = matching.iter().skip(offset.try_into().unwrap());
    let cut: Vec<_> = cut
        .take(limit.map_or(usize::MAX, |limit| limit.try_into().unwrap()))
        .collect();
    if answer.count != cut.len() as u64 {
        return Err(format!("counted {} for {}", answer.count, cut.len()));
    }
    let got: Vec<&str> = answer
        .records
        .iter()
        .map(|record| record.id().as_str())
        .collect();
    let ordered = !query.query().sort.is_empty() || offset > 0;
    if ordered {
        let expected: Vec<&str> = cut.iter().map(|record| record.id().as_str()).collect();
        same("in this order", &got, &expected)?;
    } else {
        let allowed: BTreeSet<&str> = matching.iter().map(|record| record.id().as_str()).collect();
        let distinct: BTreeSet<&str> = got.iter().copied().collect();
        same("as many", &got.len(), &cut.len())?;
        same("each once", &distinct.len(), &got.len())?;
        same("none but these", &distinct.difference(&allowed).count(), &0)?;
    }
    answer.records.iter().try_for_each(|record| {
        let stored = all
            .iter()
            .find(|stored| stored.id() == record.id())
            .ok_or("an unknown id")?;
        let expected = query.project(Arc::clone(stored));
        if exact {
            return same("content", &content(record), &content(&expected));
        }
        same("times", &times(record), &times(&expected))?;
        same("fields", &value(record.fields()), &value(expected.fields()))?;
        same(
            "metadata",
            &value(record.metadata().unwrap_or("{}")),
            &value(expected.metadata().unwrap_or("{}")),
        )
    })
}

fn content(record: &Record) -> (&str, Option<&str>, Option<Timestamp>, Option<Timestamp>) {
    (
        record.fields(),
        record.metadata(),
        record.created_at(),
        record.updated_at(),
    )
}

fn times(record: &Record) -> (Option<Timestamp>, Option<Timestamp>) {
    (record.created_at(), record.updated_at())
}

/// JSON without what jsonb does not keep: the order of keys, and how numbers are written, here as near as f64 tells.
fn value(text: &str) -> Value {
    match text.trim_start().as_bytes() {
        [b'{', ..] => {
            let fields: BTreeMap<String, &RawValue> = serde_json::from_str(text).unwrap();
            let values = fields.into_iter().map(|(key, raw)| (key, value(raw.get())));
            Value::Object(values.collect())
        }
        [b'[', ..] => {
            let items: Vec<&RawValue> = serde_json::from_str(text).unwrap();
            items.into_iter().map(|raw| value(raw.get())).collect()
        }
        // Not serde_json's own reading, which misses by a bit what jsonb writes with 309 digits, or refuses it.
        [b'-' | b'0'..=b'9', ..] => (text.trim().parse::<f64>().unwrap() + 0.0).into(),
        _ => serde_json::from_str(text).unwrap(),
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, got: &T, expected: &T) -> Result<(), String> {
    if got == expected {
        return Ok(());
    }
    Err(format!("{what}: got {got:?}, expected {expected:?}"))
}

/// A query as one would write it down.
fn shown(query: &Query) -> String {
    let sort = query
        .sort
        .iter()
        .map(|sort| format!("{} {}", sort.path, sort.order));
    let sort: Vec<String> = sort.collect();
    let (limit, offset) = (query.limit, query.offset);
    format!(
        "{} sort {sort:?} limit {limit:?} offset {offset} fields {:?}",
        query.filter, query.fields
    )
}
