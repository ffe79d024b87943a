//! The small things: a hot hit, the matcher, the codec. `cargo bench --bench micro --features bench,quick_cache`.

#[path = "common/data.rs"]
mod data;

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use thermocline::{
    Columns, HotCache, MemoryDatabase, MokaDatabase, Op, Query, QuickCache, Record, SegmentCodec,
    SegmentRows, TieredDatabase, prelude::Database,
};
use tokio::runtime::{Builder, Runtime};

const RECORDS: u64 = 10_000;

fn records() -> Vec<Arc<Record>> {
    (0..RECORDS)
        .map(|number| Arc::new(data::record(number)))
        .collect()
}

fn router(runtime: &Runtime, hot: impl HotCache + 'static) -> TieredDatabase {
    runtime.block_on(async {
        let primary = MemoryDatabase::new();
        let puts = records().into_iter().map(|record| Op::Put(record).into());
        primary.write(puts.collect()).await.expect("records");
        let builder = TieredDatabase::builder().hot(hot).primary(primary);
        builder.build().await.expect("a router")
    })
}

/// A hit, asked for by a Zipf law.
fn hot(criterion: &mut Criterion) {
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    let ids: Vec<String> = (0..RECORDS).map(data::id).collect();
    let zipf = data::Zipf::new(ids.len());
    let mut random = fastrand::Rng::with_seed(1);
    let mut group = criterion.benchmark_group("hot hit");
    for (name, router) in [
        (
            "moka",
            router(&runtime, MokaDatabase::with_max_bytes(1 << 30)),
        ),
        (
            "quick_cache",
            router(&runtime, QuickCache::with_max_bytes(1 << 30)),
        ),
    ] {
        for id in &ids {
            runtime.block_on(router.read(id)).expect("a read");
        }
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || &*ids[zipf.draw(&mut random)],
                |id| runtime.block_on(async { black_box(router.read(id).await.is_ok()) }),
                BatchSize::SmallInput,
            );
        });
    }
}

/// A filter over the raw text of records.
fn matcher(criterion: &mut Criterion) {
    let records = records();
    let mut group = criterion.benchmark_group("matcher");
    group.throughput(Throughput::Elements(RECORDS));
    for (name, filter) in [
        ("first field", "name = 'User 000017'"),
        ("last field, nested", "address.city = 'City 7'"),
        ("two fields", "status = 'closed' and age > 80"),
        ("a pattern", "email like '%7@example%'"),
        ("metadata", "metadata.source = 'import'"),
    ] {
        let query = Query::filter(filter).and_then(|query| query.prepare(data::epoch()));
        let query = query.expect(filter);
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                records
                    .iter()
                    .filter(|record| query.matches(record))
                    .count()
            });
        });
    }
}

/// One row group of a segment.
fn codec(criterion: &mut Criterion) {
    let rows = (0..4096).map(|n| (Arc::new(data::record(n)), data::created_at(n)));
    let rows = SegmentRows::new(rows);
    let mut group = criterion.benchmark_group("segment of 4096 rows");
    group.throughput(Throughput::Elements(4096)).sample_size(20);
    for (name, columns) in [
        ("no columns", Columns::None),
        ("all columns", Columns::Auto),
    ] {
        let codec = SegmentCodec::new(&rows, &columns).expect("columns");
        let file = codec.encode(&rows).expect("a segment");
        group.bench_function(format!("encode, {name}"), |bencher| {
            bencher.iter(|| codec.encode(&rows).expect("a segment"));
        });
        group.bench_function(format!("decode, {name}"), |bencher| {
            bencher.iter(|| codec.decode(&file).expect("records"));
        });
    }
}

/// What a write has to check of a text before it takes it.
fn json(criterion: &mut Criterion) {
    let texts: Vec<data::Texts> = (0..1_000).map(data::Texts::of).collect();
    let bytes: usize = texts
        .iter()
        .map(|texts| texts.fields.len() + texts.metadata.len())
        .sum();
    let mut group = criterion.benchmark_group("record of text");
    group.throughput(Throughput::Bytes(bytes as u64));
    group.bench_function("check", |bencher| {
        bencher.iter(|| {
            texts
                .iter()
                .map(|texts| texts.record().bytes())
                .sum::<usize>()
        });
    });
    group.finish();
}

criterion_group!(benches, hot, matcher, codec, json);
criterion_main!(benches);
