//! How an iterator that drives an `await` says that it is finished.

use pyo3::exceptions::{PyBaseException, PyStopIteration};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyBool;

use super::attached::{Attached, is_sole_reference};

/// What `__next__` returns for a finished awaitable.
///
/// For None that is NULL with no exception set, which `SEND` and `PyIter_Send` take for "returned
/// None" and which allocates nothing. Any other value travels in a StopIteration.
pub fn finish(value: Py<PyAny>, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
    if value.is_none(py) {
        Ok(None)
    } else if value.bind(py).is(PyBool::new(py, true)) {
        Err(stop_with_true(py))
    } else {
        Err(stop_iteration(py, value))
    }
}

/// True is what every `acquire` gives, so its StopIteration is made once. The interpreter takes the value out
/// and lets go of it; where Python code has caught it instead, and may have it still, another takes its place.
fn stop_with_true(py: Python<'_>) -> PyErr {
    static KEPT: Attached<Option<Py<PyBaseException>>> = Attached::new(None);
    let kept = KEPT.open(py).take();
    if let Some(kept) = kept.map(|kept| kept.into_bound(py)).filter(is_as_made) {
        *KEPT.open(py) = Some(kept.clone().unbind());
        return PyErr::from_value(kept.into_any());
    }
    let fresh = stop_iteration(py, PyBool::new(py, true).to_owned().into_any().unbind());
    let before = KEPT.open(py).replace(fresh.value(py).clone().unbind());
    drop(before);
    fresh
}

/// Whether nobody else has the exception, and it has not been through a Python frame.
fn is_as_made(exception: &Bound<'_, PyBaseException>) -> bool {
    let fields = exception.as_ptr().cast::<ffi::PyBaseExceptionObject>();
    // SAFETY: attached, and every exception object begins with these fields, which are only looked at.
    let (traceback, context) = unsafe { ((*fields).traceback, (*fields).context) };
    is_sole_reference(exception) && traceback.is_null() && context.is_null()
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
