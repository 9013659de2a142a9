//! `as_completed`: each of many awaitables when it has ended, the first one first.
//!
//! Native operations run on tokio, all in one task there; Python coroutines in Tasks, which an
//! `async for` gets to see.

use pyo3::exceptions::{PyTimeoutError, PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};
use pyo3::{PyTraverseError, PyVisit};

use parking_lot::Mutex;

use super::child::{Child, Ended, Kind, Started, classify};
use super::children::Children;
use super::ends::{Ends, Uses, Wanted};
use super::gather::{adopt, at_most};
use crate::bridge::mailbox::WakeId;
use crate::bridge::{Hub, Native, Operation, Step, Turn, Work};
use crate::error::Error;
use crate::python::imports;

/// An iterator over what has ended, as it ends: plain, of awaitables for the next result each; with
/// `async for`, of Futures that are done.
///
/// Everything starts at once, or with `limit` at most so many at a time, in their order. With `async for`
/// Tasks and Futures come as they were given, and coroutines as the Tasks that ran them. After `timeout`
/// seconds of the loop's clock what has not ended raises TimeoutError; Tasks go on then, as with asyncio,
/// and native operations are stopped.
///
/// TypeError for what is no iterable of awaitables, ValueError for a limit below 1, a timeout that is NaN
/// and a future of another loop; RuntimeError where there is no loop.
/// Cancel safety: nothing is lost with `async for`: who asks next gets it.
#[pyfunction]
#[pyo3(signature = (aws, *, timeout=None, limit=None))]
pub fn as_completed<'py>(
    aws: &Bound<'py, PyAny>,
    timeout: Option<f64>,
    limit: Option<i64>,
) -> PyResult<AsCompleted> {
    let py = aws.py();
    if imports::isawaitable(py)?.call1((aws,))?.is_truthy()? {
        return Err(PyTypeError::new_err(format!(
            "expects an iterable of awaitables, not {}",
            aws.get_type().name()?
        )));
    }
    let limit = at_most(limit)?;
    if timeout.is_some_and(f64::is_nan) {
        return Err(Error::value("Invalid timeout: NaN (not a number)").into());
    }
    let event_loop = imports::get_event_loop(py)?.call0()?;
    let aws = PyTuple::new(py, aws.try_iter()?.collect::<PyResult<Vec<_>>>()?)?;
    let kinds = aws
        .iter_borrowed()
        .map(|aw| classify(&aw))
        .collect::<PyResult<Vec<_>>>()?;
    for (aw, _) in aws
        .iter_borrowed()
        .zip(&kinds)
        .filter(|(_, kind)| **kind == Kind::Future)
    {
        if !aw.call_method0(intern!(py, "get_loop"))?.is(&event_loop) {
            return Err(PyValueError::new_err(
                "The future belongs to a different loop than the one specified as the loop argument",
            ));
        }
    }
    let (children, _) = adopt(&aws, kinds);
    let left = children.len();
    let children = Bound::new(
        py,
        Children::new(Hub::of(&event_loop)?, children, None, limit, true),
    )?;
    children.get().inner.lock().ends = Some(Ends::new(Uses::Shown));
    let iterator = AsCompleted {
        children: children.clone().unbind(),
        left: Mutex::new(left),
    };
    if left > 0 {
        if let Some(seconds) = timeout {
            Children::limit_time(&children, seconds)?;
        }
        Children::start(&children, &event_loop)?;
    }
    Ok(iterator)
}

/// What `as_completed` gives. Dropped, it stops native operations and starts nothing more.
#[pyclass(frozen, weakref, module = "aioxide._core")]
#[derive(Debug)]
pub struct AsCompleted {
    children: Py<Children>,
    /// How many ends nobody has asked for.
    left: Mutex<usize>,
}

impl AsCompleted {
    fn next(slf: &Bound<'_, Self>, gives: Gives) -> Option<Operation> {
        let mut left = slf.get().left.lock();
        *left = left.checked_sub(1)?;
        Some(Operation::new(
            "as_completed",
            NextEnd {
                of: slf.clone().unbind(),
                gives,
                waits_as: None,
                taken: false,
            },
        ))
    }
}

