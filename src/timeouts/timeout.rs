//! `timeout`: a scope that is cancelled from inside when its deadline passes.
//!
//! The semantics are those of CPython 3.13's `asyncio.Timeout`, on every Python: the count of
//! cancellations decides whether a CancelledError that leaves the scope was this timeout's own or
//! somebody else's. Entering and leaving touch the loop only if the deadline is its earliest.

use std::sync::Arc;

use pyo3::exceptions::{PyBaseExceptionGroup, PyRuntimeError, PyTimeoutError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use crate::bridge::mailbox::WakeId;
use crate::bridge::ready::Ready;
use crate::bridge::slots::Sleeper;
use crate::bridge::spare::Spare;
use crate::bridge::{Hub, Native, Operation, Step, Turn, Work};
use crate::error::{Error, Result};
use crate::python::attached::Attached;
use crate::python::imports;

/// A scope that raises TimeoutError when `delay` seconds have passed; None for no deadline yet.
///
/// RuntimeError where no loop runs; ValueError for NaN. A delay of zero or less has passed already.
#[pyfunction]
#[pyo3(signature = (delay))]
pub fn timeout(py: Python<'_>, delay: Option<f64>) -> PyResult<Timeout> {
    let event_loop = imports::get_running_loop(py)?.call0()?;
    let when = match delay {
        None => None,
        Some(delay) => Some(event_loop.call_method0(intern!(py, "time"))?.extract::<f64>()? + valid(delay)?),
    };
    Ok(Timeout::at(when))
}

/// A scope that raises TimeoutError at `when`, in seconds of the loop's clock; None for no deadline yet.
#[pyfunction]
#[pyo3(signature = (when))]
pub fn timeout_at(when: Option<f64>) -> Result<Timeout> {
    Ok(Timeout::at(when.map(valid).transpose()?))
}

/// A scope that has been entered already, as `wait_for` needs it: one call, and nothing to await.
///
/// RuntimeError outside of a task; ValueError for NaN. Whoever calls this leaves the scope.
#[pyfunction]
#[pyo3(signature = (delay))]
pub fn entered_timeout(py: Python<'_>, delay: f64) -> PyResult<Bound<'_, Timeout>> {
    let hub = Hub::current(py)?;
    let when = hub.time(py)? + valid(delay)?;
    let scope = Bound::new(py, Timeout::at(Some(when)))?;
    Timeout::enter_on(&scope, hub)?;
    Ok(scope)
}

fn valid(seconds: f64) -> Result<f64> {
    if seconds.is_nan() {
        return Err(Error::value("Invalid deadline: NaN (not a number)"));
    }
    Ok(seconds)
}

/// The scope that `timeout` and `timeout_at` give; enter it once, with `async with`.
#[pyclass(frozen, weakref, module = "aioxide")]
#[derive(Debug)]
pub struct Timeout {
    inner: Attached<Inner>,
}

#[derive(Debug)]
struct Inner {
    state: State,
    when: Option<f64>,
    /// From entering to leaving: the task inside, and how often it was being cancelled by then.
    inside: Option<Inside>,
}

#[derive(Debug)]
struct Inside {
    task: Py<PyAny>,
    cancelling: u64,
    hub: Arc<Hub>,
    /// The timer, while one is set.
    id: Option<WakeId>,
}

/// asyncio's states, and its words for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Created,
    Active,
    Expiring,
    Expired,
    Exited,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Active => "active",
            Self::Expiring => "expiring",
            Self::Expired => "expired",
            Self::Exited => "finished",
        }
    }
}

impl Timeout {
    pub(super) fn at(when: Option<f64>) -> Self {
        Self {
            inner: Attached::new(Inner {
                state: State::Created,
                when,
                inside: None,
            }),
        }
    }

    fn set(slf: &Bound<'_, Self>, when: Option<f64>) -> PyResult<()> {
        let py = slf.py();
        let mut inner = slf.get().inner.open(slf.py());
        inner.when = when;
        let Some(inside) = &mut inner.inside else {
            return Ok(());
        };
        let hub = Arc::clone(&inside.hub);
        let old = inside.id.take();
        drop(inner);
        if let Some(id) = old {
            hub.release_timer(py, id)?;
        }
        let Some(when) = when else {
            return Ok(());
        };
        let id = hub.sleep_until(py, when, Self::sleeper(slf))?;
        let mut inner = slf.get().inner.open(py);
        if let Some(inside) = &mut inner.inside {
            inside.id = Some(id);
        }
        Ok(())
    }

