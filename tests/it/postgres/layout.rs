//! Tables as the Python package makes and fills them, and as we do.

use serde_json::json;
use thermocline::{Database, DatabaseExt, ErrorKind, Op, PostgresDatabase, Query, Record};

use super::Scratch;

const PYTHONS: &str = "CREATE TABLE records (id TEXT PRIMARY KEY, data JSONB NOT NULL, metadata JSONB, \
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP)";

#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn the_table_that_is_made_is_the_layouts() {
    let (db, scratch) = super::open().await;
    db.create(Record::new("a", json!({"n": 1})).unwrap())
        .await
        .unwrap();
    let columns = scratch
        .ask(
            "SELECT column_name || ' ' || data_type || ' ' || is_nullable || ' ' || coalesce(column_default, '-') \
             FROM information_schema.columns WHERE table_name = 'records' ORDER BY ordinal_position",
        )
        .await;
    assert_eq!(
        columns,
        [
            "id text NO -",
            "data jsonb NO -",
            "metadata jsonb YES -",
            "created_at timestamp without time zone YES CURRENT_TIMESTAMP",
            "updated_at timestamp without time zone YES CURRENT_TIMESTAMP",
        ]
    );
    let indexes = scratch
        .ask("SELECT indexname::text FROM pg_indexes WHERE tablename = 'records' ORDER BY 1")
        .await;
    assert_eq!(
        indexes,
        ["idx_records_data", "idx_records_metadata", "records_pkey"]
    );
    assert_eq!(
        scratch
            .ask("SELECT data::text FROM records WHERE metadata IS NULL")
            .await,
        [r#"{"n": 1}"#]
    );
}

