//! Driving a Python coroutine or iterator from Rust, as the interpreter's `await` does.

use std::ptr;

use pyo3::ffi;
use pyo3::prelude::*;

/// What one `send(None)` came to.
#[derive(Debug)]
pub enum Sent<'py> {
    /// It yielded this: what it waits for.
    Yielded(Bound<'py, PyAny>),
    Returned(Bound<'py, PyAny>),
    Raised(PyErr),
}

/// `coroutine.send(None)`, without a StopIteration for the result where CPython needs none.
pub fn send_none<'py>(coroutine: &Bound<'py, PyAny>) -> Sent<'py> {
    let py = coroutine.py();
    let mut result = ptr::null_mut();
    // SAFETY: attached; None is borrowed from the interpreter; `result` receives a new reference or NULL.
    let status = unsafe { ffi::PyIter_Send(coroutine.as_ptr(), ffi::Py_None(), &mut result) };
    // SAFETY: a new reference, or NULL with an exception set.
    let result = unsafe { Bound::from_owned_ptr_or_err(py, result) };
    match (status, result) {
        (_, Err(error)) => Sent::Raised(error),
        (ffi::PySendResult::PYGEN_NEXT, Ok(value)) => Sent::Yielded(value),
        (_, Ok(value)) => Sent::Returned(value),
    }
}
