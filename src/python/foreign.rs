//! Running Python on a thread that is not Python's own.

use std::hint;
use std::mem;
use std::thread;

use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::imports;

type Call = unsafe extern "C-unwind" fn(
    *mut ffi::PyObject,
    *mut ffi::PyObject,
    *mut ffi::PyObject,
) -> *mut ffi::PyObject;

/// Calls `function`, which may still be running when the interpreter goes.
///
/// CPython before 3.14 then ends the thread from within, by unwinding its stack; Rust's part of the
/// stack cannot be unwound so, and the process would abort. So the thread stops here for ever instead,
/// as it does from 3.14 on.
pub fn call<'py>(
    function: &Bound<'py, PyAny>,
    args: &Bound<'py, PyTuple>,
    kwargs: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let plain: unsafe extern "C" fn(
        *mut ffi::PyObject,
        *mut ffi::PyObject,
        *mut ffi::PyObject,
    ) -> *mut ffi::PyObject = ffi::PyObject_Call;
    // SAFETY: it is the same function; the two types differ only in that the caller of the second is
    // ready for an unwinding.
    let may_unwind = unsafe { mem::transmute::<_, Call>(plain) };
    // The compiler must not see which function that is: it knows of that one that it never unwinds.
    let may_unwind = hint::black_box(may_unwind);
    let stop = StopIfUnwound;
    let kwargs = kwargs.map_or(std::ptr::null_mut(), Bound::as_ptr);
    // SAFETY: attached; a callable, a tuple, and a dict or NULL, which are held by the caller.
    let result = unsafe { may_unwind(function.as_ptr(), args.as_ptr(), kwargs) };
    mem::forget(stop);
    // SAFETY: attached; a new reference, or NULL with an exception set.
    unsafe { Bound::from_owned_ptr_or_err(function.py(), result) }
}

struct StopIfUnwound;

impl Drop for StopIfUnwound {
    fn drop(&mut self) {
        loop {
            thread::park();
        }
    }
}

/// Gives this thread a name in Python, where it would be `Dummy-1` to logs and debuggers.
pub fn name_thread(py: Python<'_>, name: &str) -> PyResult<()> {
    imports::current_thread(py)?
        .call0()?
        .setattr(intern!(py, "name"), name)
}

/// Has Python forget this thread, which is about to end. From 3.13 on it notices by itself.
pub fn forget_thread(py: Python<'_>) -> PyResult<()> {
    if py.version_info() >= (3, 13) {
        return Ok(());
    }
    let ident = imports::thread_ident(py)?.call0()?;
    imports::known_threads(py)?
        .call_method1(intern!(py, "pop"), (ident, py.None()))
        .map(drop)
}
