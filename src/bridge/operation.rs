//! The one awaitable class: a coroutine object whose body is Rust.
//!
//! A task awaits it like any coroutine, with no Python frame between: `__next__` steps the work; if it
//! must wait, the operation yields *itself* and plays the part of the Future that the task waits for.
//! It is woken directly by the drain, inside the task's context, with no Handle and no further turn of
//! the loop; that is where the speed is.
//!
//! ```text
//! Idle --step--> Stepping --pending--> Suspended --woken, step--> Stepping --done--> Finished
//!   |                                      |
//!   |                                      +--cancel()--> Cancelled --throw()--> Finished
//!   +--close(), throw(), taken by gather--> Finished      (close(), throw() and drop: from anywhere)
//! ```
//!
//! Invariant: outside Idle, Stepping and Suspended there is no work left: it was dropped, which stopped
//! it, before anybody hears of the end.

use std::future::Future;
use std::sync::Arc;

use parking_lot::Mutex;
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::PyType;
use pyo3::{PyTraverseError, PyVisit};

use super::callback::Callback;
use super::hub::Hub;
use super::mailbox::WakeId;
use super::slots::Sleeper;
use super::work::{Deliver, Remote, Step, Turn, Work};
use crate::error::{Error, Result};
use crate::python::exceptions::{cancelled, thrown};
use crate::python::finish::{finish, stop_iteration};
use crate::python::{frame, imports, warn};

/// A native operation: awaitable, and a coroutine for whoever needs one (`create_task`, `TaskGroup`,
/// `asyncio.run`). Nothing starts before the first step or before a `gather` takes it.
#[pyclass(frozen, weakref, module = "aioxide")]
#[derive(Debug)]
pub struct Operation {
    /// What a traceback or a warning calls it: `Client.get`.
    qualname: &'static str,
    cell: Mutex<Cell>,
}

#[derive(Debug)]
struct Cell {
    phase: Phase,
    work: Option<Box<dyn Work>>,
    /// The loop it sleeps on, from its first suspension.
    hub: Option<Arc<Hub>>,
    /// Under which id it sleeps there.
    id: Option<WakeId>,
    callback: Option<Callback>,
    /// The id came before anybody asked to be called.
    woken: bool,
    /// True after it yielded itself, false once the task has armed it, none when it is no Future.
    blocking: Option<bool>,
    /// The message given to `cancel`.
    message: Option<Py<PyAny>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Idle,
    Stepping,
    Suspended,
    Cancelled,
    Finished,
}

impl Operation {
    /// An operation that does `work`. `qualname` is how its user calls it: `Client.get`.
    pub fn new(qualname: &'static str, work: impl Work + 'static) -> Self {
        Self {
            qualname,
            cell: Mutex::new(Cell {
                phase: Phase::Idle,
                work: Some(Box::new(work)),
                hub: None,
                id: None,
                callback: None,
                woken: false,
                blocking: None,
                message: None,
            }),
        }
    }

