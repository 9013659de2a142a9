//! The file descriptor of a Python file, as one of our own.

use std::fs::File;

use pyo3::prelude::*;

/// A second descriptor for what `file`, an `io.FileIO`, has open. ValueError if it is closed.
#[cfg(unix)]
pub fn duplicate(file: &Bound<'_, PyAny>) -> PyResult<File> {
    use std::os::fd::BorrowedFd;

    use pyo3::exceptions::PyOSError;
    use pyo3::intern;

    let number: i32 = file.call_method0(intern!(file.py(), "fileno"))?.extract()?;
    if number < 0 {
        return Err(PyOSError::new_err("the file has no descriptor"));
    }
    // SAFETY: not -1, and open: the file has just said so, and no other Python code can close it before
    // it is borrowed no more, since the interpreter's lock is held.
    let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
    Ok(borrowed.try_clone_to_owned()?.into())
}

#[cfg(not(unix))]
pub fn duplicate(_file: &Bound<'_, PyAny>) -> PyResult<File> {
    Err(std::io::Error::from(std::io::ErrorKind::Unsupported).into())
}
