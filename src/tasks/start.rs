//! How a Python coroutine becomes a Task.

use std::sync::Arc;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3::{PyTraverseError, PyVisit};

use crate::python::imports;

/// Makes the Tasks of one call.
#[derive(Debug)]
pub(super) struct Starter {
    /// `asyncio.Task`, or the loop's `create_task`.
    make: Py<PyAny>,
    /// `loop` and `eager_start` for the former.
    eagerly: Option<Py<PyDict>>,
}

impl Starter {
    /// On 3.12 and later, where the loop has no task factory, the Tasks are made in one callback, each of
    /// them eagerly: they take their first steps in order and in the loop's next turn, as asyncio's do,
    /// but with one Handle for all, and a child that needs no second step never gets one.
    ///
    /// Elsewhere the loop makes them, when `gather` is called: that is asyncio's way.
    pub(super) fn on(event_loop: &Bound<'_, PyAny>) -> PyResult<Arc<Self>> {
        let py = event_loop.py();
        let has_factory = !event_loop
            .call_method0(intern!(py, "get_task_factory"))?
            .is_none();
        if py.version_info() < (3, 12) || has_factory {
            return Ok(Arc::new(Self {
                make: event_loop.getattr(intern!(py, "create_task"))?.unbind(),
                eagerly: None,
            }));
        }
        let eagerly = PyDict::new(py);
        eagerly.set_item(intern!(py, "loop"), event_loop)?;
        eagerly.set_item(intern!(py, "eager_start"), true)?;
        Ok(Arc::new(Self {
            make: imports::task(py)?.clone().unbind(),
            eagerly: Some(eagerly.unbind()),
        }))
    }

    /// Whether the Tasks are to be made in the loop's next turn, from a callback.
    pub(super) fn waits_for_turn(&self) -> bool {
        self.eagerly.is_some()
    }

    /// A Task for `coroutine`, which takes its first step here if it starts eagerly.
    pub(super) fn task<'py>(&self, coroutine: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = coroutine.py();
        let eagerly = self.eagerly.as_ref().map(|eagerly| eagerly.bind(py));
        self.make.bind(py).call((coroutine,), eagerly)
    }

    pub(super) fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.make)?;
        visit.call(&self.eagerly)
    }
}
