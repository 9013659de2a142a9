//! Running Python on a thread that the interpreter may leave behind: one of our own, or a daemon thread's.
//!
//! When the interpreter goes, CPython before 3.14 ends such a thread from within as soon as it wants the
//! interpreter's lock, by unwinding its stack. Rust's part of the stack cannot be unwound so: what it drops
//! on the way are Python objects, without the lock, and the process crashes. So where our code calls code
//! that may run for long, the thread stops for ever instead, as every such thread does from 3.14 on.

use std::hint;
use std::mem;
use std::ptr;
use std::thread;

use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::imports;

type Object = *mut ffi::PyObject;
// SAFETY: the type of `PyObject_Call` as it is declared; what is passed is looked after at the call.
type Call = unsafe extern "C" fn(Object, Object, Object) -> Object;
// SAFETY: the same, of a function whose caller is ready for an unwinding.
type CallUnwinding = unsafe extern "C-unwind" fn(Object, Object, Object) -> Object;
// SAFETY: the type of `PyIter_Send` as it is declared.
type Send = unsafe extern "C" fn(Object, Object, *mut Object) -> ffi::PySendResult;
// SAFETY: the same, of a function whose caller is ready for an unwinding.
type SendUnwinding = unsafe extern "C-unwind" fn(Object, Object, *mut Object) -> ffi::PySendResult;
// SAFETY: the type of `PyObject_Vectorcall` as it is declared.
type Vectorcall = unsafe extern "C" fn(Object, *const Object, usize, Object) -> Object;
// SAFETY: the same, of a function whose caller is ready for an unwinding.
type VectorcallUnwinding = unsafe extern "C-unwind" fn(Object, *const Object, usize, Object) -> Object;

/// `function(*args, **kwargs)`.
pub fn call<'py>(
    function: &Bound<'py, PyAny>,
    args: &Bound<'py, PyTuple>,
    kwargs: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: it is the same function; the two types differ only in what the caller is ready for.
    let call = unsafe { mem::transmute::<Call, CallUnwinding>(ffi::PyObject_Call) };
    let call = not_known(call);
    let kwargs = kwargs.map_or(ptr::null_mut(), Bound::as_ptr);
    let stop = StopIfUnwound;
    // SAFETY: attached; a callable, a tuple, and a dict or NULL, which are held by the caller.
    let result = unsafe { call(function.as_ptr(), args.as_ptr(), kwargs) };
    mem::forget(stop);
    // SAFETY: attached; a new reference, or NULL with an exception set.
    unsafe { Bound::from_owned_ptr_or_err(function.py(), result) }
}

/// `function(argument)`.
pub fn call_one<'py>(
    function: &Bound<'py, PyAny>,
    argument: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: it is the same function; the two types differ only in what the caller is ready for.
    let call = unsafe { mem::transmute::<Vectorcall, VectorcallUnwinding>(ffi::PyObject_Vectorcall) };
    let call = not_known(call);
    let arguments = [argument.as_ptr()];
    let stop = StopIfUnwound;
    // SAFETY: attached; a callable, one object, both held by the caller, and no names of arguments.
    let result = unsafe { call(function.as_ptr(), arguments.as_ptr(), 1, ptr::null_mut()) };
    mem::forget(stop);
    // SAFETY: attached; a new reference, or NULL with an exception set.
    unsafe { Bound::from_owned_ptr_or_err(function.py(), result) }
}

/// `coroutine.send(None)`, and what it yielded or returned; NULL with an exception set if it raised.
pub(super) fn send_none(coroutine: &Bound<'_, PyAny>) -> (ffi::PySendResult, Object) {
    // SAFETY: it is the same function; the two types differ only in what the caller is ready for.
    let send = unsafe { mem::transmute::<Send, SendUnwinding>(ffi::PyIter_Send) };
    let send = not_known(send);
    let mut result = ptr::null_mut();
    let stop = StopIfUnwound;
    // SAFETY: attached; None is borrowed from the interpreter; `result` receives a new reference or NULL.
    let status = unsafe { send(coroutine.as_ptr(), ffi::Py_None(), &mut result) };
    mem::forget(stop);
    (status, result)
}

/// The same function, of which the compiler does not see which it is: of CPython's it has been told that
/// they never unwind, and would leave out the stop.
fn not_known<F>(function: F) -> F {
    hint::black_box(function)
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
