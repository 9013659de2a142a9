//! The three lines of a queue as gates: getting, putting, and waiting for the work to be done.
//!
//! A door keeps the queue object itself, not only its core: what is in the queue is then reachable, for the
//! garbage collector, from whoever waits for it.

use std::ops::Deref;
use std::sync::Arc;
use std::task::{Poll, Waker};

use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use super::Queue;
use super::core::{Core, Refusal};
use super::heap::Entry;
use crate::bridge::spare::Spare;
use crate::sync::line::Gate;
use crate::sync::waiters::{Ticket, Woken};
use crate::sync::waits::Door;

#[derive(Debug)]
pub(super) struct Getting(pub(super) Arc<Core>);

#[derive(Debug)]
pub(super) struct Putting(pub(super) Arc<Core>);

#[derive(Debug)]
pub(super) struct Joining(pub(super) Arc<Core>);

/// What was got, and who is to be woken for it.
fn split<T>(outcome: Result<(T, Woken), Refusal>) -> (Result<T, Refusal>, Woken) {
    match outcome {
        Ok((got, woken)) => (Ok(got), woken),
        Err(refusal) => (Err(refusal), Woken::default()),
    }
}

impl Gate for Getting {
    type Want = ();
    type Pass = Result<Entry, Refusal>;

    fn poll(&self, (): &mut (), ticket: &mut Option<Ticket>, waker: &Waker) -> Poll<(Self::Pass, Woken)> {
        // Attached already: a queue of Python objects is polled by loops and by threads that hold the interpreter.
        Python::attach(|py| self.0.poll_get(py, ticket, waker).map(split))
    }

    fn leave(&self, (): &mut (), ticket: Ticket) -> Woken {
        self.0.leave_getting(ticket)
    }
}

impl Gate for Putting {
    type Want = Option<Entry>;
    type Pass = Result<(), Refusal>;

    fn poll(
        &self,
        entry: &mut Option<Entry>,
        ticket: &mut Option<Ticket>,
        waker: &Waker,
    ) -> Poll<(Self::Pass, Woken)> {
        Python::attach(|py| {
            let outcome = self.0.poll_put(py, entry, ticket, waker);
            outcome.map(|put| split(put.map(|woken| ((), woken))))
        })
    }

    fn leave(&self, _entry: &mut Option<Entry>, ticket: Ticket) -> Woken {
        self.0.leave_putting(ticket)
    }
}

impl Gate for Joining {
    type Want = ();
    type Pass = ();

    fn poll(&self, (): &mut (), ticket: &mut Option<Ticket>, waker: &Waker) -> Poll<((), Woken)> {
        self.0.poll_join(ticket, waker).map(|()| ((), Woken::default()))
    }

    fn leave(&self, (): &mut (), ticket: Ticket) -> Woken {
        self.0.leave_joining(ticket)
    }
}

/// A door to one of a queue's gates.
macro_rules! door {
    ($name:ident, $gate:ident, $field:ident, $want:ty) => {
        #[derive(Debug)]
        pub(super) struct $name(pub(super) Py<Queue>);

        impl Deref for $name {
            type Target = $gate;

            fn deref(&self) -> &$gate {
                &self.0.get().$field
            }
        }

        impl Door for $name {
            fn traverse(&self, want: &$want, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
                visit.call(&self.0)?;
                shown(want, visit)
            }

            fn spare() -> Option<&'static Spare> {
                static SPARE: Spare = Spare::new();
                Some(&SPARE)
            }
        }
    };
}

door!(ToGet, Getting, getting, ());
door!(ToPut, Putting, putting, Option<Entry>);
door!(ToJoin, Joining, joining, ());

/// What an attempt brings along, for the garbage collector.
trait Brought {
    fn show(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError>;
}

impl Brought for () {
    fn show(&self, _visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        Ok(())
    }
}

impl Brought for Option<Entry> {
    fn show(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.as_ref().map_or(Ok(()), |entry| entry.traverse(visit))
    }
}

fn shown(brought: &impl Brought, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
    brought.show(visit)
}
