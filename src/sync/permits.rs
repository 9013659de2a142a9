//! Permits that are taken and given back: what is under `Lock`, `RLock`, `RWLock`, `Semaphore` and `Pool`.
//!
//! Who comes takes what is free only if nobody is in line, nor let through and still to come: those start first,
//! as with asyncio (gh-90155). Whoever gives something back, turns a ticket in or leaves the line lets through as
//! many from its front as there is enough for.
//!
//! Invariant: if anybody is in line, either the first in line asks for more than is free, or somebody who was
//! let through is still to come.

use std::sync::Arc;
use std::task::{Poll, Waker, ready};

use super::exclusive::Mutex;
use super::line::{Gate, Passage};
use super::waiters::{Arrival, Standing, Ticket, Waiters, Woken};

/// See the head of this file.
#[derive(Debug)]
pub struct Permits {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// What can be taken now. Below zero after a shrinking, until enough has come back.
    free: i64,
    waiters: Waiters,
}

impl State {
    fn take(&mut self, count: usize) -> bool {
        let count = amount(count);
        if self.free < count {
            return false;
        }
        self.free -= count;
        true
    }

    fn let_through(&mut self) -> Woken {
        let mut woken = Woken::default();
        while let Some(want) = self.waiters.first_want() {
            if !self.take(want) {
                break;
            }
            woken.add(self.waiters.grant_first());
        }
        woken
    }
}

/// No count that memory could hold the waiters of is beyond this.
fn amount(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

impl Permits {
    pub fn new(free: usize) -> Self {
        Self {
            state: Mutex::new(State {
                free: amount(free),
                waiters: Waiters::new(),
            }),
        }
    }

    /// Begins anew with `free`, for a constructor, which can be called again.
    pub fn begin_with(&self, free: usize) -> Woken {
        let mut state = self.state.lock();
        state.free = amount(free);
        state.let_through()
    }

    /// Takes `count` if they are free and nobody is in line for them.
    pub fn try_take(&self, count: usize) -> bool {
        let mut state = self.state.lock();
        state.waiters.is_quiet() && state.take(count)
    }

    /// Waits for `count`. Dropping the future gives up the place in line, and what was granted.
    pub fn take(self: &Arc<Self>, count: usize) -> Passage<Arc<Self>> {
        Passage::new(Arc::clone(self), count)
    }

    /// Gives `count` back.
    pub fn give(&self, count: usize) -> Woken {
        self.change(amount(count))
    }

    /// Gives `count` back unless more than `most` would be free then; None, and nothing happens, if so.
    pub fn give_up_to(&self, count: usize, most: i64) -> Option<Woken> {
        self.give_where(count, |free| {
            free.checked_add(amount(count)).is_some_and(|free| free <= most)
        })
    }

    /// Gives `count` back if `may` says so of what is free; None, and nothing happens, if not.
    pub fn give_where(&self, count: usize, may: impl FnOnce(i64) -> bool) -> Option<Woken> {
        let mut state = self.state.lock();
        if !may(state.free) {
            return None;
        }
        state.free = state.free.saturating_add(amount(count));
        Some(state.let_through())
    }

    /// Adds to what is free, or takes from it even if it is not there.
    pub fn change(&self, by: i64) -> Woken {
        let mut state = self.state.lock();
        state.free = state.free.saturating_add(by);
        state.let_through()
    }

    /// What is free, and how many wait.
    pub fn counts(&self) -> (i64, usize) {
        let state = self.state.lock();
        (state.free, state.waiters.len())
    }

    /// Whether one who comes now for one of them would have to wait.
    pub fn is_shut(&self) -> bool {
        let state = self.state.lock();
        state.free < 1 || !state.waiters.is_quiet()
    }
}

impl Gate for Permits {
    type Want = usize;
    type Pass = ();

    fn poll(&self, want: &mut usize, ticket: &mut Option<Ticket>, waker: &Waker) -> Poll<((), Woken)> {
        let mut state = self.state.lock();
        match ready!(state.waiters.turn_in(ticket, waker)) {
            Arrival::New if state.waiters.is_quiet() && state.take(*want) => {
                Poll::Ready(((), Woken::default()))
            }
            Arrival::New => {
                *ticket = Some(state.waiters.join(*want, waker));
                Poll::Pending
            }
            _ => Poll::Ready(((), state.let_through())),
        }
    }

    fn try_pass(&self, want: &mut usize) -> Option<((), Woken)> {
        self.try_take(*want).then(|| ((), Woken::default()))
    }

    fn leave(&self, want: &mut usize, ticket: Ticket) -> Woken {
        let mut state = self.state.lock();
        if state.waiters.leave(ticket) == Standing::Granted {
            state.free = state.free.saturating_add(amount(*want));
        }
        // Also where it was only waiting: it may have been the one for whom there was not enough.
        state.let_through()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use std::pin::pin;
    use std::task::Context;

    fn poll(passage: &mut (impl Future<Output = ()> + Unpin)) -> Poll<()> {
        pin!(passage).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn nobody_overtakes_one_who_asks_for_more() {
        let permits = Arc::new(Permits::new(1));
        let mut big = permits.take(2);
        assert!(poll(&mut big).is_pending());
        assert!(!permits.try_take(1));
        let mut small = permits.take(1);
        assert!(poll(&mut small).is_pending());
        permits.give(1).wake();
        assert!(poll(&mut big).is_ready());
        assert!(poll(&mut small).is_pending());
        permits.give(2).wake();
        assert!(poll(&mut small).is_ready());
        assert_eq!(permits.counts(), (1, 0));
    }

    #[test]
    fn who_gives_up_lets_those_behind_go_on() {
        let permits = Arc::new(Permits::new(1));
        let mut big = permits.take(2);
        let mut small = permits.take(1);
        assert!(poll(&mut big).is_pending());
        assert!(poll(&mut small).is_pending());
        drop(big);
        assert!(poll(&mut small).is_ready());
        assert_eq!(permits.counts(), (0, 0));
    }

    #[test]
    fn what_was_granted_and_not_fetched_goes_to_the_next() {
        let permits = Arc::new(Permits::new(0));
        let mut first = permits.take(1);
        let mut second = permits.take(1);
        assert!(poll(&mut first).is_pending());
        assert!(poll(&mut second).is_pending());
        permits.give(1).wake();
        drop(first);
        assert!(poll(&mut second).is_ready());
        drop(second);
        assert_eq!(permits.counts(), (0, 0));
    }

    #[test]
    fn shrinking_is_paid_back_first() {
        let permits = Arc::new(Permits::new(1));
        permits.change(-2).wake();
        assert_eq!(permits.counts(), (-1, 0));
        permits.give(1).wake();
        assert!(!permits.try_take(1));
        permits.give(1).wake();
        assert!(permits.try_take(1));
    }
}
