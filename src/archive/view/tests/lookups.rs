//! Lookups by id, and what they may cost.

use crate::archive::catalog::{InlinedRow, Place};
use crate::archive::column::{ColumnType, columns_with as columns};
use crate::archive::segment::flights;
use crate::archive::view::Lookup;
use crate::{Error, Result};

use super::rig::{Rig, row};

fn ids(from: i64, to: i64) -> Vec<crate::archive::segment::SegmentRow> {
    (from..to)
        .map(|n| row(&format!("r{n:05}"), &format!("{{\"n\":{n}}}"), n))
        .collect()
}

/// What performance.md promises: a record that is there is one request once the tails are in memory, one that is not is
/// none.
#[tokio::test]
async fn a_lookup_takes_one_request_and_an_absent_id_none() -> Result<()> {
    let (rows, columns) = flights();
    let mut rig = Rig::new(columns);
    // Segments whose ids overlap, so that no bound tells them apart.
    for part in 0..4 {
        let part = rows.iter().skip(part).step_by(4).cloned().collect();
        rig.segment(part).await;
    }
    let view = rig.view();
    let here = rows[9_999].record.id().as_str();
    rig.take();

    let found = view.read_many(&[here]).await?;
    assert!(found[0].as_ref().unwrap().same_content(&rows[9_999].record));
    let (requests, tails_and_row) = rig.take();
    assert_eq!(
        requests, 5,
        "the tails of four candidates, and the row group"
    );

    let mut most = 0;
    for row in rows.iter().step_by(1_001) {
        let found = view.read_many(&[row.record.id().as_str()]).await?;
        assert!(found[0].as_ref().unwrap().same_content(&row.record));
        let (requests, bytes) = rig.take();
        assert_eq!(requests, 1, "{}", row.record.id());
        most = most.max(bytes);
    }
    assert!(most <= 256 << 10, "a lookup fetched {most} bytes");
    println!("cold {tails_and_row} bytes in 5 requests, warm at most {most} bytes in 1");

    let absent: Vec<String> = (0..1_000)
        .map(|n| format!("ZZ{n}-2013-03-01T10:00:00Z"))
        .collect();
    let absent: Vec<&str> = absent.iter().map(String::as_str).collect();
    assert!(view.read_many(&absent).await?.iter().all(Option::is_none));
    let (requests, _) = rig.take();
    assert!(
        requests <= 1,
        "{requests} requests for a thousand absent ids in four segments"
    );

    // Ids of one row group are fetched together.
    let near: Vec<&str> = rows[..100]
        .iter()
        .map(|row| row.record.id().as_str())
        .collect();
    let found = view.read_many(&near).await?;
    assert!(
        found
            .iter()
            .zip(&rows)
            .all(|(found, row)| found.as_ref().unwrap().same_content(&row.record))
    );
    assert_eq!(rig.take().0, 4, "one request for each segment");
    Ok(())
}

#[tokio::test]
async fn bounds_of_ids_spare_the_tails_of_other_files() -> Result<()> {
    let mut rig = Rig::new(columns(&[]));
    for part in 0..5 {
        rig.segment(ids(part * 100, part * 100 + 100)).await;
    }
    let view = rig.view();
    rig.take();
    assert!(view.read_many(&["r00250"]).await?[0].is_some());
    assert_eq!(rig.take().0, 2, "one tail, one row group");
    assert!(
        view.read_many(&["q", "r9", "../x", ""])
            .await?
            .iter()
            .all(Option::is_none)
    );
    assert_eq!(rig.take().0, 0);
    Ok(())
}