    fn sleeper(slf: &Bound<'_, Self>) -> Sleeper {
        Sleeper {
            object: slf.clone().into_any().unbind(),
            tag: 0,
            resume: Self::expire,
            abandon: |_, _, _| Ok(()),
        }
    }

    pub(super) fn enter(slf: &Bound<'_, Self>) -> PyResult<()> {
        let hub = Hub::current(slf.py())?;
        Self::enter_on(slf, hub)
    }

    fn enter_on(slf: &Bound<'_, Self>, hub: Arc<Hub>) -> PyResult<()> {
        let py = slf.py();
        let when = {
            let inner = slf.get().inner.open(slf.py());
            if inner.state != State::Created {
                return Err(PyRuntimeError::new_err("Timeout has already been entered"));
            }
            inner.when
        };
        let task = imports::current_task(py)?.call0()?;
        if task.is_none() {
            return Err(PyRuntimeError::new_err("Timeout should be used inside a task"));
        }
        let cancelling = task.call_method0(intern!(py, "cancelling"))?.extract()?;
        let id = match when {
            Some(when) => Some(hub.sleep_until(py, when, Self::sleeper(slf))?),
            None => None,
        };
        let mut inner = slf.get().inner.open(py);
        inner.state = State::Active;
        inner.inside = Some(Inside {
            cancelling,
            task: task.unbind(),
            hub,
            id,
        });
        Ok(())
    }

    /// Leaves the scope with `exc`, which is None if nothing was raised. True if that is the
    /// CancelledError by which this scope's own deadline ended it.
    pub(super) fn leave(slf: &Bound<'_, Self>, exc: &Bound<'_, PyAny>) -> PyResult<bool> {
        let py = slf.py();
        let mut inner = slf.get().inner.open(slf.py());
        let expiring = inner.state == State::Expiring;
        inner.state = match inner.state {
            State::Expiring => State::Expired,
            State::Active => State::Exited,
            state => state,
        };
        let inside = inner.inside.take();
        drop(inner);
        let Some(inside) = inside else {
            return Ok(false);
        };
        if let Some(id) = inside.id {
            inside.hub.release_timer(py, id)?;
        }
        if !expiring {
            return Ok(false);
        }
        let left: u64 = inside
            .task
            .call_method0(py, intern!(py, "uncancel"))?
            .extract(py)?;
        if left > inside.cancelling || exc.is_none() {
            return Ok(false);
        }
        // No new request to cancel came meanwhile: what leaves the scope is ours.
        if exc.is_instance(imports::cancelled_error(py)?)? {
            return Ok(true);
        }
        tell_of_timeout(exc)?;
        if exc.is_instance_of::<PyBaseExceptionGroup>() {
            for member in exc.getattr(intern!(py, "exceptions"))?.try_iter()? {
                tell_of_timeout(&member?)?;
            }
        }
        Ok(false)
    }

    /// The hub's call: the deadline has passed.
    fn expire(object: &Bound<'_, PyAny>, _tag: usize, _hub: &Hub) -> PyResult<()> {
        let Ok(slf) = object.cast::<Self>() else {
            return Ok(());
        };
        let py = object.py();
        let mut inner = slf.get().inner.open(slf.py());
        if inner.state != State::Active {
            return Ok(());
        }
        inner.state = State::Expiring;
        let Some(inside) = &mut inner.inside else {
            return Ok(());
        };
        let task = inside.task.clone_ref(py);
        let hub = Arc::clone(&inside.hub);
        let id = inside.id.take();
        drop(inner);
        if let Some(id) = id {
            hub.release(py, id);
        }
        task.call_method0(py, intern!(py, "cancel")).map(drop)
    }
}

#[pymethods]
impl Timeout {
    /// The deadline in seconds of the loop's clock, or None.
    pub(super) fn when(&self, py: Python<'_>) -> Option<f64> {
        self.inner.open(py).when
    }

    /// Whether the scope was ended by its deadline.
    pub(super) fn expired(&self, py: Python<'_>) -> bool {
        matches!(self.inner.open(py).state, State::Expiring | State::Expired)
    }

