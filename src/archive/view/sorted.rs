//! Reading what matches in an order.
//!
//! With a small limit only the records of the answer are held. Otherwise the keys are, up to a budget, and the records
//! are read once more in their order, a page at a time.

use std::collections::HashMap;
use std::sync::Arc;

use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};

use super::ArchiveView;
use super::scan::{self, Match};
use crate::archive::catalog::{CatalogState, Place};
use crate::query::Collector;
use crate::{Error, Prepared, Record, RecordStream, Result, SortKey};

/// An answer of at most so many records is held whole.
const SMALL: u64 = 10_000;

/// What the keys of a larger answer may take.
const KEY_BYTES: usize = 64 << 20;

/// How many records are read at a time once their order is known.
const PAGE: usize = 4096;

pub(super) fn search(view: ArchiveView, query: Prepared) -> RecordStream {
    let answer = async move {
        let asked = query.query();
        let need = asked.limit.map(|limit| limit.saturating_add(asked.offset));
        if need.is_some_and(|need| need <= SMALL) {
            let records = first_records(view, query).await?;
            Ok::<_, Error>(stream::iter(records.into_iter().map(Ok)).boxed())
        } else {
            let places = ordered_places(&view, &query).await?;
            Ok(pages(view, query, places))
        }
    };
    stream::once(answer).try_flatten().boxed()
}

async fn first_records(view: ArchiveView, query: Prepared) -> Result<Vec<Arc<Record>>> {
    let mut collector = Collector::new(query.clone());
    let mut found = scan::matches(view, query);
    while collector.wants_more()
        && let Some(matches) = found.try_next().await?
    {
        for Match { record, .. } in matches {
            collector.push(record);
        }
    }
    Ok(collector.finish())
}

async fn ordered_places(view: &ArchiveView, query: &Prepared) -> Result<Vec<Place>> {
    let mut keys: Vec<(SortKey, Place)> = Vec::new();
    let mut bytes = 0;
    let mut found = scan::matches(view.clone(), query.clone());
    while let Some(matches) = found.try_next().await? {
        for Match { record, place } in matches {
            let key = query.sort_key(&record);
            bytes += key.bytes() + size_of::<Place>();
            keys.push((key, place));
        }
        if bytes > KEY_BYTES {
            return Err(Error::invalid(
                "so many records cannot be sorted; add a limit, or a narrower filter",
            )
            .with("records", keys.len())
            .with("limit_up_to", SMALL));
        }
    }
    keys.sort_unstable_by(|(left, _), (right, _)| left.cmp(right));
    let asked = query.query();
    let skip = usize::try_from(asked.offset).unwrap_or(usize::MAX);
    let take = asked
        .limit
        .and_then(|limit| usize::try_from(limit).ok())
        .unwrap_or(usize::MAX);
    Ok(keys
        .into_iter()
        .skip(skip)
        .take(take)
        .map(|(_, place)| place)
        .collect())
}

fn pages(
    view: ArchiveView,
    query: Prepared,
    places: Vec<Place>,
) -> BoxStream<'static, Result<Arc<Record>>> {
    let pages: Vec<Vec<Place>> = places.chunks(PAGE).map(<[Place]>::to_vec).collect();
    stream::iter(pages)
        .then(move |page| {
            let (view, query) = (view.clone(), query.clone());
            async move { Ok::<_, Error>((read_page(&view, page).await?, query)) }
        })
        .map_ok(|(records, query)| {
            stream::iter(
                records
                    .into_iter()
                    .map(move |record| Ok(query.project(record))),
            )
        })
        .try_flatten()
        .boxed()
}

/// The records at these places, in their order: each row group is read once a page.
async fn read_page(view: &ArchiveView, places: Vec<Place>) -> Result<Vec<Arc<Record>>> {
    let mut by_group: HashMap<(i64, usize), Vec<(u64, usize)>> = HashMap::new();
    let mut records: Vec<Option<Arc<Record>>> = vec![None; places.len()];
    for (index, place) in places.iter().enumerate() {
        match place {
            Place::Inlined { table, row_id } => {
                records[index] = inlined(&view.state, table, *row_id)
            }
            Place::File { file, position } => {
                let data_file = view.state.file(*file).ok_or_else(lost)?;
                let group = view
                    .files
                    .tail(data_file)
                    .await?
                    .row_group_at(*position)
                    .ok_or_else(lost)?;
                by_group
                    .entry((*file, group))
                    .or_default()
                    .push((*position, index));
            }
        }
    }
    for ((file, group), wanted) in by_group {
        let data_file = view.state.file(file).ok_or_else(lost)?;
        let tail = view.files.tail(data_file).await?;
        let rows = view
            .files
            .group(data_file, &tail, group, &view.records)
            .await?;
        let wanted: HashMap<u64, usize> = wanted.into_iter().collect();
        for (position, record) in rows.records(&|position| wanted.contains_key(&position))? {
            records[wanted[&position]] = Some(record);
        }
    }
    records
        .into_iter()
        .map(|record| record.ok_or_else(lost))
        .collect()
}

fn inlined(state: &CatalogState, table: &str, row_id: i64) -> Option<Arc<Record>> {
    let row = state
        .inlined
        .iter()
        .find(|row| *row.table == *table && row.row_id == row_id)?;
    Some(Arc::clone(&row.record))
}

fn lost() -> Error {
    Error::corrupt("a row that was just read is not found again")
}
