//! A queue's items, who waits for one, who waits for room, and who waits for the work to be done.
//!
//! A getter that is let through has a claim on an item, not the item itself, which stays where it is until the
//! getter resumes; a putter has a promise of room. So one that is cancelled in between leaves the items and
//! their order as they are, and its claim goes to the next; and a getter of a priority queue gets what is
//! first when it resumes.
//!
//! Invariants: `claims` counts items that getters have a claim on, `promises` room that putters were promised.
//! If a getter is in line, every item is claimed; if a putter is in line, all room is promised.
//!
//! Locks: `state` is not held while Python is called. A heap compares its items, so it has a lock of its own,
//! which is; whoever finds it locked lets go of the interpreter until it is not.

use std::collections::VecDeque;
use std::task::{Poll, Waker, ready};
use std::thread::{self, ThreadId};

use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use pyo3::{PyTraverseError, PyVisit};

use super::heap::{Entry, Heap};
use crate::error::Error;
use crate::sync::waiters::{Arrival, Standing, Ticket, Waiters, Woken};

/// In which order items come out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    FirstIn,
    LastIn,
    Smallest,
}

/// Why there is no item, or no room.
#[derive(Debug)]
pub(super) enum Refusal {
    /// Empty, or full.
    NotNow,
    ShutDown,
    /// It was taken out of the queue past the line.
    Gone,
    /// A comparison raised this.
    Failed(PyErr),
}

#[derive(Debug)]
pub(super) struct Core {
    order: Order,
    state: Mutex<State>,
    heap: Mutex<Heap>,
    /// Who has the heap.
    sorting: Mutex<Option<ThreadId>>,
}

#[derive(Debug, Default)]
struct State {
    /// None: as many as there is memory for.
    most: Option<usize>,
    /// All items; those of a heap are there.
    items: VecDeque<Entry>,
    size: usize,
    claims: usize,
    promises: usize,
    unfinished: usize,
    shut: bool,
    getters: Waiters,
    putters: Waiters,
    joiners: Waiters,
}

/// What `statistics` and `repr` tell.
#[derive(Debug)]
pub(super) struct Counts {
    pub(super) size: usize,
    pub(super) getting: usize,
    pub(super) putting: usize,
    pub(super) unfinished: usize,
    pub(super) shut: bool,
}

impl State {
    fn let_getters(&mut self) -> Woken {
        let mut woken = Woken::default();
        while self.size > self.claims && !self.getters.is_empty() {
            self.claims += 1;
            woken.add(self.getters.grant_first());
        }
        woken
    }

    fn has_room(&self) -> bool {
        self.most.is_none_or(|most| self.size + self.promises < most)
    }

    fn let_putters(&mut self) -> Woken {
        let mut woken = Woken::default();
        while !self.putters.is_empty() && self.has_room() {
            self.promises += 1;
            woken.add(self.putters.grant_first());
        }
        woken
    }
}

impl Core {
    pub(super) fn new(order: Order) -> Self {
        Self {
            order,
            state: Mutex::default(),
            heap: Mutex::default(),
            sorting: Mutex::new(None),
        }
    }

    /// How many items there may be; for a constructor.
    pub(super) fn limit(&self, most: Option<usize>) {
        self.state.lock().most = most;
    }

    pub(super) fn counts(&self) -> Counts {
        let state = self.state.lock();
        Counts {
            size: state.size,
            getting: state.getters.len(),
            putting: state.putters.len(),
            unfinished: state.unfinished,
            shut: state.shut,
        }
    }

    pub(super) fn is_full(&self) -> bool {
        let state = self.state.lock();
        state.most.is_some_and(|most| state.size >= most)
    }

    // ---- getting ----

    /// An item that nobody has a claim on, and who is to be woken for the room.
    pub(super) fn get(&self, py: Python<'_>) -> Result<(Entry, Woken), Refusal> {
        let mut state = self.state.lock();
        if state.size <= state.claims {
            return Err(if state.shut {
                Refusal::ShutDown
            } else {
                Refusal::NotNow
            });
        }
        let entry = match self.order {
            // Those before it are for the getters that were let through.
            Order::FirstIn => {
                let claimed = state.claims;
                state.items.remove(claimed)
            }
            Order::LastIn => state.items.pop_back(),
            Order::Smallest => None,
        };
        let Some(entry) = entry else {
            state.claims += 1;
            drop(state);
            return self.fetch(py).map_err(|refusal| match refusal {
                Refusal::Gone => Refusal::NotNow,
                refusal => refusal,
            });
        };
        state.size -= 1;
        Ok((entry, state.let_putters()))
    }

