//! The face of a client for plain threads: the same core, waited for with the interpreter let go.

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
use super::headers::Headers;
use super::request::{self, Request};
use super::statistics::ClientStatistics;
use super::timeout::Timeout;
use crate::error::Error;
use crate::python::exceptions::in_destructor;

/// An HTTP client for threads without an event loop.
#[pyclass(frozen, weakref, subclass, module = "aioxide")]
#[derive(Debug)]
pub struct BlockingClient {
    agent: Arc<Agent>,
}

impl BlockingClient {
    fn ask(
        &self,
        function: &'static str,
        method: Method,
        url: &Bound<'_, PyAny>,
        kwargs: Option<&Bound<'_, PyDict>>,
        streamed: bool,
    ) -> PyResult<Py<PyAny>> {
        let prepared = self.agent.prepare(function, method, url, kwargs)?;
        asking::wait(url.py(), function, &self.agent, prepared, streamed)
    }
}

impl Drop for BlockingClient {
    fn drop(&mut self) {
        if self.agent.begun().is_some() {
            in_destructor(|py| {
                PyErr::warn(
                    py,
                    &py.get_type::<PyResourceWarning>(),
                    c"unclosed aioxide.BlockingClient: use 'with', or call client.close()",
                    1,
                )
            });
        }
    }
}

/// One line for each method of HTTP.
macro_rules! methods {
    ($($(#[$doc:meta])* $name:ident $function:literal $method:expr;)*) => {
        #[pymethods]
        impl BlockingClient {$(
            $(#[$doc])*
            #[pyo3(
                signature = (url, **kwargs),
                text_signature = "($self, url, *, params=None, headers=None, cookies=None, content=None, data=None, json=None, files=None, auth=..., timeout=..., follow_redirects=None, proxy=None, retries=..., max_body=None, extensions=None)"
            )]
            fn $name(&self, url: &Bound<'_, PyAny>, kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<Py<PyAny>> {
                self.ask($function, $method, url, kwargs, false)
            }
        )*}
    };
}

methods! {
    /// A GET of `url`; the options are those of `request`.
    get "BlockingClient.get" Method::GET;
    /// A HEAD of `url`; the options are those of `request`.
    head "BlockingClient.head" Method::HEAD;
    /// An OPTIONS of `url`; the options are those of `request`.
    options "BlockingClient.options" Method::OPTIONS;
    /// A POST to `url`; the options are those of `request`.
    post "BlockingClient.post" Method::POST;
    /// A PUT to `url`; the options are those of `request`.
    put "BlockingClient.put" Method::PUT;
    /// A PATCH to `url`; the options are those of `request`.
    patch "BlockingClient.patch" Method::PATCH;
    /// A DELETE of `url`; the options are those of `request`.
    delete "BlockingClient.delete" Method::DELETE;
}

#[pymethods]
impl BlockingClient {
    #[new]
    #[pyo3(
        signature = (**kwargs),
        text_signature = "(*, base_url=None, headers=None, params=None, cookies=None, auth=None, timeout=..., limits=None, retries=None, proxy=None, trust_env=True, verify=True, cert=None, min_tls='1.2', sni=True, http1=True, http2=True, follow_redirects=True, max_redirects=20, allow_downgrade=False, decompress=True, max_body=None, max_headers=256, max_header_size=262144, resolve=None, dns_ttl=30.0, local_address=None, uds=None, event_hooks=None, trace=None)"
    )]
    fn new(kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        Ok(Self {
            agent: Arc::new(Agent::new(kwargs)?),
        })
    }

    /// One request, and its response with the whole body.
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
        self.ask(
            "BlockingClient.request",
            request::method(method)?,
            url,
            kwargs,
            false,
        )
    }

    /// The same of a `Request`; what is said here comes before what it says.
    #[pyo3(
        signature = (request, /, **kwargs),
        text_signature = "($self, request, /, *, params=None, headers=None, cookies=None, content=None, data=None, json=None, files=None, auth=..., timeout=..., follow_redirects=None, proxy=None, retries=..., max_body=None, extensions=None)"
    )]
    fn send(&self, request: &Bound<'_, Request>, kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<Py<PyAny>> {
        let (method, url, options) = request.get().asked(request.py(), kwargs)?;
        self.ask("BlockingClient.send", method, &url, Some(&options), false)
    }

    /// One request, and its response for `with`: the body is read as it comes.
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
        self.ask(
            "BlockingClient.stream",
            request::method(method)?,
            url,
            kwargs,
            true,
        )
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
        let function = "BlockingClient.download";
        let asked = Asked::from_python(path, resume, progress)?;
        let prepared = download::prepare(&self.agent, function, url, asked, kwargs)?;
        asking::wait(url.py(), function, &self.agent, prepared, false)
    }

    /// Closes the connections; requests in flight on other threads fail with CloseError.
    fn close(&self) {
        self.agent.close();
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

    fn __enter__(slf: Py<Self>) -> PyResult<Py<Self>> {
        if slf.get().agent.is_closed() {
            return Err(Error::runtime("this client has been closed").into());
        }
        Ok(slf)
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, _exception: &Bound<'_, PyTuple>) {
        self.agent.close();
    }

    fn __repr__(&self) -> &'static str {
        if self.agent.is_closed() {
            "<aioxide.BlockingClient [closed]>"
        } else {
            "<aioxide.BlockingClient [open]>"
        }
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.agent.hooks.traverse(&visit)
    }
}
