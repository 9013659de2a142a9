//! Native children run on tokio: no asyncio object for any of them, and the limit is kept there.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use parking_lot::Mutex;
use tokio::task::JoinSet;

use crate::bridge::{Delivery, Native};

/// What the loop takes over from the task: which child, and what it came to.
pub(super) type Finished = Vec<(usize, Delivery)>;

/// Between the task and the loop: ends that were not taken yet.
#[derive(Debug)]
pub(super) struct Report {
    finished: Mutex<Finished>,
    waker: Waker,
    wakes: Wakes,
}

/// Of what the loop wants to hear before everything has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wakes {
    AtEach,
    AtFailures,
    AtLast,
}

impl Report {
    pub(super) fn new(waker: Waker, wakes: Wakes) -> Arc<Self> {
        Arc::new(Self {
            finished: Mutex::default(),
            waker,
            wakes,
        })
    }

    fn ended(&self, index: usize, delivery: Delivery) {
        let wakes = match self.wakes {
            Wakes::AtEach => true,
            Wakes::AtFailures => matches!(delivery, Delivery::Failed(_)),
            Wakes::AtLast => false,
        };
        self.finished.lock().push((index, delivery));
        if wakes {
            self.waker.wake_by_ref();
        }
    }

    /// What has ended since the last call.
    pub(super) fn take(&self) -> Finished {
        std::mem::take(&mut self.finished.lock())
    }
}

/// Runs `children`, at most `limit` at once, in their order. Dropping it stops them all.
///
/// The loop is woken when all have ended, and before that only for what it waits for: nobody can see the
/// other results earlier.
pub(super) async fn fan_out(children: Vec<(usize, Native)>, limit: usize, report: Arc<Report>) {
    if limit < children.len() {
        in_turn(children, limit, report).await;
    } else {
        together(children, &report).await;
    }
}

/// All at once, in this one task: the cheapest for children that do little.
async fn together(children: Vec<(usize, Native)>, report: &Report) {
    let running = children
        .into_iter()
        .map(|(index, native)| Child { index, native });
    let mut running: FuturesUnordered<_> = running.collect();
    while let Some((index, delivery)) = running.next().await {
        report.ended(index, delivery);
    }
}

/// As many tasks as may run at once, each of which does one child after another: they spread over the
/// workers, and each goes on where its connection was read.
async fn in_turn(children: Vec<(usize, Native)>, limit: usize, report: Arc<Report>) {
    let waiting = Arc::new(Mutex::new(children.into_iter()));
    let mut tasks = JoinSet::new();
    for _ in 0..limit {
        let (waiting, report) = (Arc::clone(&waiting), Arc::clone(&report));
        tasks.spawn(async move {
            loop {
                let next = waiting.lock().next();
                let Some((index, native)) = next else {
                    break;
                };
                report.ended(index, native.await);
            }
        });
    }
    // A task that panicked has left a child without an end, which the loop then sees.
    while tasks.join_next().await.is_some() {}
}

/// A native child that tells which one it was.
struct Child {
    index: usize,
    native: Native,
}

impl Future for Child {
    type Output = (usize, Delivery);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let delivery = ready!(self.native.as_mut().poll(cx));
        Poll::Ready((self.index, delivery))
    }
}
