//! The headers of an answer as the server wrote them: names in their own case, and all in their own order.

use http::HeaderMap;
use http::header::HeaderName;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

use super::pool::heard::Names;
use super::response::Parts;

/// Names and values. Of HTTP/2, which has no case, and where nobody has listened, names are in lower case.
pub fn pairs(parts: &Parts) -> Vec<(&[u8], &[u8])> {
    let map = &*parts.headers;
    let names = parts.names.as_ref().filter(|names| names.count() == map.len());
    names.and_then(|names| as_written(map, names)).unwrap_or_else(|| {
        map.iter()
            .map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes()))
            .collect()
    })
}

/// The same as Python has them: a list of pairs of bytes.
pub fn raw<'py>(py: Python<'py>, parts: &Parts) -> PyResult<Bound<'py, PyList>> {
    let pairs = pairs(parts).into_iter();
    let pairs = pairs.map(|(name, value)| (PyBytes::new(py, name), PyBytes::new(py, value)));
    PyList::new(py, pairs.collect::<Vec<_>>())
}

/// Each name as it was written, with its value. None where they do not fit: that is no reason to fail.
fn as_written<'a>(map: &'a HeaderMap, names: &'a Names) -> Option<Vec<(&'a [u8], &'a [u8])>> {
    let mut pairs: Vec<(&[u8], &[u8])> = Vec::with_capacity(map.len());
    for written in names.iter() {
        let name = HeaderName::from_bytes(written).ok()?;
        let repeats = map.len() > map.keys_len();
        let before = match repeats {
            true => pairs
                .iter()
                .filter(|(other, _)| other.eq_ignore_ascii_case(written))
                .count(),
            false => 0,
        };
        let value = map.get_all(&name).iter().nth(before)?;
        pairs.push((written, value.as_bytes()));
    }
    Some(pairs)
}
