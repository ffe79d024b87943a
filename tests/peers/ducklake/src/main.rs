//! A DuckLake whose catalog is in PostgreSQL and whose files are in S3, as DataFusion reads it: driven by
//! tests/it/foreign.rs.
//!
//! Reads one JSON object per line from standard input and answers each with one per line on standard output:
//!
//!     {"catalog": "postgres://..", "schema": "thermocline", "bucket": "..", "endpoint": "http://..",
//!      "access": "..", "secret": ".."}                         -> {}
//!     {"query": "SELECT .."}                                   -> {"rows": [["text", null], ..]}
//!
//! What fails is answered with {"error": ".."}. Every value comes as text.

use std::error::Error;
use std::io::{BufRead, Write};
use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion_ducklake::{DuckLakeCatalog, PostgresMetadataProvider};
use object_store::aws::AmazonS3Builder;
use serde_json::{Value, json};
use url::Url;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let mut session = None;
    for line in std::io::stdin().lock().lines() {
        let command: Value = serde_json::from_str(&line?)?;
        let answer = runtime.block_on(answer(&mut session, &command));
        let answer = answer.unwrap_or_else(|error| json!({"error": error.to_string()}));
        println!("{answer}");
        std::io::stdout().flush()?;
    }
    Ok(())
}

async fn answer(session: &mut Option<SessionContext>, command: &Value) -> Result<Value> {
    if let Some(sql) = command["query"].as_str() {
        let session = session.as_ref().ok_or("no catalog was attached")?;
        return Ok(json!({"rows": rows(session, sql).await?}));
    }
    *session = Some(attach(command).await?);
    Ok(json!({}))
}

async fn attach(command: &Value) -> Result<SessionContext> {
    let text = |name: &str| command[name].as_str().ok_or(format!("{name} is missing"));
    let (bucket, schema) = (text("bucket")?, text("schema")?);
    let store = AmazonS3Builder::new()
        .with_endpoint(text("endpoint")?)
        .with_bucket_name(bucket)
        .with_access_key_id(text("access")?)
        .with_secret_access_key(text("secret")?)
        .with_region("us-east-1")
        .with_allow_http(true)
        .build()?;
    let config = SessionConfig::new().with_default_catalog_and_schema("lake", "main");
    let session = SessionContext::new_with_config(config);
    session.register_object_store(&Url::parse(&format!("s3://{bucket}/"))?, Arc::new(store));
    let catalog = format!("{}?options[search_path]={schema}", text("catalog")?);
    let provider = PostgresMetadataProvider::new(&catalog).await?;
    DuckLakeCatalog::register(&session, "lake", DuckLakeCatalog::new(provider)?);
    Ok(session)
}

async fn rows(session: &SessionContext, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
    let mut rows = Vec::new();
    for batch in session.sql(sql).await?.collect().await? {
        let columns = batch
            .columns()
            .iter()
            .map(|column| cast(column, &DataType::Utf8));
        let columns = columns.collect::<std::result::Result<Vec<_>, _>>()?;
        let columns: Vec<_> = columns
            .iter()
            .map(|column| column.as_string::<i32>())
            .collect();
        for row in 0..batch.num_rows() {
            let value = |column: &&datafusion::arrow::array::StringArray| {
                column.is_valid(row).then(|| column.value(row).to_owned())
            };
            rows.push(columns.iter().map(value).collect());
        }
    }
    Ok(rows)
}
