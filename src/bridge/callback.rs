//! The one callback of a suspended operation: its task's next step.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3::{PyTraverseError, PyVisit};

use super::hub::Hub;
use crate::python::context;

/// What the task asked to be called, and in which context.
#[derive(Debug)]
pub(super) struct Callback {
    pub(super) function: Py<PyAny>,
    pub(super) context: Option<Py<PyAny>>,
}

impl Callback {
    /// The task's step: at once, except on a loop that runs again inside its callbacks.
    pub(super) fn resume(&self, hub: &Hub, operation: &Bound<'_, PyAny>) -> PyResult<()> {
        if hub.nests() {
            self.schedule(&hub.event_loop(operation.py())?, operation)
        } else {
            self.call(operation)
        }
    }

    /// The task's step, inside its context.
    fn call(&self, operation: &Bound<'_, PyAny>) -> PyResult<()> {
        let function = self.function.bind(operation.py());
        match &self.context {
            Some(task_context) => context::run_in(task_context.bind(operation.py()), || {
                function.call1((operation,)).map(drop)
            }),
            None => function.call1((operation,)).map(drop),
        }
    }

    /// The same, in the loop's next turn.
    pub(super) fn schedule(
        &self,
        event_loop: &Bound<'_, PyAny>,
        operation: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let py = operation.py();
        let kwargs = PyDict::new(py);
        if let Some(context) = &self.context {
            kwargs.set_item(intern!(py, "context"), context)?;
        }
        let function = &self.function;
        event_loop
            .call_method(intern!(py, "call_soon"), (function, operation), Some(&kwargs))
            .map(drop)
    }

    pub(super) fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.function)?;
        visit.call(&self.context)
    }
}
