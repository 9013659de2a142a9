//! A proxy as Python names it: for a client, for one request or for one WebSocket.

use std::sync::Arc;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyList, PyString};

use super::headers;
use super::proxy::Proxy as Way;
use crate::python::given::type_name;

/// Which proxy a connection goes through.
#[derive(Debug, Clone, Default)]
pub enum Via {
    /// The one that the environment names for this URL, if any.
    Environment,
    #[default]
    Direct,
    Proxy(Arc<Way>),
}

/// A proxy: `http`, `https`, `socks4`, `socks4a`, `socks5` or `socks5h` in its URL.
///
/// With `socks4a`, `socks5h` and the HTTP ones the proxy resolves names; with `socks4` and `socks5` this side
/// does. `headers` go to an HTTP proxy only. ValueError for a URL that is none.
#[pyclass(frozen, eq, module = "aioxide")]
#[derive(Debug, Clone)]
pub struct Proxy {
    way: Arc<Way>,
    /// What it was made of, for pickling: they have the credentials in them.
    url: String,
    headers: Option<Vec<(String, Vec<u8>)>>,
}

impl PartialEq for Proxy {
    fn eq(&self, other: &Self) -> bool {
        self.way == other.way
    }
}

#[pymethods]
impl Proxy {
    #[new]
    #[pyo3(signature = (url, *, headers=None))]
    fn new(url: &str, headers: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let mut way = Way::parse(url)?;
        let mut kept = None;
        if let Some(headers) = headers {
            let map = headers::from_python(headers)?;
            let pairs = map.iter();
            kept = Some(
                pairs
                    .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_owned()))
                    .collect(),
            );
            way = way.with_headers(&map);
        }
        Ok(Self {
            way: Arc::new(way),
            url: url.to_owned(),
            headers: kept,
        })
    }

    /// The URL without credentials.
    #[getter]
    fn url(&self) -> String {
        self.way.to_string()
    }

    fn __repr__(&self) -> String {
        format!("<Proxy [{}]>", self.way)
    }

    fn __hash__(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        self.way.hash(&mut hasher);
        hasher.finish()
    }

    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<((&str,), Bound<'py, PyDict>)> {
        let keywords = PyDict::new(py);
        if let Some(headers) = &self.headers {
            let pairs = headers.iter();
            let pairs = pairs.map(|(name, value)| (name, PyBytes::new(py, value)));
            keywords.set_item("headers", PyList::new(py, pairs.collect::<Vec<_>>())?)?;
        }
        Ok(((&self.url,), keywords))
    }
}

/// `proxy=`: a URL, a `Proxy`, or False for none, not even the environment's.
pub fn via(value: &Bound<'_, PyAny>) -> PyResult<Via> {
    if let Ok(proxy) = value.cast::<Proxy>() {
        return Ok(Via::Proxy(Arc::clone(&proxy.get().way)));
    }
    if let Ok(url) = value.cast::<PyString>() {
        return Ok(Via::Proxy(Arc::new(Way::parse(url.to_str()?)?)));
    }
    if value.cast::<PyBool>().is_ok_and(|flag| !flag.is_true()) {
        return Ok(Via::Direct);
    }
    Err(PyTypeError::new_err(format!(
        "proxy must be a URL, a Proxy, False for none, or None, not {}",
        type_name(value)
    )))
}
