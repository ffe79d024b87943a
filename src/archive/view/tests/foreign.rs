//! Files as other programs write them.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Float32Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, TimestampMillisecondArray,
};
use arrow_schema::{Field, Schema};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::file::properties::WriterProperties;

use crate::archive::column::{ColumnType, columns_with as columns};
use crate::{ErrorKind, Query, Result};

use super::rig::{Rig, row};

/// A Parquet file with these columns, by field id, in row groups of so many rows.
pub(super) fn parquet(columns: Vec<(&str, i64, ArrayRef)>, group_rows: usize) -> Bytes {
    let field = |(name, id, array): &(&str, i64, ArrayRef)| {
        let id = HashMap::from([("PARQUET:field_id".to_owned(), id.to_string())]);
        Field::new(*name, array.data_type().clone(), true).with_metadata(id)
    };
    let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
    let arrays = columns.into_iter().map(|(_, _, array)| array).collect();
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).unwrap();
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(group_rows))
        .build();
    let options = ArrowWriterOptions::new().with_properties(properties);
    let mut writer = ArrowWriter::try_new_with_options(Vec::new(), schema, options).unwrap();
    writer.write(&batch).unwrap();
    writer
        .into_inner()
        .map(|mut bytes| {
            bytes.shrink_to_fit();
            bytes.into()
        })
        .unwrap()
}

/// A delete file with two columns, or with the snapshot of each death.
pub(super) fn deletes(positions: &[i64], snapshots: Option<&[i64]>) -> Bytes {
    let path = StringArray::from(vec!["main/records/f0.parquet"; positions.len()]);
    let mut columns: Vec<(&str, i64, ArrayRef)> = vec![
        ("file_path", 2_147_483_546, Arc::new(path)),
        (
            "pos",
            2_147_483_545,
            Arc::new(Int64Array::from(positions.to_vec())),
        ),
    ];
    if let Some(snapshots) = snapshots {
        let snapshots = Arc::new(Int64Array::from(snapshots.to_vec()));
        columns.push(("_ducklake_internal_snapshot_id", 2_147_483_539, snapshots));
    }
    parquet(columns, 1000)
}

fn texts(texts: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(texts.to_vec()))
}

#[tokio::test]
async fn files_of_others_are_read_by_field_id() -> Result<()> {
    let mut rig = Rig::new(columns(&[
        ("n", ColumnType::Integer),
        ("x", ColumnType::Double),
        ("ok", ColumnType::Boolean),
        ("s", ColumnType::Text),
    ]));
    // Other names, another order, narrower types, no times at all in most rows, columns that are nobody's.
    let bytes = parquet(
        vec![
            ("renamed", 11, texts(&[None, Some("it's \"q\"\n"), None])),
            ("nobody", 77, texts(&[Some("z"); 3])),
            ("key", 1, texts(&[Some("a"), Some("b"), Some("c")])),
            (
                "json",
                7,
                texts(&[Some(" {\"n\": 1, \"deep\":{\"a\":2}}"), None, Some("{}")]),
            ),
            (
                "n",
                8,
                Arc::new(Int32Array::from(vec![Some(999), Some(7), None])),
            ),
            (
                "x",
                9,
                Arc::new(Float32Array::from(vec![None, Some(f32::NAN), None])),
            ),
            (
                "ok",
                10,
                Arc::new(BooleanArray::from(vec![None, Some(true), None])),
            ),
            (
                "at",
                2,
                Arc::new(
                    TimestampMillisecondArray::from(vec![Some(1_500), None, None])
                        .with_timezone("UTC"),
                ),
            ),
            (
                "up",
                3,
                Arc::new(
                    TimestampMicrosecondArray::from(vec![Some(i64::MAX), None, None])
                        .with_timezone("UTC"),
                ),
            ),
        ],
        2,
    );
    rig.file(bytes, 3).await;
    let found = rig.view().read_many(&["a", "b", "c", "d"]).await?;
    let a = found[0].as_ref().unwrap();
    assert_eq!(
        a.fields(),
        "{\"n\": 1, \"deep\":{\"a\":2}}",
        "`fields` is the truth"
    );
    assert_eq!(
        a.created_at().unwrap().to_string(),
        "1970-01-01T00:00:01.5Z"
    );
    assert_eq!(a.updated_at(), None, "infinity is no time");
    assert_eq!(
        found[1].as_ref().unwrap().fields(),
        r#"{"n":7,"ok":true,"s":"it's \"q\"\n"}"#,
        "without it, the columns are"
    );
    assert_eq!(found[2].as_ref().unwrap().fields(), "{}");
    assert!(found[3].is_none());
    // A promoted column of theirs need not be what `fields` says, so no filter goes by it.
    assert_eq!(rig.ids(&Query::filter("n = 1")?).await?, ["a"]);
    assert_eq!(rig.ids(&Query::filter("n = 999")?).await?, [""; 0]);
    assert_eq!(
        rig.ids(&Query::filter("n = 7 or deep.a = 2")?).await?.len(),
        2
    );
    assert_eq!(rig.count(&Query::filter("@updated_at is null")?).await?, 3);
    assert_eq!(
        rig.count(&Query::filter("@created_at < timestamp '1970-01-02'")?)
            .await?,
        1
    );
    Ok(())
}

