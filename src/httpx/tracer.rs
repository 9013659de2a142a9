//! Who writes down what happens to one request of httpx.

use std::sync::Arc;

use pyo3::prelude::*;

use crate::http::preparation::TraceEvent;
use crate::net::trace::Trace;

/// What happened to one request.
#[pyclass(frozen, module = "aioxide._core")]
#[derive(Debug)]
pub struct Tracer {
    trace: Arc<Trace>,
}

impl Tracer {
    pub fn trace(&self) -> Arc<Trace> {
        Arc::clone(&self.trace)
    }
}

#[pymethods]
impl Tracer {
    #[new]
    fn new() -> Self {
        Self {
            trace: Trace::begin(),
        }
    }

    /// What has happened so far.
    fn events(&self) -> Vec<TraceEvent> {
        self.trace.events().into_iter().map(TraceEvent::from).collect()
    }
}
