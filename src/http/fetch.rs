//! `fetch`: one request on a client that the process shares.

use http::Method;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

use super::client::Client;
use super::request;

/// One request on a default client, which the process shares and never closes.
#[pyfunction]
#[pyo3(
    signature = (url, **kwargs),
    text_signature = "(url, *, method='GET', params=None, headers=None, cookies=None, content=None, data=None, json=None, files=None, auth=..., timeout=..., follow_redirects=None, proxy=None, retries=..., max_body=None, extensions=None)"
)]
pub fn fetch(url: &Bound<'_, PyAny>, kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<Py<PyAny>> {
    static DEFAULT: PyOnceLock<Py<Client>> = PyOnceLock::new();
    let py = url.py();
    let client = DEFAULT.get_or_try_init(py, || Py::new(py, Client::shared(py)?))?;
    let Some(kwargs) = kwargs else {
        return client.get().begin("fetch", Method::GET, url, None);
    };
    let name = intern!(py, "method");
    let method = match kwargs.get_item(name)? {
        Some(method) => {
            // Ours alone: the interpreter makes a new dict for each call.
            kwargs.del_item(name)?;
            request::method(&method)?
        }
        None => Method::GET,
    };
    client.get().begin("fetch", method, url, Some(kwargs))
}
