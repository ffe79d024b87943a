//! Segments as pyarrow reads them, which knows nothing of our id index and checksums.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use thermocline::{Database, Op, Record};

use crate::archive::Bench;
use crate::foreign::{files_below, read_parquet};

#[tokio::test]
#[ignore = "needs DuckDB: run scripts/test"]
async fn pyarrow_reads_every_segment() {
    let bench = Bench::new().await;
    let texts = [
        "plain",
        "it's \"quoted\"",
        "é\u{1f600}\n\t",
        "",
        "null",
        "\u{7f}",
    ];
    let mut expected = BTreeMap::new();
    let writes = (0..9_000).map(|n: i64| {
        let fields = json!({
            "n": if n % 5 == 0 { Value::Null } else { json!(n * 1_000_003) },
            "x": n as f64 / 8.0,
            "ok": n % 3 == 0,
            "text": texts[(n % 6) as usize],
            "list": [n],
        });
        let time = format!("20{:02}-{:02}-15T00:00:00.123456Z", n % 20, n % 3 + 1);
        let record = Record::new(format!("r{n:05}"), &fields).unwrap();
        let record = record.with_times(Some(time.parse().unwrap()), None);
        expected.insert(
            record.id().to_string(),
            (fields, record.fields().to_owned(), time),
        );
        Op::Put(Arc::new(record)).into()
    });
    bench.archive.write(writes.collect()).await.unwrap();

    let segments = files_below(&bench.folder.path().join("archive"));
    assert_eq!(segments.len(), 60, "a segment for each month");
    for segment in segments {
        let file = read_parquet(&segment).await;
        let column = |name: &str| {
            let columns = file.about["columns"].as_array().unwrap();
            columns
                .iter()
                .find(|column| column["name"] == name)
                .unwrap()
        };
        assert_eq!(
            (&column("id")["field_id"], &column("id")["nullable"]),
            (&json!(1), &json!(false))
        );
        assert_eq!(column("fields")["compression"], "ZSTD");
        assert!(file.about["metadata"]["thermocline"].is_string());
        for row in file.rows {
            let id = row["id"].as_str().unwrap();
            let (fields, text, time) = expected.remove(id).expect("a row that was written, once");
            assert_eq!(row["fields"], json!(text));
            assert_eq!(
                (&row["created_at"], &row["age_at"]),
                (&json!(time), &json!(time))
            );
            assert_eq!(
                (&row["updated_at"], &row["metadata"]),
                (&Value::Null, &Value::Null)
            );
            for name in ["n", "x", "ok", "text"] {
                assert_eq!(row[name], fields[name], "{id}, {name}");
            }
        }
    }
    assert!(expected.is_empty(), "{} rows are nowhere", expected.len());
}
