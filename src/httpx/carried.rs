//! An answer as `httpx.Response` is made of it.

use http::Version;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};

use super::body::CarriedBody;
use super::network_stream::NetworkStream;
use crate::bridge::Deliver;
use crate::http::response::{Parts, version_name};
use crate::http::written;

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
        let headers = written::raw(py, &parts)?;
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
