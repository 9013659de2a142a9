//! `Queue`, `LifoQueue` and `PriorityQueue`.
//!
//! - [`core`]: the items and the three lines. [`gates`]: the lines, to be waited in.
//! - [`heap`]: what orders a priority queue. [`batch`]: several items at once.

mod batch;
mod core;
mod gates;
mod heap;

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

use pyo3::exceptions::{PyStopAsyncIteration, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple, PyType};
use pyo3::{PyTraverseError, PyVisit};

use self::batch::{GetMany, PutMany};
use self::core::{Core, Order, Refusal};
use self::gates::{Getting, Joining, Putting, ToGet, ToJoin, ToPut};
use self::heap::Entry;
use super::class::refuse_pickling;
use super::line::Passage;
use super::waits::{self, block, give_none, seconds, timed_out, wake};
use crate::bridge::Operation;
use crate::error::Error;
use crate::python::imports;

/// Items handed from those who put to those who get, first in, first out.
///
/// It belongs to no loop: tasks of several loops and plain threads can share one. `maxsize` of zero or less is
/// no limit. Who waits for an item or for room gets it in the order in which it came.
#[pyclass(frozen, weakref, subclass, module = "aioxide")]
#[derive(Debug)]
pub struct Queue {
    settings: OnceLock<Settings>,
    core: Arc<Core>,
    getting: Getting,
    putting: Putting,
    joining: Joining,
}

#[derive(Debug)]
struct Settings {
    maxsize: Py<PyAny>,
    /// What computes an item's priority.
    key: Option<Py<PyAny>>,
}

/// `maxsize=`, whose default no user can pass.
#[derive(Debug)]
enum MaxSize {
    Unlimited,
    Given(Py<PyAny>, f64),
}

impl<'py> FromPyObject<'_, 'py> for MaxSize {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let size: f64 = given.extract()?;
        if size.is_nan() {
            return Err(PyValueError::new_err("maxsize is NaN (not a number)"));
        }
        Ok(Self::Given(given.to_owned().unbind(), size))
    }
}

impl Queue {
    fn ordered(order: Order) -> Self {
        let core = Arc::new(Core::new(order));
        Self {
            settings: OnceLock::new(),
            getting: Getting(Arc::clone(&core)),
            putting: Putting(Arc::clone(&core)),
            joining: Joining(Arc::clone(&core)),
            core,
        }
    }

    fn set(&self, py: Python<'_>, maxsize: MaxSize, key: Option<Py<PyAny>>) -> PyResult<()> {
        let (maxsize, size) = match maxsize {
            MaxSize::Given(maxsize, size) => (maxsize, size),
            MaxSize::Unlimited => (0_i64.into_pyobject(py)?.into_any().unbind(), 0.0),
        };
        // asyncio's rule, that it is full from `maxsize` on, makes two of 1.3.
        self.core.limit((size > 0.0).then_some(size.ceil() as usize));
        self.settings
            .set(Settings { maxsize, key })
            .map_err(|_| Error::runtime("this queue has its size already").into())
    }

    fn entry(&self, py: Python<'_>, item: Py<PyAny>) -> PyResult<Entry> {
        let key = match self.settings.get().and_then(|settings| settings.key.as_ref()) {
            Some(key) => Some(key.call1(py, (&item,))?),
            None => None,
        };
        Ok(Entry { item, key })
    }

    fn format(&self, py: Python<'_>) -> PyResult<String> {
        let counts = self.core.counts();
        let mut format = format!("maxsize={}", self.maxsize(py)?.bind(py).repr()?);
        let items = self.core.items(py);
        if !items.is_empty() {
            let items = PyList::new(py, items)?;
            format = format!("{format} _queue={}", items.repr()?);
        }
        for (what, count) in [("getters", counts.getting), ("putters", counts.putting)] {
            if count > 0 {
                format = format!("{format} _{what}[{count}]");
            }
        }
        if counts.unfinished > 0 {
            format = format!("{format} tasks={}", counts.unfinished);
        }
        Ok(if counts.shut {
            format!("{format} shutdown")
        } else {
            format
        })
    }
}

/// The exception for a refusal.
fn refused(py: Python<'_>, refusal: Refusal) -> PyResult<PyErr> {
    let name = match refusal {
        Refusal::Failed(error) => return Ok(error),
        Refusal::ShutDown => "QueueShutDown",
        Refusal::NotNow | Refusal::Gone => {
            return Ok(Error::runtime("this operation has already been taken").into());
        }
    };
    Ok(PyErr::from_value(imports::exception(py, name)?.call0()?))
}

