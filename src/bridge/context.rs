//! An operation in `async with`: `async with client.get(url) as response`.
//!
//! Awaited, an operation gives a finished value. Entered, it gives the same in a form that is still at work,
//! and closes it on the way out. What that form is, its work knows: see [`Work::enter`].

use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use pyo3::{PyTraverseError, PyVisit};

use super::operation::Operation;
use super::ready::Ready;
use super::work::{Native, Step, Turn, Work};

#[pymethods]
impl Operation {
    /// TypeError for an operation whose value has nothing to close.
    fn __aenter__(slf: &Bound<'_, Self>) -> PyResult<Self> {
        let py = slf.py();
        let mut work = slf.get().take(py)?;
        let qualname = slf.get().state.open(py).qualname;
        match work.enter() {
            Some(inner) => Ok(Self::new(
                qualname,
                Entering {
                    inner,
                    operation: slf.clone().unbind(),
                },
            )),
            None => Err(PyTypeError::new_err(format!(
                "operation '{qualname}' can be awaited, and not be used with 'async with'"
            ))),
        }
    }

    #[pyo3(signature = (*_exception))]
    fn __aexit__(&self, py: Python<'_>, _exception: &Bound<'_, PyTuple>) -> PyResult<Py<PyAny>> {
        let entered = self.state.open(py).entered.take();
        match entered {
            Some(entered) => entered.call_method0(py, intern!(py, "aclose")),
            None => Ready::none(py).map(Py::into_any),
        }
    }
}

/// The work of the way in: what it gives is remembered for the way out.
#[derive(Debug)]
struct Entering {
    inner: Box<dyn Work>,
    operation: Py<Operation>,
}

impl Entering {
    fn remember(&self, py: Python<'_>, outcome: PyResult<Py<PyAny>>) -> PyResult<Py<PyAny>> {
        let value = outcome?;
        let before = self
            .operation
            .get()
            .state
            .open(py)
            .entered
            .replace(value.clone_ref(py));
        drop(before);
        Ok(value)
    }

    fn passed(&self, py: Python<'_>, step: Step) -> Step {
        match step {
            Step::Done(outcome) => Step::Done(self.remember(py, outcome)),
            other => other,
        }
    }
}

impl Work for Entering {
    fn at_once(&mut self, py: Python<'_>) -> Option<PyResult<Py<PyAny>>> {
        let outcome = self.inner.at_once(py)?;
        Some(self.remember(py, outcome))
    }

    fn step(&mut self, py: Python<'_>, turn: &mut Turn<'_>) -> Step {
        let step = self.inner.step(py, turn);
        self.passed(py, step)
    }

    fn survives_cancel(&self) -> bool {
        self.inner.survives_cancel()
    }

    fn thrown(&mut self, py: Python<'_>, error: PyErr, turn: &mut Turn<'_>) -> Step {
        let step = self.inner.thrown(py, error, turn);
        self.passed(py, step)
    }

    fn detach(self: Box<Self>) -> Result<Native, Box<dyn Work>> {
        Err(self)
    }

    fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.operation)?;
        self.inner.traverse(visit)
    }
}
