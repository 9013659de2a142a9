//! A body that is read piece by piece, as Python sees it: the operations, and what one iterates over.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use encoding_rs::Decoder;
use parking_lot::Mutex;
use pyo3::exceptions::{PyStopAsyncIteration, PyStopIteration};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use super::blocking;
use super::body::Body;
use super::response::Response;
use super::stream::{Stream, Want};
use super::text::Charset;
use crate::bridge::work::Remote;
use crate::bridge::{Native, Operation, Step, Turn, Work};
use crate::error::Result;

/// What the pieces are taken from.
#[derive(Debug, Clone)]
pub enum From {
    Stream(Arc<Stream>),
    /// The body was read before.
    Whole(Arc<Mutex<Bytes>>),
}

impl From {
    pub fn whole(body: Bytes) -> Self {
        Self::Whole(Arc::new(Mutex::new(body)))
    }

    /// What is wanted, if it is here already.
    fn now(&self, want: Want) -> Option<Result<Option<Bytes>>> {
        match self {
            Self::Stream(stream) => stream.now(want),
            Self::Whole(rest) => {
                let mut rest = rest.lock();
                let length = match want {
                    Want::Exactly(size) => size.min(rest.len()),
                    Want::Line => {
                        let end = rest.iter().position(|byte| *byte == b'\n');
                        end.map_or(rest.len(), |at| at + 1)
                    }
                    Want::Some | Want::All => rest.len(),
                };
                let piece = rest.split_to(length);
                Some(Ok((!piece.is_empty()).then_some(piece)))
            }
        }
    }

    async fn read(self, want: Want) -> Result<Option<Bytes>> {
        match self {
            Self::Stream(stream) => stream.read(want).await,
            Self::Whole(_) => Ok(None),
        }
    }
}

/// What becomes of a piece.
#[derive(Clone)]
pub enum Shape {
    Bytes,
    Text(Arc<Mutex<Decoder>>),
    /// Without its end.
    Line(Charset),
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bytes => "Bytes",
            Self::Text(_) => "Text",
            Self::Line(_) => "Line",
        })
    }
}

impl Shape {
    /// None: that was the end.
    fn make(&self, py: Python<'_>, piece: Option<&Bytes>) -> Option<Py<PyAny>> {
        match self {
            Self::Bytes => piece.map(|piece| PyBytes::new(py, piece).into_any().unbind()),
            Self::Text(decoder) => {
                let mut decoder = decoder.lock();
                let bytes = piece.map_or(&b""[..], |piece| piece);
                let room = decoder.max_utf8_buffer_length(bytes.len()).unwrap_or(0);
                let mut text = String::with_capacity(room);
                let (_, _, _) = decoder.decode_to_string(bytes, &mut text, piece.is_none());
                if piece.is_none() && text.is_empty() {
                    return None;
                }
                Some(PyString::new(py, &text).into_any().unbind())
            }
            Self::Line(charset) => piece.map(|line| {
                let line = line.strip_suffix(b"\n").unwrap_or(line);
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                PyString::new(py, &charset.decode(line)).into_any().unbind()
            }),
        }
    }
}

type Reading = Pin<Box<dyn Future<Output = Result<Option<Bytes>>> + Send>>;

/// The work of one read.
struct Read {
    from: From,
    want: Want,
    shape: Shape,
    /// From the first time that it must wait.
    remote: Option<Remote<Reading>>,
}

impl fmt::Debug for Read {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Read")
            .field("want", &self.want)
            .finish_non_exhaustive()
    }
}

impl Read {
    fn done(&self, py: Python<'_>, outcome: Result<Option<Bytes>>) -> PyResult<Py<PyAny>> {
        let piece = outcome?;
        match self.shape.make(py, piece.as_ref()) {
            Some(value) => Ok(value),
            None => Err(PyStopAsyncIteration::new_err(())),
        }
    }
}

impl Work for Read {
    fn at_once(&mut self, py: Python<'_>) -> Option<PyResult<Py<PyAny>>> {
        let outcome = self.from.now(self.want)?;
        Some(self.done(py, outcome))
    }

    fn step(&mut self, py: Python<'_>, turn: &mut Turn<'_>) -> Step {
        let waker = turn.waker(py);
        let (from, want) = (&self.from, self.want);
        let remote = self
            .remote
            .get_or_insert_with(|| Remote::new(Box::pin(from.clone().read(want))));
        match remote.poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(outcome) => Step::Done(self.done(py, outcome)),
            Poll::Pending => Step::Pending,
        }
    }

    fn detach(self: Box<Self>) -> std::result::Result<Native, Box<dyn Work>> {
        Err(self)
    }
}

/// The work of `aread`: the whole body, which the response keeps.
struct ReadAll {
    response: Py<Response>,
    remote: Remote<Pin<Box<dyn Future<Output = Result<Body>> + Send>>>,
}

impl fmt::Debug for ReadAll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReadAll")
    }
}

impl Work for ReadAll {
    fn step(&mut self, py: Python<'_>, turn: &mut Turn<'_>) -> Step {
        let waker = turn.waker(py);
        match self.remote.poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(Ok(body)) => Step::Done(self.response.get().keep(py, body)),
            Poll::Ready(Err(error)) => Step::Done(Err(error.into())),
            Poll::Pending => Step::Pending,
        }
    }

    fn detach(self: Box<Self>) -> std::result::Result<Native, Box<dyn Work>> {
        Err(self)
    }
}

/// `aread` of a body that is still to come.
pub fn read_all(response: Py<Response>, stream: &Arc<Stream>) -> Operation {
    let whole: Pin<Box<dyn Future<Output = Result<Body>> + Send>> = Box::pin(Arc::clone(stream).read_all());
    let remote = Remote::new(whole);
    Operation::new("Response.aread", ReadAll { response, remote })
}

/// What `aiter_bytes`, `aiter_text` and `aiter_lines` give: an asynchronous iterator.
#[pyclass(frozen, module = "aioxide._core")]
#[derive(Debug)]
pub struct AsyncPieces {
    pub from: From,
    pub want: Want,
    pub shape: Shape,
}

#[pymethods]
impl AsyncPieces {
    fn __aiter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __anext__(&self) -> Operation {
        let read = Read {
            from: self.from.clone(),
            want: self.want,
            shape: self.shape.clone(),
            remote: None,
        };
        Operation::new("AsyncPieces.__anext__", read)
    }
}

/// What `iter_bytes`, `iter_text` and `iter_lines` give: an iterator that waits on its thread.
#[pyclass(frozen, module = "aioxide._core")]
#[derive(Debug)]
pub struct Pieces {
    pub from: From,
    pub want: Want,
    pub shape: Shape,
}

#[pymethods]
impl Pieces {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let outcome = match self.from.now(self.want) {
            Some(outcome) => outcome,
            None => blocking::wait(py, self.from.clone().read(self.want))?,
        };
        match self.shape.make(py, outcome?.as_ref()) {
            Some(value) => Ok(value),
            None => Err(PyStopIteration::new_err(())),
        }
    }
}
