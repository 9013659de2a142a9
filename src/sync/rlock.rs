//! `RLock`: a lock that whoever has it may take again.

use std::ops::Deref;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::thread::{self, ThreadId};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3::{PyTraverseError, PyVisit};

use super::class::{described, refuse_pickling};
use super::line::{Gate, Passage};
use super::permits::Permits;
use super::waiters::{Ticket, Woken};
use super::waits::{self, Door, block, seconds};
use crate::bridge::Operation;
use crate::bridge::ready::Ready;
use crate::python::attached::Attached;
use crate::python::imports;

/// A lock that its holder may take again, and has to release as often. The holder is a task, or a plain thread.
///
/// It belongs to no loop. Who waits is let in in the order in which it came.
#[pyclass(frozen, weakref, subclass, module = "aioxide")]
#[derive(Debug)]
pub struct RLock {
    permits: Arc<Permits>,
    held: Attached<Option<Held>>,
}

#[derive(Debug)]
struct Held {
    owner: Owner,
    count: usize,
}

#[derive(Debug)]
pub enum Owner {
    Task(Py<PyAny>),
    Thread {
        id: ThreadId,
        /// Python's number for it, to be shown.
        ident: Py<PyAny>,
    },
}

impl Owner {
    /// The running task, or this thread where none runs.
    fn current(py: Python<'_>) -> PyResult<Self> {
        if !imports::running_loop_or_none(py)?.call0()?.is_none() {
            let task = imports::current_task(py)?.call0()?;
            if !task.is_none() {
                return Ok(Self::Task(task.unbind()));
            }
        }
        Ok(Self::Thread {
            id: thread::current().id(),
            ident: imports::thread_ident(py)?.call0()?.unbind(),
        })
    }

    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Task(mine), Self::Task(its)) => mine.is(its),
            (Self::Thread { id: mine, .. }, Self::Thread { id: its, .. }) => mine == its,
            _ => false,
        }
    }

    pub(super) fn object(&self) -> &Py<PyAny> {
        match self {
            Self::Task(object) | Self::Thread { ident: object, .. } => object,
        }
    }
}

impl RLock {
    pub(super) fn permits(&self) -> &Arc<Permits> {
        &self.permits
    }

    /// Whether whoever runs here has it.
    pub(super) fn is_mine(&self, py: Python<'_>) -> PyResult<bool> {
        let me = Owner::current(py)?;
        Ok(self.held.open(py).as_ref().is_some_and(|held| held.owner.is(&me)))
    }

    /// Lets go of it, however often it was taken; to be taken up again.
    pub(super) fn let_go(&self, py: Python<'_>) -> Option<(Owner, usize)> {
        let held = self.held.open(py).take()?;
        Some((held.owner, held.count))
    }

    /// Takes it up again, once its permit has been got.
    pub(super) fn take_up(&self, py: Python<'_>, owner: Owner, count: usize) {
        *self.held.open(py) = Some(Held { owner, count });
    }

    fn take_again(&self, py: Python<'_>, me: &Owner) -> bool {
        match &mut *self.held.open(py) {
            Some(held) if held.owner.is(me) => {
                held.count += 1;
                true
            }
            _ => false,
        }
    }

    fn new_passage(slf: &Bound<'_, Self>) -> Passage<ToTake> {
        Passage::new(ToTake(slf.clone().unbind()), None)
    }
}

impl Gate for RLock {
    /// Who asks, from the first time on.
    type Want = Option<Owner>;
    type Pass = PyResult<()>;

    fn poll(
        &self,
        want: &mut Option<Owner>,
        ticket: &mut Option<Ticket>,
        waker: &Waker,
    ) -> Poll<(PyResult<()>, Woken)> {
        // Attached already: it is polled by loops, and by threads that hold the interpreter.
        Python::attach(|py| {
            if ticket.is_none() {
                let me = match Owner::current(py) {
                    Ok(me) => me,
                    Err(error) => return Poll::Ready((Err(error), Woken::default())),
                };
                if self.take_again(py, &me) {
                    return Poll::Ready((Ok(()), Woken::default()));
                }
                *want = Some(me);
            }
            self.permits.poll(&mut 1, ticket, waker).map(|((), woken)| {
                if let Some(owner) = want.take() {
                    self.take_up(py, owner, 1);
                }
                (Ok(()), woken)
            })
        })
    }

    fn leave(&self, _want: &mut Option<Owner>, ticket: Ticket) -> Woken {
        self.permits.leave(&mut 1, ticket)
    }
}

#[derive(Debug)]
struct ToTake(Py<RLock>);

impl Deref for ToTake {
    type Target = RLock;

    fn deref(&self) -> &RLock {
        self.0.get()
    }
}