    /// An operation that runs `future` on tokio, from its first step until it is dropped.
    pub fn remote<F, T>(qualname: &'static str, future: F) -> Self
    where
        F: Future<Output = Result<T>> + Send + 'static,
        T: Deliver,
    {
        Self::new(qualname, Remote::new(future))
    }

    /// Takes the work of an operation that nobody has awaited, for a `gather` to do. RuntimeError for
    /// one that was.
    pub fn take(&self) -> Result<Box<dyn Work>> {
        let mut cell = self.cell.lock();
        match (cell.phase, cell.work.take()) {
            (Phase::Idle, Some(work)) => {
                cell.phase = Phase::Finished;
                Ok(work)
            }
            (_, work) => {
                cell.work = work;
                Err(self.reused())
            }
        }
    }

    fn reused(&self) -> Error {
        Error::runtime(format!(
            "cannot reuse already awaited operation '{}'",
            self.qualname
        ))
    }

    fn busy(&self) -> Error {
        Error::runtime(format!("operation '{}' is being awaited already", self.qualname))
    }

    /// One step. `Ok(Some(object))` is what the task gets to wait for.
    fn advance(slf: &Bound<'_, Self>) -> PyResult<std::result::Result<Py<PyAny>, Py<PyAny>>> {
        let py = slf.py();
        let this = slf.get();
        let mut cell = this.cell.lock();
        match cell.phase {
            Phase::Idle => {}
            Phase::Suspended if cell.callback.is_none() => {}
            Phase::Suspended | Phase::Stepping => return Err(this.busy().into()),
            Phase::Cancelled => {
                cell.phase = Phase::Finished;
                let message = cell.message.take();
                drop(cell);
                return Err(cancelled(py, message)?);
            }
            Phase::Finished => return Err(this.reused().into()),
        }
        let first = cell.phase == Phase::Idle;
        cell.phase = Phase::Stepping;
        cell.blocking = None;
        cell.woken = false;
        let (work, hub, mut id) = (cell.work.take(), cell.hub.take(), cell.id.take());
        drop(cell);

        let Some(mut work) = work else {
            return Err(this.reused().into());
        };
        if first && let Some(outcome) = work.at_once(py) {
            drop(work);
            this.cell.lock().phase = Phase::Finished;
            return outcome.map(Err);
        }
        let hub = match hub.map_or_else(|| Hub::current(py), Ok) {
            Ok(hub) => hub,
            Err(error) => {
                this.cell.lock().phase = Phase::Finished;
                return Err(error);
            }
        };
        let step = work.step(py, &mut Turn::new(&hub, &mut id));
        let blocking = match step {
            Step::Done(outcome) => {
                // The work ends before its end is known.
                drop(work);
                this.cell.lock().phase = Phase::Finished;
                if let Some(id) = id {
                    hub.release(id);
                }
                return outcome.map(Err);
            }
            Step::Pending => Some(true),
            Step::Yield => None,
        };
        let mut cell = this.cell.lock();
        if cell.phase != Phase::Stepping {
            // Closed by what it called.
            drop(cell);
            drop(work);
            if let Some(id) = id {
                hub.release(id);
            }
            return Err(this.reused().into());
        }
        cell.phase = Phase::Suspended;
        cell.work = Some(work);
        cell.hub = Some(hub);
        cell.id = id;
        cell.blocking = blocking;
        drop(cell);
        Ok(Ok(match blocking {
            Some(_) => slf.clone().into_any().unbind(),
            None => py.None(),
        }))
    }

    /// Ends it, whatever it is doing: stops the work and gives the id back.
    fn end(&self, phase: Phase) -> Option<Callback> {
        let mut cell = self.cell.lock();
        cell.phase = phase;
        cell.blocking = None;
        let (work, hub, id) = (cell.work.take(), cell.hub.take(), cell.id.take());
        let callback = cell.callback.take();
        drop(cell);
        drop(work);
        if let (Some(hub), Some(id)) = (hub, id) {
            hub.release(id);
        }
        callback
    }

    /// The hub's call: its id has come.
    fn resume(object: &Bound<'_, PyAny>, _tag: usize, hub: &Hub) -> PyResult<()> {
        let Ok(slf) = object.cast::<Self>() else {
            return Ok(());
        };
        let callback = {
            let mut cell = slf.get().cell.lock();
            cell.woken = true;
            cell.callback.take()
        };
        callback.map_or(Ok(()), |callback| callback.resume(hub, object))
    }

    /// The hub's call: the loop is gone.
    fn abandon(object: &Bound<'_, PyAny>, _tag: usize, _hub: &Hub) -> PyResult<()> {
        if let Ok(slf) = object.cast::<Self>() {
            drop(slf.get().end(Phase::Finished));
        }
        Ok(())
    }
}

#[pymethods]
impl Operation {
    #[classmethod]
    fn __class_getitem__<'py>(
        cls: &Bound<'py, PyType>,
        item: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        imports::generic_alias(cls.py())?.call1((cls, item))
    }