fn give_item(py: Python<'_>, _door: &ToGet, got: std::result::Result<Entry, Refusal>) -> PyResult<Py<PyAny>> {
    match got {
        Ok(entry) => Ok(entry.item),
        Err(refusal) => Err(refused(py, refusal)?),
    }
}

/// The same for an iteration, which ends where the queue is shut down.
fn give_next(py: Python<'_>, door: &ToGet, got: std::result::Result<Entry, Refusal>) -> PyResult<Py<PyAny>> {
    match got {
        Err(Refusal::ShutDown) => Err(PyStopAsyncIteration::new_err(())),
        got => give_item(py, door, got),
    }
}

fn put_done(py: Python<'_>, _door: &ToPut, put: std::result::Result<(), Refusal>) -> PyResult<Py<PyAny>> {
    match put {
        Ok(()) => Ok(py.None()),
        Err(refusal) => Err(refused(py, refusal)?),
    }
}

#[pymethods]
impl Queue {
    /// Arguments are for `__init__`, so that a subclass may have its own.
    #[new]
    #[pyo3(signature = (*_args, **_kwargs), text_signature = "(maxsize=0)")]
    fn new(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> Self {
        Self::ordered(Order::FirstIn)
    }

    #[pyo3(signature = (maxsize=MaxSize::Unlimited))]
    fn __init__(&self, py: Python<'_>, maxsize: MaxSize) -> PyResult<()> {
        self.set(py, maxsize, None)
    }

    /// An operation that puts `item` in, waiting for room if need be.
    ///
    /// QueueShutDown once the queue is shut down. Cancel safety: then the item is not put in.
    fn put(slf: &Bound<'_, Self>, item: Py<PyAny>) -> PyResult<Py<Operation>> {
        let py = slf.py();
        let entry = slf.get().entry(py, item)?;
        waits::operation(
            py,
            "Queue.put",
            ToPut(slf.clone().unbind()),
            Some(entry),
            put_done,
        )
    }

    /// Puts `item` in; QueueFull if there is no room, or all of it is promised to those who wait.
    fn put_nowait(&self, py: Python<'_>, item: Py<PyAny>) -> PyResult<()> {
        let entry = self.entry(py, item)?;
        match self.core.put(py, entry) {
            Ok(woken) => wake(py, woken),
            Err(Refusal::NotNow) => Err(PyErr::from_value(imports::exception(py, "QueueFull")?.call0()?)),
            Err(refusal) => Err(refused(py, refusal)?),
        }
    }

    /// Puts `item` in from a plain thread, waiting for room for at most `timeout` seconds.
    ///
    /// TimeoutError after that; QueueShutDown once the queue is shut down; RuntimeError on a thread whose event
    /// loop is running.
    #[pyo3(signature = (item, timeout=None))]
    fn put_blocking(slf: &Bound<'_, Self>, item: Py<PyAny>, timeout: Option<f64>) -> PyResult<()> {
        let py = slf.py();
        let limit = seconds(timeout)?;
        let entry = slf.get().entry(py, item)?;
        let passage = Passage::new(ToPut(slf.clone().unbind()), Some(entry));
        match block(py, passage, limit)? {
            Some(Ok(())) => Ok(()),
            Some(Err(refusal)) => Err(refused(py, refusal)?),
            None => Err(timed_out("no room", timeout.unwrap_or_default())),
        }
    }

    /// An operation that puts all `items` in, in their order, waiting for room as need be.
    ///
    /// QueueShutDown once the queue is shut down. Cancel safety: what was put in by then stays there.
    fn put_many(slf: &Bound<'_, Self>, items: &Bound<'_, PyAny>) -> PyResult<Operation> {
        let mut entries = VecDeque::new();
        for item in items.try_iter()? {
            entries.push_back(slf.get().entry(slf.py(), item?.unbind())?);
        }
        Ok(Operation::new(
            "Queue.put_many",
            PutMany::new(slf.clone().unbind(), entries),
        ))
    }

    /// An operation that takes an item out, waiting for one, if need be for at most `timeout` seconds.
    ///
    /// TimeoutError after that; QueueShutDown once the queue is shut down and empty; ValueError for a timeout that
    /// is negative or NaN. Cancel safety: no item is lost; one that was due goes to the next in line.
    #[pyo3(signature = (timeout=None))]
    fn get(slf: &Bound<'_, Self>, timeout: Option<f64>) -> PyResult<Py<Operation>> {
        let py = slf.py();
        let door = ToGet(slf.clone().unbind());
        let Some(limit) = timeout else {
            return waits::operation(py, "Queue.get", door, (), give_item);
        };
        seconds(timeout)?;
        waits::operation_within(py, "Queue.get", door, (), give_item, limit)
    }

    /// Takes an item out; QueueEmpty if there is none, or all are spoken for by those who wait.
    ///
    /// QueueShutDown once the queue is shut down and empty.
    fn get_nowait(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        match self.core.get(py) {
            Ok((entry, woken)) => {
                wake(py, woken)?;
                Ok(entry.item)
            }
            Err(Refusal::NotNow) => Err(PyErr::from_value(imports::exception(py, "QueueEmpty")?.call0()?)),
            Err(refusal) => Err(refused(py, refusal)?),
        }
    }

    /// Takes an item out on a plain thread, waiting for one for at most `timeout` seconds.
    ///
    /// TimeoutError after that; QueueShutDown once the queue is shut down and empty; RuntimeError on a thread
    /// whose event loop is running.
    #[pyo3(signature = (timeout=None))]
    fn get_blocking(slf: &Bound<'_, Self>, timeout: Option<f64>) -> PyResult<Py<PyAny>> {
        let py = slf.py();
        let passage = Passage::new(ToGet(slf.clone().unbind()), ());
        match block(py, passage, seconds(timeout)?)? {
            Some(Ok(entry)) => Ok(entry.item),
            Some(Err(refusal)) => Err(refused(py, refusal)?),
            None => Err(timed_out("no item", timeout.unwrap_or_default())),
        }
    }

    /// An operation that waits for an item and then takes what else is there, at most `max` items in all, as a
    /// list. With `within` it goes on for so many seconds after the first, or until it has `max`.
    ///
    /// QueueShutDown once the queue is shut down and empty; ValueError for a `max` below 1 and for a `within` that
    /// is negative or NaN. Cancel safety: what it has taken goes back to where it was.
    #[pyo3(signature = (max, within=None))]
    fn get_many(slf: &Bound<'_, Self>, max: i64, within: Option<f64>) -> PyResult<Operation> {
        let most = usize::try_from(max).ok().filter(|most| *most > 0);
        let most = most.ok_or_else(|| Error::value(format!("max must be at least 1, not {max}")))?;
        if let Some(within) = within.filter(|within| within.is_nan() || *within < 0.0) {
            let why = format!("within must be zero or more seconds, or None, not {within:?}");
            return Err(Error::value(why).into());
        }
        Ok(Operation::new(
            "Queue.get_many",
            GetMany::new(slf.clone().unbind(), most, within),
        ))
    }

    fn __aiter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    /// The next item; the iteration ends when the queue is shut down and empty.
    fn __anext__(slf: &Bound<'_, Self>) -> PyResult<Py<Operation>> {
        let door = ToGet(slf.clone().unbind());
        waits::operation(slf.py(), "Queue.__anext__", door, (), give_next)
    }

    /// Says that the work on an item that was taken out is done. ValueError if that is said too often.
    fn task_done(&self, py: Python<'_>) -> PyResult<()> {
        match self.core.task_done() {
            Some(woken) => wake(py, woken),
            None => Err(PyValueError::new_err("task_done() called too many times")),
        }
    }

    /// An operation that ends when the work on every item that was put in is done.
    fn join(slf: &Bound<'_, Self>) -> PyResult<Py<Operation>> {
        let door = ToJoin(slf.clone().unbind());
        waits::operation(slf.py(), "Queue.join", door, (), give_none)
    }

    /// Lets nothing in from now on: puts raise QueueShutDown, and gets do when the queue is empty.
    ///
    /// With `immediate` what is in it is thrown away, and its work counts as done.
    #[pyo3(signature = (immediate=false))]
    fn shutdown(&self, py: Python<'_>, immediate: bool) -> PyResult<()> {
        let (woken, thrown_away) = self.core.shut_down(py, immediate)?;
        drop(thrown_away);
        wake(py, woken)
    }

    /// How many items are in it.
    fn qsize(&self) -> usize {
        self.core.counts().size
    }

    /// Whether it has no item.
    fn empty(&self) -> bool {
        self.core.counts().size == 0
    }

    /// Whether it has as many items as `maxsize`; never, where that is zero or less.
    fn full(&self) -> bool {
        self.core.is_full()
    }

    /// How many items it may have; zero or less for no limit.
    #[getter]
    fn maxsize(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        match self.settings.get() {
            Some(settings) => Ok(settings.maxsize.clone_ref(py)),
            None => Ok(0_i64.into_pyobject(py)?.into_any().unbind()),
        }
    }

    /// `size`, `maxsize`, how many are `getting` and `putting`, how much work is `unfinished`, and whether it was
    /// `shutdown`.
    fn statistics<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counts = self.core.counts();
        let statistics = PyDict::new(py);
        statistics.set_item("size", counts.size)?;
        statistics.set_item("maxsize", self.maxsize(py)?)?;
        statistics.set_item("getting", counts.getting)?;
        statistics.set_item("putting", counts.putting)?;
        statistics.set_item("unfinished", counts.unfinished)?;
        statistics.set_item("shutdown", counts.shut)?;
        Ok(statistics)
    }

