//! The loop's mailbox: any thread puts in the id of an operation that can go on.
//!
//! ```text
//! producer: if closed { return }           drain: bell.silence()
//!           queue.push(id)                        armed.swap(false)     // before taking the queue
//!           if !armed.swap(true) { ring }         take(queue), wake each
//! ```
//!
//! Invariant: an id in the queue implies that `armed` is set and a ring is under way or unheard. A push
//! that comes after the take finds `armed` cleared, so it rings; a producer that skipped the ring had
//! pushed before `armed` was cleared, so the take sees its id. However many operations finish while
//! Python is busy, the loop is woken once.
//!
//! Nothing here touches the interpreter.

use std::cell::Cell;
use std::collections::VecDeque;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Wake;

use parking_lot::Mutex;

use super::bell::Bell;
use crate::runtime;

/// Names a sleeper of one hub. The generation tells a reused slot from its former holder, so an id
/// that comes late wakes nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WakeId {
    pub slot: u32,
    pub generation: u32,
}

/// One per loop, shared with every job whose operation waits on that loop.
///
/// The bell closes with the last reference, never earlier: a tokio thread must not write to an fd
/// number that something else has got since.
#[derive(Debug)]
pub struct Mailbox {
    queue: Mutex<Vec<WakeId>>,
    /// Set from the first push of a burst until the drain takes it.
    armed: AtomicBool,
    /// The loop is gone; whatever comes is dropped.
    closed: AtomicBool,
    bell: Bell,
    /// The process, counted in forks, that this mailbox belongs to.
    epoch: u32,
    /// How often the bell was rung, for the tests that count.
    rings: AtomicU64,
}

impl Mailbox {
    pub fn new(bell: Bell) -> Self {
        Self {
            queue: Mutex::new(Vec::new()),
            armed: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            bell,
            epoch: runtime::epoch(),
            rings: AtomicU64::new(0),
        }
    }

    /// Says that `id` can go on. From any thread; never blocks for longer than a push.
    pub fn push(&self, id: WakeId) {
        if self.is_closed() {
            return;
        }
        self.queue.lock().push(id);
        self.ring_unless_armed();
    }

    /// Makes the loop come back for what a drain left over.
    pub fn ring_unless_armed(&self) {
        if self.armed.swap(true, Ordering::AcqRel) {
            return;
        }
        if HERE.get().is_some_and(|here| ptr::eq(here.mailbox, self)) {
            HERE.set(Some(Here {
                mailbox: self,
                pushed: true,
            }));
            return;
        }
        self.rings.fetch_add(1, Ordering::Relaxed);
        self.bell.ring();
    }

    /// Calls `wake` on the thread of this mailbox's loop. Where it pushes into this mailbox the bell is not
    /// rung; whether it should have been is the answer, and then the caller has the loop come back.
    pub fn without_bell(&self, wake: impl FnOnce()) -> bool {
        let outer = HERE.replace(Some(Here {
            mailbox: self,
            pushed: false,
        }));
        wake();
        HERE.replace(outer).is_some_and(|here| here.pushed)
    }

    /// Rings, whoever has armed it.
    pub fn ring(&self) {
        self.rings.fetch_add(1, Ordering::Relaxed);
        self.bell.ring();
    }

    /// Hears the bell. Only for a call that the bell caused: it reads the fd.
    pub fn silence(&self) {
        self.bell.silence();
    }

    /// Moves all ids to the end of `into`, in the order they came.
    pub fn take(&self, into: &mut VecDeque<WakeId>) {
        // Before the queue is taken: see the head of this file.
        self.armed.swap(false, Ordering::AcqRel);
        into.extend(self.queue.lock().drain(..));
    }

    /// The loop is gone: drop what is here and what is still to come.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
        if self.epoch == runtime::epoch() {
            self.queue.lock().clear();
        }
    }

    /// Whether the loop is gone, or this is a fork of the process it belongs to.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire) || self.epoch != runtime::epoch()
    }

    pub fn bell(&self) -> &Bell {
        &self.bell
    }

    /// How often the loop was woken from its selector, since the mailbox was made.
    pub fn rings(&self) -> u64 {
        self.rings.load(Ordering::Relaxed)
    }
}

/// Whose loop's thread this is, for the length of a [`Mailbox::without_bell`].
#[derive(Clone, Copy)]
struct Here {
    /// Compared with, never read.
    mailbox: *const Mailbox,
    pushed: bool,
}

