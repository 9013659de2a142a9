//! Operations that do nothing, keep going, or give back what they were given: to test what awaits them.

use std::future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3::{PyTraverseError, PyVisit};

use crate::bridge::work::Remote;
use crate::bridge::{Deliver, Hub, Native, Operation, Step, Turn, Work};
use crate::error::Result;

/// An operation that goes to tokio and back and does nothing there. Its value is None.
#[pyfunction]
pub fn noop() -> Operation {
    Operation::remote("noop", async { Ok(()) })
}

/// An operation that goes to tokio and back, and gives `value`; an exception is given, not raised.
#[pyfunction]
pub fn echo(value: Py<PyAny>) -> Operation {
    Operation::new(
        "echo",
        Echo {
            trip: Remote::new(Box::pin(async { Ok(()) })),
            value: Some(value),
        },
    )
}

/// An operation that never ends by itself; `pending_count` counts those that run.
#[pyfunction]
pub fn pending() -> Operation {
    Operation::remote("pending", async {
        let _running = Running::begin();
        future::poll_fn(|_| Poll::<Result<()>>::Pending).await
    })
}

/// How many `pending` operations have started on tokio and were not stopped yet.
#[pyfunction]
pub fn pending_count() -> usize {
    RUNNING.load(Ordering::Acquire)
}

/// What the running loop's hub counts: `rings` (wake-ups of the selector so far), `sleeping` (operations
/// suspended now) and `timers` (entries in its heap). RuntimeError where no loop runs.
#[pyfunction]
pub fn bridge_statistics(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let statistics = Hub::current(py)?.statistics(py);
    let counts = PyDict::new(py);
    counts.set_item("rings", statistics.rings)?;
    counts.set_item("sleeping", statistics.sleeping)?;
    counts.set_item("timers", statistics.timers)?;
    Ok(counts)
}

static RUNNING: AtomicUsize = AtomicUsize::new(0);

/// Counts itself while it lives, inside a future of tokio's.
struct Running;

impl Running {
    fn begin() -> Self {
        RUNNING.fetch_add(1, Ordering::AcqRel);
        Self
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        RUNNING.fetch_sub(1, Ordering::AcqRel);
    }
}

type Trip = std::pin::Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// A trip to tokio, and a value that stays here meanwhile: tokio must not see Python objects.
#[derive(Debug)]
struct Echo {
    trip: Remote<Trip>,
    value: Option<Py<PyAny>>,
}

impl Work for Echo {
    fn step(&mut self, py: Python<'_>, turn: &mut Turn<'_>) -> Step {
        match self.trip.step(py, turn) {
            Step::Done(Ok(_)) => Step::Done(self.value.take().map_or_else(|| ().deliver(py), Ok)),
            step => step,
        }
    }

    fn detach(self: Box<Self>) -> std::result::Result<Native, Box<dyn Work>> {
        Err(self)
    }

    fn traverse(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        visit.call(&self.value)
    }
}
