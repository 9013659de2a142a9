//! `move_on_after`: a `timeout` that swallows its own TimeoutError.

use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use super::timeout::{Timeout, timeout};
use crate::bridge::ready::Ready;
use crate::bridge::{InOneGo, Operation};

/// A scope that is left when `seconds` have passed, and the program goes on after it; None for no
/// deadline yet.
///
/// RuntimeError where no loop runs; ValueError for NaN. A time of zero or less has passed already.
#[pyfunction]
#[pyo3(signature = (seconds))]
pub fn move_on_after(py: Python<'_>, seconds: Option<f64>) -> PyResult<MoveOn> {
    Ok(MoveOn {
        scope: Py::new(py, timeout(py, seconds)?)?,
    })
}

/// The scope that `move_on_after` gives; enter it once, with `async with`.
#[pyclass(frozen, weakref, module = "aioxide")]
#[derive(Debug)]
pub struct MoveOn {
    scope: Py<Timeout>,
}

#[pymethods]
impl MoveOn {
    /// The deadline in seconds of the loop's clock, or None.
    fn when(&self, py: Python<'_>) -> Option<f64> {
        self.scope.get().when(py)
    }

    /// Whether the scope was ended by its deadline.
    fn expired(&self, py: Python<'_>) -> bool {
        self.scope.get().expired(py)
    }

    /// Moves the deadline to `when`, in seconds of the loop's clock; None for no deadline.
    ///
    /// RuntimeError before the scope was entered, and once it has expired or was left.
    fn reschedule(&self, py: Python<'_>, when: Option<f64>) -> PyResult<()> {
        Timeout::reschedule(self.scope.bind(py), when)
    }

    /// RuntimeError, when it is awaited, outside of a task or if the scope has been entered before.
    fn __aenter__(slf: Py<Self>) -> Operation {
        let enter = move |py: Python<'_>| {
            Timeout::enter(slf.get().scope.bind(py))?;
            Ok(slf.into_any())
        };
        Operation::new("MoveOn.__aenter__", InOneGo::new(enter))
    }

    fn __aexit__(
        &self,
        py: Python<'_>,
        _exc_type: &Bound<'_, PyAny>,
        exc: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) -> PyResult<Py<Ready>> {
        let ours = Timeout::leave(self.scope.bind(py), exc)?;
        Ready::with(py, ours.into_pyobject(py)?.to_owned().into_any().unbind())
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        self.scope.get().__repr__(py).replacen("Timeout", "MoveOn", 1)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.scope)
    }
}
