//! Running Python inside a `contextvars.Context` without `Context.run`'s call.

use pyo3::ffi;
use pyo3::prelude::*;

/// Calls `action` with `context` entered, as `context.run(action)` would.
///
/// Fails, without calling it, where the context is entered already: RuntimeError, as CPython's.
pub fn run_in<T>(context: &Bound<'_, PyAny>, action: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
    let py = context.py();
    // SAFETY: attached (`py`), and CPython checks that the object is a Context.
    if unsafe { ffi::PyContext_Enter(context.as_ptr()) } < 0 {
        return Err(PyErr::fetch(py));
    }
    let outcome = action();
    // SAFETY: attached, and entered just above on this thread; `action` gave no exception to the
    // interpreter's error indicator, it holds it in `outcome`.
    if unsafe { ffi::PyContext_Exit(context.as_ptr()) } < 0 {
        return Err(PyErr::fetch(py));
    }
    outcome
}
