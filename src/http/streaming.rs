//! A response whose body is read as it comes: what `Response` has for that. A body that was read already is
//! read once more by the same methods.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

use super::blocking::On;
use super::body::Body;
use super::cookies::{Cookies, Jar};
use super::preparation::TraceEvent;
use super::reading::{self, AsyncPieces, From as Source, Pieces};
use super::redirect;
use super::request::Request;
use super::response::{Origin, Parts, Response};
use super::shape::{Kind, Shape};
use super::upload::feeding::Feeding;
use super::upload::left::Upload;
use crate::bridge::ready::Ready;

impl Response {
    /// The body was read: it is kept, and given.
    pub fn keep(&self, py: Python<'_>, body: Body) -> PyResult<Py<PyAny>> {
        if let Some(stream) = self.parts.content.set(body) {
            self.parts.received.store(stream.received(), Ordering::Relaxed);
        }
        self.kept(py)
    }

    /// The body that was read.
    pub fn kept(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(self.parts.content.bytes(py)?.into_any().unbind())
    }

    fn source(&self, py: Python<'_>) -> PyResult<Source> {
        Ok(match self.parts.content.stream() {
            Some(stream) => Source::Stream(stream),
            None => Source::whole([self.parts.content.whole(py)?]),
        })
    }

    /// The tasks go on while this is read.
    pub fn keep_feeding(&self, py: Python<'_>, feeding: Feeding) {
        let _first = self.upload.set(py, feeding.into());
    }

    pub fn upload(&self, py: Python<'_>) -> Upload {
        self.upload.get(py).cloned().unwrap_or_default()
    }

    fn shape(&self, kind: Kind) -> Arc<Shape> {
        Arc::new(Shape::new(kind, &self.parts.headers, self.url(), self.chosen()))
    }

    fn asynchronous(&self, py: Python<'_>, kind: Kind) -> PyResult<AsyncPieces> {
        let (from, shape) = (self.source(py)?, self.shape(checked(kind)?));
        let upload = self.upload(py);
        Ok(AsyncPieces { from, shape, upload })
    }

    fn blocking(&self, py: Python<'_>, kind: Kind) -> PyResult<Pieces> {
        let (from, shape) = (self.source(py)?, self.shape(checked(kind)?));
        let on = On::PlainThreads;
        Ok(Pieces { from, shape, on })
    }
}

fn checked(kind: Kind) -> PyResult<Kind> {
    match kind {
        Kind::Bytes(Some(0)) => Err(PyValueError::new_err("size must be one or more bytes")),
        _ => Ok(kind),
    }
}

#[pymethods]
impl Response {
    /// The body, read to its end if it was not; it is `content` then.
    fn aread(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        let py = slf.py();
        match slf.get().parts.content.stream() {
            Some(stream) => Ok(Py::new(py, reading::read_all(slf.clone().unbind(), &stream))?.into_any()),
            None => {
                let content = slf.get().parts.content.bytes(py)?;
                Ok(Ready::with(py, content.into_any().unbind())?.into_any())
            }
        }
    }

    /// The same on a plain thread.
    fn read(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        match self.parts.content.stream() {
            Some(stream) => reading::read_all_blocking(py, self, &stream),
            None => self.kept(py),
        }
    }

    /// The body in pieces of `size` bytes, the last one shorter; None: as they come.
    #[pyo3(signature = (size=None))]
    fn aiter_bytes(&self, py: Python<'_>, size: Option<usize>) -> PyResult<AsyncPieces> {
        self.asynchronous(py, Kind::Bytes(size))
    }

    /// The body as text, in pieces as they come.
    fn aiter_text(&self, py: Python<'_>) -> PyResult<AsyncPieces> {
        self.asynchronous(py, Kind::Text)
    }

    /// The lines of the body, without their ends.
    fn aiter_lines(&self, py: Python<'_>) -> PyResult<AsyncPieces> {
        self.asynchronous(py, Kind::Lines)
    }

    /// `aiter_bytes` on a plain thread.
    #[pyo3(signature = (size=None))]
    fn iter_bytes(&self, py: Python<'_>, size: Option<usize>) -> PyResult<Pieces> {
        self.blocking(py, Kind::Bytes(size))
    }