#[tokio::test]
async fn answers_come_in_the_order_of_the_ids_and_an_id_may_come_again() -> Result<()> {
    let mut rig = Rig::new(columns(&[]));
    rig.segment(ids(0, 10)).await;
    rig.segment(ids(10, 20)).await;
    let found = rig
        .view()
        .read_many(&["r00015", "none", "r00003", "r00015"])
        .await?;
    let found: Vec<Option<&str>> = found
        .iter()
        .map(|found| found.as_ref().map(|record| record.id().as_str()))
        .collect();
    assert_eq!(
        found,
        [Some("r00015"), None, Some("r00003"), Some("r00015")]
    );
    assert!(rig.view().read_many(&[]).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_dead_row_is_absent_whoever_noted_it() -> Result<()> {
    let mut rig = Rig::new(columns(&[]));
    rig.segment(ids(0, 10)).await;
    rig.kill(0, &[3]);
    rig.delete_file(0, super::foreign::deletes(&[5, 6], None), 2)
        .await;
    for (n, is_there) in [(2, true), (3, false), (5, false), (6, false), (7, true)] {
        assert_eq!(
            rig.fields(&format!("r{n:05}")).await?.is_some(),
            is_there,
            "{n}"
        );
    }
    Ok(())
}

/// Where other programs left an id twice, the newest (snapshot, row id) counts, dead ones never do.
#[tokio::test]
async fn the_newest_live_row_of_an_id_counts() -> Result<()> {
    let mut rig = Rig::new(columns(&[]));
    for version in 0..3 {
        rig.segment(vec![row("a", &format!("{{\"v\":{version}}}"), version)])
            .await;
    }
    assert_eq!(rig.fields("a").await?.unwrap(), r#"{"v":2}"#);
    rig.kill(2, &[0]);
    assert_eq!(rig.fields("a").await?.unwrap(), r#"{"v":1}"#);
    let inlined = |begin_snapshot, row_id, v: i32| InlinedRow {
        table: "ducklake_inlined_data_1_1".into(),
        row_id,
        begin_snapshot,
        record: row("a", &format!("{{\"v\":{v}}}"), 0).record,
    };
    rig.inlined = vec![inlined(2, 5_000_000, 3)];
    assert_eq!(
        rig.fields("a").await?.unwrap(),
        r#"{"v":3}"#,
        "the same snapshot, a larger row id"
    );
    rig.inlined.push(inlined(50, 7, 4));
    let located = rig.view().locate(&["a"]).await?.pop().flatten().unwrap();
    assert_eq!(located.record.fields(), r#"{"v":4}"#);
    let table = "ducklake_inlined_data_1_1".into();
    assert_eq!(located.place, Place::Inlined { table, row_id: 7 });
    assert_eq!(
        located.older.len(),
        3,
        "two segments, and an inlined row before it"
    );
    Ok(())
}

/// What was loaded at one snapshot answers at the next from memory, and says so if something new is needed.
#[tokio::test]
async fn a_lookup_answers_at_another_snapshot_without_a_request() -> Result<()> {
    let mut rig = Rig::new(columns(&[("n", ColumnType::Integer)]));
    rig.segment(ids(0, 10)).await;
    let mut lookup = Lookup::new(&["r00003", "r00004", "none"]);
    assert!(
        lookup.resolve(rig.view().state()).is_none(),
        "nothing is loaded"
    );
    lookup.load(&rig.view()).await?;
    rig.take();
    let places = |lookup: &Lookup, rig: &Rig| -> Option<Vec<Option<Place>>> {
        let located = lookup.resolve(rig.view().state())?;
        Some(
            located
                .into_iter()
                .map(|found| found.map(|found| found.place))
                .collect(),
        )
    };
    let at = |position| Some(Place::File { file: 0, position });
    assert_eq!(places(&lookup, &rig), Some(vec![at(3), at(4), None]));

    rig.kill(0, &[4]);
    assert_eq!(
        places(&lookup, &rig),
        Some(vec![at(3), None, None]),
        "deaths are in the state"
    );
    assert_eq!(rig.take().0, 0);

    rig.delete_file(0, super::foreign::deletes(&[3], None), 1)
        .await;
    assert_eq!(
        places(&lookup, &rig),
        None,
        "a delete file that was not read"
    );
    lookup.load(&rig.view()).await?;
    assert_eq!(places(&lookup, &rig), Some(vec![None, None, None]));

    rig.segment(vec![row("none", "{}", 5)]).await;
    assert_eq!(places(&lookup, &rig), None, "a file that was not asked");
    lookup.load(&rig.view()).await?;
    let found = Some(Place::File {
        file: 1,
        position: 0,
    });
    assert_eq!(places(&lookup, &rig), Some(vec![None, None, found]));
    Ok(())
}

#[tokio::test]
async fn readers_of_one_cold_file_fetch_its_tail_once() -> Result<()> {
    let mut rig = Rig::new(columns(&[]));
    rig.segment(ids(0, 1000)).await;
    rig.take();
    let view = rig.view();
    let readers = (0..50).map(|n| {
        let view = view.clone();
        tokio::spawn(async move {
            let id = format!("r{n:05}");
            view.read_many(&[&id]).await.map(|found| found[0].is_some())
        })
    });
    for reader in readers.collect::<Vec<_>>() {
        assert!(
            reader
                .await
                .map_err(|_| Error::unexpected("a reader ended"))??
        );
    }
    assert_eq!(rig.take().0, 51, "one tail, fifty row groups");
    Ok(())
}
