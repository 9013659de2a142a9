//! A request: as data for tokio, and as the object that responses and exceptions carry.

use http::{HeaderMap, Method};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use pyo3::{PyTraverseError, PyVisit};
use url::Url;

use super::headers::{self, Headers, is_secret};
use super::options::Options;
use super::params::type_name;
use super::settings::merge;
use super::upload::Payload;
use crate::error::{About, Error, Kind, Result};

/// Everything that is sent, complete: no setting of the client is looked up later.
#[derive(Debug, Clone)]
pub struct Outgoing {
    pub method: Method,
    pub url: Url,
    /// What is asked for in place of the URL's path and query; empty where the caller gave neither.
    pub target: Option<Box<str>>,
    pub headers: HeaderMap,
    pub body: Payload,
}

impl Outgoing {
    /// What an exception tells of this request: no credentials, and not the body.
    pub fn about(&self, phase: &'static str) -> About {
        let headers = self
            .headers
            .iter()
            .filter(|(name, value)| !is_secret(name) && !value.is_sensitive());
        About {
            method: self.method.as_str().to_owned().into(),
            url: self.url.to_string(),
            headers: headers
                .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_owned()))
                .collect(),
            phase,
            attempt: 1,
            cause: None,
        }
    }
}

/// A method as given, in upper case; RFC 9110, section 9.1: a token.
pub fn method(given: &Bound<'_, PyAny>) -> PyResult<Method> {
    let Ok(name) = given.cast::<PyString>() else {
        return Err(PyTypeError::new_err(format!(
            "method must be str, not {}",
            type_name(given)
        )));
    };
    Ok(parse_method(name.to_str()?)?)
}

/// The same of text. LocalProtocol if it is none.
pub fn parse_method(name: &str) -> Result<Method> {
    let method = Method::from_bytes(name.to_ascii_uppercase().as_bytes()).map_err(|_| {
        Error::new(
            Kind::LocalProtocol,
            format!("'{}' is not a valid HTTP method", name.escape_debug()),
        )
    })?;
    if method == Method::CONNECT {
        let why = "CONNECT asks a proxy for a tunnel, which is no request with a response";
        return Err(Error::new(Kind::LocalProtocol, why));
    }
    Ok(method)
}

/// A request as it was sent: method, URL and headers.
#[pyclass(frozen, weakref, module = "aioxide")]
#[derive(Debug)]
pub struct Request {
    method: String,
    url: String,
    headers: Py<Headers>,
    /// What is said of it beside that: the options of `Client.request`.
    options: Option<Py<PyDict>>,
    /// It was sent with a body, which nobody has kept.
    lacks_body: bool,
}

impl Request {
    /// The method, URL and options for `Client.request`; what `said` says comes before what it says itself.
    pub fn asked<'py>(
        &self,
        py: Python<'py>,
        said: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<(Method, Bound<'py, PyString>, Bound<'py, PyDict>)> {
        let options = PyDict::new(py);
        self.add_to(&options)?;
        if let Some(said) = said {
            let own = options.get_item("headers")?;
            options.update(said.as_mapping())?;
            if let (Some(own), Some(given)) = (own, said.get_item("headers")?) {
                let mut all = headers::from_python(&own)?;
                if !given.is_none() {
                    merge(&mut all, headers::from_python(&given)?);
                }
                options.set_item("headers", Headers::from(std::sync::Arc::new(all)))?;
            }
        }
        Ok((parse_method(&self.method)?, PyString::new(py, &self.url), options))
    }

    /// Puts what this request says among the options of a call, in the place of what is there.
    /// ValueError for one that cannot be sent as it was.
    pub fn add_to(&self, options: &Bound<'_, PyDict>) -> PyResult<()> {
        if self.lacks_body {
            return Err(PyValueError::new_err(
                "the request of a response is without its body, and cannot be sent again: make another one",
            ));
        }
        let py = options.py();
        if let Some(own) = &self.options {
            options.update(own.bind(py).as_mapping())?;
        }
        let own = self.headers.get().map();
        if !own.is_empty() {
            let mut all = match options.get_item("headers")? {
                Some(given) if !given.is_none() => headers::from_python(&given)?,
                _ => HeaderMap::new(),
            };
            merge(&mut all, own.clone());
            options.set_item("headers", Headers::from(std::sync::Arc::new(all)))?;
        }
        Ok(())
    }

    pub fn of(py: Python<'_>, sent: &Outgoing) -> PyResult<Py<Self>> {
        let headers = Headers::from(std::sync::Arc::new(sent.headers.clone()));
        let request = Self {
            method: sent.method.as_str().to_owned(),
            url: sent.url.to_string(),
            headers: Py::new(py, headers)?,
            options: None,
            lacks_body: !matches!(sent.body, Payload::Nothing),
        };
        Py::new(py, request)
    }

    fn parsed(&self) -> Option<Url> {
        Url::parse(&self.url).ok()
    }
}

#[pymethods]
impl Request {
    #[new]
    #[pyo3(
        signature = (method, url, headers=None, **options),
        text_signature = "(method, url, headers=None, *, params=None, cookies=None, content=None, data=None, json=None, files=None, auth=..., timeout=..., follow_redirects=None, proxy=None, retries=..., max_body=None, extensions=None)"
    )]
    fn new(
        py: Python<'_>,
        method: &str,
        url: &str,
        headers: Option<&Bound<'_, PyAny>>,
        options: Option<Py<PyDict>>,
    ) -> PyResult<Self> {
        let method = parse_method(method)?.as_str().to_owned();
        // What is wrong with them is said here.
        Options::from_python("Request", options.as_ref().map(|options| options.bind(py)))?;
        let map = headers.map_or_else(|| Ok(HeaderMap::new()), headers::from_python)?;
        Ok(Self {
            method,
            url: url.to_owned(),
            headers: Py::new(py, Headers::from(std::sync::Arc::new(map)))?,
            options,
            lacks_body: false,
        })
    }

    /// In upper case: `GET`.
    #[getter]
    pub fn method(&self) -> &str {
        &self.method
    }

    /// As it was sent: absolute, and without credentials. As it was given, for one that was made by hand.
    #[getter]
    pub fn url(&self) -> &str {
        &self.url
    }

    #[getter]
    fn headers(&self, py: Python<'_>) -> Py<Headers> {
        self.headers.clone_ref(py)
    }

    /// The URL's host; an IPv6 address has brackets.
    #[getter]
    fn host(&self) -> Option<String> {
        self.parsed()?.host_str().map(str::to_owned)
    }

    /// The URL's port, or the usual one of its scheme.
    #[getter]
    fn port(&self) -> Option<u16> {
        self.parsed()?.port_or_known_default()
    }

    fn __repr__(&self) -> String {
        format!("<Request [{} {}]>", self.method, self.url)
    }

    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> ((&str, &str, Py<Headers>), Bound<'py, PyDict>) {
        let options = match &self.options {
            Some(options) => options.bind(py).clone(),
            None => PyDict::new(py),
        };
        ((&self.method, &self.url, self.headers.clone_ref(py)), options)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        visit.call(&self.options)
    }
}
