//! `Semaphore` and `BoundedSemaphore`.

use std::sync::Arc;

use parking_lot::Mutex;
use pyo3::exceptions::{PyOverflowError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::class::{described, refuse_pickling};
use super::permits::Permits;
use super::waits::{self, block, give_none, give_true, seconds};
use crate::bridge::Operation;
use crate::bridge::ready::Ready;
use crate::error::{Error, Result};

/// Lets at most so many in at a time.
///
/// It belongs to no loop: tasks of several loops and plain threads can share one. Who waits is let in in the
/// order in which it came, and nobody overtakes. ValueError for a negative value.
#[pyclass(frozen, weakref, subclass, module = "aioxide")]
#[derive(Debug)]
pub struct Semaphore {
    permits: Arc<Permits>,
    /// How many permits there are in all; they can be more, where more were released than acquired.
    capacity: Mutex<i64>,
    bounded: bool,
}

impl Semaphore {
    fn begin(bounded: bool) -> Self {
        Self {
            permits: Arc::new(Permits::new(1)),
            capacity: Mutex::new(1),
            bounded,
        }
    }

    /// How many permits to take: not more than a bounded semaphore has.
    fn count(&self, n: i64) -> Result<usize> {
        let count = at_least_one(n)?;
        let capacity = *self.capacity.lock();
        if self.bounded && n > capacity {
            return Err(Error::value(format!(
                "n is {n}, and this semaphore has {capacity} permits in all"
            )));
        }
        Ok(count)
    }
}

fn at_least_one(n: i64) -> Result<usize> {
    let count = usize::try_from(n).ok().filter(|count| *count > 0);
    count.ok_or_else(|| Error::value(format!("n must be at least 1, not {n}")))
}

#[pymethods]
impl Semaphore {
    /// Arguments are for `__init__`, so that a subclass may have its own.
    #[new]
    #[pyo3(signature = (*_args, **_kwargs), text_signature = "(value=1)")]
    fn new(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> Self {
        Self::begin(false)
    }

    #[pyo3(signature = (value=1))]
    fn __init__(&self, py: Python<'_>, value: i64) -> PyResult<()> {
        let free =
            usize::try_from(value).map_err(|_| Error::value("Semaphore initial value must be >= 0"))?;
        *self.capacity.lock() = value;
        waits::wake(py, self.permits.begin_with(free))
    }

    /// An operation that takes `n` permits, waiting for them if need be, and gives True.
    ///
    /// ValueError for `n` below 1, or above what a bounded semaphore has in all.
    /// Cancel safety: nothing is taken; what was granted by then goes to the next in line.
    #[pyo3(signature = (n=1))]
    fn acquire(&self, py: Python<'_>, n: i64) -> PyResult<Py<Operation>> {
        let count = self.count(n)?;
        let permits = Arc::clone(&self.permits);
        waits::operation(py, "Semaphore.acquire", permits, count, give_true)
    }

    /// Takes `n` permits if they are free and nobody is in line for them; whether it did.
    #[pyo3(signature = (n=1))]
    fn try_acquire(&self, n: i64) -> Result<bool> {
        Ok(self.permits.try_take(self.count(n)?))
    }

    /// Takes `n` permits on a plain thread, waiting at most `timeout` seconds; whether it did.
    ///
    /// RuntimeError on a thread whose event loop is running.
    #[pyo3(signature = (n=1, timeout=None))]
    fn acquire_blocking(&self, py: Python<'_>, n: i64, timeout: Option<f64>) -> PyResult<bool> {
        let passage = self.permits.take(self.count(n)?);
        Ok(block(py, passage, seconds(timeout)?)?.is_some())
    }

    /// Gives `n` permits back, and lets in who can be let in then. Any thread may do so.
    ///
    /// ValueError for `n` below 1, and where a bounded semaphore would have more than it began with.
    #[pyo3(signature = (n=1))]
    fn release(&self, py: Python<'_>, n: i64) -> PyResult<()> {
        let count = at_least_one(n)?;
        let most = if self.bounded {
            *self.capacity.lock()
        } else {
            i64::MAX
        };
        match self.permits.give_up_to(count, most) {
            Some(woken) => waits::wake(py, woken),
            None if self.bounded => Err(PyValueError::new_err("BoundedSemaphore released too many times")),
            None => Err(PyOverflowError::new_err("Semaphore released too many times")),
        }
    }

    /// Whether `acquire()` would have to wait.
    fn locked(&self) -> bool {
        self.permits.is_shut()
    }

    /// Changes how many permits there are in all. Fewer: what is out comes back before anybody is let in.
    ///
    /// ValueError for a negative capacity.
    fn resize(&self, py: Python<'_>, capacity: i64) -> PyResult<()> {
        if capacity < 0 {
            return Err(Error::value(format!("capacity must be zero or more, not {capacity}")).into());
        }
        let before = std::mem::replace(&mut *self.capacity.lock(), capacity);
        waits::wake(py, self.permits.change(capacity - before))
    }

    /// How many permits there are in all.
    #[getter]
    fn capacity(&self) -> i64 {
        *self.capacity.lock()
    }

    /// How many permits are free; below zero after a `resize` that took more than were.
    #[getter]
    fn value(&self) -> i64 {
        self.permits.counts().0
    }

    #[getter]
    fn _value(&self) -> i64 {
        self.permits.counts().0
    }

    /// `value`, `capacity`, and how many are `waiting`.
    fn statistics<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let (free, waiting) = self.permits.counts();
        let counts = PyDict::new(py);
        counts.set_item("value", free)?;
        counts.set_item("capacity", self.capacity())?;
        counts.set_item("waiting", waiting)?;
        Ok(counts)
    }

    fn __aenter__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        if self.permits.try_take(1) {
            return Ok(Ready::none(py)?.into_any());
        }
        let permits = Arc::clone(&self.permits);
        Ok(waits::operation(py, "Semaphore.acquire", permits, 1, give_none)?.into_any())
    }

    fn __aexit__(
        &self,
        py: Python<'_>,
        _exc_type: &Bound<'_, PyAny>,
        _exc: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) -> PyResult<Py<Ready>> {
        self.release(py, 1)?;
        Ready::none(py)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let (free, waiting) = slf.get().permits.counts();
        let mut extra = if slf.get().permits.is_shut() {
            "locked".to_owned()
        } else {
            format!("unlocked, value:{free}")
        };
        if waiting > 0 {
            extra = format!("{extra}, waiters:{waiting}");
        }
        described(slf.as_any(), &extra)
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<()> {
        refuse_pickling(slf.as_any())
    }
}

/// A semaphore that never has more permits than it began with: releasing too often is a ValueError.
#[pyclass(frozen, weakref, subclass, extends = Semaphore, module = "aioxide")]
#[derive(Debug)]
pub struct BoundedSemaphore;

#[pymethods]
impl BoundedSemaphore {
    #[new]
    #[pyo3(signature = (*_args, **_kwargs), text_signature = "(value=1)")]
    fn new(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> PyClassInitializer<Self> {
        PyClassInitializer::from(Semaphore::begin(true)).add_subclass(Self)
    }
}
