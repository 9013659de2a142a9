//! Warnings raised where nobody can catch them: in a destructor.

use std::ffi::CString;

use pyo3::exceptions::{PyResourceWarning, PyRuntimeWarning};
use pyo3::prelude::*;
use pyo3::types::PyType;

use super::imports;

/// An operation was dropped before its first step: the RuntimeWarning of a forgotten `await`.
pub fn never_awaited(py: Python<'_>, qualname: &str) {
    emit(
        py,
        &py.get_type::<PyRuntimeWarning>(),
        format!("operation '{qualname}' was never awaited"),
    );
}

/// Something that has to be stopped was dropped while it ran: a ResourceWarning.
pub fn never_stopped(py: Python<'_>, what: &str) {
    emit(
        py,
        &py.get_type::<PyResourceWarning>(),
        format!("{what} was never stopped"),
    );
}

/// Emits a warning from a destructor. An exception that is on its way stays so; a warning that the
/// filters turned into an error goes to `sys.unraisablehook`, as a coroutine's does.
fn emit(py: Python<'_>, class: &Bound<'_, PyType>, message: String) {
    if imports::is_finalizing(py)
        .and_then(|ask| ask.call0()?.is_truthy())
        .unwrap_or(true)
    {
        return;
    }
    let Ok(message) = CString::new(message) else {
        return;
    };
    let passing = PyErr::take(py);
    if let Err(error) = PyErr::warn(py, class, &message, 1) {
        error.write_unraisable(py, None);
    }
    if let Some(passing) = passing {
        passing.restore(py);
    }
}