    /// `aiter_text` on a plain thread.
    fn iter_text(&self, py: Python<'_>) -> PyResult<Pieces> {
        self.blocking(py, Kind::Text)
    }

    /// `aiter_lines` on a plain thread.
    fn iter_lines(&self, py: Python<'_>) -> PyResult<Pieces> {
        self.blocking(py, Kind::Lines)
    }

    /// Gives the connection back if the body was read to its end, else closes it. Never suspends.
    fn aclose(&self, py: Python<'_>) -> PyResult<Py<Ready>> {
        self.close(py);
        Ready::none(py)
    }

    /// The same on a plain thread.
    fn close(&self, py: Python<'_>) {
        self.upload(py).stop(py);
        if let Some(stream) = self.parts.content.stream() {
            stream.close();
        }
    }

    /// Whether no more of the body will come.
    #[getter]
    fn is_closed(&self) -> bool {
        let stream = self.parts.content.stream();
        stream.is_none_or(|stream| stream.is_over())
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyTuple>) {
        self.close(py);
    }

    /// How many bytes of the body came, before they were decoded.
    #[getter]
    fn num_bytes_downloaded(&self) -> u64 {
        match self.parts.content.stream() {
            Some(stream) => stream.received(),
            None => self.parts.received.load(Ordering::Relaxed),
        }
    }

    /// The responses that led here by a redirect, the first first.
    #[getter]
    pub fn history<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let each = self.history.get_or_try_init(py, || {
            let parts = self.parts.history.iter();
            let each = parts.map(|parts| Py::new(py, Self::from(Box::new(parts.again(py)?))));
            each.collect::<PyResult<Vec<_>>>()
        })?;
        PyList::new(py, each)
    }

    /// The request that this redirect leads to, whether or not it was followed; None if it is no redirect, or
    /// one that leads nowhere.
    #[getter]
    fn next_request(&self, py: Python<'_>) -> PyResult<Option<Py<Request>>> {
        let Origin::Sent(sent) = &self.parts.origin else {
            return Ok(None);
        };
        let next = redirect::next(sent, self.parts.status, &self.parts.headers, true);
        let next = next.and_then(std::result::Result::ok);
        next.map(|next| Request::of(py, &next)).transpose()
    }

    /// The cookies that this response sets.
    #[getter]
    fn cookies(&self) -> Cookies {
        let jar = Jar::new();
        if let Ok(url) = url::Url::parse(self.url()) {
            jar.store(&url, &self.parts.headers);
        }
        Cookies::from(Arc::new(jar))
    }

    /// How often the request was sent, with those that were tried again.
    #[getter]
    fn attempts(&self) -> u32 {
        self.parts.attempts
    }

    /// The address of the server, or of the proxy, and its port; None where it is not known.
    #[getter]
    fn remote_address(&self) -> Option<(String, u16)> {
        self.parts
            .ends
            .remote
            .map(|end| (end.ip().to_string(), end.port()))
    }

    /// The address and the port on this side.
    #[getter]
    fn local_address(&self) -> Option<(String, u16)> {
        self.parts
            .ends
            .local
            .map(|end| (end.ip().to_string(), end.port()))
    }

    /// What happened until now; empty unless it was asked for.
    #[getter]
    fn trace(&self) -> Vec<TraceEvent> {
        let trace = self.parts.tracing.as_ref();
        trace.map_or_else(Vec::new, |trace| {
            trace.events().into_iter().map(TraceEvent::from).collect()
        })
    }
}

impl Parts {
    /// A response of the history has its own parts; they are shared where that is free.
    fn again(&self, py: Python<'_>) -> PyResult<Self> {
        let body: Bytes = self.content.whole(py)?;
        Ok(Self {
            status: self.status,
            version: self.version,
            headers: Arc::clone(&self.headers),
            names: None,
            reason: self.reason.clone(),
            content: Body::Whole(body).into(),
            received: self.received.load(Ordering::Relaxed).into(),
            elapsed: self.elapsed,
            origin: self.origin.clone(),
            ends: self.ends,
            attempts: self.attempts,
            history: Vec::new(),
            tracing: None,
        })
    }
}
