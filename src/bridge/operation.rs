//! The one awaitable class: a coroutine object whose body is Rust.
//!
//! A task awaits it like any coroutine, with no Python frame between: `__next__` steps the work; if it
//! must wait, the operation yields *itself* and plays the part of the Future that the task waits for.
//! It is woken directly by the drain, inside the task's context, with no Handle and no further turn of
//! the loop; that is where the speed is.
//!
//! What it is doing is told in [`state`](super::state).

use std::future::Future;
use std::sync::Arc;

use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::PyType;
use pyo3::{PyTraverseError, PyVisit};

use super::callback::Callback;
use super::hub::Hub;
use super::mailbox::WakeId;
use super::slots::Sleeper;
use super::state::{Phase, State};
use super::work::{Deliver, Remote, Step, Turn, Work};
use crate::error::Result;
use crate::python::attached::Attached;
use crate::python::exceptions::{cancelled, thrown};
use crate::python::finish::{finish, stop_iteration};
use crate::python::{frame, imports, warn};

/// A native operation: awaitable, and a coroutine for whoever needs one (`create_task`, `TaskGroup`,
/// `asyncio.run`). Nothing starts before the first step or before a `gather` takes it.
#[pyclass(frozen, weakref, module = "aioxide")]
#[derive(Debug)]
pub struct Operation {
    pub(super) state: Attached<State>,
}

/// What one step came to: an object that the task is to wait for, or the value of the `await`.
type Stepped = std::result::Result<Py<PyAny>, Py<PyAny>>;