    /// The item of somebody who has a claim.
    fn fetch(&self, py: Python<'_>) -> Result<(Entry, Woken), Refusal> {
        let popped = match self.order {
            Order::Smallest => Some(self.with_heap(py, |heap| heap.pop(py)).map_err(Refusal::Failed)),
            _ => None,
        };
        let mut state = self.state.lock();
        state.claims -= 1;
        let entry = match popped {
            Some(Ok(entry)) => entry,
            Some(Err(refusal)) => {
                // It is there still, and somebody may want it who can compare it.
                let woken = state.let_getters();
                drop(state);
                woken.wake();
                return Err(refusal);
            }
            None if self.order == Order::FirstIn => state.items.pop_front(),
            None => state.items.pop_back(),
        };
        // None, where the items were thrown away.
        let Some(entry) = entry else {
            return Err(if state.shut {
                Refusal::ShutDown
            } else {
                Refusal::Gone
            });
        };
        state.size -= 1;
        Ok((entry, state.let_putters()))
    }

    pub(super) fn poll_get(
        &self,
        py: Python<'_>,
        ticket: &mut Option<Ticket>,
        waker: &Waker,
    ) -> Poll<Result<(Entry, Woken), Refusal>> {
        let mut state = self.state.lock();
        match ready!(state.getters.turn_in(ticket, waker)) {
            Arrival::Granted => {}
            Arrival::Dismissed => return Poll::Ready(Err(Refusal::ShutDown)),
            Arrival::New if state.size > state.claims => state.claims += 1,
            Arrival::New if state.shut => return Poll::Ready(Err(Refusal::ShutDown)),
            Arrival::New => {
                *ticket = Some(state.getters.join(1, waker));
                return Poll::Pending;
            }
        }
        drop(state);
        match self.fetch(py) {
            // As if it had come now.
            Err(Refusal::Gone) => self.poll_get(py, ticket, waker),
            fetched => Poll::Ready(fetched),
        }
    }

    pub(super) fn leave_getting(&self, ticket: Ticket) -> Woken {
        let mut state = self.state.lock();
        if state.getters.leave(ticket) == Standing::Granted {
            state.claims -= 1;
        }
        state.let_getters()
    }

    /// Puts items back that somebody has got and given up, so that they come out next, in their order.
    pub(super) fn put_back(&self, py: Python<'_>, entries: Vec<Entry>) -> PyResult<Woken> {
        let count = entries.len();
        if self.order == Order::Smallest {
            self.with_heap(py, |heap| {
                entries.into_iter().try_for_each(|entry| heap.push(py, entry))
            })?;
        } else {
            let mut state = self.state.lock();
            for entry in entries.into_iter().rev() {
                match self.order {
                    Order::FirstIn => state.items.push_front(entry),
                    _ => state.items.push_back(entry),
                }
            }
        }
        let mut state = self.state.lock();
        state.size += count;
        Ok(state.let_getters())
    }

    // ---- putting ----

    /// Puts `entry` in if there is room that nobody was promised, and says who is to be woken for it.
    pub(super) fn put(&self, py: Python<'_>, entry: Entry) -> Result<Woken, Refusal> {
        let mut entry = Some(entry);
        self.put_from(py, &mut entry).unwrap_or(Err(Refusal::NotNow))
    }

    /// The same; None, and the entry stays where it is, where there is no room.
    pub(super) fn put_from(
        &self,
        py: Python<'_>,
        entry: &mut Option<Entry>,
    ) -> Option<Result<Woken, Refusal>> {
        let mut state = self.state.lock();
        if state.shut {
            return Some(Err(Refusal::ShutDown));
        }
        if !state.has_room() {
            return None;
        }
        let entry = entry.take()?;
        if self.order == Order::Smallest {
            state.promises += 1;
            drop(state);
            return Some(self.store(py, entry));
        }
        state.items.push_back(entry);
        state.size += 1;
        state.unfinished += 1;
        Some(Ok(state.let_getters()))
    }

    /// Puts the entry in of somebody who was promised room.
    fn store(&self, py: Python<'_>, entry: Entry) -> Result<Woken, Refusal> {
        let mut entry = Some(entry);
        let pushed = match (self.order, entry.take_if(|_| self.order == Order::Smallest)) {
            (_, Some(entry)) => self.with_heap(py, |heap| heap.push(py, entry)),
            _ => Ok(()),
        };
        let mut state = self.state.lock();
        state.promises -= 1;
        if let Err(error) = pushed {
            let woken = state.let_putters();
            drop(state);
            woken.wake();
            return Err(Refusal::Failed(error));
        }
        state.items.extend(entry);
        state.size += 1;
        state.unfinished += 1;
        Ok(state.let_getters())
    }

    pub(super) fn poll_put(
        &self,
        py: Python<'_>,
        entry: &mut Option<Entry>,
        ticket: &mut Option<Ticket>,
        waker: &Waker,
    ) -> Poll<Result<Woken, Refusal>> {
        let mut state = self.state.lock();
        match ready!(state.putters.turn_in(ticket, waker)) {
            arrival if state.shut => {
                state.promises -= usize::from(arrival == Arrival::Granted);
                return Poll::Ready(Err(Refusal::ShutDown));
            }
            Arrival::New if state.has_room() => state.promises += 1,
            Arrival::New => {
                *ticket = Some(state.putters.join(1, waker));
                return Poll::Pending;
            }
            // Only a shutdown sends putters away.
            Arrival::Granted | Arrival::Dismissed => {}
        }
        drop(state);
        match entry.take() {
            Some(entry) => Poll::Ready(self.store(py, entry)),
            None => {
                self.state.lock().promises -= 1;
                Poll::Ready(Err(Refusal::NotNow))
            }
        }
    }