#[tokio::test]
async fn what_others_wrote_that_is_no_record_is_corrupt_and_named() -> Result<()> {
    for fields in ["[1]", "{\"a\":", "nothing", ""] {
        let mut rig = Rig::new(columns(&[]));
        let bytes = parquet(
            vec![
                ("id", 1, texts(&[Some("bad-one")])),
                ("fields", 7, texts(&[Some(fields)])),
            ],
            10,
        );
        rig.file(bytes, 1).await;
        let error = rig.ids(&Query::all()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(
            error.to_string().contains("bad-one") && error.to_string().contains("f0.parquet"),
            "{error}"
        );
        assert_eq!(
            rig.fields("bad-one").await.unwrap_err().kind(),
            ErrorKind::Corrupt
        );
    }
    let mut rig = Rig::new(columns(&[]));
    rig.file(parquet(vec![("id", 1, texts(&[Some("a"), None]))], 10), 2)
        .await;
    assert_eq!(rig.fields("a").await?.unwrap(), "{}");
    assert_eq!(
        rig.ids(&Query::all()).await.unwrap_err().kind(),
        ErrorKind::Corrupt
    );
    Ok(())
}

#[tokio::test]
async fn an_id_in_several_row_groups_of_one_file_is_found_in_all() -> Result<()> {
    let mut rig = Rig::new(columns(&[]));
    let ids = texts(&[Some("a"), Some("b"), Some("a"), Some("c"), Some("a")]);
    let fields = texts(&[
        Some("{\"v\":1}"),
        None,
        Some("{\"v\":2}"),
        None,
        Some("{\"v\":3}"),
    ]);
    rig.file(parquet(vec![("id", 1, ids), ("fields", 7, fields)], 2), 5)
        .await;
    assert_eq!(rig.fields("a").await?.unwrap(), "{\"v\":3}");
    rig.kill(0, &[4]);
    assert_eq!(rig.fields("a").await?.unwrap(), "{\"v\":2}");
    rig.kill(0, &[2, 4]);
    assert_eq!(rig.fields("a").await?.unwrap(), "{\"v\":1}");
    rig.kill(0, &[0, 2, 4]);
    assert_eq!(rig.fields("a").await?, None);
    Ok(())
}

#[tokio::test]
async fn an_absent_id_costs_nothing_once_a_file_was_scanned() -> Result<()> {
    let mut rig = Rig::new(columns(&[]));
    let ids: Vec<String> = (0..10_000).map(|n| format!("{n:05}")).collect();
    let ids: Vec<Option<&str>> = ids.iter().map(|id| Some(id.as_str())).collect();
    rig.file(parquet(vec![("id", 1, texts(&ids))], 1_000), 10_000)
        .await;
    rig.take();
    assert!(rig.fields("none").await?.is_none());
    let (requests, _) = rig.take();
    assert_eq!(requests, 2, "the footer, and the ids");
    assert!(rig.fields("none").await?.is_none());
    assert_eq!(rig.take().0, 0);
    assert!(rig.fields("00777").await?.is_some());
    assert_eq!(rig.take().0, 1);
    Ok(())
}

#[tokio::test]
async fn delete_files_count_each_row_at_its_own_snapshot() -> Result<()> {
    let mut rig = Rig::new(columns(&[]));
    rig.segment((0..6).map(|n| row(&n.to_string(), "{}", n)).collect())
        .await;
    // The state is at snapshot 99.
    rig.delete_file(0, deletes(&[4, 1, 2], Some(&[99, 3, 100])), 3)
        .await;
    assert_eq!(rig.ids(&Query::all()).await?, ["0", "2", "3", "5"]);
    assert_eq!(rig.fields("4").await?, None);
    assert!(rig.fields("2").await?.is_some());
    rig.kill(0, &[1, 5]);
    assert_eq!(rig.ids(&Query::all()).await?, ["0", "2", "3"]);
    assert_eq!(
        rig.count(&Query::all()).await?,
        3,
        "a position in both stores is one dead row"
    );
    Ok(())
}

#[tokio::test]
async fn a_delete_file_that_is_not_what_the_catalog_says_is_corrupt() {
    for (bytes, rows) in [
        (deletes(&[1], None), 2),
        (deletes(&[-1], None), 1),
        (deletes(&[6], None), 1),
        (parquet(vec![("pos", 1, texts(&[Some("1")]))], 10), 1),
        (
            parquet(
                vec![("position", 1, Arc::new(Int64Array::from(vec![1])))],
                10,
            ),
            1,
        ),
        (
            parquet(vec![("pos", 1, Arc::new(Int64Array::from(vec![None])))], 10),
            1,
        ),
        (Bytes::from_static(b"PAR1 nothing PAR1"), 1),
        (deletes(&[1], None).slice(..300), 1),
    ] {
        let mut rig = Rig::new(columns(&[]));
        rig.segment((0..6).map(|n| row(&n.to_string(), "{}", n)).collect())
            .await;
        rig.delete_file(0, bytes, rows).await;
        assert_eq!(
            rig.ids(&Query::all()).await.unwrap_err().kind(),
            ErrorKind::Corrupt
        );
        assert_eq!(
            rig.fields("3").await.unwrap_err().kind(),
            ErrorKind::Corrupt
        );
    }
}
