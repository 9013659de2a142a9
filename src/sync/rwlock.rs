//! `RWLock`: many readers, or one writer.

use std::sync::Arc;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::class::{described, refuse_pickling};
use super::permits::Permits;
use super::waits::{self, block, give_none, give_true, seconds};
use crate::bridge::Operation;
use crate::bridge::ready::Ready;

/// A reader takes one of these, a writer all.
const ALL: usize = 1 << 30;

/// Lets in any number of readers, or one writer.
///
/// It belongs to no loop. Everybody is let in in the order in which it came: who comes to read while a writer
/// waits, waits behind it, so that neither side starves.
#[pyclass(frozen, weakref, subclass, module = "aioxide")]
#[derive(Debug)]
pub struct RWLock {
    permits: Arc<Permits>,
}

impl RWLock {
    /// Whether a writer has it, how many readers, and how many wait.
    fn counts(&self) -> (bool, i64, usize) {
        let (free, waiting) = self.permits.counts();
        let readers = if free == 0 { 0 } else { ALL as i64 - free };
        (free == 0, readers, waiting)
    }

    fn give_back(&self, py: Python<'_>, count: usize) -> PyResult<()> {
        let held = |free: i64| {
            if count == ALL {
                free == 0
            } else {
                0 < free && free < ALL as i64
            }
        };
        match self.permits.give_where(count, held) {
            Some(woken) => waits::wake(py, woken),
            None => Err(PyRuntimeError::new_err(if count == ALL {
                "RWLock is not acquired for writing."
            } else {
                "RWLock is not acquired for reading."
            })),
        }
    }
}

#[pymethods]
impl RWLock {
    #[new]
    fn new() -> Self {
        Self {
            permits: Arc::new(Permits::new(ALL)),
        }
    }

    /// `async with lock.read():` holds the lock for reading inside the block.
    fn read(slf: Py<Self>) -> Held {
        Held { lock: slf, count: 1 }
    }

    /// `async with lock.write():` holds the lock for writing inside the block.
    fn write(slf: Py<Self>) -> Held {
        Held {
            lock: slf,
            count: ALL,
        }
    }

    /// An operation that takes the lock for reading, waiting if need be, and gives True.
    ///
    /// Cancel safety: it is not taken; if it was granted by then it goes to the next in line.
    fn acquire_read(&self, py: Python<'_>) -> PyResult<Py<Operation>> {
        waits::operation(py, "RWLock.acquire_read", Arc::clone(&self.permits), 1, give_true)
    }

    /// An operation that takes the lock for writing, waiting if need be, and gives True.
    ///
    /// Cancel safety: it is not taken; if it was granted by then it goes to the next in line.
    fn acquire_write(&self, py: Python<'_>) -> PyResult<Py<Operation>> {
        waits::operation(
            py,
            "RWLock.acquire_write",
            Arc::clone(&self.permits),
            ALL,
            give_true,
        )
    }

    /// Takes the lock for reading if that can be done at once; whether it did.
    fn try_acquire_read(&self) -> bool {
        self.permits.try_take(1)
    }

    /// Takes the lock for writing if that can be done at once; whether it did.
    fn try_acquire_write(&self) -> bool {
        self.permits.try_take(ALL)
    }

    /// Takes the lock for reading on a plain thread, waiting at most `timeout` seconds; whether it did.
    ///
    /// RuntimeError on a thread whose event loop is running.
    #[pyo3(signature = (timeout=None))]
    fn acquire_read_blocking(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        Ok(block(py, self.permits.take(1), seconds(timeout)?)?.is_some())
    }

    /// Takes the lock for writing on a plain thread, waiting at most `timeout` seconds; whether it did.
    ///
    /// RuntimeError on a thread whose event loop is running.
    #[pyo3(signature = (timeout=None))]
    fn acquire_write_blocking(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        Ok(block(py, self.permits.take(ALL), seconds(timeout)?)?.is_some())
    }

    /// One reader is done. RuntimeError if none has it.
    fn release_read(&self, py: Python<'_>) -> PyResult<()> {
        self.give_back(py, 1)
    }

    /// The writer is done. RuntimeError if none has it.
    fn release_write(&self, py: Python<'_>) -> PyResult<()> {
        self.give_back(py, ALL)
    }

    /// Whether a writer has it.
    fn locked(&self) -> bool {
        self.counts().0
    }

    /// How many readers have it.
    #[getter]
    fn readers(&self) -> i64 {
        self.counts().1
    }

    /// Whether a writer has it (`writing`), how many `readers` do, and how many are `waiting`.
    fn statistics<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let (writing, readers, waiting) = self.counts();
        let counts = PyDict::new(py);
        counts.set_item("writing", writing)?;
        counts.set_item("readers", readers)?;
        counts.set_item("waiting", waiting)?;
        Ok(counts)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let (writing, readers, waiting) = slf.get().counts();
        let mut extra = match (writing, readers) {
            (true, _) => "locked".to_owned(),
            (_, 0) => "unlocked".to_owned(),
            (_, readers) => format!("unlocked, readers:{readers}"),
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

/// What `RWLock.read()` and `RWLock.write()` give: use it with `async with`.
#[pyclass(frozen, module = "aioxide._core")]
#[derive(Debug)]
pub struct Held {
    lock: Py<RWLock>,
    count: usize,
}

#[pymethods]
impl Held {
    fn __aenter__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let permits = &self.lock.get().permits;
        if permits.try_take(self.count) {
            return Ok(Ready::none(py)?.into_any());
        }
        let name = if self.count == 1 {
            "RWLock.acquire_read"
        } else {
            "RWLock.acquire_write"
        };
        Ok(waits::operation(py, name, Arc::clone(permits), self.count, give_none)?.into_any())
    }

    fn __aexit__(
        &self,
        py: Python<'_>,
        _exc_type: &Bound<'_, PyAny>,
        _exc: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) -> PyResult<Py<Ready>> {
        self.lock.get().give_back(py, self.count)?;
        Ready::none(py)
    }
}
