//! Telling the process's own story to Rust: it forked, it exits.

use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyDict};

use super::imports;

/// Has `after_fork` called in every forked child, and `at_exit` when the interpreter begins to exit.
pub fn register(module: &Bound<'_, PyModule>, after_fork: fn(), at_exit: fn()) -> PyResult<()> {
    let py = module.py();
    let function = |action: fn()| PyCFunction::new_closure(py, None, None, move |_, _| action());
    // Windows has no fork and no function to register for one.
    if let Ok(register_at_fork) = imports::register_at_fork(py) {
        let kwargs = PyDict::new(py);
        kwargs.set_item("after_in_child", function(after_fork)?)?;
        register_at_fork.call((), Some(&kwargs))?;
    }
    imports::register_at_exit(py)?.call1((function(at_exit)?,))?;
    Ok(())
}
