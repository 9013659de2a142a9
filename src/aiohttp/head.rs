//! The head of an answer as aiohttp gives it.

use std::borrow::Cow;
use std::collections::HashMap;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyList, PyString};
use url::Position;

use crate::http::response::{Origin, Response};
use crate::http::written;
use crate::python::imports;

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

/// No name that is known is longer, in bytes.
const LONGEST: usize = 64;

/// The names that aiohttp knows, by themselves in lower case.
fn known(py: Python<'_>) -> PyResult<&HashMap<Box<[u8]>, Py<PyString>>> {
    static KNOWN: PyOnceLock<HashMap<Box<[u8]>, Py<PyString>>> = PyOnceLock::new();
    KNOWN.get_or_try_init(py, || {
        let mut known = HashMap::new();
        for name in imports::aiohttp_known_headers(py)?.try_iter()? {
            let name = name?.cast_into::<PyString>()?;
            let lower = name.to_str()?.to_ascii_lowercase();
            known.insert(lower.into_bytes().into(), name.unbind());
        }
        Ok(known)
    })
}

/// A name as aiohttp gives it: one that it knows as it knows it, and any other as the server wrote it.
fn name<'py>(py: Python<'py>, written: &[u8]) -> PyResult<Bound<'py, PyString>> {
    let mut room = [0; LONGEST];
    if let Some(lower) = room.get_mut(..written.len()) {
        lower.copy_from_slice(written);
        lower.make_ascii_lowercase();
        if let Some(name) = known(py)?.get(&*lower) {
            return Ok(name.bind(py).clone());
        }
    }
    text(py, written)
}

/// The headers of a response: pairs of str. Names that programs look for in a dict are written in one way, however
/// the server wrote them.
#[pyfunction]
pub fn written_headers<'py>(py: Python<'py>, response: &Response) -> PyResult<Bound<'py, PyList>> {
    let pairs = written::pairs(&response.parts).into_iter();
    let pairs = pairs.map(|(key, value)| Ok((name(py, key)?, text(py, value)?)));
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
