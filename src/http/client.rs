//! The client: settings, the connections that come of them, and a method for each HTTP method.

use std::sync::Arc;

use http::Method;
use http::header::AUTHORIZATION;
use parking_lot::Mutex;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

use super::exchange::Exchange;
use super::live::Live;
use super::options::Options;
use super::params::type_name;
use super::request::{self, Outgoing};
use super::settings::Settings;
use super::target;
use super::timeout::Timeout;
use super::upload::fed::Fed;
use super::upload::framing;
use crate::bridge::ready::Ready;
use crate::bridge::work::Remote;
use crate::bridge::{InOneGo, Operation};
use crate::error::{Error, Kind, Result};

/// An HTTP client with a pool of connections. Not bound to a loop or a thread.
#[pyclass(frozen, weakref, subclass, module = "aioxide")]
#[derive(Debug)]
pub struct Client {
    settings: Arc<Settings>,
    state: Arc<Mutex<State>>,
}

/// Locked only with the interpreter held, so that no fork comes in between.
#[derive(Debug)]
enum State {
    /// With the connections, once there was a request.
    Open(Option<Arc<Live>>),
    Closed,
}

impl Client {
    /// A client with no settings of its own.
    pub fn with_defaults() -> PyResult<Self> {
        Self::new(None)
    }

    fn live(&self) -> Result<Arc<Live>> {
        let mut state = self.state.lock();
        let State::Open(live) = &mut *state else {
            return Err(Error::runtime("this client has been closed"));
        };
        match live {
            Some(live) if live.is_ours() => Ok(Arc::clone(live)),
            _ => Ok(Arc::clone(live.insert(Arc::new(Live::start(&self.settings)?)))),
        }
    }

    /// The operation for one request; whatever is wrong with it is raised here.
    pub fn begin(
        &self,
        function: &'static str,
        method: Method,
        url: &Bound<'_, PyAny>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Operation> {
        let Ok(url) = url.cast::<PyString>() else {
            return Err(PyTypeError::new_err(format!(
                "url must be str, not {}",
                type_name(url)
            )));
        };
        let text = url
            .to_str()
            .map_err(|_| Error::new(Kind::InvalidUrl, "a URL cannot have a lone surrogate in it"))?;
        let mut target = target::parse(text, self.settings.base.as_ref())?;
        let options = Options::from_python(function, kwargs)?;
        match (&options.query, &self.settings.query) {
            (Some(own), defaults) => {
                target::extend_query(&mut target.url, &own.after(defaults.as_ref()));
            }
            (None, Some(defaults)) => target::extend_query(&mut target.url, &defaults.encoded()),
            (None, None) => {}
        }
        let mut headers = options.headers;
        if let Some(authorization) = target.authorization {
            headers.entry(AUTHORIZATION).or_insert(authorization);
        }
        let body = framing::agree(&method, &mut headers, options.body)?;
        let follow = options.follow.unwrap_or(self.settings.follow);
        let exchange = Exchange {
            live: self.live()?,
            outgoing: Outgoing {
                method,
                url: target.url,
                headers,
                body,
            },
            limits: options.limits.unwrap_or(self.settings.limits),
            redirects: follow.then_some(self.settings.most_redirects),
        };
        if options.feeds.is_empty() {
            return Ok(Operation::remote(function, exchange.run()));
        }
        Ok(Operation::new(
            function,
            Fed::new(Remote::new(exchange.run()), options.feeds),
        ))
    }
}