    /// Moves the deadline to `when`, in seconds of the loop's clock; None for no deadline.
    ///
    /// RuntimeError before the scope was entered, and once it has expired or was left.
    pub(super) fn reschedule(slf: &Bound<'_, Self>, when: Option<f64>) -> PyResult<()> {
        let state = slf.get().inner.open(slf.py()).state;
        match state {
            State::Active => Self::set(slf, when.map(valid).transpose()?),
            State::Created => Err(PyRuntimeError::new_err("Timeout has not been entered")),
            state => Err(PyRuntimeError::new_err(format!(
                "Cannot change state of {} Timeout",
                state.word()
            ))),
        }
    }

    /// RuntimeError, when it is awaited, outside of a task or if the scope has been entered before.
    ///
    /// The scope is entered when this is awaited, because only then is it certain whose task that is.
    fn __aenter__(slf: Py<Self>, py: Python<'_>) -> PyResult<Py<Operation>> {
        Operation::again(py, "Timeout.__aenter__", Enter { scope: Some(slf) })
    }

    fn __aexit__(
        slf: &Bound<'_, Self>,
        _exc_type: &Bound<'_, PyAny>,
        exc: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) -> PyResult<Py<Ready>> {
        if Self::leave(slf, exc)? {
            return Err(timed_out(exc)?);
        }
        Ready::none(slf.py())
    }

    pub(super) fn __repr__(&self, py: Python<'_>) -> String {
        let inner = self.inner.open(py);
        let state = inner.state.word();
        if inner.state != State::Active {
            return format!("<Timeout [{state}]>");
        }
        match inner.when {
            // As Python's `round(when, 3)` is written.
            Some(when) => format!("<Timeout [{state}] when={:?}>", (when * 1e3).round() / 1e3),
            None => format!("<Timeout [{state}] when=None>"),
        }
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        match self.inner.seen_by(&visit).as_deref() {
            Some(Inner {
                inside: Some(inside), ..
            }) => visit.call(&inside.task),
            _ => Ok(()),
        }
    }

    fn __clear__(&self, py: Python<'_>) {
        let inside = self.inner.open(py).inside.take();
        drop(inside);
    }
}

/// The work of `__aenter__`.
#[derive(Debug)]
struct Enter {
    /// None once it was entered.
    scope: Option<Py<Timeout>>,
}

impl Work for Enter {
    fn at_once(&mut self, py: Python<'_>) -> Option<PyResult<Py<PyAny>>> {
        let scope = self.scope.take()?;
        Some(Timeout::enter(scope.bind(py)).map(|()| scope.into_any()))
    }

    fn spare(&self) -> Option<&'static Spare> {
        static SPARE: Spare = Spare::new();
        Some(&SPARE)
    }

    fn step(&mut self, py: Python<'_>, _turn: &mut Turn<'_>) -> Step {
        // As the child of a gather it is stepped without being asked first.
        let taken = || Err(Error::runtime("this work has already been done").into());
        Step::Done(self.at_once(py).unwrap_or_else(taken))
    }

    fn detach(self: Box<Self>) -> std::result::Result<Native, Box<dyn Work>> {
        Err(self)
    }

    fn traverse(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        visit.call(&self.scope)
    }
}

/// `TimeoutError` from `cause`, as the statement `raise TimeoutError from cause` makes it.
fn timed_out(cause: &Bound<'_, PyAny>) -> PyResult<PyErr> {
    let py = cause.py();
    let error = PyTimeoutError::new_err(());
    let value = error.value(py);
    value.setattr(intern!(py, "__cause__"), cause)?;
    value.setattr(intern!(py, "__context__"), cause)?;
    Ok(error)
}

/// Where `exc` was raised while our CancelledError was being handled, puts a TimeoutError between the
/// two, so that the chain tells what happened (CPython 3.13, gh-116720).
fn tell_of_timeout(exc: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = exc.py();
    let cancelled = imports::cancelled_error(py)?;
    let mut exc = exc.clone();
    loop {
        let context = exc.getattr(intern!(py, "__context__"))?;
        if context.is_none() {
            return Ok(());
        }
        if context.is_instance(cancelled)? {
            return exc.setattr(intern!(py, "__context__"), timed_out(&context)?.value(py));
        }
        exc = context;
    }
}
