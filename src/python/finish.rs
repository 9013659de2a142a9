//! How an iterator that drives an `await` says that it is finished.

use pyo3::exceptions::PyStopIteration;
use pyo3::ffi;
use pyo3::prelude::*;

/// What `__next__` returns for a finished awaitable.
///
/// For None that is NULL with no exception set, which `SEND` and `PyIter_Send` take for "returned
/// None" and which allocates nothing. Any other value travels in a StopIteration.
pub fn finish(value: Py<PyAny>, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
    if value.is_none(py) {
        Ok(None)
    } else {
        Err(stop_iteration(py, value))
    }
}

/// What `send` returns for a finished awaitable: a method cannot return NULL without an exception.
pub fn stop_iteration(py: Python<'_>, value: Py<PyAny>) -> PyErr {
    // A call with one argument, because `StopIteration(*tuple)` is what setting a bare tuple as the
    // value of the class means to CPython, and a bare exception would replace the StopIteration.
    // SAFETY: attached; the class is a static of the interpreter.
    let class = unsafe { Borrowed::from_ptr(py, ffi::PyExc_StopIteration) };
    match class.call1((value,)) {
        Ok(exception) => PyErr::from_value(exception),
        Err(error) => error,
    }
}

/// The value inside a StopIteration, or the error back.
pub fn returned(py: Python<'_>, error: PyErr) -> PyResult<Py<PyAny>> {
    if error.is_instance_of::<PyStopIteration>(py) {
        error.value(py).getattr("value").map(Bound::unbind)
    } else {
        Err(error)
    }
}
