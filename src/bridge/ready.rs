//! Awaitables that are finished when they are made: awaiting one returns at once.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::{PyTraverseError, PyVisit};

use crate::python::exceptions::thrown;
use crate::python::finish::{finish, stop_iteration};

/// What `__aenter__` and `__aexit__` return when they have acted already.
#[pyclass(frozen, module = "aioxide._core")]
#[derive(Debug)]
pub struct Ready {
    value: Py<PyAny>,
}

impl Ready {
    /// Awaiting it gives `value`.
    pub fn with(py: Python<'_>, value: Py<PyAny>) -> PyResult<Py<Self>> {
        Py::new(py, Self { value })
    }

    /// Awaiting it gives None. It has no state, so there is but one.
    pub fn none(py: Python<'_>) -> PyResult<Py<Self>> {
        static NONE: PyOnceLock<Py<Ready>> = PyOnceLock::new();
        NONE.get_or_try_init(py, || Self::with(py, py.None()))
            .map(|ready| ready.clone_ref(py))
    }
}

#[pymethods]
impl Ready {
    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        finish(self.value.clone_ref(py), py)
    }

    #[pyo3(signature = (_value, /))]
    fn send(&self, py: Python<'_>, _value: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        Err(stop_iteration(py, self.value.clone_ref(py)))
    }

    #[pyo3(signature = (typ, val=None, tb=None, /))]
    fn throw(
        &self,
        typ: Bound<'_, PyAny>,
        val: Option<Bound<'_, PyAny>>,
        tb: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        Err(thrown(typ, val, tb)?)
    }

    fn close(&self) {}

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.value)
    }
}