impl Operation {
    /// An operation that does `work`. `qualname` is how its user calls it: `Client.get`.
    pub fn new(qualname: &'static str, work: impl Work + 'static) -> Self {
        Self {
            state: Attached::new(State::new(qualname, Box::new(work))),
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
    pub fn take(&self, py: Python<'_>) -> Result<Box<dyn Work>> {
        let mut state = self.state.open(py);
        if state.phase == Phase::Idle
            && let Some(work) = state.work.take()
        {
            state.phase = Phase::Finished;
            return Ok(work);
        }
        Err(state.reused())
    }

    /// One step. `Ok(object)` is what the task gets to wait for, `Err(value)` the value of the `await`.
    fn advance(slf: &Bound<'_, Self>) -> PyResult<Stepped> {
        let py = slf.py();
        let mut state = slf.get().state.open(py);
        let first = match state.phase {
            Phase::Idle => true,
            Phase::Suspended if state.callback.is_none() => false,
            Phase::Suspended | Phase::Stepping => return Err(state.busy().into()),
            Phase::Cancelled => {
                let message = state.message.take();
                drop(state);
                return Self::raise_inside(slf, cancelled(py, message)?);
            }
            Phase::Finished => return Err(state.reused().into()),
        };
        state.phase = Phase::Stepping;
        state.blocking = None;
        state.woken = false;
        let (work, hub, mut id) = (state.work.take(), state.hub.take(), state.id.take());
        drop(state);

        let Some(mut work) = work else {
            return Err(slf.get().state.open(py).reused().into());
        };
        if first && let Some(outcome) = work.at_once(py) {
            Self::ended_at_once(slf, work);
            return outcome.map(Err);
        }
        let hub = match hub.map_or_else(|| Hub::current(py), Ok) {
            Ok(hub) => hub,
            Err(error) => {
                drop(work);
                slf.get().state.open(py).phase = Phase::Finished;
                return Err(error);
            }
        };
        let step = work.step(py, &mut Turn::new(&hub, &mut id));
        Self::stepped(slf, hub, id, work, step)
    }

    fn ended_at_once(slf: &Bound<'_, Self>, work: Box<dyn Work>) {
        let spare = work.spare();
        let mut state = slf.get().state.open(slf.py());
        state.phase = Phase::Finished;
        match spare {
            None => {
                drop(state);
                drop(work);
            }
            Some(spare) => {
                state.work = Some(work);
                drop(state);
                spare.keep(slf);
            }
        }
    }

    /// What is to be done after a step.
    fn stepped(
        slf: &Bound<'_, Self>,
        hub: Arc<Hub>,
        id: Option<WakeId>,
        work: Box<dyn Work>,
        step: Step,
    ) -> PyResult<Stepped> {
        let py = slf.py();
        let blocking = match step {
            Step::Done(outcome) => {
                // The work ends before its end is known.
                drop(work);
                slf.get().state.open(py).phase = Phase::Finished;
                if let Some(id) = id {
                    hub.release(py, id);
                }
                return outcome.map(Err);
            }
            Step::Pending => Some(true),
            Step::Yield => None,
        };
        let mut state = slf.get().state.open(py);
        if state.phase != Phase::Stepping {
            // Closed by what it called.
            let error = state.reused();
            drop(state);
            drop(work);
            if let Some(id) = id {
                hub.release(py, id);
            }
            return Err(error.into());
        }
        state.phase = Phase::Suspended;
        state.work = Some(work);
        state.hub = Some(hub);
        state.id = id;
        state.blocking = blocking;
        drop(state);
        Ok(Ok(match blocking {
            Some(_) => slf.clone().into_any().unbind(),
            None => py.None(),
        }))
    }

    /// `error` comes up where it waits: the end, except for work that has something to do first.
    fn raise_inside(slf: &Bound<'_, Self>, error: PyErr) -> PyResult<Stepped> {
        let py = slf.py();
        let mut state = slf.get().state.open(py);
        if !state.survives_cancel() || !matches!(state.phase, Phase::Suspended | Phase::Cancelled) {
            let ended = state.end(Phase::Finished);
            drop(state);
            drop(ended.stop());
            return Err(error);
        }
        state.phase = Phase::Stepping;
        state.blocking = None;
        state.woken = false;
        let callback = state.callback.take();
        let (work, hub, mut id) = (state.work.take(), state.hub.take(), state.id.take());
        drop(state);
        drop(callback);
        let (Some(mut work), Some(hub)) = (work, hub) else {
            return Err(error);
        };
        let step = work.thrown(py, error, &mut Turn::new(&hub, &mut id));
        Self::stepped(slf, hub, id, work, step)
    }

    /// Ends it, whatever it is doing: stops the work and gives the id back.
    fn end(&self, py: Python<'_>, phase: Phase) -> Option<Callback> {
        let ended = self.state.open(py).end(phase);
        ended.stop()
    }

    /// The hub's call: its id has come.
    fn resume(object: &Bound<'_, PyAny>, _tag: usize, hub: &Hub) -> PyResult<()> {
        let Ok(slf) = object.cast::<Self>() else {
            return Ok(());
        };
        let callback = {
            let mut state = slf.get().state.open(object.py());
            state.woken = true;
            state.callback.take()
        };
        callback.map_or(Ok(()), |callback| callback.resume(hub, object))
    }

    /// The hub's call: the loop is gone.
    fn abandon(object: &Bound<'_, PyAny>, _tag: usize, _hub: &Hub) -> PyResult<()> {
        if let Ok(slf) = object.cast::<Self>() {
            drop(slf.get().end(object.py(), Phase::Finished));
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
        let state = slf.get().state.open(slf.py());
        match state.phase {
            Phase::Finished => Err(state.reused().into()),
            // `anext(iterator, default)` asks before each of its steps. That somebody else awaits it already is
            // said by the step.
            Phase::Idle | Phase::Suspended | Phase::Stepping | Phase::Cancelled => Ok(slf.clone()),
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
        slf: &Bound<'_, Self>,
        typ: Bound<'_, PyAny>,
        val: Option<Bound<'_, PyAny>>,
        tb: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let py = slf.py();
        {
            let state = slf.get().state.open(py);
            if state.phase == Phase::Finished {
                return Err(state.reused().into());
            }
        }
        Self::raise_inside(slf, thrown(typ, val, tb)?)?.map_err(|value| stop_iteration(py, value))
    }

    /// Stops the operation. Closing one that was never awaited, or is finished, does no harm.
    fn close(&self, py: Python<'_>) {
        drop(self.end(py, Phase::Finished));
    }

    // ---- the Future that a task waits for, while suspended ----

    #[getter(_asyncio_future_blocking)]
    fn blocking(&self, py: Python<'_>) -> Option<bool> {
        self.state.open(py).blocking
    }

    #[setter(_asyncio_future_blocking)]
    fn set_blocking(&self, py: Python<'_>, blocking: Option<bool>) {
        self.state.open(py).blocking = blocking;
    }

    /// The loop it waits on; RuntimeError while it waits on none.
    fn get_loop<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let hub = self.state.open(py).hub.clone();
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
        let py = slf.py();
        let callback = Callback {
            function: callback.unbind(),
            context: context.map(Bound::unbind),
        };
        let mut state = slf.get().state.open(py);
        if state.phase != Phase::Suspended || state.callback.is_some() {
            return Err(state.busy().into());
        }
        let Some(hub) = &state.hub else {
            return Err(PyRuntimeError::new_err("operation is not waiting on a loop"));
        };
        // What may be in the slot from an earlier suspension is this same object, so nothing is dropped
        // under the locks.
        let sleeps = !state.woken
            && !hub.is_closed()
            && state.id.is_some_and(|id| {
                hub.occupy(
                    py,
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
            state.callback = Some(callback);
            return Ok(());
        }
        let hub = Arc::clone(hub);
        drop(state);
        callback.schedule(&hub.event_loop(py)?, slf.as_any())
    }

    /// False while it waits.
    fn done(&self, py: Python<'_>) -> bool {
        !matches!(
            self.state.open(py).phase,
            Phase::Idle | Phase::Stepping | Phase::Suspended
        )
    }

    /// Whether `cancel` stopped it.
    fn cancelled(&self, py: Python<'_>) -> bool {
        self.state.open(py).phase == Phase::Cancelled
    }

    /// None, or CancelledError: the value of an operation is what awaiting it gives.
    fn result(&self, py: Python<'_>) -> PyResult<()> {
        let state = self.state.open(py);
        if state.phase != Phase::Cancelled {
            return Ok(());
        }
        let message = state.message.as_ref().map(|message| message.clone_ref(py));
        drop(state);
        Err(cancelled(py, message)?)
    }

    /// Stops the work at once, and wakes the task in the loop's next turn, where the await raises
    /// CancelledError. False, and nothing happens, unless it is waiting.
    #[pyo3(signature = (msg=None))]
    fn cancel(slf: &Bound<'_, Self>, msg: Option<Bound<'_, PyAny>>) -> PyResult<bool> {
        let py = slf.py();
        let mut state = slf.get().state.open(py);
        if state.phase != Phase::Suspended || state.callback.is_none() {
            return Ok(false);
        }
        let before = std::mem::replace(&mut state.message, msg.map(Bound::unbind));
        let hub = state.hub.clone();
        let callback = if state.survives_cancel() {
            state.phase = Phase::Cancelled;
            let callback = state.callback.take();
            drop(state);
            callback
        } else {
            let ended = state.end(Phase::Cancelled);
            drop(state);
            ended.stop()
        };
        drop(before);
        if let (Some(hub), Some(callback)) = (hub, callback) {
            callback.schedule(&hub.event_loop(py)?, slf.as_any())?;
        }
        Ok(true)
    }

    // ---- what inspect and Task.__repr__ ask a coroutine for ----

    #[getter]
    fn __name__(&self, py: Python<'_>) -> &'static str {
        let qualname = self.__qualname__(py);
        qualname.rsplit('.').next().unwrap_or(qualname)
    }

    #[getter]
    fn __qualname__(&self, py: Python<'_>) -> &'static str {
        self.state.open(py).qualname
    }

    #[getter]
    fn cr_running(&self, py: Python<'_>) -> bool {
        self.state.open(py).phase == Phase::Stepping
    }

    #[getter]
    fn cr_suspended(&self, py: Python<'_>) -> bool {
        self.state.open(py).phase == Phase::Suspended
    }

    /// A frame that has the operation's name, for tools that print stacks; None once it is finished.
    #[getter]
    fn cr_frame<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        if self.done(py) {
            return Ok(None);
        }
        frame::named(py, self.__qualname__(py)).map(Some)
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
        let state = slf.get().state.open(slf.py());
        format!(
            "<aioxide.Operation '{}' {} at {:#x}>",
            state.qualname,
            state.phase.word(),
            slf.as_ptr() as usize
        )
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.state
            .seen_by(&visit)
            .map_or(Ok(()), |state| state.traverse(visit))
    }

    fn __clear__(&self, py: Python<'_>) {
        let message = self.state.open(py).message.take();
        drop(message);
        // A garbage cycle through a suspended operation: its task is gone, so the work stops.
        let suspended = matches!(self.state.open(py).phase, Phase::Suspended | Phase::Cancelled);
        if suspended {
            drop(self.end(py, Phase::Finished));
        }
    }
}

impl Drop for Operation {
    fn drop(&mut self) {
        let state = self.state.get_mut();
        if state.phase == Phase::Idle && state.work.is_some() {
            // Attached already: CPython drops objects on attached threads only.
            Python::attach(|py| warn::never_awaited(py, state.qualname));
        }
        drop(state.end(Phase::Finished).stop());
    }
}
