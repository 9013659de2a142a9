//! A frame that stands for native work, for the tools that walk `cr_frame`.

use std::ffi::CString;
use std::ptr;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// A frame object named `qualname`, such as `Task.print_stack()` can print: it asks a coroutine for
/// `cr_frame` and reads the code's name and line. Made anew at each call, since nearly nobody asks.
pub fn named<'py>(py: Python<'py>, qualname: &str) -> PyResult<Bound<'py, PyAny>> {
    let name = CString::new(qualname)?;
    let globals = PyDict::new(py);
    // SAFETY: attached; both strings outlive the call, which copies them; a new reference or NULL
    // with an exception comes back.
    let code = unsafe {
        Bound::from_owned_ptr_or_err(
            py,
            ffi::PyCode_NewEmpty(c"<aioxide>".as_ptr(), name.as_ptr(), 1).cast(),
        )
    }?;
    // SAFETY: attached; `code` is the code object just made, `globals` a dict, and NULL locals are
    // allowed; a new reference or NULL with an exception comes back.
    unsafe {
        Bound::from_owned_ptr_or_err(
            py,
            ffi::PyFrame_New(
                ffi::PyThreadState_Get(),
                code.as_ptr().cast(),
                globals.as_ptr(),
                ptr::null_mut(),
            )
            .cast(),
        )
    }
}
