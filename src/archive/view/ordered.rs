//! Scans in an order.
//!
//! Statistics tell where the keys of a file, and of a row group, begin. So they are opened by where they begin, and a
//! record is handed out as soon as nothing that is not open yet can stand before it. Where data lie in the order that is
//! asked for, nearly, that is a stream which holds little, and with a limit it ends early; where they do not, it is a sort.
//! What is held beyond a budget gives up its records, keeps their keys and places, and is fetched again in portions.

mod held;

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;

use futures::StreamExt;
use futures::future::try_join_all;
use futures::stream;

use self::held::Held;
use super::ArchiveView;
use super::group::{FileScan, Match, Question};
use super::reader::blocking;
use super::scan::inlined;
use crate::archive::catalog::DataFile;
use crate::archive::column::Bound;
use crate::archive::segment::{Extent, number_text};
use crate::json::Json;
use crate::query::{KeyBound, Order, Path, Prepared};
use crate::record::rfc3339;
use crate::{Record, RecordStream, Result};

/// How many row groups are opened at a time where all of them will be.
const AT_ONCE: usize = 4;

/// What is not open yet, and where its keys begin.
struct Source {
    bound: KeyBound,
    what: What,
}

enum What {
    File(Arc<DataFile>),
    Group(Arc<FileScan>, usize),
}

/// An ordered scan under way.
struct Ordered {
    view: ArchiveView,
    question: Question,
    sources: BinaryHeap<Reverse<Source>>,
    held: Held,
    ready: VecDeque<Arc<Record>>,
    /// Records that are still to be passed over, and handed out.
    offset: u64,
    limit: u64,
}

/// The records that match, in the query's order, cut by its offset and limit.
pub(super) fn stream(view: ArchiveView, query: Prepared) -> RecordStream {
    let scan = Ordered::new(view, query);
    stream::try_unfold(scan, async |mut scan| {
        let next = scan.next().await?;
        Ok(next.map(|record| (record, scan)))
    })
    .boxed()
}

impl Ordered {
    fn new(view: ArchiveView, query: Prepared) -> Self {
        let question = Question::new(&view, &query);
        let (offset, limit) = (query.query().offset, query.query().limit);
        let need = offset.saturating_add(limit.unwrap_or(u64::MAX));
        let mut held = Held::new(query.clone(), need, view.reader.limits);
        for record in inlined(&view, &query) {
            held.push_inlined(record);
        }
        let sources = view.state.files.iter().filter_map(|file| {
            let known = question.known(&view, file);
            let is_needed = question.may_match(&known, file);
            is_needed.then(|| {
                let extent = |path: &Path| known.in_file(path, file);
                Reverse(Source {
                    bound: bound(&question, extent),
                    what: What::File(Arc::clone(file)),
                })
            })
        });
        Self {
            sources: sources.collect(),
            question,
            held,
            view,
            ready: VecDeque::new(),
            offset,
            limit: limit.unwrap_or(u64::MAX),
        }
    }

    async fn next(&mut self) -> Result<Option<Arc<Record>>> {
        loop {
            if self.limit == 0 {
                return Ok(None);
            }
            if let Some(record) = self.ready.pop_front() {
                if self.offset > 0 {
                    self.offset -= 1;
                    continue;
                }
                self.limit -= 1;
                return Ok(Some(record));
            }
            let frontier = self.sources.peek().map(|Reverse(source)| &source.bound);
            let portion = self.held.portion_before(frontier);
            if !portion.is_empty() {
                self.ready.extend(held::records(&self.view, portion).await?);
            } else if !self.open_next().await? {
                return Ok(None);
            }
        }
    }

    /// Opens what begins first; whether there was anything that could matter.
    async fn open_next(&mut self) -> Result<bool> {
        let at_once = if self.limit == u64::MAX { AT_ONCE } else { 1 };
        let mut groups = Vec::new();
        while groups.len() < at_once
            && let Some(Reverse(source)) = self.sources.pop()
        {
            if self.held.is_full_before(&source.bound) {
                self.sources.clear();
                break;
            }
            match source.what {
                What::Group(scan, group) => groups.push((scan, group)),
                What::File(file) => {
                    self.open_file(file).await?;
                    if groups.is_empty() {
                        return Ok(true);
                    }
                    break;
                }
            }
        }
        let opened = groups
            .iter()
            .map(|(scan, group)| read(&self.view, scan, *group));
        let opened = try_join_all(opened).await?;
        let was_any = !groups.is_empty();
        for ((scan, group), matches) in groups.into_iter().zip(opened) {
            self.held.push(&scan, group, matches)?;
        }
        Ok(was_any)
    }

    async fn open_file(&mut self, file: Arc<DataFile>) -> Result<()> {
        let scan = FileScan::open(&self.view, file, self.question.clone()).await?;
        for group in scan.groups() {
            let extent = |path: &Path| scan.known().in_group(path, &scan.tail, group);
            self.sources.push(Reverse(Source {
                bound: bound(&self.question, extent),
                what: What::Group(Arc::clone(&scan), group),
            }));
        }
        Ok(())
    }
}

async fn read(view: &ArchiveView, scan: &Arc<FileScan>, group: usize) -> Result<Vec<Match>> {
    let chunks = scan.fetch(view, &[group]).await?;
    let scan = Arc::clone(scan);
    blocking(move || scan.matches(group, &chunks)).await
}

/// Where the keys begin of records whose values `extent` tells.
fn bound(question: &Question, extent: impl Fn(&Path) -> Option<Extent>) -> KeyBound {
    let sort = question.query.query().sort.first();
    let order = sort.map_or(Order::Asc, |sort| sort.order);
    let Some(extent) = extent(&question.first_of_order) else {
        return KeyBound::Start;
    };
    let first = match (order, extent.bounds) {
        // What is missing comes first, or last.
        (Order::Asc, _) if extent.nulls != Some(0) => None,
        (Order::Desc, None) if extent.values == Some(0) => None,
        (_, None) => return KeyBound::Start,
        (Order::Asc, Some((low, _))) => Some(low),
        (Order::Desc, Some((_, high))) => Some(high),
    };
    if sort.is_none() {
        return match first {
            Some(Bound::Text(id)) => KeyBound::Id(id),
            _ => KeyBound::Start,
        };
    }
    let text;
    let value = match first {
        None => Json::Null,
        Some(Bound::Text(value)) => {
            text = value.into_string();
            Json::String(text.as_str().into())
        }
        Some(Bound::Integer(value)) => {
            text = value.to_string();
            Json::Number(&text)
        }
        Some(Bound::Double(value)) if value.is_finite() => {
            text = number_text(value);
            Json::Number(&text)
        }
        Some(Bound::Boolean(value)) => Json::Bool(value),
        Some(Bound::Time(micros)) => match jiff::Timestamp::from_microsecond(micros) {
            Ok(time) => {
                text = rfc3339(time);
                Json::String(text.as_str().into())
            }
            Err(_) => return KeyBound::Start,
        },
        Some(Bound::Double(_)) => return KeyBound::Start,
    };
    KeyBound::from_value(value, order)
}

impl Ord for Source {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bound.cmp(&other.bound)
    }
}

impl PartialOrd for Source {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Source {}
