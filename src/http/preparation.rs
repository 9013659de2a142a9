//! A call that Python has something to say about before it is made: what `aioxide.hooks` works on.

use std::sync::Arc;

use http::HeaderMap;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, TRANSFER_ENCODING};
use parking_lot::Mutex;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use super::agent::Prepared;
use super::asking;
use super::download::{self, Asked};
use super::exchange::Exchange;
use super::headers;
use super::request::Request;
use super::settings::merge;
use super::upload::feeding::Feeds;
use crate::bridge::Operation;
use crate::error::{Error, Kind, Result};
use crate::net::trace::Tracing;

/// The request, and what feeds its body or takes that of the response.
type Call = (Exchange, Feeds, Option<Box<Asked>>);

/// One call, checked and not yet made.
#[pyclass(frozen, module = "aioxide._core")]
#[derive(Debug)]
pub struct Preparation {
    function: &'static str,
    /// None once it is made.
    call: Mutex<Option<Call>>,
    tracing: Tracing,
}

impl Preparation {
    pub fn new(function: &'static str, prepared: Prepared) -> Self {
        Self {
            function,
            tracing: prepared.exchange.plan.tracing.clone(),
            call: Mutex::new(Some((prepared.exchange, prepared.feeds, prepared.download))),
        }
    }

    fn take(&self) -> Result<Call> {
        let call = self.call.lock().take();
        call.ok_or_else(|| Error::runtime("this request has been made already"))
    }
}

#[pymethods]
impl Preparation {
    /// How its user called it: `Client.get`.
    #[getter]
    fn function(&self) -> &'static str {
        self.function
    }

    /// The request as it stands, with the client's headers.
    #[getter]
    fn request(&self, py: Python<'_>) -> PyResult<Py<Request>> {
        let outgoing = {
            let call = self.call.lock();
            let Some((exchange, ..)) = call.as_ref() else {
                return Err(Error::runtime("this request has been made already").into());
            };
            let mut outgoing = exchange.outgoing.clone();
            let mut all = exchange.live.settings.headers.clone();
            merge(&mut all, outgoing.headers);
            outgoing.headers = all;
            outgoing
        };
        Request::of(py, &outgoing)
    }

    /// Puts headers in the place of those of the same names. `secret`: they are for this origin alone.
    ///
    /// LocalProtocolError for one that says how long the body is: that is settled.
    #[pyo3(signature = (given, secret=false))]
    fn update(&self, given: &Bound<'_, PyAny>, secret: bool) -> PyResult<()> {
        let mut own: HeaderMap = headers::from_python(given)?;
        if own.contains_key(CONTENT_LENGTH) || own.contains_key(TRANSFER_ENCODING) {
            let why = "a hook has no header that says how long the body of a request is";
            return Err(Error::new(Kind::LocalProtocol, why).into());
        }
        headers::check_host(&own)?;
        for value in own.values_mut().filter(|_| secret) {
            value.set_sensitive(true);
        }
        if let Some((exchange, ..)) = self.call.lock().as_mut() {
            if own.contains_key(AUTHORIZATION) && exchange.plan.auth.is_some() {
                // It is nearer to the request than who else would say it.
                Arc::make_mut(&mut exchange.plan).auth = None;
            }
            merge(&mut exchange.outgoing.headers, own);
        }
        Ok(())
    }

    /// Makes it: the operation for the whole response.
    fn send(&self) -> PyResult<Operation> {
        let (exchange, feeds, download) = self.take()?;
        Ok(match download {
            Some(asked) => download::operation(self.function, exchange, *asked),
            None => asking::operation(self.function, exchange, feeds),
        })
    }

    /// Makes it: the operation for a response whose body is read as it comes.
    fn open(&self) -> PyResult<Operation> {
        let (exchange, feeds, download) = self.take()?;
        if download.is_some() {
            return Err(PyTypeError::new_err(
                "a download can be awaited, and not be used with 'async with'",
            ));
        }
        Ok(asking::opening(self.function, exchange, feeds))
    }

    /// Makes it, and waits for it on this thread.
    fn wait(&self, py: Python<'_>, streamed: bool) -> PyResult<Py<PyAny>> {
        let (exchange, feeds, download) = self.take()?;
        match download {
            Some(asked) => download::wait(py, exchange, *asked),
            None => asking::exchange_blocking(py, exchange, feeds, streamed),
        }
    }

    /// What has happened to it so far.
    fn events(&self) -> Vec<TraceEvent> {
        let trace = self.tracing.as_ref();
        trace.map_or_else(Vec::new, |trace| {
            trace.events().into_iter().map(TraceEvent::from).collect()
        })
    }
}

/// One thing that happened to a request.
#[pyclass(frozen, module = "aioxide")]
#[derive(Debug)]
pub struct TraceEvent {
    event: crate::net::trace::Event,
}

impl From<crate::net::trace::Event> for TraceEvent {
    fn from(event: crate::net::trace::Event) -> Self {
        Self { event }
    }
}

#[pymethods]
impl TraceEvent {
    /// What: `dns.begin`, `connection.reused`, `response.head`.
    #[getter]
    fn name(&self) -> &'static str {
        self.event.name
    }

    /// When: seconds since the request was called for.
    #[getter]
    fn at(&self) -> f64 {
        self.event.at.as_secs_f64()
    }

    /// An address, a status, a number of bytes; empty where the name says it all.
    #[getter]
    fn detail(&self) -> &str {
        &self.event.detail
    }

    fn __repr__(&self) -> String {
        let space = if self.event.detail.is_empty() { "" } else { " " };
        format!(
            "<TraceEvent {} {:.6} s{space}{}>",
            self.event.name,
            self.at(),
            self.event.detail
        )
    }
}