impl Door for ToTake {
    fn traverse(&self, want: &Option<Owner>, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.0)?;
        want.as_ref().map_or(Ok(()), |owner| visit.call(owner.object()))
    }
}

fn give_true(py: Python<'_>, _door: &ToTake, taken: PyResult<()>) -> PyResult<Py<PyAny>> {
    taken.and_then(|()| Ok(true.into_pyobject(py)?.to_owned().into_any().unbind()))
}

fn give_none(py: Python<'_>, _door: &ToTake, taken: PyResult<()>) -> PyResult<Py<PyAny>> {
    taken.map(|()| py.None())
}

#[pymethods]
impl RLock {
    #[new]
    fn new() -> Self {
        Self {
            permits: Arc::new(Permits::new(1)),
            held: Attached::new(None),
        }
    }

    /// An operation that takes the lock, waiting unless the task has it already, and gives True.
    ///
    /// Cancel safety: it is not taken; if it was granted by then it goes to the next in line.
    fn acquire(slf: &Bound<'_, Self>) -> PyResult<Py<Operation>> {
        let door = ToTake(slf.clone().unbind());
        waits::operation(slf.py(), "RLock.acquire", door, None, give_true)
    }

    /// Takes the lock if it is free and nobody is in line for it, or it is the task's already; whether it did.
    fn try_acquire(&self, py: Python<'_>) -> PyResult<bool> {
        let me = Owner::current(py)?;
        if self.take_again(py, &me) {
            return Ok(true);
        }
        let taken = self.permits.try_take(1);
        if taken {
            self.take_up(py, me, 1);
        }
        Ok(taken)
    }

    /// Takes the lock for a plain thread, waiting at most `timeout` seconds unless it has it; whether it did.
    ///
    /// RuntimeError on a thread whose event loop is running.
    #[pyo3(signature = (timeout=None))]
    fn acquire_blocking(slf: &Bound<'_, Self>, timeout: Option<f64>) -> PyResult<bool> {
        let taken = block(slf.py(), Self::new_passage(slf), seconds(timeout)?)?;
        Ok(taken.transpose()?.is_some())
    }

    /// Undoes one acquire; the last lets the first in line in. RuntimeError for whoever does not have it.
    fn release(&self, py: Python<'_>) -> PyResult<()> {
        if !self.is_mine(py)? {
            return Err(PyRuntimeError::new_err("cannot release un-acquired lock"));
        }
        let mut held = self.held.open(py);
        if let Some(held) = &mut *held {
            held.count -= 1;
            if held.count > 0 {
                return Ok(());
            }
        }
        let before = held.take();
        drop(held);
        drop(before);
        waits::wake(py, self.permits.give(1))
    }

    /// Whether somebody has it.
    fn locked(&self) -> bool {
        self.permits.counts().0 == 0
    }

    /// Whether it is `locked`, how many are `waiting`, the `owner` (a task, a thread's ident or None), and the
    /// `count` of its acquires.
    pub(super) fn statistics<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let (free, waiting) = self.permits.counts();
        let (owner, count) = match &*self.held.open(py) {
            Some(held) => (held.owner.object().clone_ref(py), held.count),
            None => (py.None(), 0),
        };
        let counts = PyDict::new(py);
        counts.set_item("locked", free == 0)?;
        counts.set_item("waiting", waiting)?;
        counts.set_item("owner", owner)?;
        counts.set_item("count", count)?;
        Ok(counts)
    }

    fn __aenter__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        let py = slf.py();
        if slf.get().try_acquire(py)? {
            return Ok(Ready::none(py)?.into_any());
        }
        let door = ToTake(slf.clone().unbind());
        Ok(waits::operation(py, "RLock.acquire", door, None, give_none)?.into_any())
    }

    fn __aexit__(
        &self,
        py: Python<'_>,
        _exc_type: &Bound<'_, PyAny>,
        _exc: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) -> PyResult<Py<Ready>> {
        self.release(py)?;
        Ready::none(py)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let (free, waiting) = slf.get().permits.counts();
        let count = slf
            .get()
            .held
            .open(slf.py())
            .as_ref()
            .map_or(0, |held| held.count);
        let mut extra = if free == 0 {
            format!("locked, count:{count}")
        } else {
            "unlocked".to_owned()
        };
        if waiting > 0 {
            extra = format!("{extra}, waiters:{waiting}");
        }
        described(slf.as_any(), &extra)
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<()> {
        refuse_pickling(slf.as_any())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self.held.seen_by(&visit).as_deref() {
            Some(Some(held)) => visit.call(held.owner.object()),
            _ => Ok(()),
        }
    }

    fn __clear__(&self, py: Python<'_>) {
        let held = self.held.open(py).take();
        drop(held);
    }
}
