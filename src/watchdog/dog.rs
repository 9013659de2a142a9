//! `watchdog`: what the user holds.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use super::exit::{self, PATIENCE};
use super::seen::Seen;
use super::watch::Watch;
use super::watcher::{Pulse, Watcher};
use crate::bridge::Hub;
use crate::bridge::mailbox::WakeId;
use crate::bridge::ready::Ready;
use crate::bridge::slots::Sleeper;
use crate::error::{Error, Result};
use crate::python::imports;

/// The loop is asked no more often than this.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(10);

/// More seconds than anybody waits for (31 years), and few enough to add to a point in time.
const LONGEST: f64 = 1e9;

/// Watches the running event loop: tells where it is stuck once it has not turned for `threshold` seconds.
///
/// RuntimeError where no loop runs; ValueError for a threshold or interval that is NaN, zero or less;
/// TypeError for a callback that cannot be called.
#[pyfunction]
#[pyo3(signature = (threshold=0.1, *, callback=None, interval=None))]
pub fn watchdog(
    py: Python<'_>,
    threshold: f64,
    callback: Option<Py<PyAny>>,
    interval: Option<f64>,
) -> PyResult<Watchdog> {
    let threshold = seconds("threshold", threshold)?;
    let interval = match interval {
        Some(interval) => seconds("interval", interval)?,
        None => threshold / 2,
    };
    if callback
        .as_ref()
        .is_some_and(|callback| !callback.bind(py).is_callable())
    {
        return Err(PyTypeError::new_err("callback must be callable, or None"));
    }
    imports::get_running_loop(py)?.call0()?;
    Ok(Watchdog {
        threshold,
        interval: interval.max(SHORTEST_INTERVAL),
        callback,
        seen: Arc::default(),
        running: Mutex::new(None),
    })
}

fn seconds(name: &'static str, value: f64) -> Result<Duration> {
    // NaN is not above zero either.
    if value > 0.0 {
        Ok(Duration::from_secs_f64(value.min(LONGEST)))
    } else {
        Err(Error::value(format!("{name} must be above zero, not {value}")))
    }
}

/// What `watchdog` gives: start and stop it, or enter it with `with` or `async with`.
#[pyclass(frozen, module = "aioxide")]
#[derive(Debug)]
pub struct Watchdog {
    threshold: Duration,
    interval: Duration,
    callback: Option<Py<PyAny>>,
    seen: Arc<Seen>,
    /// From `start` to `stop`. Locked with the interpreter held, and never given up under it.
    running: Mutex<Option<Running>>,
}

#[derive(Debug)]
struct Running {
    watch: Arc<Watch>,
    hub: Arc<Hub>,
    /// Under which the loop's side sleeps in the hub.
    id: WakeId,
}

#[pymethods]
impl Watchdog {
    /// Begins to watch the running loop, until `stop` or the loop's end.
    ///
    /// RuntimeError where no loop runs, if it watches already, and if no thread can be started.
    fn start(&self, py: Python<'_>) -> PyResult<()> {
        let hub = Hub::current(py)?;
        if self.is_running() {
            return Err(PyRuntimeError::new_err("the watchdog is running already"));
        }
        let thread = imports::get_ident(py)?.call0()?.extract()?;
        let (id, waker) = hub.reserve_with_waker(py);
        let watch = Arc::new(Watch::new(self.threshold, self.interval, waker, thread));
        let running = Running {
            watch: Arc::clone(&watch),
            hub: Arc::clone(&hub),
            id,
        };
        let pulse = Bound::new(py, Pulse::of(&watch))?;
        let sleeper = Sleeper {
            object: pulse.into_any().unbind(),
            tag: 0,
            resume: Pulse::answer,
            abandon: Pulse::abandon,
        };
        hub.occupy(py, id, sleeper);
        let watcher = Watcher::new(&watch, &hub, &self.seen);
        match self.begin(py, watcher, &watch) {
            Ok(true) => {
                *self.running.lock() = Some(running);
                Ok(())
            }
            not_begun => {
                // No thread is to be waited for.
                watch.leave();
                running.stop(py);
                not_begun.map(drop)
            }
        }
    }

    /// Ends the watch. A stall that lasts is over by this; what there is to tell is told before this
    /// returns, unless a callback takes more than five seconds. A second time does nothing.
    fn stop(&self, py: Python<'_>) {
        let running = self.running.lock().take();
        if let Some(running) = running {
            running.stop(py);
        }
    }

    /// How many stalls there were since it was made.
    #[getter]
    fn stalls(&self) -> u64 {
        self.seen.stalls()
    }

    /// The length of the longest, in seconds; of one that lasts, what it was when it was told of.
    #[getter]
    fn longest(&self) -> f64 {
        self.seen.longest()
    }

    /// For how long the loop may not turn, in seconds.
    #[getter]
    fn threshold(&self) -> f64 {
        self.threshold.as_secs_f64()
    }

    /// How often the loop is asked to turn, in seconds.
    #[getter]
    fn interval(&self) -> f64 {
        self.interval.as_secs_f64()
    }

    /// Whether it watches a loop.
    #[getter]
    fn running(&self) -> bool {
        self.is_running()
    }

    fn __enter__(slf: Py<Self>, py: Python<'_>) -> PyResult<Py<Self>> {
        slf.get().start(py)?;
        Ok(slf)
    }

    fn __exit__(
        &self,
        py: Python<'_>,
        _class: &Bound<'_, PyAny>,
        _exception: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) {
        self.stop(py);
    }

    fn __aenter__(slf: Py<Self>, py: Python<'_>) -> PyResult<Py<Ready>> {
        let entered = Self::__enter__(slf, py)?;
        Ready::with(py, entered.into_any())
    }

    fn __aexit__(
        &self,
        py: Python<'_>,
        _class: &Bound<'_, PyAny>,
        _exception: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) -> PyResult<Py<Ready>> {
        self.stop(py);
        Ready::none(py)
    }

    fn __repr__(&self) -> String {
        let state = if self.is_running() { "running" } else { "stopped" };
        format!(
            "<Watchdog [{state}] threshold={:?} stalls={}>",
            self.threshold(),
            self.stalls()
        )
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        visit.call(&self.callback)
    }
}

impl Watchdog {
    /// Starts the watching thread. False where none can be: at exit, when there is nothing left that is worth
    /// watching.
    fn begin(&self, py: Python<'_>, watcher: Watcher, watch: &Arc<Watch>) -> PyResult<bool> {
        let start = imports::watch_from_thread(py)?;
        if !exit::register(watch) {
            return Ok(false);
        }
        start.call1((watcher, &self.callback)).map(|_| true)
    }

    fn is_running(&self) -> bool {
        self.running
            .lock()
            .as_ref()
            .is_some_and(|running| !running.watch.is_over())
    }
}

impl Running {
    fn stop(&self, py: Python<'_>) {
        self.watch.end();
        self.hub.release(py, self.id);
        py.detach(|| self.watch.wait_left(PATIENCE));
    }
}
