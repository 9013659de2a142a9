//! What happens to a request, told while it happens: what aiohttp's traces of connections and names are made of.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::bridge::work::Remote;
use crate::bridge::{Deliver, Operation};
use crate::http::preparation::TraceEvent;
use crate::net::trace::{Event, Trace};

/// The events of one request, to be heard by one listener.
#[pyclass(frozen, name = "AiohttpTrace", module = "aioxide._core")]
#[derive(Debug)]
pub struct Events {
    pub(super) trace: Arc<Trace>,
}

#[pymethods]
impl Events {
    #[new]
    fn new() -> Self {
        Self {
            trace: Trace::begin(),
        }
    }

    /// Waits for what comes behind the first `heard` events: a list, which is empty if there is no more.
    fn beyond(&self, heard: usize) -> Operation {
        let trace = Arc::clone(&self.trace);
        let waiting = async move { Ok(New(trace.beyond(heard).await)) };
        Operation::new("AiohttpTrace.beyond", Remote::new(waiting))
    }

    /// There is no more.
    fn end(&self) {
        self.trace.end();
    }
}

struct New(Vec<Event>);

impl Deliver for New {
    fn deliver(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let events = self
            .0
            .into_iter()
            .map(|event| Py::new(py, TraceEvent::from(event)));
        let events = events.collect::<PyResult<Vec<_>>>()?;
        Ok(PyList::new(py, events)?.into_any().unbind())
    }
}
