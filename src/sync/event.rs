//! `Event`.

use std::sync::Arc;
use std::task::{Poll, Waker};

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::class::{described, refuse_pickling};
use super::exclusive::Mutex;
use super::line::{Gate, Passage};
use super::waiters::{Ticket, Waiters, Woken};
use super::waits::{self, Door, block, give_true, seconds};
use crate::bridge::Operation;
use crate::bridge::spare::Spare;

/// A flag that tasks and threads wait for. It belongs to no loop.
#[pyclass(frozen, weakref, subclass, module = "aioxide")]
#[derive(Debug)]
pub struct Event {
    flag: Arc<Flag>,
}

/// The core: who waits is let through by `set`, also if `clear` comes before it resumes.
#[derive(Debug, Default)]
struct Flag {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    is_set: bool,
    waiters: Waiters,
}

impl Flag {
    fn set(&self) -> Woken {
        let mut state = self.state.lock();
        state.is_set = true;
        state.waiters.grant_all()
    }

    fn counts(&self) -> (bool, usize) {
        let state = self.state.lock();
        (state.is_set, state.waiters.len())
    }
}

impl Gate for Flag {
    type Want = ();
    type Pass = ();

    fn poll(&self, (): &mut (), ticket: &mut Option<Ticket>, waker: &Waker) -> Poll<((), Woken)> {
        let mut state = self.state.lock();
        let is_set = state.is_set;
        let passed = state.waiters.pass_if(is_set, ticket, waker);
        passed.map(|()| ((), Woken::default()))
    }

    fn try_pass(&self, (): &mut ()) -> Option<((), Woken)> {
        self.state.lock().is_set.then(|| ((), Woken::default()))
    }

    fn leave(&self, (): &mut (), ticket: Ticket) -> Woken {
        let _any = self.state.lock().waiters.leave(ticket);
        Woken::default()
    }
}

impl Door for Arc<Flag> {
    fn spare() -> Option<&'static Spare> {
        static SPARE: Spare = Spare::new();
        Some(&SPARE)
    }
}

#[pymethods]
impl Event {
    /// Arguments are for `__init__`, so that a subclass may have its own.
    #[new]
    #[pyo3(signature = (*_args, **_kwargs), text_signature = "()")]
    fn new(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> Self {
        Self { flag: Arc::default() }
    }

    fn __init__(&self) {}

    /// Sets the flag: everybody who waits goes on, in the order in which they came. Any thread may do so.
    fn set(&self, py: Python<'_>) -> PyResult<()> {
        waits::wake(py, self.flag.set())
    }

    /// Takes the flag back: who comes from now on waits for the next `set`.
    fn clear(&self) {
        self.flag.state.lock().is_set = false;
    }

    /// Whether the flag is set.
    fn is_set(&self) -> bool {
        self.flag.counts().0
    }

    /// An operation that ends when the flag is set, and gives True. Cancel safety: nothing is lost.
    fn wait(&self, py: Python<'_>) -> PyResult<Py<Operation>> {
        waits::operation(py, "Event.wait", Arc::clone(&self.flag), (), give_true)
    }

    /// Waits on a plain thread for at most `timeout` seconds; whether the flag was set.
    ///
    /// RuntimeError on a thread whose event loop is running.
    #[pyo3(signature = (timeout=None))]
    fn wait_blocking(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        let passage = Passage::new(Arc::clone(&self.flag), ());
        Ok(block(py, passage, seconds(timeout)?)?.is_some())
    }

    /// Whether it is `set`, and how many are `waiting`.
    fn statistics<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let (is_set, waiting) = self.flag.counts();
        let counts = PyDict::new(py);
        counts.set_item("set", is_set)?;
        counts.set_item("waiting", waiting)?;
        Ok(counts)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let (is_set, waiting) = slf.get().flag.counts();
        let state = if is_set { "set" } else { "unset" };
        let waiters = if waiting > 0 {
            format!(", waiters:{waiting}")
        } else {
            String::new()
        };
        described(slf.as_any(), &format!("{state}{waiters}"))
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<()> {
        refuse_pickling(slf.as_any())
    }
}
