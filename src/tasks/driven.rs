//! A Python coroutine as the child of a gather or an amap: handed to its Task inside a coroutine of ours.
//!
//! The wrapper passes every step through and notes the end itself, so that the Task needs no
//! done-callback: that saves a Handle and a turn of the loop for every child. Where the child fails, the
//! Task ends with None: the exception belongs to the gather, and nobody must be told that it was never
//! retrieved. A CancelledError goes through, so that the Task counts as cancelled; so do
//! KeyboardInterrupt and SystemExit, which have to leave the loop.

use parking_lot::Mutex;
use pyo3::exceptions::{PyKeyboardInterrupt, PyRuntimeError, PyStopIteration, PySystemExit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyString;
use pyo3::{PyTraverseError, PyVisit};

use super::children::Children;
use crate::python::drive::{Sent, send_none};
use crate::python::finish::stop_iteration;
use crate::python::imports;

/// See the head of this file. Attributes it lacks are the coroutine's: its name, its frame, its code.
#[pyclass(frozen, weakref, module = "aioxide._core")]
#[derive(Debug)]
pub struct Driven {
    /// A coroutine, or an object with `__await__`.
    awaitable: Py<PyAny>,
    cell: Mutex<Cell>,
    index: usize,
}

#[derive(Debug)]
struct Cell {
    /// What is sent to: the coroutine itself, or the awaitable's iterator from its first step.
    steps: Option<Py<PyAny>>,
    /// Whom to tell; None once it was told.
    gather: Option<Py<Children>>,
}

impl Driven {
    pub(super) fn new(
        awaitable: Py<PyAny>,
        is_coroutine: bool,
        gather: Py<Children>,
        index: usize,
        py: Python<'_>,
    ) -> Self {
        Self {
            cell: Mutex::new(Cell {
                steps: is_coroutine.then(|| awaitable.clone_ref(py)),
                gather: Some(gather),
            }),
            awaitable,
            index,
        }
    }

    fn steps<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        if let Some(steps) = &self.cell.lock().steps {
            return Ok(steps.bind(py).clone());
        }
        let steps = self.awaitable.bind(py).call_method0(intern!(py, "__await__"))?;
        self.cell.lock().steps = Some(steps.clone().unbind());
        Ok(steps)
    }

    /// Tells the gather how it ended, once.
    fn ended(&self, py: Python<'_>, outcome: PyResult<Py<PyAny>>) -> PyResult<()> {
        let gather = self.cell.lock().gather.take();
        match gather {
            Some(gather) => Children::child_ended(gather.bind(py), self.index, Some(outcome)),
            None => Ok(()),
        }
    }

    /// What the Task hears of a step: what to wait for, that it is over, or an exception to end with.
    fn passed(&self, py: Python<'_>, sent: Sent<'_>) -> PyResult<Option<Py<PyAny>>> {
        match sent {
            Sent::Yielded(waits_for) => Ok(Some(waits_for.unbind())),
            Sent::Returned(value) => {
                self.ended(py, Ok(value.unbind()))?;
                Ok(None)
            }
            Sent::Raised(error) => {
                let interrupts = error.is_instance_of::<PyKeyboardInterrupt>(py)
                    || error.is_instance_of::<PySystemExit>(py);
                let passes = interrupts || error.matches(py, imports::cancelled_error(py)?)?;
                if interrupts {
                    retrieve_when_done(&imports::current_task(py)?.call0()?)?;
                }
                self.ended(py, Err(error.clone_ref(py)))?;
                if passes { Err(error) } else { Ok(None) }
            }
        }
    }

    fn step(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        let sent = match self.steps(py) {
            Ok(steps) => send_none(&steps),
            Err(error) => Sent::Raised(error),
        };
        self.passed(py, sent)
    }
}

/// Has the exception that `task` is about to end with counted as retrieved: the gather has it.
fn retrieve_when_done(task: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = task.py();
    let retrieve = task.get_type().getattr(intern!(py, "exception"))?;
    task.call_method1(intern!(py, "add_done_callback"), (retrieve,))
        .map(drop)
}

/// A method's way to say what `__next__` says with NULL.
fn or_stop(py: Python<'_>, waits_for: Option<Py<PyAny>>) -> PyResult<Py<PyAny>> {
    waits_for.ok_or_else(|| stop_iteration(py, py.None()))
}

#[pymethods]
impl Driven {
    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.step(py)
    }

    fn send(&self, py: Python<'_>, _value: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        or_stop(py, self.step(py)?)
    }

    #[pyo3(signature = (typ, val=None, tb=None, /))]
    fn throw(
        &self,
        py: Python<'_>,
        typ: Bound<'_, PyAny>,
        val: Option<Bound<'_, PyAny>>,
        tb: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let steps = self.steps(py)?;
        let sent = match steps.getattr_opt(intern!(py, "throw"))? {
            Some(throw) => match (val, tb) {
                (None, None) => throw.call1((typ,)),
                (val, None) => throw.call1((typ, val)),
                (val, tb) => throw.call1((typ, val, tb)),
            },
            // An iterator with nothing to throw into: the exception is raised where it waits.
            None => Err(PyErr::from_value(typ)),
        };
        let sent = match sent {
            Ok(waits_for) => Sent::Yielded(waits_for),
            Err(error) if error.is_instance_of::<PyStopIteration>(py) => {
                Sent::Returned(error.value(py).getattr(intern!(py, "value"))?)
            }
            Err(error) => Sent::Raised(error),
        };
        or_stop(py, self.passed(py, sent)?)
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let steps = self.cell.lock().steps.as_ref().map(|steps| steps.clone_ref(py));
        if let Some(steps) = steps
            && let Some(close) = steps.bind(py).getattr_opt(intern!(py, "close"))?
        {
            close.call0()?;
        }
        let closed = PyRuntimeError::new_err("this coroutine was closed by somebody else");
        self.ended(py, Err(closed))
    }

    fn __getattr__<'py>(&self, py: Python<'py>, name: &Bound<'py, PyString>) -> PyResult<Bound<'py, PyAny>> {
        self.awaitable.bind(py).getattr(name)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("<child of aioxide: {}>", self.awaitable.bind(py).repr()?))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.awaitable)?;
        let Some(cell) = self.cell.try_lock() else {
            return Ok(());
        };
        visit.call(&cell.steps)?;
        visit.call(&cell.gather)
    }

    fn __clear__(&self) {
        let mut cell = self.cell.lock();
        let cleared = (cell.steps.take(), cell.gather.take());
        drop(cell);
        drop(cleared);
    }
}
