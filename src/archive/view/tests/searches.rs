//! Searches: the same answers as the matcher over everything in memory, in order where one is asked for, and cheap.

use std::sync::Arc;

use futures::StreamExt;
use proptest::prelude::*;

use crate::archive::catalog::InlinedRow;
use crate::archive::column::{ColumnType, columns_with as columns};
use crate::archive::segment::{SegmentRow, flights};
use crate::archive::view::reader::Limits;
use crate::query::arbitrary_tests as arbitrary;
use crate::{ErrorKind, Order, Query, Record, Result, Sort};

use super::rig::{NOW, Rig, row};

/// Budgets so small that everything that can overflow does.
const TINY: Limits = Limits {
    tails: 1,
    others: 1,
    sorted_records: 600,
    sorted_keys: 1 << 20,
    portion: 700,
};

/// What a search gives, against the reference over the same records.
async fn same_as_in_memory(
    rig: &Rig,
    live: &[Arc<Record>],
    query: &Query,
) -> Result<(), TestCaseError> {
    let prepared = query.prepare(NOW.parse().unwrap()).unwrap();
    let expected = prepared.collect(live.iter().cloned());
    let expected: Vec<String> = expected
        .iter()
        .map(|record| record.id().to_string())
        .collect();
    let found = rig.ids(query).await.unwrap();
    if prepared.is_ordered() {
        prop_assert_eq!(&found, &expected);
    } else if query.limit.is_none() {
        let sorted = |mut ids: Vec<String>| {
            ids.sort();
            ids
        };
        prop_assert_eq!(sorted(found), sorted(expected.clone()));
    } else {
        let matching = |id: &String| {
            live.iter()
                .any(|record| record.id().as_str() == id && prepared.matches(record))
        };
        prop_assert!(found.iter().all(matching));
        prop_assert_eq!(found.len(), expected.len());
    }
    prop_assert_eq!(rig.count(query).await.unwrap(), expected.len() as u64);
    Ok(())
}

fn query() -> impl Strategy<Value = Query> {
    let sort = (arbitrary::path(), any::<bool>()).prop_map(|(path, up)| Sort {
        path,
        order: if up { Order::Asc } else { Order::Desc },
    });
    (
        arbitrary::filter(0),
        prop::collection::vec(sort, 0..3),
        prop::option::of(0_u64..12),
        prop_oneof![Just(0_u64), 0_u64..8],
    )
        .prop_filter_map("a path without a name", |(filter, sort, limit, offset)| {
            let query = Query {
                filter,
                sort,
                limit,
                offset,
                fields: None,
            };
            query.prepare(NOW.parse().unwrap()).ok().map(|_| query)
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_search_answers_as_the_matcher_does(
        fields in prop::collection::vec(arbitrary::fields(), 1..40),
        ages in prop::collection::vec(1_704_000_000_i64..1_704_200_000, 40),
        cuts in prop::collection::vec(0_usize..40, 0..4),
        dead in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        queries in prop::collection::vec(query(), 6),
        tiny in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let columns = columns(&[
                ("a", ColumnType::Text),
                ("b", ColumnType::Integer),
                ("c", ColumnType::Double),
                ("x y", ColumnType::Boolean),
                ("a.b", ColumnType::Text),
                ("not", ColumnType::Double),
            ]);
            let mut rig = Rig::with_limits(columns, if tiny { TINY } else { Limits::default() });
            let rows: Vec<SegmentRow> = fields
                .iter()
                .enumerate()
                .map(|(n, fields)| row(&format!("{}", n * 7 % 40), fields, ages[n]))
                .collect();
            let mut live = Vec::new();
            let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut < rows.len()).collect();
            cuts.extend([0, rows.len()]);
            cuts.sort_unstable();
            cuts.dedup();
            for (file, pair) in cuts.windows(2).enumerate() {
                let mut part = rows[pair[0]..pair[1]].to_vec();
                part.sort_by(|one, other| one.order().cmp(&other.order()));
                if file == 1 {
                    // As if DuckDB kept them in the catalog.
                    rig.inlined = part.iter().map(|row| InlinedRow {
                        table: "inlined".into(),
                        row_id: 0,
                        begin_snapshot: 1,
                        record: Arc::clone(&row.record),
                    }).collect();
                    live.extend(part.iter().map(|row| Arc::clone(&row.record)));
                    continue;
                }
                rig.segment(part.clone()).await;
                let mut killed: Vec<u64> = dead.iter().map(|index| index.index(part.len()) as u64).collect();
                killed.sort_unstable();
                killed.dedup();
                let at = rig.files.len() - 1;
                rig.kill(at, &killed);
                live.extend((0_u64..).zip(&part).filter(|(at, _)| !killed.contains(at)).map(|(_, row)| Arc::clone(&row.record)));
            }
            for query in &queries {
                same_as_in_memory(&rig, &live, query).await?;
            }
            Ok::<(), TestCaseError>(())
        })?;
    }
}

