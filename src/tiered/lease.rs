//! A stream that ends after its time, so that nobody holds a snapshot for ever.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures::task::AtomicWaker;
use futures::{Stream, StreamExt};
use parking_lot::Mutex;
use tokio::task::JoinHandle;

use super::source::{ReadSource, SourcedStream};
use crate::{Clock, Error, Record, Result};

/// A stream that lives at most `max_age`: then its snapshot is given back, read or not, and its reader is told so.
pub(super) fn leased(
    stream: SourcedStream,
    max_age: Duration,
    clock: &Arc<dyn Clock>,
) -> SourcedStream {
    let held = Arc::new(Held {
        stream: Mutex::new(Some(stream)),
        reader: AtomicWaker::new(),
    });
    // The clock judges a stream that is read, the timer ends one that nobody reads.
    let timer = tokio::spawn({
        let held = Arc::clone(&held);
        async move {
            tokio::time::sleep(max_age).await;
            held.give_back();
            held.reader.wake();
        }
    });
    Leased {
        held,
        expires: clock.instant().checked_add(max_age),
        clock: Arc::clone(clock),
        timer,
        max_age,
        ended: false,
    }
    .boxed()
}

struct Leased {
    held: Arc<Held>,
    /// None: beyond what the clock can tell.
    expires: Option<Instant>,
    clock: Arc<dyn Clock>,
    timer: JoinHandle<()>,
    max_age: Duration,
    ended: bool,
}

/// What the stream and its timer share.
struct Held {
    stream: Mutex<Option<SourcedStream>>,
    reader: AtomicWaker,
}

impl Held {
    fn give_back(&self) {
        // Dropped outside of the lock: it may end a transaction.
        let stream = self.stream.lock().take();
        drop(stream);
    }
}

impl Leased {
    fn is_over(&self) -> bool {
        self.expires
            .is_some_and(|expires| expires <= self.clock.instant())
    }

    fn expired(&self) -> Error {
        Error::unavailable(
            "this search was read for too long and has given its snapshot back; search again, in smaller parts",
        )
        .with("search_max_age", format_args!("{:?}", self.max_age))
    }
}

impl Stream for Leased {
    type Item = Result<(Arc<Record>, ReadSource)>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        if self.is_over() {
            self.held.give_back();
        }
        self.held.reader.register(cx.waker());
        let next = match &mut *self.held.stream.lock() {
            Some(stream) => stream.poll_next_unpin(cx),
            None => Poll::Ready(Some(Err(self.expired()))),
        };
        if let Poll::Ready(None | Some(Err(_))) = next {
            self.ended = true;
            self.held.give_back();
        }
        next
    }
}

impl Drop for Leased {
    fn drop(&mut self) {
        self.timer.abort();
        self.held.give_back();
    }
}