#[pymethods]
impl AsCompleted {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __aiter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(slf: &Bound<'_, Self>) -> Option<Operation> {
        Self::next(slf, Gives::Result)
    }

    fn __anext__(slf: &Bound<'_, Self>) -> Option<Operation> {
        Self::next(slf, Gives::Future)
    }

    fn __repr__<'py>(slf: &Bound<'py, Self>) -> Bound<'py, PyString> {
        let left = *slf.get().left.lock();
        PyString::new(slf.py(), &format!("<aioxide.as_completed, {left} to come>"))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.children)
    }
}

impl Drop for AsCompleted {
    fn drop(&mut self) {
        // Attached already: CPython drops objects on attached threads only.
        Python::attach(|py| {
            if let Err(error) = self.children.get().forsake(py) {
                error.write_unraisable(py, None);
            }
        });
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gives {
    Result,
    Future,
}

/// Waits for an end, and takes it.
#[derive(Debug)]
struct NextEnd {
    of: Py<AsCompleted>,
    gives: Gives,
    waits_as: Option<WakeId>,
    taken: bool,
}

impl NextEnd {
    fn try_take(&mut self, py: Python<'_>) -> Option<PyResult<Py<PyAny>>> {
        let children = self.of.get().children.get();
        let mut inner = children.inner.lock();
        let Some(child) = inner.take_first() else {
            let over = inner.ends.as_ref().is_none_or(|ends| ends.time_is_over);
            drop(inner);
            self.taken = over;
            return over.then(|| Err(PyTimeoutError::new_err(())));
        };
        let hub = inner.hub.clone();
        drop(inner);
        self.taken = true;
        Some(match self.gives {
            Gives::Result => result(py, child),
            Gives::Future => future(py, child, &hub),
        })
    }
}

fn lost() -> PyErr {
    // Not reached: only what has ended is taken.
    Error::runtime("a child of this as_completed got lost").into()
}

fn result(py: Python<'_>, child: Child) -> PyResult<Py<PyAny>> {
    match child {
        Child::Ended(Ended::Returned(value)) => Ok(value),
        Child::Ended(Ended::Failed(error)) => Err(PyErr::from_value(error.into_bound(py))),
        Child::Started(Started::Task(future) | Started::Future(future)) => {
            future.call_method0(py, intern!(py, "result"))
        }
        _ => Err(lost()),
    }
}

/// The Future of the child; a native one gets one now.
fn future(py: Python<'_>, child: Child, hub: &Hub) -> PyResult<Py<PyAny>> {
    let (method, value) = match child {
        Child::Started(Started::Task(future) | Started::Future(future)) => return Ok(future),
        Child::Ended(Ended::Returned(value)) => (intern!(py, "set_result"), value),
        Child::Ended(Ended::Failed(error)) => (intern!(py, "set_exception"), error),
        _ => return Err(lost()),
    };
    let future = hub.event_loop(py)?.call_method0(intern!(py, "create_future"))?;
    future.call_method1(method, (value,))?;
    Ok(future.unbind())
}

impl Work for NextEnd {
    fn at_once(&mut self, py: Python<'_>) -> Option<PyResult<Py<PyAny>>> {
        self.try_take(py)
    }

    fn step(&mut self, py: Python<'_>, turn: &mut Turn<'_>) -> Step {
        if let Some(outcome) = self.try_take(py) {
            return Step::Done(outcome);
        }
        self.of.get().children.get().wait_for(py, turn, Wanted::Any);
        self.waits_as = Some(turn.id(py));
        Step::Pending
    }

    fn detach(self: Box<Self>) -> std::result::Result<Native, Box<dyn Work>> {
        Err(self)
    }

    fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.of)
    }
}

impl Drop for NextEnd {
    fn drop(&mut self) {
        if self.taken {
            return;
        }
        let of = self.of.get();
        if self.gives == Gives::Future {
            *of.left.lock() += 1;
        }
        if let Some(id) = self.waits_as {
            // Attached already: an operation is dropped by Python, or by the loop that closes.
            Python::attach(|py| {
                if let Err(error) = of.children.get().give_up(py, id) {
                    error.write_unraisable(py, None);
                }
            });
        }
    }
}
