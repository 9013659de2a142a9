//! `Lock`.

use std::sync::Arc;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::class::{described, refuse_pickling};
use super::permits::Permits;
use super::waits::{self, block, give_none, give_true, seconds};
use crate::bridge::Operation;
use crate::bridge::ready::Ready;

/// Lets one in at a time.
///
/// It belongs to no loop: tasks of several loops and plain threads can share one. Who waits is let in in the
/// order in which it came, and nobody overtakes. Whoever has it may let anybody else release it.
#[pyclass(frozen, weakref, subclass, module = "aioxide")]
#[derive(Debug)]
pub struct Lock {
    permits: Arc<Permits>,
}

impl Lock {
    pub(super) fn permits(&self) -> &Arc<Permits> {
        &self.permits
    }
}

#[pymethods]
impl Lock {
    #[new]
    pub(super) fn new() -> Self {
        Self {
            permits: Arc::new(Permits::new(1)),
        }
    }

    /// An operation that takes the lock, waiting for it if need be, and gives True.
    ///
    /// Cancel safety: it is not taken; if it was granted by then it goes to the next in line.
    pub(super) fn acquire(&self, py: Python<'_>) -> PyResult<Py<Operation>> {
        waits::operation(py, "Lock.acquire", Arc::clone(&self.permits), 1, give_true)
    }

    /// Takes the lock if it is free and nobody is in line for it; whether it did.
    pub(super) fn try_acquire(&self) -> bool {
        self.permits.try_take(1)
    }

    /// Takes the lock on a plain thread, waiting at most `timeout` seconds; whether it did.
    ///
    /// RuntimeError on a thread whose event loop is running.
    #[pyo3(signature = (timeout=None))]
    fn acquire_blocking(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        Ok(block(py, self.permits.take(1), seconds(timeout)?)?.is_some())
    }

    /// Gives the lock to the first in line, or leaves it free. RuntimeError if nobody has it.
    pub(super) fn release(&self, py: Python<'_>) -> PyResult<()> {
        match self.permits.give_up_to(1, 1) {
            Some(woken) => waits::wake(py, woken),
            None => Err(PyRuntimeError::new_err("Lock is not acquired.")),
        }
    }

    /// Whether somebody has it.
    pub(super) fn locked(&self) -> bool {
        self.permits.counts().0 == 0
    }

    /// Whether it is `locked`, and how many are `waiting`.
    pub(super) fn statistics<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let (free, waiting) = self.permits.counts();
        let counts = PyDict::new(py);
        counts.set_item("locked", free == 0)?;
        counts.set_item("waiting", waiting)?;
        Ok(counts)
    }

    pub(super) fn __aenter__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        if self.permits.try_take(1) {
            return Ok(Ready::none(py)?.into_any());
        }
        let permits = Arc::clone(&self.permits);
        Ok(waits::operation(py, "Lock.acquire", permits, 1, give_none)?.into_any())
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
        let state = if free == 0 { "locked" } else { "unlocked" };
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
