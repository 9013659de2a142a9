//! What of an upload is still under way when the head of the answer is here, and its body is to be read.
//!
//! Held by Python's objects alone, since it has Python objects in it.

use std::sync::Arc;

use pyo3::prelude::*;

use super::feeding::Feeding;
use crate::python::attached::Attached;

/// The tasks that feed the rest of a request's body; none, for most.
#[derive(Debug, Clone, Default)]
pub struct Upload(Option<Arc<Attached<Option<Feeding>>>>);

impl From<Feeding> for Upload {
    fn from(feeding: Feeding) -> Self {
        Self(Some(Arc::new(Attached::new(Some(feeding)))))
    }
}

impl Upload {
    /// What a source has raised, once: why the body of the answer broke off.
    pub fn failure(&self, py: Python<'_>) -> Option<PyErr> {
        self.0.as_ref()?.open(py).as_ref()?.failure(py)
    }

    /// Cancels the tasks: nobody wants the answer any more.
    pub fn stop(&self, py: Python<'_>) {
        let feeding = self.0.as_ref().and_then(|feeding| feeding.open(py).take());
        drop(feeding);
    }
}