    fn __await__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, Self>> {
        match slf.get().cell.lock().phase {
            Phase::Idle => Ok(slf.clone()),
            Phase::Suspended | Phase::Stepping => Err(slf.get().busy().into()),
            Phase::Cancelled | Phase::Finished => Err(slf.get().reused().into()),
        }
    }

    fn __iter__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, Self>> {
        Self::__await__(slf)
    }

    fn __next__(slf: &Bound<'_, Self>) -> PyResult<Option<Py<PyAny>>> {
        match Self::advance(slf)? {
            Ok(waits_for) => Ok(Some(waits_for)),
            Err(value) => finish(value, slf.py()),
        }
    }

    /// One step, as of a coroutine. Only None can be sent.
    #[pyo3(signature = (value, /))]
    fn send(slf: &Bound<'_, Self>, value: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        if !value.is_none() {
            return Err(PyTypeError::new_err(
                "can't send a value other than None to an operation",
            ));
        }
        Self::advance(slf)?.map_err(|value| stop_iteration(slf.py(), value))
    }

    /// Stops the operation and raises what is given, as from inside it.
    #[pyo3(signature = (typ, val=None, tb=None, /))]
    fn throw(
        &self,
        typ: Bound<'_, PyAny>,
        val: Option<Bound<'_, PyAny>>,
        tb: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        if self.cell.lock().phase == Phase::Finished {
            return Err(self.reused().into());
        }
        self.end(Phase::Finished);
        Err(thrown(typ, val, tb)?)
    }

    /// Stops the operation. Closing one that was never awaited, or is finished, does no harm.
    fn close(&self) {
        self.end(Phase::Finished);
    }

    // ---- the Future that a task waits for, while suspended ----

    #[getter(_asyncio_future_blocking)]
    fn blocking(&self) -> Option<bool> {
        self.cell.lock().blocking
    }

    #[setter(_asyncio_future_blocking)]
    fn set_blocking(&self, blocking: Option<bool>) {
        self.cell.lock().blocking = blocking;
    }

    /// The loop it waits on; RuntimeError while it waits on none.
    fn get_loop<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let hub = self.cell.lock().hub.clone();
        match hub {
            Some(hub) => hub.event_loop(py),
            None => Err(PyRuntimeError::new_err("operation is not waiting on a loop")),
        }
    }

    /// Whom to call when it can go on: one callback, the awaiting task's.
    #[pyo3(signature = (callback, /, *, context=None))]
    fn add_done_callback(
        slf: &Bound<'_, Self>,
        callback: Bound<'_, PyAny>,
        context: Option<Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let this = slf.get();
        let callback = Callback {
            function: callback.unbind(),
            context: context.map(Bound::unbind),
        };
        let mut cell = this.cell.lock();
        if cell.phase != Phase::Suspended || cell.callback.is_some() {
            drop(cell);
            return Err(this.busy().into());
        }
        let Some(hub) = &cell.hub else {
            return Err(PyRuntimeError::new_err("operation is not waiting on a loop"));
        };
        // What may be in the slot from an earlier suspension is this same object, so nothing is dropped
        // under the locks.
        let sleeps = !cell.woken
            && !hub.is_closed()
            && cell.id.is_some_and(|id| {
                hub.occupy(
                    id,
                    Sleeper {
                        object: slf.clone().into_any().unbind(),
                        tag: 0,
                        resume: Self::resume,
                        abandon: Self::abandon,
                    },
                )
            });
        if sleeps {
            cell.callback = Some(callback);
            return Ok(());
        }
        let hub = Arc::clone(hub);
        drop(cell);
        callback.schedule(&hub.event_loop(slf.py())?, slf.as_any())
    }

    /// False while it waits.
    fn done(&self) -> bool {
        !matches!(
            self.cell.lock().phase,
            Phase::Idle | Phase::Stepping | Phase::Suspended
        )
    }

    /// Whether `cancel` stopped it.
    fn cancelled(&self) -> bool {
        self.cell.lock().phase == Phase::Cancelled
    }

    /// None, or CancelledError: the value of an operation is what awaiting it gives.
    fn result(&self, py: Python<'_>) -> PyResult<()> {
        let cell = self.cell.lock();
        if cell.phase != Phase::Cancelled {
            return Ok(());
        }
        let message = cell.message.as_ref().map(|message| message.clone_ref(py));
        drop(cell);
        Err(cancelled(py, message)?)
    }

    /// Stops the work at once, and wakes the task in the loop's next turn, where the await raises
    /// CancelledError. False, and nothing happens, unless it is waiting.
    #[pyo3(signature = (msg=None))]
    fn cancel(slf: &Bound<'_, Self>, msg: Option<Bound<'_, PyAny>>) -> PyResult<bool> {
        let py = slf.py();
        let this = slf.get();
        let hub = {
            let mut cell = this.cell.lock();
            if cell.phase != Phase::Suspended || cell.callback.is_none() {
                return Ok(false);
            }
            cell.message = msg.map(Bound::unbind);
            cell.hub.clone()
        };
        let callback = this.end(Phase::Cancelled);
        if let (Some(hub), Some(callback)) = (hub, callback) {
            callback.schedule(&hub.event_loop(py)?, slf.as_any())?;
        }
        Ok(true)
    }

    // ---- what inspect and Task.__repr__ ask a coroutine for ----

    #[getter]
    fn __name__(&self) -> &'static str {
        self.qualname.rsplit('.').next().unwrap_or(self.qualname)
    }

    #[getter]
    fn __qualname__(&self) -> &'static str {
        self.qualname
    }

    #[getter]
    fn cr_running(&self) -> bool {
        self.cell.lock().phase == Phase::Stepping
    }

    #[getter]
    fn cr_suspended(&self) -> bool {
        self.cell.lock().phase == Phase::Suspended
    }

    /// A frame that has the operation's name, for tools that print stacks; None once it is finished.
    #[getter]
    fn cr_frame<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        if self.done() {
            return Ok(None);
        }
        frame::named(py, self.qualname).map(Some)
    }

    #[getter]
    fn cr_await(&self) -> Option<Py<PyAny>> {
        None
    }

    #[getter]
    fn cr_origin(&self) -> Option<Py<PyAny>> {
        None
    }

    fn __repr__(slf: &Bound<'_, Self>) -> String {
        let this = slf.get();
        let state = match this.cell.lock().phase {
            Phase::Idle => "not started",
            Phase::Stepping => "running",
            Phase::Suspended => "suspended",
            Phase::Cancelled => "cancelled",
            Phase::Finished => "finished",
        };
        format!(
            "<aioxide.Operation '{}' {state} at {:#x}>",
            this.qualname,
            slf.as_ptr() as usize
        )
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        let Some(cell) = self.cell.try_lock() else {
            return Ok(());
        };
        if let Some(callback) = &cell.callback {
            callback.traverse(visit)?;
        }
        if let Some(message) = &cell.message {
            visit.call(message)?;
        }
        cell.work.as_ref().map_or(Ok(()), |work| work.traverse(visit))
    }

    fn __clear__(&self) {
        let message = self.cell.lock().message.take();
        drop(message);
        // A garbage cycle through a suspended operation: its task is gone, so the work stops.
        let suspended = self.cell.lock().phase == Phase::Suspended;
        if suspended {
            drop(self.end(Phase::Finished));
        }
    }
}

impl Drop for Operation {
    fn drop(&mut self) {
        let cell = self.cell.get_mut();
        if cell.phase == Phase::Idle && cell.work.is_some() {
            // Attached already: CPython drops objects on attached threads only.
            Python::attach(|py| warn::never_awaited(py, self.qualname));
        }
        drop(self.end(Phase::Finished));
    }
}
