//! Standing in line, as a future that anybody can poll: a task's operation, a thread that sleeps, Rust on tokio.
//!
//! A [`Gate`] is a primitive's core: its counts and its line under one lock. A [`Passage`] is one attempt to get
//! through; dropping it gives up the place, and whatever was granted and not yet fetched.
//!
//! Nothing of Python in here; `waits` is where a passage meets a loop or a thread.

use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::waiters::{Ticket, Woken};

/// A primitive's core.
pub trait Gate {
    /// What an attempt asks for, or brings.
    type Want;
    /// What it gets.
    type Pass;

    /// Passes, which may let others through as well, or takes a place in line and says whom to wake.
    fn poll(
        &self,
        want: &mut Self::Want,
        ticket: &mut Option<Ticket>,
        waker: &Waker,
    ) -> Poll<(Self::Pass, Woken)>;

    /// Gives up: what was granted goes to the next in line.
    fn leave(&self, want: &mut Self::Want, ticket: Ticket) -> Woken;
}

/// One attempt to get through a gate that `door` leads to.
pub struct Passage<D: Deref<Target: Gate>> {
    door: D,
    want: <D::Target as Gate>::Want,
    ticket: Option<Ticket>,
}

impl<D: Deref<Target: Gate>> Passage<D> {
    pub fn new(door: D, want: <D::Target as Gate>::Want) -> Self {
        Self {
            door,
            want,
            ticket: None,
        }
    }

    /// Whether it stands in line, or has been let through and not fetched it.
    pub fn has_ticket(&self) -> bool {
        self.ticket.is_some()
    }

    pub fn poll_with(&mut self, waker: &Waker) -> Poll<(<D::Target as Gate>::Pass, Woken)> {
        self.door.poll(&mut self.want, &mut self.ticket, waker)
    }

    pub fn door(&self) -> &D {
        &self.door
    }

    pub fn want(&self) -> &<D::Target as Gate>::Want {
        &self.want
    }
}

impl<D: Deref<Target: Gate>> fmt::Debug for Passage<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passage")
            .field("ticket", &self.ticket)
            .finish_non_exhaustive()
    }
}

// Nothing in it is pinned.
impl<D: Deref<Target: Gate>> Unpin for Passage<D> {}

impl<D: Deref<Target: Gate>> Future for Passage<D> {
    type Output = <D::Target as Gate>::Pass;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.poll_with(cx.waker()).map(|(pass, woken)| {
            woken.wake();
            pass
        })
    }
}

impl<D: Deref<Target: Gate>> Drop for Passage<D> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.door.leave(&mut self.want, ticket).wake();
        }
    }
}
