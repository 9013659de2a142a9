//! The head of an answer as aiohttp gives it.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

use crate::http::response::Response;
use crate::http::written;
use crate::net::headers::text_of;

/// The headers of a response as the server wrote them: pairs of str.
#[pyfunction]
pub fn written_headers<'py>(py: Python<'py>, response: &Response) -> PyResult<Bound<'py, PyList>> {
    let pairs = written::pairs(&response.parts).into_iter();
    PyList::new(
        py,
        pairs
            .map(|(name, value)| (text_of(name), text_of(value)))
            .collect::<Vec<_>>(),
    )
}

/// The same as bytes.
#[pyfunction]
pub fn raw_headers<'py>(py: Python<'py>, response: &Response) -> PyResult<Bound<'py, PyList>> {
    let pairs = written::pairs(&response.parts).into_iter();
    let pairs = pairs.map(|(name, value)| (PyBytes::new(py, name), PyBytes::new(py, value)));
    PyList::new(py, pairs.collect::<Vec<_>>())
}