    pub(super) fn leave_putting(&self, ticket: Ticket) -> Woken {
        let mut state = self.state.lock();
        if state.putters.leave(ticket) == Standing::Granted {
            state.promises -= 1;
        }
        state.let_putters()
    }

    // ---- the work ----

    /// One item's work is done; None if there are not so many.
    pub(super) fn task_done(&self) -> Option<Woken> {
        let mut state = self.state.lock();
        state.unfinished = state.unfinished.checked_sub(1)?;
        Some(if state.unfinished == 0 {
            state.joiners.grant_all()
        } else {
            Woken::default()
        })
    }

    pub(super) fn poll_join(&self, ticket: &mut Option<Ticket>, waker: &Waker) -> Poll<()> {
        let mut state = self.state.lock();
        let done = state.unfinished == 0;
        state.joiners.pass_if(done, ticket, waker)
    }

    pub(super) fn leave_joining(&self, ticket: Ticket) -> Woken {
        let _any = self.state.lock().joiners.leave(ticket);
        Woken::default()
    }

    /// Lets nothing in any more. With `immediate` what is in is thrown away, and its work counts as done.
    pub(super) fn shut_down(&self, py: Python<'_>, immediate: bool) -> PyResult<(Woken, Vec<Entry>)> {
        let mut thrown_away = Vec::new();
        if immediate && self.order == Order::Smallest {
            thrown_away = self.with_heap(py, |heap| Ok(heap.clear()))?;
        }
        let mut state = self.state.lock();
        state.shut = true;
        let mut woken = Woken::default();
        if immediate {
            thrown_away.extend(state.items.drain(..));
            state.size = state.size.saturating_sub(thrown_away.len());
            state.unfinished = state.unfinished.saturating_sub(thrown_away.len());
            if state.unfinished == 0 {
                woken.extend(state.joiners.grant_all());
            }
        }
        // Who waits for an item finds every one claimed, so none will come.
        woken.extend(state.getters.dismiss_all());
        woken.extend(state.putters.dismiss_all());
        Ok((woken, thrown_away))
    }

    // ---- the heap ----

    fn with_heap<T>(&self, py: Python<'_>, action: impl FnOnce(&mut Heap) -> PyResult<T>) -> PyResult<T> {
        let me = thread::current().id();
        let mut heap = match self.heap.try_lock() {
            Some(heap) => heap,
            None if *self.sorting.lock() == Some(me) => {
                let why = "a priority queue was used by the comparison of its own items";
                return Err(Error::runtime(why).into());
            }
            None => self.heap.lock_py_attached(py),
        };
        *self.sorting.lock() = Some(me);
        let outcome = action(&mut heap);
        *self.sorting.lock() = None;
        outcome
    }

    /// Every item, in the order in which they lie.
    pub(super) fn items(&self, py: Python<'_>) -> Vec<Py<PyAny>> {
        let clone = |entry: &Entry| entry.item.clone_ref(py);
        if self.order == Order::Smallest {
            return self
                .heap
                .try_lock()
                .map_or_else(Vec::new, |heap| heap.entries().map(clone).collect());
        }
        self.state.lock().items.iter().map(clone).collect()
    }

    /// Puts `entries` in the place of all items, in the order in which they are to lie, and says who is to be
    /// woken for them and for the room. What work is unfinished stays as it is.
    pub(super) fn replace(&self, py: Python<'_>, entries: Vec<Entry>) -> PyResult<(Woken, Vec<Entry>)> {
        let size = entries.len();
        let (mut entries, mut replaced) = (Some(entries), Vec::new());
        if self.order == Order::Smallest {
            replaced = self.with_heap(py, |heap| heap.replace(py, entries.take().unwrap_or_default()))?;
        }
        let mut state = self.state.lock();
        replaced.extend(state.items.drain(..));
        state.items.extend(entries.into_iter().flatten());
        state.size = size;
        let mut woken = state.let_getters();
        woken.extend(state.let_putters());
        Ok((woken, replaced))
    }

    pub(super) fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        if let Some(state) = self.state.try_lock() {
            state.items.iter().try_for_each(|entry| entry.traverse(visit))?;
        }
        match self.heap.try_lock() {
            Some(heap) => heap.entries().try_for_each(|entry| entry.traverse(visit)),
            None => Ok(()),
        }
    }

    /// Lets go of all items, for the garbage collector.
    pub(super) fn clear(&self) {
        let items = std::mem::take(&mut self.state.lock().items);
        let heaped = self.heap.try_lock().map(|mut heap| heap.clear());
        drop((items, heaped));
    }
}
