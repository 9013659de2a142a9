//! A thread of our own that runs Python: what the interpreter knows of it.

use pyo3::intern;
use pyo3::prelude::*;

use super::imports;

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