#[pymethods]
impl Client {
    #[new]
    #[pyo3(
        signature = (**kwargs),
        text_signature = "(*, base_url=None, headers=None, params=None, timeout=..., follow_redirects=True, max_redirects=20, verify=True, http1=True, http2=True, trust_env=True)"
    )]
    fn new(kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        Ok(Self {
            settings: Arc::new(Settings::from_python(kwargs)?),
            state: Arc::new(Mutex::new(State::Open(None))),
        })
    }

    /// A GET of `url`; the options are those of `request`.
    #[pyo3(
        signature = (url, **kwargs),
        text_signature = "($self, url, *, params=None, headers=None, content=None, data=None, json=None, files=None, timeout=..., follow_redirects=None)"
    )]
    fn get(&self, url: &Bound<'_, PyAny>, kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<Operation> {
        self.begin("Client.get", Method::GET, url, kwargs)
    }

    /// A HEAD of `url`; the options are those of `request`.
    #[pyo3(
        signature = (url, **kwargs),
        text_signature = "($self, url, *, params=None, headers=None, content=None, data=None, json=None, files=None, timeout=..., follow_redirects=None)"
    )]
    fn head(&self, url: &Bound<'_, PyAny>, kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<Operation> {
        self.begin("Client.head", Method::HEAD, url, kwargs)
    }

    /// An OPTIONS of `url`; the options are those of `request`.
    #[pyo3(
        signature = (url, **kwargs),
        text_signature = "($self, url, *, params=None, headers=None, content=None, data=None, json=None, files=None, timeout=..., follow_redirects=None)"
    )]
    fn options(&self, url: &Bound<'_, PyAny>, kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<Operation> {
        self.begin("Client.options", Method::OPTIONS, url, kwargs)
    }

    /// A POST to `url`; the options are those of `request`.
    #[pyo3(
        signature = (url, **kwargs),
        text_signature = "($self, url, *, params=None, headers=None, content=None, data=None, json=None, files=None, timeout=..., follow_redirects=None)"
    )]
    fn post(&self, url: &Bound<'_, PyAny>, kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<Operation> {
        self.begin("Client.post", Method::POST, url, kwargs)
    }

    /// A PUT to `url`; the options are those of `request`.
    #[pyo3(
        signature = (url, **kwargs),
        text_signature = "($self, url, *, params=None, headers=None, content=None, data=None, json=None, files=None, timeout=..., follow_redirects=None)"
    )]
    fn put(&self, url: &Bound<'_, PyAny>, kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<Operation> {
        self.begin("Client.put", Method::PUT, url, kwargs)
    }

    /// A PATCH to `url`; the options are those of `request`.
    #[pyo3(
        signature = (url, **kwargs),
        text_signature = "($self, url, *, params=None, headers=None, content=None, data=None, json=None, files=None, timeout=..., follow_redirects=None)"
    )]
    fn patch(&self, url: &Bound<'_, PyAny>, kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<Operation> {
        self.begin("Client.patch", Method::PATCH, url, kwargs)
    }

    /// A DELETE of `url`; the options are those of `request`.
    #[pyo3(
        signature = (url, **kwargs),
        text_signature = "($self, url, *, params=None, headers=None, content=None, data=None, json=None, files=None, timeout=..., follow_redirects=None)"
    )]
    fn delete(&self, url: &Bound<'_, PyAny>, kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<Operation> {
        self.begin("Client.delete", Method::DELETE, url, kwargs)
    }

    /// One request: `await` it for the response, whose body is read by then.
    #[pyo3(
        signature = (method, url, **kwargs),
        text_signature = "($self, method, url, *, params=None, headers=None, content=None, data=None, json=None, files=None, timeout=..., follow_redirects=None)"
    )]
    fn request(
        &self,
        method: &Bound<'_, PyAny>,
        url: &Bound<'_, PyAny>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Operation> {
        self.begin("Client.request", request::method(method)?, url, kwargs)
    }

    /// Closes the connections; requests in flight fail with CloseError.
    fn aclose(&self) -> Operation {
        let state = Arc::clone(&self.state);
        let close = move |py: Python<'_>| {
            close(&state);
            Ok(py.None())
        };
        Operation::new("Client.aclose", InOneGo::new(close))
    }

    #[getter]
    fn is_closed(&self) -> bool {
        matches!(*self.state.lock(), State::Closed)
    }

    /// The limits of requests that do not say their own.
    #[getter]
    fn timeout(&self) -> Timeout {
        self.settings.limits.into()
    }

    #[getter]
    fn base_url(&self) -> Option<&str> {
        self.settings.base.as_ref().map(url::Url::as_str)
    }

    fn __aenter__(slf: &Bound<'_, Self>) -> PyResult<Py<Ready>> {
        if slf.get().is_closed() {
            return Err(Error::runtime("this client has been closed").into());
        }
        Ready::with(slf.py(), slf.clone().into_any().unbind())
    }

    #[pyo3(signature = (*_exception))]
    fn __aexit__(&self, py: Python<'_>, _exception: &Bound<'_, PyTuple>) -> PyResult<Py<Ready>> {
        close(&self.state);
        Ready::none(py)
    }

    fn __repr__(&self) -> &'static str {
        if self.is_closed() {
            "<aioxide.Client [closed]>"
        } else {
            "<aioxide.Client [open]>"
        }
    }
}

fn close(state: &Mutex<State>) {
    let before = std::mem::replace(&mut *state.lock(), State::Closed);
    if let State::Open(Some(live)) = before {
        live.close();
    }
}
