//! Whom a gather tells how far it is: a callable, or a bar on standard error.
//!
//! It is told on the loop's thread, of each end. That takes a wake-up of the loop for what tokio ends, where one for
//! the last would do; so nothing is told that nobody has asked for.

use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyBool;
use pyo3::{PyTraverseError, PyVisit};

use crate::progress::Progress;
use crate::python::imports;

#[derive(Debug)]
pub(super) enum Listener {
    Bar(Progress),
    Callable(Py<PyAny>),
}

impl Listener {
    /// `progress`: True for a bar, a callable, or False for nobody. TypeError for anything else.
    pub(super) fn from_python(given: &Bound<'_, PyAny>, total: usize) -> PyResult<Option<Self>> {
        match given.cast::<PyBool>() {
            // Nothing to draw.
            Ok(_) if total == 0 => Ok(None),
            Ok(flag) if flag.is_true() => Ok(Some(Self::Bar(Progress::new(Some(total as u64), false)?))),
            Ok(_) => Ok(None),
            Err(_) if given.is_callable() => Ok(Some(Self::Callable(given.clone().unbind()))),
            Err(_) => Err(PyTypeError::new_err(format!(
                "progress must be callable, True, False or None, not {}",
                given.get_type().qualname()?
            ))),
        }
    }

    /// One more has ended: now `done` of `total` have.
    pub(super) fn tell(&self, py: Python<'_>, done: usize, total: usize, failed: bool) -> PyResult<()> {
        match self {
            Self::Bar(bar) => bar.advance(1, failed.into(), 0),
            Self::Callable(callable) => {
                let outcome = callable.bind(py).call1((done, total))?;
                if !outcome.is_none() && imports::iscoroutine(py)?.call1((&outcome,))?.is_truthy()? {
                    outcome.call_method0(intern!(py, "close"))?;
                    return Err(PyTypeError::new_err("progress must not be asynchronous"));
                }
            }
        }
        Ok(())
    }

    /// Nothing more will be told.
    pub(super) fn finish(&self, py: Python<'_>) {
        if let Self::Bar(bar) = self {
            bar.finish(py);
        }
    }

    pub(super) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self {
            Self::Bar(_) => Ok(()),
            Self::Callable(callable) => visit.call(callable),
        }
    }
}