    /// The items, in the order in which they lie; for programs that look into asyncio's `_queue`.
    fn _items<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, self.core.items(py))
    }

    /// Puts `items` in the place of all that there are; what work is unfinished stays as it is.
    fn _set_items(&self, py: Python<'_>, items: Vec<Py<PyAny>>) -> PyResult<()> {
        let entries = items.into_iter().map(|item| self.entry(py, item));
        let (woken, replaced) = self.core.replace(py, entries.collect::<PyResult<_>>()?)?;
        drop(replaced);
        wake(py, woken)
    }

    #[classmethod]
    fn __class_getitem__<'py>(
        cls: &Bound<'py, PyType>,
        item: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        imports::generic_alias(cls.py())?.call1((cls, item))
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let name = slf.get_type().name()?;
        let address = slf.as_ptr() as usize;
        Ok(format!(
            "<{name} at {address:#x} {}>",
            slf.get().format(slf.py())?
        ))
    }

    fn __str__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let name = slf.get_type().name()?;
        Ok(format!("<{name} {}>", slf.get().format(slf.py())?))
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<()> {
        refuse_pickling(slf.as_any())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        if let Some(settings) = self.settings.get() {
            visit.call(&settings.maxsize)?;
            visit.call(&settings.key)?;
        }
        self.core.traverse(visit)
    }

    fn __clear__(&self) {
        self.core.clear();
    }
}