/// Whole row groups rather than a handful of rows: real flights, and questions that people ask.
#[tokio::test]
async fn questions_about_flights_are_answered_right_and_cheaply() -> Result<()> {
    let (rows, columns) = flights();
    let mut rig = Rig::new(columns);
    let half = rows.len() / 2;
    rig.segment(rows[..half].to_vec()).await;
    rig.segment(rows[half..].to_vec()).await;
    let live: Vec<Arc<Record>> = rows.iter().map(|row| Arc::clone(&row.record)).collect();
    // Filters, orders, and how many requests each may take beyond the two tails.
    for (filter, sort, limit, most) in [
        ("carrier = 'UA' and dep_delay > 120", None, None, 8),
        ("dest = 'HNL'", Some(("distance", Order::Desc)), Some(3), 8),
        ("", Some(("time_hour", Order::Asc)), Some(50), 1),
        ("", Some(("time_hour", Order::Desc)), Some(50), 1),
        (
            "time_hour >= timestamp '2013-03-30'",
            Some(("time_hour", Order::Asc)),
            Some(50),
            2,
        ),
        ("time_hour = '2013-03-15T12:00:00Z'", None, None, 1),
        (
            "day = 17 and carrier in ('AA', 'B6')",
            Some(("dep_time", Order::Asc)),
            None,
            3,
        ),
        ("tailnum is null", None, None, 8),
        ("dep_delay > 1000", None, None, 1),
        ("id = 'UA1545-2013-03-01T10:00:00Z'", None, None, 1),
        ("year = 2014", None, None, 0),
        ("distance < 0 or carrier = 'none'", None, None, 0),
        ("", None, Some(5), 3),
        ("", Some(("dep_delay", Order::Desc)), None, 8),
    ] {
        let mut query = if filter.is_empty() {
            Query::all()
        } else {
            Query::filter(filter)?
        };
        if let Some((path, order)) = sort {
            query = query.sort(path, order)?;
        }
        query.limit = limit;
        rig.ids(&Query::filter("year = 2013")?.limit(1)).await?;
        rig.take();
        let started = std::time::Instant::now();
        let found = rig.ids(&query).await?;
        let (requests, bytes) = rig.take();
        println!(
            "{filter:40} {sort:?} {limit:?}: {} rows, {requests} requests, {bytes} bytes, {:?}",
            found.len(),
            started.elapsed()
        );
        assert!(requests <= most, "{filter} took {requests} requests");
        same_as_in_memory(&rig, &live, &query).await.unwrap();
    }
    Ok(())
}

#[tokio::test]
async fn a_count_reads_columns_and_no_fields_where_they_tell_all() -> Result<()> {
    let (rows, columns) = flights();
    let mut rig = Rig::new(columns);
    rig.segment(rows.clone()).await;
    assert_eq!(rig.count(&Query::all()).await?, rows.len() as u64);
    assert_eq!(rig.take().0, 0, "the catalog knows");
    let expected = rows
        .iter()
        .filter(|row| row.record.fields().contains("\"carrier\":\"UA\""))
        .count();
    assert_eq!(
        rig.count(&Query::filter("carrier = 'UA'")?).await?,
        expected as u64
    );
    Ok(())
}

#[tokio::test]
async fn more_keys_than_may_be_held_ask_for_a_limit() -> Result<()> {
    let limits = Limits {
        sorted_keys: 60_000,
        ..TINY
    };
    let mut rig = Rig::with_limits(columns(&[]), limits);
    for part in 0..5 {
        let rows = (part * 200..part * 200 + 200).map(|n| {
            let fields = format!("{{\"deep\":{{\"v\":{}}}}}", n * 7 % 1000);
            row(&format!("{n:04}"), &fields, n)
        });
        rig.segment(rows.collect()).await;
    }
    let query = Query::all().sort("deep.v", Order::Asc)?;
    let error = rig.ids(&query).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("limit"), "{error}");
    let first = rig.ids(&query.clone().limit(3)).await?;
    assert_eq!(first, ["0000", "0143", "0286"], "with one it works");
    // Statistics tell where ids and times begin, so little is held.
    assert_eq!(rig.ids(&Query::all().offset(990)).await?.len(), 10);
    let by_time = Query::all().sort("@created_at", Order::Desc)?;
    let found = rig.ids(&by_time).await?;
    assert!(found.len() == 1000 && found.is_sorted_by(|one, other| one > other));
    Ok(())
}

/// A reader that goes away stops the scan, and one that waits holds little.
#[tokio::test]
async fn a_stream_fetches_as_it_is_read() -> Result<()> {
    let mut rig = Rig::new(columns(&[]));
    for part in 0..20 {
        rig.segment(
            (0..5000)
                .map(|n| row(&format!("{part:02}-{n:04}"), "{}", n))
                .collect(),
        )
        .await;
    }
    rig.take();
    let query = Query::all().prepare(NOW.parse().unwrap())?;
    let mut stream = rig.view().search(&query);
    assert!(stream.next().await.unwrap().is_ok());
    let (requests, _) = rig.take();
    assert!(requests <= 8, "{requests} requests for the first record");
    assert_eq!(stream.count().await, 99_999);
    Ok(())
}
