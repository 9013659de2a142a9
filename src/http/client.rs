//! The asynchronous face of a client: a method for each HTTP method.

use std::sync::Arc;

use http::Method;
use pyo3::exceptions::PyResourceWarning;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use pyo3::{PyTraverseError, PyVisit};

use super::agent::Agent;
use super::asking;
use super::cookies::Cookies;
use super::download::{self, Asked};
use super::fetch_all::face::FetchAll;
use super::headers::Headers;
use super::limits::Limits;
use super::request::{self, Request};
use super::statistics::ClientStatistics;
use super::timeout::Timeout;
use crate::bridge::ready::Ready;
use crate::bridge::{InOneGo, Operation};
use crate::error::Error;
use crate::python::exceptions::in_destructor;

/// An HTTP client with a pool of connections. Not bound to a loop or a thread.
#[pyclass(frozen, weakref, subclass, module = "aioxide")]
#[derive(Debug)]
pub struct Client {
    agent: Arc<Agent>,
    /// Nobody has to close it.
    shared: bool,
}

impl Client {
    /// The client of `fetch`: it keeps no cookies, since those who use it know nothing of each other.
    pub fn shared(py: Python<'_>) -> PyResult<Self> {
        let settings = PyDict::new(py);
        settings.set_item("cookies", false)?;
        Ok(Self {
            agent: Arc::new(Agent::new(Some(&settings))?),
            shared: true,
        })
    }

    /// The connections of one `fetch_all` with so many requests in flight, which nobody else has.
    pub fn alone(py: Python<'_>, most: usize) -> PyResult<Arc<Agent>> {
        let settings = PyDict::new(py);
        settings.set_item("cookies", false)?;
        settings.set_item("limits", Limits::of(most.max(100)))?;
        Ok(Arc::new(Agent::new(Some(&settings))?))
    }

    /// The awaitable for one request; whatever is wrong with it is raised here.
    pub fn begin(
        &self,
        function: &'static str,
        method: Method,
        url: &Bound<'_, PyAny>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        let prepared = self.agent.prepare(function, method, url, kwargs)?;
        asking::awaitable(url.py(), function, &self.agent, prepared)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // Its connections close with it; whoever forgets that may have many.
        if !self.shared && self.agent.begun().is_some() {
            in_destructor(|py| {
                PyErr::warn(
                    py,
                    &py.get_type::<PyResourceWarning>(),
                    c"unclosed aioxide.Client: use 'async with', or await client.aclose()",
                    1,
                )
            });
        }
    }
}

