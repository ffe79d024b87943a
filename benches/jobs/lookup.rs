//! Finding one archived record by its id, and fifty by time: requests, bytes, CPU.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::TryStreamExt;
use serde_json::{Value, json};
use tempfile::TempDir;
use thermocline::{
    BlobRequests, BlobStore, Columns, CountedBlobs, Database, DirectoryStore, Order,
    ParquetArchive, Query, SqliteDatabase,
};
use tokio::runtime::Runtime;

use super::{runtime, store};
use crate::common::child;
use crate::common::data;
use crate::common::rounds::process_cpu;
use crate::common::table::Row;
use crate::{Amount, Failure};

/// A month of records, so that they lie in one file.
const RECORDS: u64 = 170_000;

/// An archive of one segment, and how many requests go to it.
struct Bench {
    archive: ParquetArchive,
    blobs: Arc<CountedBlobs<DirectoryStore>>,
    segment: PathBuf,
    runtime: Runtime,
    _folder: TempDir,
}

impl Bench {
    fn new(records: u64) -> Result<Self, Failure> {
        let runtime = runtime(2)?;
        let folder = store::folder()?;
        let data = folder.path().join("archive");
        let blobs = Arc::new(CountedBlobs::new(DirectoryStore::open(&data)?));
        let archive = runtime.block_on(async {
            let host = SqliteDatabase::open(folder.path().join("catalog.db")).await?;
            let archive = ParquetArchive::with_blobs(Arc::clone(&blobs) as Arc<dyn BlobStore>)
                .catalog(host.catalog_host().ok_or("SQLite holds catalogs")?)?
                .columns(Columns::None)
                .build()
                .await?;
            let puts = (0..records).map(|n| thermocline::Op::Put(Arc::new(data::record(n))).into());
            archive.write(puts.collect()).await?;
            Ok::<_, Failure>(archive)
        })?;
        let segment = only_segment(&data)?.ok_or("the archive has no segment")?;
        Ok(Self {
            archive,
            blobs,
            segment,
            runtime,
            _folder: folder,
        })
    }

    /// What the questions take, each on its own.
    fn asked(&self, questions: usize, mut ask: impl AsyncFnMut(usize)) -> Asked {
        // The tail of the segment is read once and kept.
        self.runtime.block_on(ask(0));
        let before = self.blobs.requests();
        let (_, cpu) = process_cpu(|| {
            self.runtime.block_on(async {
                for question in 0..questions {
                    ask(question).await;
                }
            });
        });
        Asked::of(self.blobs.requests().since(before), cpu, questions)
    }
}

fn only_segment(folder: &Path) -> Result<Option<PathBuf>, Failure> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            if let Some(found) = only_segment(&path)? {
                return Ok(Some(found));
            }
        } else if path
            .extension()
            .is_some_and(|extension| extension == "parquet")
        {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// What one question takes.
#[derive(Clone, Copy, Debug)]
struct Asked {
    requests: f64,
    kilobytes: f64,
    millis: f64,
}

impl Asked {
    #[expect(clippy::cast_precision_loss, reason = "few")]
    fn of(requests: BlobRequests, cpu: f64, questions: usize) -> Self {
        let questions = questions as f64;
        Self {
            requests: requests.reads as f64 / questions,
            kilobytes: requests.read_bytes as f64 / questions / 1e3,
            millis: cpu / questions * 1e3,
        }
    }

    fn told(value: &Value) -> Result<Self, Failure> {
        let number = |key: &str| {
            let number = value[key].as_f64();
            number.ok_or_else(|| Failure::from(format!("lookup.py does not tell {key}: {value}")))
        };
        Ok(Self {
            requests: number("requests")?,
            kilobytes: number("bytes")? / 1e3,
            millis: number("cpu")? * 1e3,
        })
    }
}

pub(crate) fn run(amount: Amount) -> Result<Vec<Row>, Failure> {
    let records = amount.of(RECORDS);
    let bench = Bench::new(records)?;
    let mut random = fastrand::Rng::with_seed(3);
    let count = usize::try_from(amount.of(100))?;
    let numbers: Vec<u64> = (0..count).map(|_| random.u64(..records)).collect();
    let present: Vec<String> = numbers.iter().map(|number| data::id(*number)).collect();
    let absent: Vec<String> = (0..count as u64).map(|n| data::id((1 << 40) + n)).collect();
    let from: Vec<String> = numbers
        .iter()
        .map(|n| data::created_at(*n).to_string())
        .collect();
    let theirs = child::run(
        child::python("lookup.py")?
            .arg(&bench.segment)
            .arg(json!({"present": present, "absent": absent, "from": from}).to_string()),
    )?
    .said;
    let read = |ids: &[String]| {
        let ids = ids.to_vec();
        let archive = bench.archive.clone();
        let expected = ids == present;
        bench.asked(ids.len(), async move |at| {
            let read = archive.read(&ids[at]).await.expect("a read");
            assert_eq!(read.is_some(), expected);
        })
    };
    let (found, missed) = (read(&present), read(&absent));
    let archive = bench.archive.clone();
    let paged = bench.asked(from.len(), async |at| {
        let query = Query::filter(&format!("@created_at >= '{}'", from[at]))
            .and_then(|query| query.sort("@created_at", Order::Asc))
            .expect("a query")
            .limit(50);
        let page = archive.search(query).await.expect("a search");
        let page: Vec<_> = page.try_collect().await.expect("records");
        assert!(!page.is_empty());
    });
    let mut rows = Vec::new();
    for peer in ["DuckDB", "DataFusion"] {
        let told = |question: &str| Asked::told(&theirs[peer][question]);
        rows.extend(rows_of(
            "an id that is there",
            found,
            (peer, told("present")?),
        ));
        rows.extend(rows_of("an absent id", missed, (peer, told("absent")?)));
        rows.extend(rows_of("50 rows by time", paged, (peer, told("page")?)));
    }
    rows.push(limit(
        "an id that is there",
        "requests",
        found.requests,
        1.0,
        "G10",
    ));
    rows.push(limit(
        "an id that is there",
        "KB",
        found.kilobytes,
        256.0,
        "G10",
    ));
    rows.push(limit(
        "an id that is there",
        "ms CPU",
        found.millis,
        1.0,
        "G10",
    ));
    rows.push(limit(
        "an absent id",
        "requests",
        missed.requests,
        0.0001,
        "G11",
    ));
    rows.push(limit(
        "50 rows by time",
        "requests",
        paged.requests,
        1.0,
        "G13",
    ));
    rows.push(limit(
        "50 rows by time",
        "KB",
        paged.kilobytes,
        250.0,
        "G13",
    ));
    Ok(rows)
}

fn rows_of(case: &str, ours: Asked, (peer, theirs): (&str, Asked)) -> [Row; 3] {
    let row = |ours, theirs, unit| Row::counted("lookup", case, ours, (peer, theirs), unit);
    [
        row(ours.requests, theirs.requests, "requests"),
        row(ours.kilobytes, theirs.kilobytes, "KB"),
        row(ours.millis, theirs.millis, "ms CPU"),
    ]
}

fn limit(case: &str, unit: &'static str, ours: f64, limit: f64, goal: &'static str) -> Row {
    Row::counted("lookup", case, ours, ("at most", limit), unit).goal(goal, 1.0)
}
