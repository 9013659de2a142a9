//! An answer as `httpx.Response` is made of it.

use http::header::HeaderName;
use http::{HeaderMap, Version};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyTuple};

use super::body::CarriedBody;
use super::network_stream::NetworkStream;
use crate::bridge::Deliver;
use crate::http::pool::heard::Names;
use crate::http::response::{Parts, version_name};

/// The head, and the body: as bytes if it came with the head, or to be read.
#[derive(Debug)]
pub struct Carried(Box<Parts>);

impl Carried {
    pub fn of(parts: Box<Parts>) -> Self {
        if let Some(stream) = parts.content.stream()
            && let Some(whole) = stream.whole()
        {
            parts.content.set(whole);
        }
        Self(parts)
    }
}

impl Deliver for Carried {
    /// `(status, headers, content, body, extensions)`: one of content and body is None.
    fn deliver(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let parts = self.0;
        let status = parts.status.as_u16();
        let headers = raw(py, &parts.headers, parts.names.as_ref())?;
        let extensions = extensions(py, &parts)?;
        let (content, body) = match parts.content.stream() {
            None => (Some(parts.content.bytes(py)?), None),
            Some(stream) => (None, Some(CarriedBody::new(stream, &parts.headers))),
        };
        let answer = (status, headers, content, body, extensions);
        Ok(answer
            .into_pyobject(py)?
            .cast_into::<PyTuple>()?
            .into_any()
            .unbind())
    }
}

/// Pairs of bytes, as the server wrote them; of HTTP/2, which has no case, in lower case.
fn raw<'py>(py: Python<'py>, map: &HeaderMap, names: Option<&Names>) -> PyResult<Bound<'py, PyList>> {
    let pair = |name: &[u8], value: &[u8]| (PyBytes::new(py, name), PyBytes::new(py, value));
    let pairs = match names.filter(|names| names.len() == map.len()) {
        Some(names) => as_written(map, names).map(|pairs| {
            pairs
                .into_iter()
                .map(|(name, value)| pair(name, value))
                .collect::<Vec<_>>()
        }),
        None => None,
    };
    let pairs = pairs.unwrap_or_else(|| {
        map.iter()
            .map(|(name, value)| pair(name.as_str().as_bytes(), value.as_bytes()))
            .collect()
    });
    PyList::new(py, pairs)
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

/// What httpx has under these names: <https://www.python-httpx.org/advanced/extensions/>.
fn extensions<'py>(py: Python<'py>, parts: &Parts) -> PyResult<Bound<'py, PyDict>> {
    let extensions = PyDict::new(py);
    let version = version_name(parts.version).as_bytes();
    extensions.set_item(intern!(py, "http_version"), PyBytes::new(py, version))?;
    // Later versions have none.
    if parts.version <= Version::HTTP_11 {
        let reason = match &parts.reason {
            Some(reason) => reason,
            None => parts.status.canonical_reason().unwrap_or(""),
        };
        extensions.set_item(intern!(py, "reason_phrase"), PyBytes::new(py, reason.as_bytes()))?;
    }
    let stream = NetworkStream { ends: parts.ends };
    extensions.set_item(intern!(py, "network_stream"), stream)?;
    Ok(extensions)
}
