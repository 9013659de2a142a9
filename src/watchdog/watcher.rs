//! What the watching thread does once it has the interpreter, and what the loop's thread answers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use pyo3::intern;
use pyo3::prelude::*;

use super::seen::Seen;
use super::stall::{Sight, Stall};
use super::watch::{Found, Watch};
use crate::bridge::Hub;
use crate::python::imports;

/// Sleeps in the hub under the id that the watching thread wakes: the loop's side of a question.
#[pyclass(frozen, module = "aioxide._core")]
#[derive(Debug)]
pub struct Pulse {
    watch: Arc<Watch>,
}

impl Pulse {
    pub(super) fn of(watch: &Arc<Watch>) -> Self {
        Self {
            watch: Arc::clone(watch),
        }
    }

    /// The hub's call: the loop turns.
    pub(super) fn answer(object: &Bound<'_, PyAny>, _tag: usize, _hub: &Hub) -> PyResult<()> {
        let thread = imports::get_ident(object.py())?.call0()?.extract()?;
        object.cast::<Self>()?.get().watch.answer(thread);
        Ok(())
    }

    /// The hub's call: the loop is closed.
    pub(super) fn abandon(object: &Bound<'_, PyAny>, _tag: usize, _hub: &Hub) -> PyResult<()> {
        object.cast::<Self>()?.get().watch.close();
        Ok(())
    }
}

/// What the watching thread, and nobody else, holds: see `aioxide.watching`.
#[pyclass(frozen, module = "aioxide._core")]
#[derive(Debug)]
pub struct Watcher {
    watch: Arc<Watch>,
    hub: Arc<Hub>,
    seen: Arc<Seen>,
    /// What was seen of the stall that lasts.
    sight: Mutex<Option<Sight>>,
}

impl Watcher {
    pub(super) fn new(watch: &Arc<Watch>, hub: &Arc<Hub>, seen: &Arc<Seen>) -> Self {
        Self {
            watch: Arc::clone(watch),
            hub: Arc::clone(hub),
            seen: Arc::clone(seen),
            sight: Mutex::new(None),
        }
    }

    /// Looks at the loop that owes an answer; None if that is no stall after all, or over.
    fn look(&self, py: Python<'_>, gil_wait: Duration) -> PyResult<Option<Stall>> {
        let Some((duration, thread)) = self.watch.lasting() else {
            return Ok(None);
        };
        let Ok(event_loop) = self.hub.event_loop(py) else {
            self.watch.close();
            return Ok(None);
        };
        let sight = Sight::take(&event_loop, thread, gil_wait.as_secs_f64())?;
        let running = self.runs(&event_loop)?;
        if !self.watch.is_stall(running) {
            return Ok(None);
        }
        self.seen.count_one();
        self.seen.lasted(duration);
        let stall = Stall::new(py, duration.as_secs_f64(), false, &sight);
        *self.sight.lock() = Some(sight);
        Ok(Some(stall))
    }

    /// Looks again at a loop that is stuck: it may have ceased to run since.
    fn look_again(&self, py: Python<'_>) -> PyResult<()> {
        match self.hub.event_loop(py) {
            Ok(event_loop) if self.runs(&event_loop)? => {}
            Ok(_) => self.watch.rest(),
            Err(_) => self.watch.close(),
        }
        Ok(())
    }

    /// Whether the loop runs. Not every loop tells its hub that it is closed: that is asked here.
    fn runs(&self, event_loop: &Bound<'_, PyAny>) -> PyResult<bool> {
        let py = event_loop.py();
        let ask = |name| event_loop.call_method0(name)?.is_truthy();
        let running = ask(intern!(py, "is_running"))?;
        if !running && ask(intern!(py, "is_closed"))? {
            self.watch.close();
        }
        Ok(running)
    }

    fn over(&self, py: Python<'_>, length: Duration, gil_wait: Duration) -> Stall {
        self.seen.lasted(length);
        let sight = self.sight.lock().take().unwrap_or_else(|| {
            self.seen.count_one();
            Sight::nothing(py, self.watch.loop_thread(), gil_wait.as_secs_f64())
        });
        Stall::new(py, length.as_secs_f64(), true, &sight)
    }
}

#[pymethods]
impl Watcher {
    /// Waits for what is to be told next; None at the end.
    fn next(&self, py: Python<'_>) -> Option<Stall> {
        let _inside = self.watch.enter();
        let mut gil_wait = Duration::ZERO;
        loop {
            // Where it is known already the interpreter is not let go of, since it may be exiting.
            let (found, at) = match self.watch.found() {
                Some(found) => (found, Instant::now()),
                None => py.detach(|| (self.watch.wait(), Instant::now())),
            };
            // Of a stall that is over after a wait, that wait is what kept us from seeing it.
            gil_wait = gil_wait.max(at.elapsed());
            match found {
                Found::Stalled => match self.look(py, gil_wait) {
                    Ok(Some(stall)) => return Some(stall),
                    Ok(None) => {}
                    // It lasts, and its end is told of.
                    Err(error) => error.write_unraisable(py, None),
                },
                Found::Lasting => {
                    if let Err(error) = self.look_again(py) {
                        error.write_unraisable(py, None);
                    }
                }
                Found::Over(length) => return Some(self.over(py, length, gil_wait)),
                Found::Ended => {
                    self.watch.leave();
                    return None;
                }
            }
        }
    }

    /// Tells `sys.unraisablehook` of an exception that came out of `callback`.
    fn failed(&self, error: Bound<'_, PyAny>, callback: &Bound<'_, PyAny>) {
        PyErr::from_value(error).write_unraisable(callback.py(), Some(callback));
    }
}

impl Drop for Watcher {
    /// The thread has ended, or could not be started.
    fn drop(&mut self) {
        self.watch.leave();
    }
}
