//! The head of an answer as aiohttp gives it.

use std::borrow::Cow;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString};
use url::Position;

use crate::http::response::{Origin, Response};
use crate::http::written;

/// Text that is no UTF-8 has its bytes as surrogates, which `encode("utf-8", "surrogateescape")` gives back.
fn text<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyString>> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(PyString::new(py, text)),
        Err(_) => {
            let bytes = PyBytes::new(py, bytes);
            PyString::from_encoded_object(&bytes, Some(c"utf-8"), Some(c"surrogateescape"))
        }
    }
}

/// The headers of a response as the server wrote them: pairs of str.
#[pyfunction]
pub fn written_headers<'py>(py: Python<'py>, response: &Response) -> PyResult<Bound<'py, PyList>> {
    let pairs = written::pairs(&response.parts).into_iter();
    let pairs = pairs.map(|(name, value)| Ok((text(py, name)?, text(py, value)?)));
    PyList::new(py, pairs.collect::<PyResult<Vec<_>>>()?)
}

/// The same as bytes.
#[pyfunction]
pub fn raw_headers<'py>(py: Python<'py>, response: &Response) -> PyResult<Bound<'py, PyList>> {
    written::raw(py, &response.parts)
}

/// The URL that was answered, with the path and the query that were asked for.
#[pyfunction]
pub fn asked_url(response: &Response) -> Cow<'_, str> {
    let Origin::Sent(sent) = &response.parts.origin else {
        return response.url().into();
    };
    match &sent.target {
        None => sent.url.as_str().into(),
        Some(target) => {
            let (before, after) = (
                &sent.url[..Position::BeforePath],
                &sent.url[Position::AfterQuery..],
            );
            format!("{before}{target}{after}").into()
        }
    }
}
