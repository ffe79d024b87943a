use jiff::Timestamp;

use super::*;
use crate::SqliteDatabase;
use crate::backend::sqlite::row::{Args, sql_row};

#[test]
fn a_time_is_spelled_and_read() {
    for (time, text) in [
        ("2013-01-01T10:00:00Z", "2013-01-01 10:00:00"),
        ("2013-01-01T10:00:00.000001Z", "2013-01-01 10:00:00.000001"),
        ("2013-12-31T23:59:59.99Z", "2013-12-31 23:59:59.990000"),
        ("0000-02-29T00:00:00Z", "0000-02-29 00:00:00"),
        ("9999-12-30T22:00:00Z", "9999-12-30 22:00:00"),
    ] {
        let time: Timestamp = time.parse().unwrap();
        assert_eq!(spell(time).unwrap(), text);
        assert_eq!(read(text), Some(time));
        assert!(is_canonical(text));
    }
    assert!(spell("-000001-01-01T00:00:00Z".parse().unwrap()).is_err());
    assert_eq!(
        read("2013-01-01 10:00:00.000000"),
        read("2013-01-01 10:00:00")
    );
    assert!(!is_canonical("2013-01-01 10:00:00.000000"));
}

/// Texts that are no times of this layout, however much they look like some.
const NO_TIMES: [&str; 18] = [
    "",
    "2013-01-01",
    "2013-01-01T10:00:00",
    "2013-01-01 10:00:00Z",
    "2013-01-01 10:00",
    "2013-02-29 10:00:00",
    "2013-13-01 10:00:00",
    "2013-00-01 10:00:00",
    "2013-01-01 24:00:00",
    "2013-01-01 10:60:00",
    "2013-01-01 10:00:60",
    "2013-01-01 10:00:00.5",
    "2013-01-01 10:00:00.00000x",
    "2013-01-01 10:00:00,000000",
    "2013-1-01 10:00:000",
    "201a-01-01 10:00:00",
    "9999-12-31 00:00:00",
    "ä013-01-01 10:00:0",
];

#[tokio::test]
async fn sql_and_rust_agree_about_what_a_time_is() {
    let times = [
        "2013-01-01 10:00:00",
        "2012-02-29 23:59:59.999999",
        "2013-01-01 10:00:00.000000",
        "0000-01-01 00:00:00",
        "9999-12-30 22:00:00",
    ];
    let db = SqliteDatabase::open(":memory:").await.unwrap();
    let mut lease = db.reader().await.unwrap();
    let sql = format!("SELECT {} FROM (SELECT $1 AS at)", is_time_sql("at"));
    for text in times.into_iter().chain(NO_TIMES) {
        let args = Args::of(&[text.into()]).finish();
        let rows = lease.fetch(&sql.as_str().into(), args).await.unwrap();
        let by_sql = sql_row(&rows[0]).unwrap().int(0).unwrap() == 1;
        assert_eq!(by_sql, read(text).is_some(), "{text:?}");
        assert_eq!(by_sql, times.contains(&text), "{text:?}");
    }
}