thread_local! {
    static HERE: Cell<Option<Here>> = const { Cell::new(None) };
}

/// The waker of one suspended operation.
#[derive(Debug)]
pub struct OpWaker {
    mailbox: Arc<Mailbox>,
    id: WakeId,
    /// Set while the id is in the mailbox, so that a future which wakes twice is stepped once.
    queued: AtomicBool,
}

impl OpWaker {
    pub fn new(mailbox: Arc<Mailbox>, id: WakeId) -> Self {
        Self {
            mailbox,
            id,
            queued: AtomicBool::new(false),
        }
    }

    /// Called when the id was taken out, before the future is polled again.
    pub fn taken(&self) {
        self.queued.store(false, Ordering::Release);
    }
}

impl Wake for OpWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::AcqRel) {
            self.mailbox.push(self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;
    use std::thread;

    fn id(slot: u32) -> WakeId {
        WakeId { slot, generation: 0 }
    }

    fn taken(mailbox: &Mailbox) -> Vec<u32> {
        let mut queue = VecDeque::new();
        mailbox.take(&mut queue);
        queue.into_iter().map(|id| id.slot).collect()
    }

    #[test]
    fn a_burst_rings_once_and_keeps_its_order() {
        let mailbox = Mailbox::new(Bell::silent());
        for slot in 0..10_000 {
            mailbox.push(id(slot));
        }
        assert_eq!(mailbox.rings(), 1);
        assert_eq!(taken(&mailbox), (0..10_000).collect::<Vec<_>>());
        mailbox.push(id(1));
        assert_eq!(mailbox.rings(), 2);
    }

    #[test]
    fn a_push_from_the_loop_does_not_ring_but_is_told() {
        let mailbox = Arc::new(Mailbox::new(Bell::silent()));
        let other = Mailbox::new(Bell::silent());
        assert!(!mailbox.without_bell(|| {}));
        assert!(mailbox.without_bell(|| {
            mailbox.push(id(1));
            mailbox.push(id(2));
            other.push(id(3));
        }));
        assert_eq!((mailbox.rings(), other.rings()), (0, 1));
        // It is armed: whoever comes next relies on the loop's coming back.
        mailbox.push(id(4));
        assert_eq!(mailbox.rings(), 0);
        assert_eq!(taken(&mailbox), [1, 2, 4]);
        mailbox.push(id(5));
        assert_eq!(mailbox.rings(), 1);
    }

    #[test]
    fn a_closed_mailbox_drops_what_comes() {
        let mailbox = Mailbox::new(Bell::silent());
        mailbox.push(id(1));
        mailbox.close();
        mailbox.push(id(2));
        assert_eq!(taken(&mailbox), Vec::<u32>::new());
        assert_eq!(mailbox.rings(), 1);
    }

    #[test]
    fn a_waker_that_wakes_twice_queues_once_until_taken() {
        let mailbox = Arc::new(Mailbox::new(Bell::silent()));
        let waker = Arc::new(OpWaker::new(Arc::clone(&mailbox), id(7)));
        waker.wake_by_ref();
        waker.wake_by_ref();
        assert_eq!(taken(&mailbox), [7]);
        waker.taken();
        waker.wake_by_ref();
        assert_eq!(taken(&mailbox), [7]);
    }

    /// Four producers against a consumer that takes only when rung: nothing stays behind unrung.
    #[test]
    fn no_id_is_left_behind_unrung() {
        const EACH: u32 = 20_000;
        let mailbox = Arc::new(Mailbox::new(Bell::silent()));
        let start = Arc::new(Barrier::new(5));
        let producers: Vec<_> = (0..4)
            .map(|producer| {
                let (mailbox, start) = (Arc::clone(&mailbox), Arc::clone(&start));
                thread::spawn(move || {
                    start.wait();
                    for n in 0..EACH {
                        mailbox.push(id(producer * EACH + n));
                    }
                })
            })
            .collect();
        start.wait();
        let (mut heard, mut seen) = (0, Vec::new());
        while seen.len() < 4 * EACH as usize {
            let rings = mailbox.rings();
            if rings > heard {
                heard = rings;
                seen.extend(taken(&mailbox));
            } else {
                thread::yield_now();
            }
        }
        assert!(producers.into_iter().all(|producer| producer.join().is_ok()));
        seen.sort_unstable();
        assert_eq!(seen, (0..4 * EACH).collect::<Vec<_>>());
    }
}
