//! The suite notices what it is there for: a database with one defect, and the behaviours that must fail.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use async_trait::async_trait;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use thermocline::conformance::BEHAVIOURS;
use thermocline::{
    Capabilities, CatalogHost, Database, Error, Health, MemoryDatabase, Op, Query, Record,
    RecordStream, Result, Write, Written,
};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Defect {
    None,
    Modest,
    CreateReplaces,
    UpdateCreates,
    DeleteAlwaysDeletes,
    ExpectIsIgnored,
    ExpectIsUnsupportedUnsaid,
    PutTakesTheClock,
    UpsertKeepsItsTimes,
    OutcomesAreReversed,
    BatchInPieces,
    RepeatsAreDropped,
    JsonIsRewritten,
    ReadsAreSorted,
    IdsAreFolded,
    MissingIsAnError,
    SortIsIgnored,
    LimitIsIgnored,
    OffsetIsIgnored,
    ProjectionIsIgnored,
    CountIgnoresTheLimit,
    SearchIsNoSnapshot,
    SearchStopsEarly,
    ClearKeepsOne,
    CloseIsForgotten,
}

/// Each defect, and one of the behaviours that it breaks.
const DEFECTS: &[(Defect, &str)] = &[
    (Defect::CreateReplaces, "create_refuses_what_exists"),
    (Defect::UpdateCreates, "update_needs_a_record"),
    (Defect::DeleteAlwaysDeletes, "delete_removes"),
    (Defect::ExpectIsIgnored, "an_old_version_is_changed"),
    (
        Defect::ExpectIsUnsupportedUnsaid,
        "conditional_writes_work_or_are_unsupported",
    ),
    (Defect::PutTakesTheClock, "put_keeps_times"),
    (Defect::UpsertKeepsItsTimes, "the_clock_dates_new_records"),
    (Defect::OutcomesAreReversed, "outcomes_keep_the_order"),
    (Defect::BatchInPieces, "a_batch_is_seen_whole"),
    (
        Defect::RepeatsAreDropped,
        "repeated_ids_are_written_in_order",
    ),
    (Defect::JsonIsRewritten, "numbers_are_kept"),
    (Defect::ReadsAreSorted, "reads_keep_order_and_repeats"),
    (Defect::IdsAreFolded, "any_text_may_be_asked_for"),
    (Defect::MissingIsAnError, "missing_is_none"),
    (Defect::SortIsIgnored, "sort_orders_all_types"),
    (Defect::LimitIsIgnored, "limit_and_offset_cut_the_order"),
    (Defect::OffsetIsIgnored, "unsorted_cuts"),
    (Defect::ProjectionIsIgnored, "projection_keeps_branches"),
    (Defect::CountIgnoresTheLimit, "count_is_what_search_returns"),
    (Defect::SearchIsNoSnapshot, "a_stream_is_a_snapshot"),
    (Defect::SearchStopsEarly, "an_open_stream_blocks_nobody"),
    (Defect::ClearKeepsOne, "clear_removes_everything"),
    (Defect::CloseIsForgotten, "a_closed_handle_answers_closed"),
];

#[tokio::test]
async fn every_defect_breaks_its_behaviour() {
    for (defect, name) in DEFECTS {
        let behaviour = BEHAVIOURS.iter().find(|behaviour| behaviour.name == *name);
        let behaviour = behaviour.unwrap_or_else(|| panic!("`{name}` is no behaviour"));
        let sound = Defective::with(Defect::None);
        (behaviour.check)(&sound).await;
        let defective = Defective::with(*defect);
        let check = AssertUnwindSafe((behaviour.check)(&defective)).catch_unwind();
        assert!(check.await.is_err(), "{defect:?} passes `{name}`");
    }
}

