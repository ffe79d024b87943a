//! Several streams of records as one: in order where there is one, with the offset and the limit of the whole.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::{Stream, StreamExt};

use super::source::{ReadSource, SourcedStream};
use crate::query::{Prepared, Root, SortKey};
use crate::{Query, Record, Result};

/// The question to put to each of the tiers whose answers are merged: with the order and the limit that it can apply,
/// and with what the merge needs to see.
pub(super) fn share_of(query: &Query) -> Query {
    let fields = query.fields.as_ref().map(|fields| {
        let sorted = query.sort.iter().map(|sort| &sort.path);
        let needed = sorted.filter(|path| path.root() == Root::Fields);
        fields.iter().chain(needed).cloned().collect()
    });
    Query {
        filter: query.filter.clone(),
        // An offset orders by id, but each tier starts from its first record.
        sort: ordered_sort(query),
        limit: query.limit.map(|limit| limit.saturating_add(query.offset)),
        offset: 0,
        fields,
    }
}

fn ordered_sort(query: &Query) -> Vec<crate::Sort> {
    if query.sort.is_empty() && query.offset > 0 {
        return vec![crate::Sort {
            path: crate::Path::of(Root::Id),
            order: crate::Order::Asc,
        }];
    }
    query.sort.clone()
}

/// The answer to `query` from the tiers' answers to [`share_of`] it.
pub(super) fn merge(inputs: Vec<SourcedStream>, query: Prepared) -> SourcedStream {
    Merge {
        inputs: inputs.into_iter().map(Input::new).collect(),
        skip: query.query().offset,
        left: query.query().limit.unwrap_or(u64::MAX),
        query,
    }
    .boxed()
}

struct Merge {
    /// Those that have not ended.
    inputs: Vec<Input>,
    query: Prepared,
    skip: u64,
    left: u64,
}

struct Input {
    stream: SourcedStream,
    head: Option<Head>,
}

struct Head {
    /// Only where the answer has an order.
    key: Option<SortKey>,
    record: Arc<Record>,
    source: ReadSource,
}

impl Input {
    fn new(stream: SourcedStream) -> Self {
        Self { stream, head: None }
    }
}

impl Merge {
    /// Asks every input that has no head for one, all at once; whether one of them is not ready.
    fn poll_heads(&mut self, cx: &mut Context<'_>) -> Result<bool> {
        let mut waits = false;
        let mut number = 0;
        while let Some(input) = self.inputs.get_mut(number) {
            if input.head.is_none() {
                match input.stream.poll_next_unpin(cx) {
                    Poll::Ready(Some(Ok((record, source)))) => {
                        let key = self
                            .query
                            .is_ordered()
                            .then(|| self.query.sort_key(&record));
                        input.head = Some(Head {
                            key,
                            record,
                            source,
                        });
                    }
                    Poll::Ready(Some(Err(error))) => return Err(error),
                    Poll::Ready(None) => {
                        self.inputs.remove(number);
                        continue;
                    }
                    Poll::Pending => waits = true,
                }
            }
            number += 1;
        }
        Ok(waits)
    }

    fn take_first(&mut self) -> Option<Head> {
        let heads = self.inputs.iter_mut().filter(|input| input.head.is_some());
        let first = heads.min_by(|one, other| {
            let key = |input: &Input| input.head.as_ref().and_then(|head| head.key.clone());
            key(one).cmp(&key(other))
        });
        first.and_then(|input| input.head.take())
    }
}

impl Stream for Merge {
    type Item = Result<(Arc<Record>, ReadSource)>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if self.left == 0 {
                self.inputs.clear();
                return Poll::Ready(None);
            }
            let waits = match self.poll_heads(cx) {
                Ok(waits) => waits,
                Err(error) => {
                    // After an error nothing comes: a caller that goes on must not take the rest for the whole.
                    self.inputs.clear();
                    self.left = 0;
                    return Poll::Ready(Some(Err(error)));
                }
            };
            if waits && self.query.is_ordered() {
                return Poll::Pending;
            }
            let Some(head) = self.take_first() else {
                return if waits {
                    Poll::Pending
                } else {
                    Poll::Ready(None)
                };
            };
            if self.skip > 0 {
                self.skip -= 1;
                continue;
            }
            self.left -= 1;
            let record = self.query.project(head.record);
            return Poll::Ready(Some(Ok((record, head.source))));
        }
    }
}
