//! Telling the process's own story to Rust: it forked, it exits.

use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyDict};

use super::imports;

/// Has `after_fork` called in every forked child, `at_threads_end` when the program has ended and Python is
/// about to wait for its threads, and `at_exit` after that, when the interpreter begins to exit.
pub fn register(
    module: &Bound<'_, PyModule>,
    after_fork: fn(),
    at_threads_end: fn(Python<'_>) -> PyResult<()>,
    at_exit: fn(Python<'_>),
) -> PyResult<()> {
    let py = module.py();
    // Windows has no fork and no function to register for one.
    if let Ok(register_at_fork) = imports::register_at_fork(py) {
        let kwargs = PyDict::new(py);
        let after_fork = PyCFunction::new_closure(py, None, None, move |_, _| after_fork())?;
        kwargs.set_item("after_in_child", after_fork)?;
        register_at_fork.call((), Some(&kwargs))?;
    }
    let at_exit = PyCFunction::new_closure(py, None, None, move |args, _| at_exit(args.py()))?;
    imports::register_at_exit(py)?.call1((at_exit,))?;
    let threads_end = PyCFunction::new_closure(py, None, None, move |args, _| at_threads_end(args.py()))?;
    // As `concurrent.futures` does it. Where that is not there, or it is too late: when the interpreter
    // exits; `atexit` calls the last first.
    match imports::register_at_threads_end(py).and_then(|register| register.call1((&threads_end,))) {
        Ok(_) => Ok(()),
        Err(_) => imports::register_at_exit(py)?.call1((threads_end,)).map(drop),
    }
}

/// Whether this is the only thread of Python's. When the interpreter exits, any other one is a daemon.
pub fn is_alone(py: Python<'_>) -> PyResult<bool> {
    Ok(imports::active_count(py)?.call0()?.extract::<usize>()? == 1)
}