#[tokio::test]
async fn the_call_for_all_names_what_failed() {
    let all = thermocline::conformance::all(async || Defective::with(Defect::CloseIsForgotten));
    let panic = AssertUnwindSafe(all).catch_unwind().await.unwrap_err();
    let message = panic.downcast_ref::<String>().unwrap();
    assert!(
        message.contains(r#"["a_closed_handle_answers_closed"]"#),
        "{message}"
    );
}

/// What a backend says that it cannot do is no defect, as long as it answers `Unsupported`.
#[tokio::test]
async fn a_modest_database_behaves() {
    thermocline::conformance::all(async || Defective::with(Defect::Modest)).await;
}

#[derive(Debug)]
struct Defective {
    inner: Arc<MemoryDatabase>,
    defect: Defect,
}

impl Defective {
    fn with(defect: Defect) -> Self {
        Self {
            inner: Arc::new(MemoryDatabase::new()),
            defect,
        }
    }

    fn has(&self, defect: Defect) -> bool {
        self.defect == defect
    }

    fn changed(&self, write: Write) -> Write {
        let Write { op, mut expect } = write;
        if self.has(Defect::ExpectIsIgnored) {
            expect = None;
        }
        let op = match (self.defect, op) {
            (Defect::CreateReplaces, Op::Create(record)) => Op::Upsert(record),
            (Defect::UpdateCreates, Op::Update(record)) => Op::Upsert(record),
            (Defect::PutTakesTheClock, Op::Put(record)) => Op::Upsert(record),
            (Defect::UpsertKeepsItsTimes, Op::Upsert(record)) => Op::Put(record),
            (Defect::JsonIsRewritten, Op::Create(record)) => Op::Create(rewritten(&record)),
            (_, op) => op,
        };
        Write { op, expect }
    }

    fn query(&self, mut query: Query) -> Query {
        match self.defect {
            Defect::SortIsIgnored => query.sort.clear(),
            Defect::LimitIsIgnored => query.limit = query.limit.filter(|limit| *limit == 0),
            Defect::OffsetIsIgnored => query.offset = 0,
            Defect::ProjectionIsIgnored => query.fields = None,
            _ => {}
        }
        query
    }
}

/// What a parser that knows floats only leaves of a record.
fn rewritten(record: &Record) -> Arc<Record> {
    let fields: serde_json::Value = record.parse().unwrap();
    Arc::new(Record::new(record.id().as_str(), fields).unwrap())
}

#[async_trait]
impl Database for Defective {
    async fn read(&self, id: &str) -> Result<Option<Arc<Record>>> {
        let folded = id.trim().to_lowercase();
        let id = if self.has(Defect::IdsAreFolded) {
            &folded
        } else {
            id
        };
        match self.inner.read(id).await? {
            None if self.has(Defect::MissingIsAnError) => Err(Error::invalid("no such record")),
            answer => Ok(answer),
        }
    }

    async fn read_many(&self, ids: &[&str]) -> Result<Vec<Option<Arc<Record>>>> {
        let mut ids = ids.to_vec();
        if self.has(Defect::ReadsAreSorted) {
            ids.sort_unstable();
        }
        self.inner.read_many(&ids).await
    }

    async fn write(&self, writes: Vec<Write>) -> Result<Vec<Written>> {
        let mut writes: Vec<Write> = writes
            .into_iter()
            .map(|write| self.changed(write))
            .collect();
        if (self.has(Defect::ExpectIsUnsupportedUnsaid) || self.has(Defect::Modest))
            && writes.iter().any(|write| write.expect.is_some())
        {
            return Err(Error::unsupported("no conditional writes"));
        }
        if self.has(Defect::RepeatsAreDropped) {
            writes.dedup_by(|one, two| one.id() == two.id());
        }
        if self.has(Defect::BatchInPieces) {
            let mut written = Vec::new();
            for write in writes {
                written.extend(self.inner.write(vec![write]).await?);
                tokio::task::yield_now().await;
            }
            return Ok(written);
        }
        let mut written = self.inner.write(writes).await?;
        match self.defect {
            Defect::OutcomesAreReversed => written.reverse(),
            Defect::DeleteAlwaysDeletes => {
                written
                    .iter_mut()
                    .filter(|one| matches!(one, Written::Missing))
                    .for_each(|one| *one = Written::Deleted);
            }
            _ => {}
        }
        Ok(written)
    }

    async fn search(&self, query: Query) -> Result<RecordStream> {
        let stream = self.inner.search(self.query(query)).await?;
        Ok(match self.defect {
            Defect::SearchStopsEarly => stream.take(100).boxed(),
            Defect::SearchIsNoSnapshot => {
                let found: Vec<Arc<Record>> = stream.try_collect().await?;
                let inner = Arc::clone(&self.inner);
                let now = stream::iter(found).then(move |record| {
                    let inner = Arc::clone(&inner);
                    async move { inner.read(record.id().as_str()).await }
                });
                now.try_filter_map(async |record| Ok(record)).boxed()
            }
            Defect::BatchInPieces => {
                tokio::task::yield_now().await;
                stream
            }
            _ => stream,
        })
    }

    async fn count(&self, query: &Query) -> Result<u64> {
        let mut query = self.query(query.clone());
        if self.has(Defect::CountIgnoresTheLimit) {
            query.limit = None;
        }
        self.inner.count(&query).await
    }

    async fn clear(&self) -> Result<()> {
        let first: Vec<_> = self
            .inner
            .search(Query::all().limit(1))
            .await?
            .try_collect()
            .await?;
        self.inner.clear().await?;
        if self.has(Defect::ClearKeepsOne) {
            let puts = first.into_iter().map(|record| Op::Put(record).into());
            self.inner.write(puts.collect()).await?;
        }
        Ok(())
    }

    async fn health(&self) -> Result<Health> {
        self.inner.health().await
    }

    async fn close(&self) -> Result<()> {
        if self.has(Defect::CloseIsForgotten) {
            return Ok(());
        }
        self.inner.close().await
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = self.inner.capabilities();
        if self.has(Defect::Modest) {
            capabilities.conditional_writes = false;
            capabilities.atomic_batches = false;
            capabilities.snapshot_search = false;
            capabilities.exact_json = false;
        }
        capabilities
    }

    fn catalog_host(&self) -> Option<Arc<dyn CatalogHost>> {
        None
    }
}
