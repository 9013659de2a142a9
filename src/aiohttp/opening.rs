//! The work of a request: up to the head of its answer, and what came with that of the body.
//!
//! Awaited or entered, it gives the same response; `async with` releases it on the way out. What is wrong is said
//! in aiohttp's exceptions.

use std::fmt;
use std::task::Poll;

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use pyo3::prelude::*;
use pyo3::types::PyString;
use pyo3::{PyTraverseError, PyVisit, intern};

use crate::bridge::{Native, Step, Turn, Work};
use crate::error::Error;
use crate::http::asking::Stage;
use crate::http::exchange::Exchange;
use crate::http::redirect;
use crate::http::response::{Parts, Response};
use crate::http::upload::Payload;
use crate::python::imports;

pub struct Opening {
    stage: Stage,
    /// The body, which is not made yet.
    json: Option<Json>,
    /// What makes the response that the program sees of ours.
    response_class: Py<PyAny>,
    session: Py<PyAny>,
    raise_for_status: bool,
    /// How many redirects may have led here.
    redirects: Option<usize>,
    /// It is for `async with`.
    entered: bool,
}

/// A value to be made JSON of, and what does that.
#[derive(Debug)]
pub struct Json {
    pub value: Py<PyAny>,
    pub serialize: Py<PyAny>,
}

impl Json {
    fn text(&self, py: Python<'_>) -> PyResult<Bytes> {
        let text = self.serialize.bind(py).call1((&self.value,))?;
        match text.cast::<PyString>() {
            Ok(text) => Ok(Bytes::copy_from_slice(text.to_str()?.as_bytes())),
            // As aiohttp: what is no text cannot be encoded.
            Err(_) => {
                let encoded = text.call_method1(intern!(py, "encode"), ("utf-8",))?;
                Ok(Bytes::copy_from_slice(encoded.extract()?))
            }
        }
    }
}

impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opening")
    }
}

impl Opening {
    pub fn new(
        exchange: Exchange,
        json: Option<Json>,
        response_class: Py<PyAny>,
        session: Py<PyAny>,
        raise_for_status: bool,
    ) -> Self {
        let redirects = exchange.plan.redirects;
        Self {
            stage: Stage::of(exchange),
            json,
            response_class,
            session,
            raise_for_status,
            redirects,
            entered: false,
        }
    }

    /// Makes the body, if it is not made yet, where it is known how long it is.
    fn complete(&mut self, py: Python<'_>, exchange: &mut Exchange) -> PyResult<()> {
        let Some(json) = self.json.take() else {
            return Ok(());
        };
        let text = json.text(py)?;
        let outgoing = &mut exchange.outgoing;
        outgoing.headers.insert(CONTENT_LENGTH, text.len().into());
        outgoing.body = Payload::Whole(text);
        Ok(())
    }

    fn response(&self, py: Python<'_>, parts: Box<Parts>) -> PyResult<Py<PyAny>> {
        let too_many = self.redirects.is_some_and(|most| parts.history.len() >= most)
            && redirect::leads(parts.status)
            && redirect::named(&parts.headers).is_some();
        let native = Py::new(py, Response::from(parts))?;
        let response = self.response_class.bind(py).call1((native, &self.session))?;
        if too_many {
            let error = imports::aiohttp_too_many(py)?.call1((response,))?;
            return Err(PyErr::from_value(error));
        }
        if self.entered {
            response.setattr(intern!(py, "_in_context"), true)?;
        }
        if self.raise_for_status {
            response.call_method0(intern!(py, "raise_for_status"))?;
        }
        Ok(response.unbind())
    }
}

/// What aiohttp raises there.
fn failure(py: Python<'_>, error: Error) -> PyErr {
    let ours: PyErr = error.into();
    let translated = imports::aiohttp_failure(py).and_then(|translate| translate.call1((ours.value(py),)));
    match translated {
        Ok(theirs) => PyErr::from_value(theirs),
        Err(error) => error,
    }
}

impl Work for Opening {
    fn step(&mut self, py: Python<'_>, turn: &mut Turn<'_>) -> Step {
        if let Some(mut exchange) = self.stage.take() {
            if let Err(error) = self.complete(py, &mut exchange) {
                return Step::Done(Err(error));
            }
            self.stage.run(exchange.opening_or_reading());
        }
        match self.stage.poll(py, turn) {
            Poll::Ready(Ok(parts)) => Step::Done(self.response(py, parts)),
            Poll::Ready(Err(error)) => Step::Done(Err(failure(py, error))),
            Poll::Pending => Step::Pending,
        }
    }

    fn enter(&mut self) -> Option<Box<dyn Work>> {
        let before = Self {
            stage: std::mem::replace(&mut self.stage, Stage::Taken),
            json: self.json.take(),
            response_class: Python::attach(|py| self.response_class.clone_ref(py)),
            session: Python::attach(|py| self.session.clone_ref(py)),
            raise_for_status: self.raise_for_status,
            redirects: self.redirects,
            entered: true,
        };
        Some(Box::new(before))
    }

    fn detach(self: Box<Self>) -> Result<Native, Box<dyn Work>> {
        Err(self)
    }

    fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        if let Some(json) = &self.json {
            visit.call(&json.value)?;
            visit.call(&json.serialize)?;
        }
        visit.call(&self.response_class)?;
        visit.call(&self.session)
    }
}
