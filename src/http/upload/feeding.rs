//! What feeds the pipes of a body: sources of Python's, and the tasks in which they are asked for chunks.

use std::sync::Arc;
use std::task::Waker;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use super::pipe::Pipe;
use super::room::UploadPipe;
use crate::bridge::Hub;
use crate::python::exceptions::in_destructor;
use crate::python::imports;

/// The sources of one body that have to be fed. Empty for a body in memory or in files.
#[derive(Debug, Default)]
pub struct Feeds(Vec<Feed>);

#[derive(Debug)]
struct Feed {
    /// A source of `aioxide.uploads`.
    source: Py<PyAny>,
    pipe: Py<UploadPipe>,
}

impl Feeds {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The pipe that `source`, given as `what`, is to fill.
    pub(super) fn add(&mut self, source: Bound<'_, PyAny>, what: &'static str) -> PyResult<Arc<Pipe>> {
        let pipe = UploadPipe::new(what);
        let inner = Arc::clone(pipe.pipe());
        self.0.push(Feed {
            pipe: Py::new(source.py(), pipe)?,
            source: source.unbind(),
        });
        Ok(inner)
    }

    /// Feeds all of them on this thread, one after the other, until each has come to its end or nobody
    /// wants the rest of it. Raises what a source raises; TypeError for one that needs a loop.
    pub fn feed_blocking(&self, py: Python<'_>) -> PyResult<()> {
        for Feed { source, pipe } in &self.0 {
            imports::feed_upload_blocking(py)?.call1((source, pipe))?;
        }
        Ok(())
    }

    pub fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        for Feed { source, pipe } in &self.0 {
            visit.call(source)?;
            visit.call(pipe)?;
        }
        Ok(())
    }
}

/// The tasks that feed one body. Dropped, they are cancelled.
#[derive(Debug)]
pub struct Feeding {
    hub: Arc<Hub>,
    tasks: Vec<Running>,
}

#[derive(Debug)]
struct Running {
    task: Py<PyAny>,
    pipe: Py<UploadPipe>,
    cancelled: bool,
    done: bool,
}

impl Feeding {
    /// Starts a task for each, in the context of the caller. They pull nothing before the body is read.
    pub fn start(py: Python<'_>, hub: &Arc<Hub>, feeds: Feeds) -> PyResult<Self> {
        let event_loop = hub.event_loop(py)?;
        let mut feeding = Self {
            hub: Arc::clone(hub),
            tasks: Vec::with_capacity(feeds.0.len()),
        };
        for Feed { source, pipe } in feeds.0 {
            let coroutine = imports::feed_upload(py)?.call1((source, &pipe))?;
            let task = event_loop.call_method1(intern!(py, "create_task"), (coroutine,))?;
            // Its end is the request's business, also if the loop is dropped before. A factory may make
            // tasks that cannot be told.
            let _other_kind = task.setattr(intern!(py, "_log_destroy_pending"), false);
            let left = pipe.bind(py).getattr(intern!(py, "left"))?;
            task.call_method1(intern!(py, "add_done_callback"), (left,))?;
            feeding.tasks.push(Running {
                task: task.unbind(),
                pipe,
                cancelled: false,
                done: false,
            });
        }
        Ok(feeding)
    }

    /// Has `waker` woken when a source fails, when nobody reads a pipe any more, and when a task is done.
    pub fn tell(&self, waker: &Waker) {
        for running in &self.tasks {
            running.pipe.get().pipe().tell(waker);
        }
    }

    /// What a source has raised, the first of them; once.
    pub fn failure(&self, py: Python<'_>) -> Option<PyErr> {
        self.tasks
            .iter()
            .find_map(|running| running.pipe.get().take_error(py))
    }

    /// Cancels the tasks whose chunks nobody wants any more.
    pub fn cancel_unwanted(&mut self, py: Python<'_>) -> PyResult<()> {
        for running in &mut self.tasks {
            if !running.cancelled && running.pipe.get().pipe().is_stopped() {
                running.cancelled = true;
                running.task.call_method0(py, intern!(py, "cancel"))?;
            }
        }
        Ok(())
    }

    /// Ends what is not over: what is not sent yet will not be.
    pub fn stop(&mut self, py: Python<'_>) -> PyResult<()> {
        for running in &self.tasks {
            running.pipe.get().pipe().stop();
        }
        self.cancel_unwanted(py)
    }

    /// Cancels once more what has not ended: it waits while it is being closed.
    pub fn insist(&self, py: Python<'_>) -> PyResult<()> {
        for running in &self.tasks {
            if running.cancelled {
                running.task.call_method0(py, intern!(py, "cancel"))?;
            }
        }
        Ok(())
    }

    /// Whether all tasks are done.
    pub fn has_ended(&mut self, py: Python<'_>) -> PyResult<bool> {
        let mut all = true;
        for running in &mut self.tasks {
            if !running.done {
                let done = running.task.call_method0(py, intern!(py, "done"))?;
                running.done = done.is_truthy(py)?;
            }
            all &= running.done;
        }
        Ok(all)
    }

    pub fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        for running in &self.tasks {
            visit.call(&running.task)?;
            visit.call(&running.pipe)?;
        }
        Ok(())
    }

    /// The same as `stop`, where this may be another thread than the loop's, and the loop may be gone.
    fn abandon(&mut self, py: Python<'_>) -> PyResult<()> {
        for running in &self.tasks {
            running.pipe.get().pipe().stop();
        }
        if self.hub.is_closed() || self.has_ended(py)? {
            return Ok(());
        }
        let event_loop = self.hub.event_loop(py)?;
        let here = imports::running_loop_or_none(py)?.call0()?.is(&event_loop);
        for running in self.tasks.iter().filter(|running| !running.done) {
            if here {
                running.task.call_method0(py, intern!(py, "cancel"))?;
            } else if !event_loop.call_method0(intern!(py, "is_closed"))?.is_truthy()? {
                let cancel = running.task.getattr(py, intern!(py, "cancel"))?;
                event_loop.call_method1(intern!(py, "call_soon_threadsafe"), (cancel,))?;
            }
        }
        Ok(())
    }
}

impl Drop for Feeding {
    fn drop(&mut self) {
        if self.tasks.iter().all(|running| running.done) {
            return;
        }
        in_destructor(|py| self.abandon(py));
    }
}
