//! Paths as Python gives them, and the OSErrors that name them.

use std::io::{self, ErrorKind};
use std::path::PathBuf;

use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;

use super::imports;

/// A str or an `os.PathLike` of one; TypeError for anything else.
pub fn file_path(path: &Bound<'_, PyAny>) -> PyResult<PathBuf> {
    imports::fspath(path.py())?.call1((path,))?.extract()
}

/// With the path, as Python's own have it; the class is that of the number.
pub fn os_error(py: Python<'_>, error: &io::Error, path: PathBuf) -> PyErr {
    let why = error.to_string();
    let path = path.into_os_string();
    if let Some(number) = error.raw_os_error() {
        let suffix = format!(" (os error {number})");
        let why = why.strip_suffix(&suffix).unwrap_or(&why).to_owned();
        return match cfg!(windows) {
            // There it is Windows' own number, from which Python makes the other.
            true => PyOSError::new_err((0, why, path, number)),
            false => PyOSError::new_err((number, why, path)),
        };
    }
    // One that we have found ourselves.
    let number = |name| py.import("errno")?.getattr(name)?.extract::<i32>();
    let found = match error.kind() {
        ErrorKind::AlreadyExists => number("EEXIST"),
        ErrorKind::IsADirectory => number("EISDIR"),
        ErrorKind::NotFound => number("ENOENT"),
        ErrorKind::WouldBlock => number("EAGAIN"),
        _ => number("EIO"),
    };
    let number = match found {
        Ok(number) => number,
        Err(failure) => return failure,
    };
    // Without words of its own it has the usual ones.
    let usual = |_| py.import("os")?.call_method1("strerror", (number,))?.extract();
    match error.get_ref().map_or_else(|| usual(()), |_| Ok(why)) {
        Ok::<String, PyErr>(why) => PyOSError::new_err((number, why, path)),
        Err(failure) => failure,
    }
}