#[pymethods]
impl Client {
    #[new]
    #[pyo3(
        signature = (**kwargs),
        text_signature = "(*, base_url=None, headers=None, params=None, cookies=None, auth=None, timeout=..., limits=None, retries=None, proxy=None, trust_env=True, verify=True, cert=None, min_tls='1.2', sni=True, http1=True, http2=True, follow_redirects=True, max_redirects=20, allow_downgrade=False, decompress=True, max_body=None, max_headers=256, max_header_size=262144, resolve=None, dns_ttl=30.0, local_address=None, uds=None, event_hooks=None, trace=None)"
    )]
    fn new(kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        Ok(Self {
            agent: Arc::new(Agent::new(kwargs)?),
            shared: false,
        })
    }

    /// A GET of `url`; the options are those of `request`.
    #[pyo3(
        signature = (url, **kwargs),
        text_signature = "($self, url, *, params=None, headers=None, cookies=None, content=None, data=None, json=None, files=None, auth=..., timeout=..., follow_redirects=None, proxy=None, retries=..., max_body=None, extensions=None)"
    )]
    fn get(&self, url: &Bound<'_, PyAny>, kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<Py<PyAny>> {
        self.begin("Client.get", Method::GET, url, kwargs)
    }

    /// A HEAD of `url`; the options are those of `request`.
    #[pyo3(
        signature = (url, **kwargs),
        text_signature = "($self, url, *, params=None, headers=None, cookies=None, content=None, data=None, json=None, files=None, auth=..., timeout=..., follow_redirects=None, proxy=None, retries=..., max_body=None, extensions=None)"
    )]
    fn head(&self, url: &Bound<'_, PyAny>, kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<Py<PyAny>> {
        self.begin("Client.head", Method::HEAD, url, kwargs)
    }

    /// An OPTIONS of `url`; the options are those of `request`.
    #[pyo3(
        signature = (url, **kwargs),
        text_signature = "($self, url, *, params=None, headers=None, cookies=None, content=None, data=None, json=None, files=None, auth=..., timeout=..., follow_redirects=None, proxy=None, retries=..., max_body=None, extensions=None)"
    )]
    fn options(&self, url: &Bound<'_, PyAny>, kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<Py<PyAny>> {
        self.begin("Client.options", Method::OPTIONS, url, kwargs)
    }

    /// A POST to `url`; the options are those of `request`.
    #[pyo3(
        signature = (url, **kwargs),
        text_signature = "($self, url, *, params=None, headers=None, cookies=None, content=None, data=None, json=None, files=None, auth=..., timeout=..., follow_redirects=None, proxy=None, retries=..., max_body=None, extensions=None)"
    )]
    fn post(&self, url: &Bound<'_, PyAny>, kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<Py<PyAny>> {
        self.begin("Client.post", Method::POST, url, kwargs)
    }

    /// A PUT to `url`; the options are those of `request`.
    #[pyo3(
        signature = (url, **kwargs),
        text_signature = "($self, url, *, params=None, headers=None, cookies=None, content=None, data=None, json=None, files=None, auth=..., timeout=..., follow_redirects=None, proxy=None, retries=..., max_body=None, extensions=None)"
    )]
    fn put(&self, url: &Bound<'_, PyAny>, kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<Py<PyAny>> {
        self.begin("Client.put", Method::PUT, url, kwargs)
    }

    /// A PATCH to `url`; the options are those of `request`.
    #[pyo3(
        signature = (url, **kwargs),
        text_signature = "($self, url, *, params=None, headers=None, cookies=None, content=None, data=None, json=None, files=None, auth=..., timeout=..., follow_redirects=None, proxy=None, retries=..., max_body=None, extensions=None)"
    )]
    fn patch(&self, url: &Bound<'_, PyAny>, kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<Py<PyAny>> {
        self.begin("Client.patch", Method::PATCH, url, kwargs)
    }

    /// A DELETE of `url`; the options are those of `request`.
    #[pyo3(
        signature = (url, **kwargs),
        text_signature = "($self, url, *, params=None, headers=None, cookies=None, content=None, data=None, json=None, files=None, auth=..., timeout=..., follow_redirects=None, proxy=None, retries=..., max_body=None, extensions=None)"
    )]
    fn delete(&self, url: &Bound<'_, PyAny>, kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<Py<PyAny>> {
        self.begin("Client.delete", Method::DELETE, url, kwargs)
    }

    /// One request: `await` it for the response, whose body is read by then.
    #[pyo3(
        signature = (method, url, **kwargs),
        text_signature = "($self, method, url, *, params=None, headers=None, cookies=None, content=None, data=None, json=None, files=None, auth=..., timeout=..., follow_redirects=None, proxy=None, retries=..., max_body=None, extensions=None)"
    )]
    fn request(
        &self,
        method: &Bound<'_, PyAny>,
        url: &Bound<'_, PyAny>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        self.begin("Client.request", request::method(method)?, url, kwargs)
    }

    /// The same of a `Request`; what is said here comes before what it says.
    #[pyo3(
        signature = (request, /, **kwargs),
        text_signature = "($self, request, /, *, params=None, headers=None, cookies=None, content=None, data=None, json=None, files=None, auth=..., timeout=..., follow_redirects=None, proxy=None, retries=..., max_body=None, extensions=None)"
    )]
    fn send(&self, request: &Bound<'_, Request>, kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<Py<PyAny>> {
        let (method, url, options) = request.get().asked(request.py(), kwargs)?;
        self.begin("Client.send", method, &url, Some(&options))
    }

    /// One request, for `async with`: the response's head is here, and its body is read as it comes.
    #[pyo3(
        signature = (method, url, **kwargs),
        text_signature = "($self, method, url, *, params=None, headers=None, cookies=None, content=None, data=None, json=None, files=None, auth=..., timeout=..., follow_redirects=None, proxy=None, retries=..., max_body=None, extensions=None)"
    )]
    fn stream(
        &self,
        method: &Bound<'_, PyAny>,
        url: &Bound<'_, PyAny>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        self.begin("Client.stream", request::method(method)?, url, kwargs)
    }

    /// A GET of `url` whose body goes to the file `path`.
    #[pyo3(
        signature = (url, path, *, resume=None, progress=None, **kwargs),
        text_signature = "($self, url, path, *, resume=True, progress=None, params=None, headers=None, cookies=None, auth=..., timeout=..., follow_redirects=None, proxy=None, retries=..., max_body=None, extensions=None)"
    )]
    fn download(
        &self,
        url: &Bound<'_, PyAny>,
        path: &Bound<'_, PyAny>,
        resume: Option<&Bound<'_, PyAny>>,
        progress: Option<&Bound<'_, PyAny>>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        let function = "Client.download";
        let asked = Asked::from_python(path, resume, progress)?;
        let prepared = download::prepare(&self.agent, function, url, asked, kwargs)?;
        asking::awaitable(url.py(), function, &self.agent, prepared)
    }

    /// Many requests, a few at a time: iterate over the results, or await them all.
    #[pyo3(
        signature = (urls, **kwargs),
        text_signature = "($self, urls, *, concurrency=100, per_host=None, rate=None, per_host_rate=None, retries=..., ordered=False, dedupe=False, robots=False, parse=None, executor=None, progress=None, journal=None, method='GET', params=None, headers=None, cookies=None, content=None, data=None, json=None, files=None, auth=..., timeout=..., follow_redirects=None, proxy=None, max_body=None, extensions=None)"
    )]
    fn fetch_all(&self, urls: &Bound<'_, PyAny>, kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<FetchAll> {
        if self.is_closed() {
            return Err(Error::runtime("this client has been closed").into());
        }
        FetchAll::begin("Client.fetch_all", urls, kwargs, |_| Ok(Arc::clone(&self.agent)))
    }

    /// Closes the connections; requests in flight fail with CloseError.
    fn aclose(&self) -> Operation {
        let agent = Arc::clone(&self.agent);
        let close = move |py: Python<'_>| {
            agent.close();
            Ok(py.None())
        };
        Operation::new("Client.aclose", InOneGo::new(close))
    }

    #[getter]
    fn is_closed(&self) -> bool {
        self.agent.is_closed()
    }

    /// The limits of requests that do not say their own.
    #[getter]
    fn timeout(&self) -> Timeout {
        self.agent.settings.limits.into()
    }

    /// What goes with every request that does not say otherwise. It does not change.
    #[getter]
    fn headers(&self) -> Headers {
        Headers::from(Arc::new(self.agent.settings.headers.clone()))
    }

    #[getter]
    fn base_url(&self) -> Option<&str> {
        self.agent.settings.base.as_ref().map(url::Url::as_str)
    }

    /// The jar; None for a client that keeps no cookies.
    #[getter]
    fn cookies(&self) -> Option<Cookies> {
        self.agent.settings.jar.clone().map(Cookies::from)
    }

    /// What its connections are doing.
    fn statistics(&self) -> ClientStatistics {
        ClientStatistics::of(&self.agent)
    }

    fn __aenter__(slf: &Bound<'_, Self>) -> PyResult<Py<Ready>> {
        if slf.get().is_closed() {
            return Err(Error::runtime("this client has been closed").into());
        }
        Ready::with(slf.py(), slf.clone().into_any().unbind())
    }

    #[pyo3(signature = (*_exception))]
    fn __aexit__(&self, py: Python<'_>, _exception: &Bound<'_, PyTuple>) -> PyResult<Py<Ready>> {
        self.agent.close();
        Ready::none(py)
    }

    fn __repr__(&self) -> &'static str {
        if self.is_closed() {
            "<aioxide.Client [closed]>"
        } else {
            "<aioxide.Client [open]>"
        }
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.agent.hooks.traverse(&visit)
    }
}