/// A queue whose newest item comes out first.
#[pyclass(frozen, weakref, subclass, extends = Queue, module = "aioxide")]
#[derive(Debug)]
pub struct LifoQueue;

#[pymethods]
impl LifoQueue {
    #[new]
    #[pyo3(signature = (*_args, **_kwargs), text_signature = "(maxsize=0)")]
    fn new(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> PyClassInitializer<Self> {
        PyClassInitializer::from(Queue::ordered(Order::LastIn)).add_subclass(Self)
    }
}

/// A queue whose smallest item comes out first, and of equal ones that which went in first.
///
/// `key(item)` computes what is compared; without it that is the item itself. Only `<` is used. A comparison
/// that raises does so where the item is put in or taken out, and the queue stays as it was.
#[pyclass(frozen, weakref, subclass, extends = Queue, module = "aioxide")]
#[derive(Debug)]
pub struct PriorityQueue;

#[pymethods]
impl PriorityQueue {
    #[new]
    #[pyo3(signature = (*_args, **_kwargs), text_signature = "(maxsize=0, *, key=None)")]
    fn new(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> PyClassInitializer<Self> {
        PyClassInitializer::from(Queue::ordered(Order::Smallest)).add_subclass(Self)
    }

    #[pyo3(signature = (maxsize=MaxSize::Unlimited, *, key=None))]
    fn __init__(slf: &Bound<'_, Self>, maxsize: MaxSize, key: Option<Bound<'_, PyAny>>) -> PyResult<()> {
        if let Some(key) = key.as_ref().filter(|key| !key.is_callable()) {
            let name = key.get_type().name()?;
            return Err(PyTypeError::new_err(format!(
                "key must be callable or None, not {name}"
            )));
        }
        slf.as_super()
            .get()
            .set(slf.py(), maxsize, key.map(Bound::unbind))
    }
}
