//! What every primitive says of itself in the same way.

use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;

use crate::python::imports;

/// asyncio's repr: `<aioxide.Lock object at 0x7f... [unlocked]>`.
pub(super) fn described(object: &Bound<'_, PyAny>, extra: &str) -> PyResult<String> {
    let plain: String = imports::object(object.py())?
        .call_method1(intern!(object.py(), "__repr__"), (object,))?
        .extract()?;
    Ok(format!("{} [{extra}]>", plain.trim_end_matches('>')))
}

/// TypeError, in CPython's words: who waits cannot be written down.
pub(super) fn refuse_pickling(object: &Bound<'_, PyAny>) -> PyResult<()> {
    let class = object.get_type().fully_qualified_name()?;
    Err(PyTypeError::new_err(format!("cannot pickle '{class}' object")))
}