/// `jsonb` spells them with 309 digits, and parsers that add up digits take those for more than a float holds.
#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn the_largest_floats_are_parsed_again() {
    let (db, scratch) = super::open().await;
    let fields = json!({"n": [f64::MAX, f64::MIN, 1e308, 3.5]});
    let record = Record::new("a", &fields).unwrap();
    db.create(record.with_metadata(&fields).unwrap())
        .await
        .unwrap();
    let digits = "SELECT length(data->'n'->>0)::text FROM records";
    assert_eq!(scratch.ask(digits).await, ["309"]);
    let read = db.read("a").await.unwrap().unwrap();
    assert_eq!(read.parse::<serde_json::Value>().unwrap(), fields);
    let metadata = read.metadata().unwrap();
    let metadata: serde_json::Value = serde_json::from_str(metadata).unwrap();
    assert_eq!(metadata, fields);
    let found = db.count(&Query::filter("n exists").unwrap()).await.unwrap();
    assert_eq!(found, 1);
    // What was read can be written, and is the same.
    let copy = Record::new("b", read.parse::<serde_json::Value>().unwrap()).unwrap();
    db.create(copy).await.unwrap();
    let same = "SELECT count(DISTINCT data)::text FROM records";
    assert_eq!(scratch.ask(same).await, ["1"]);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn a_table_of_pythons_is_used_as_it_is() {
    let scratch = Scratch::new().await;
    scratch.run(PYTHONS).await;
    scratch
        .run(
            "INSERT INTO records VALUES ('a', '{\"s\": \"x\", \"n\": 1.50}', '{\"m\": 1}', '2024-01-02 03:04:05.678', NULL), \
             ('b', '{}', NULL, 'infinity', '-infinity'), ('c', '{}', '{}', '0044-03-15 BC', '2024-01-02')",
        )
        .await;
    scratch.run("ALTER TABLE records ADD COLUMN more INT, ADD COLUMN twice INT GENERATED ALWAYS AS (more * 2) STORED").await;
    let db = PostgresDatabase::open(&scratch.url).await.unwrap();
    let record = db.read("a").await.unwrap().unwrap();
    assert_eq!(record.fields(), r#"{"n":1.50,"s":"x"}"#);
    assert_eq!(record.metadata(), Some(r#"{"m":1}"#));
    assert_eq!(
        record.created_at().unwrap().to_string(),
        "2024-01-02T03:04:05.678Z"
    );
    assert_eq!(record.updated_at(), None);
    for id in ["b", "c"] {
        let record = db.read(id).await.unwrap().unwrap();
        assert_eq!(
            (record.created_at(), record.metadata()),
            (None, None),
            "{id}"
        );
    }
    // Whatever else the row holds stays.
    scratch.run("UPDATE records SET more = 7").await;
    db.update(Record::new("b", json!({"n": 2})).unwrap())
        .await
        .unwrap();
    assert_eq!(
        scratch
            .ask("SELECT more || ' ' || created_at FROM records WHERE id = 'b'")
            .await,
        ["7 infinity"]
    );
    let unknown = Query::filter("@created_at is null")
        .unwrap()
        .sort("id", thermocline::Order::Asc)
        .unwrap();
    assert_eq!(db.count(&unknown).await.unwrap(), 2);
    let sorted = Query::all()
        .sort("@created_at", thermocline::Order::Desc)
        .unwrap();
    let mut records = db.search(sorted).await.unwrap();
    let first = futures::TryStreamExt::try_next(&mut records)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(first.id().as_str(), "a");
}

/// Python's defaults write the local time of its session: that of the user, of the database, of the server.
#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn times_are_in_the_zone_of_a_fresh_session() {
    let scratch = Scratch::new().await;
    scratch.run(PYTHONS).await;
    scratch.run("INSERT INTO records VALUES ('a', '{}', NULL, '2024-07-01 12:00:00', '2024-10-27 02:30:00')").await;
    let times = async |url: &str| {
        let db = PostgresDatabase::open(url).await.unwrap();
        let record = db.read("a").await.unwrap().unwrap();
        [record.created_at(), record.updated_at()].map(|time| time.unwrap().to_string())
    };
    assert_eq!(times(&scratch.url).await[0], "2024-07-01T12:00:00Z");
    scratch
        .run(&format!(
            "ALTER DATABASE {} SET timezone = 'Europe/Berlin'",
            scratch.name
        ))
        .await;
    // An hour that came twice is the later one.
    assert_eq!(
        times(&scratch.url).await,
        ["2024-07-01T10:00:00Z", "2024-10-27T01:30:00Z"]
    );
    let user = scratch.as_user("writer").await;
    scratch.run(&format!("GRANT SELECT ON records TO {0}_writer; ALTER ROLE {0}_writer SET timezone = 'Asia/Tokyo'", scratch.name)).await;
    assert_eq!(times(&user).await[0], "2024-07-01T03:00:00Z");
    let said = PostgresDatabase::builder(&scratch.url)
        .timestamp_zone("America/New_York")
        .open()
        .await
        .unwrap();
    assert_eq!(
        said.read("a")
            .await
            .unwrap()
            .unwrap()
            .created_at()
            .unwrap()
            .to_string(),
        "2024-07-01T16:00:00Z"
    );
    let wrong = PostgresDatabase::builder(&scratch.url)
        .timestamp_zone("Berlin")
        .open()
        .await
        .unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::Invalid);
    // What is written in that zone reads back, and is found by its time.
    let time = "2024-01-15T08:00:00.000001Z".parse().unwrap();
    let record = Record::new("b", json!({}))
        .unwrap()
        .with_times(Some(time), Some(time));
    let berlin = PostgresDatabase::open(&scratch.url).await.unwrap();
    berlin
        .write(vec![Op::Put(record.into()).into()])
        .await
        .unwrap();
    assert_eq!(
        scratch
            .ask("SELECT created_at::text FROM records WHERE id = 'b'")
            .await,
        ["2024-01-15 09:00:00.000001"]
    );
    assert_eq!(
        berlin.read("b").await.unwrap().unwrap().created_at(),
        Some(time)
    );
    let found = Query::filter("@created_at < timestamp '2024-01-15T08:00:01Z'").unwrap();
    assert_eq!(berlin.count(&found).await.unwrap(), 1);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn odd_names_are_quoted() {
    let scratch = Scratch::new().await;
    scratch.run("CREATE SCHEMA \"a \"\" b\"").await;
    let name = "Orders; \"x\" é\\".repeat(2);
    for schema in ["public", "a \" b"] {
        let open = async || {
            PostgresDatabase::builder(&scratch.url)
                .schema(schema)
                .table(&name)
                .open()
                .await
                .unwrap()
        };
        let db = open().await;
        db.create(Record::new("'", json!({"a'\\\"b": {"c\\": "x'"}})).unwrap())
            .await
            .unwrap();
        let again = open().await;
        let query =
            Query::filter(r#""a'\""b"."c\" = 'x''' and "a'\""b"."c\" like '%''%'"#).unwrap();
        assert_eq!(again.count(&query).await.unwrap(), 1);
    }
    let other = PostgresDatabase::open(&scratch.url)
        .await
        .unwrap()
        .table("records2", None)
        .await
        .unwrap();
    assert_eq!(other.count(&Query::all()).await.unwrap(), 0);
}
