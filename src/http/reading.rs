//! A body that is read piece by piece, as Python sees it: the operations, and what one iterates over.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use parking_lot::Mutex;
use pyo3::exceptions::{PyStopAsyncIteration, PyStopIteration};
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use super::blocking::{self, On};
use super::buffer::Buffer;
use super::response::Response;
use super::shape::Shape;
use super::stream::{Claim, Stream};
use super::upload::left::Upload;
use super::want::Want;
use crate::bridge::work::Remote;
use crate::bridge::{Native, Operation, Step, Turn, Work};
use crate::error::{Error, Result};

/// What the pieces are taken from.
#[derive(Debug, Clone)]
pub enum From {
    Stream(Arc<Stream>),
    /// The body was read before.
    Whole(Arc<Mutex<Buffer>>),
}

impl From {
    pub fn whole(pieces: impl IntoIterator<Item = Bytes>) -> Self {
        Self::Whole(Arc::new(Mutex::new(pieces.into_iter().collect())))
    }

    /// What is to be read next, if it is here already; else the right to wait for it.
    fn now(&self, shape: &Shape) -> std::result::Result<Result<Option<Bytes>>, Claim> {
        match self {
            Self::Stream(stream) => match stream.claim() {
                Ok(claim) => take(&claim, shape).ok_or(claim),
                Err(error) => Ok(Err(error)),
            },
            Self::Whole(rest) => {
                let mut rest = rest.lock();
                if shape.want() == Want::Beginning {
                    shape.begins(&rest.beginning());
                }
                Ok(Ok(rest.take_last(&shape.want())))
            }
        }
    }
}

/// What is to be read next, if it is here already.
fn take(claim: &Claim, shape: &Shape) -> Option<Result<Option<Bytes>>> {
    if shape.want() == Want::Beginning {
        match claim.now(&Want::Beginning)? {
            Ok(beginning) => shape.begins(&beginning.unwrap_or_default()),
            Err(error) => return Some(Err(error)),
        }
    }
    claim.now(&shape.want())
}

type Waiting = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// Waits on tokio until the holder of the claim can have what it wants.
fn waiting(claim: &Claim, want: Want) -> Remote<Waiting> {
    let wait = claim.wait(want);
    Remote::new(Box::pin(async move {
        wait.await;
        Ok(())
    }))
}

/// A wait under way. Dropped in this order: no more is waited for once another may read.
#[derive(Debug)]
pub struct Wait {
    remote: Remote<Waiting>,
    claim: Claim,
}

impl Wait {
    pub fn begin(claim: Claim, want: Want) -> Self {
        Self {
            remote: waiting(&claim, want),
            claim,
        }
    }

    /// What `look` finds once it is there. `want`: what it looks for.
    pub fn poll<T>(
        &mut self,
        want: impl Fn() -> Want,
        cx: &mut Context<'_>,
        look: impl Fn(&Claim) -> Option<Result<T>>,
    ) -> Poll<Result<T>> {
        loop {
            match self.remote.poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Ready(Ok(())) => {}
            }
            if let Some(found) = look(&self.claim) {
                return Poll::Ready(found);
            }
            self.remote = waiting(&self.claim, want());
        }
    }
}

/// The work of one read.
struct Read {
    from: From,
    shape: Arc<Shape>,
    upload: Upload,
    /// From the first time that it must wait.
    wait: Option<Wait>,
}

impl fmt::Debug for Read {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Read")
            .field("shape", &self.shape)
            .finish_non_exhaustive()
    }
}

impl Read {
    fn done(&self, py: Python<'_>, outcome: Result<Option<Bytes>>) -> PyResult<Py<PyAny>> {
        let piece = outcome.map_err(|error| why(py, &self.upload, error))?;
        match self.shape.make(py, piece.as_ref()) {
            Some(value) => Ok(value),
            None => Err(PyStopAsyncIteration::new_err(())),
        }
    }

    /// What is here; else it waits from now on.
    fn begin(&mut self, py: Python<'_>) -> Option<PyResult<Py<PyAny>>> {
        match self.from.now(&self.shape) {
            Ok(outcome) => Some(self.done(py, outcome)),
            Err(claim) => {
                self.wait = Some(Wait::begin(claim, self.shape.want()));
                None
            }
        }
    }
}

impl Work for Read {
    fn at_once(&mut self, py: Python<'_>) -> Option<PyResult<Py<PyAny>>> {
        self.begin(py)
    }

    fn step(&mut self, py: Python<'_>, turn: &mut Turn<'_>) -> Step {
        // As the child of a gather it is stepped without being asked first.
        if self.wait.is_none()
            && let Some(outcome) = self.begin(py)
        {
            return Step::Done(outcome);
        }
        let waker = turn.waker(py);
        let shape = &self.shape;
        let Some(wait) = &mut self.wait else {
            return Step::Done(Err(done_already().into()));
        };
        match wait.poll(
            || shape.want(),
            &mut Context::from_waker(&waker),
            |claim| take(claim, shape),
        ) {
            Poll::Ready(outcome) => Step::Done(self.done(py, outcome)),
            Poll::Pending => Step::Pending,
        }
    }

    fn detach(self: Box<Self>) -> std::result::Result<Native, Box<dyn Work>> {
        Err(self)
    }
}

/// What broke the body off.
pub fn why(py: Python<'_>, upload: &Upload, error: Error) -> PyErr {
    upload.failure(py).unwrap_or_else(|| error.into())
}

pub fn done_already() -> Error {
    Error::runtime("this work has already been done")
}

/// The work of `aread`: the whole body, which the response keeps.
struct ReadAll {
    response: Py<Response>,
    stream: Arc<Stream>,
    wait: Option<Wait>,
}

impl fmt::Debug for ReadAll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReadAll")
    }
}

impl ReadAll {
    fn begin(&mut self, py: Python<'_>) -> Option<PyResult<Py<PyAny>>> {
        let response = self.response.get();
        // Two may have been asked for at once.
        if response.parts.content.stream().is_none() {
            return Some(response.kept(py));
        }
        let claim = match self.stream.claim() {
            Ok(claim) => claim,
            Err(error) => return Some(Err(error.into())),
        };
        match claim.all_now() {
            Some(Ok(body)) => Some(response.keep(py, body)),
            Some(Err(error)) => Some(Err(why(py, &response.upload(py), error))),
            None => {
                self.wait = Some(Wait::begin(claim, Want::All));
                None
            }
        }
    }
}

impl Work for ReadAll {
    fn at_once(&mut self, py: Python<'_>) -> Option<PyResult<Py<PyAny>>> {
        self.begin(py)
    }

    fn step(&mut self, py: Python<'_>, turn: &mut Turn<'_>) -> Step {
        if self.wait.is_none()
            && let Some(outcome) = self.begin(py)
        {
            return Step::Done(outcome);
        }
        let waker = turn.waker(py);
        let Some(wait) = &mut self.wait else {
            return Step::Done(Err(done_already().into()));
        };
        match wait.poll(|| Want::All, &mut Context::from_waker(&waker), Claim::all_now) {
            Poll::Ready(Ok(body)) => Step::Done(self.response.get().keep(py, body)),
            Poll::Ready(Err(error)) => {
                let upload = self.response.get().upload(py);
                Step::Done(Err(why(py, &upload, error)))
            }
            Poll::Pending => Step::Pending,
        }
    }

    fn detach(self: Box<Self>) -> std::result::Result<Native, Box<dyn Work>> {
        Err(self)
    }

    fn traverse(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        visit.call(&self.response)
    }
}

/// `aread` of a body that is still to come.
pub fn read_all(response: Py<Response>, stream: &Arc<Stream>) -> Operation {
    let stream = Arc::clone(stream);
    let work = ReadAll {
        response,
        stream,
        wait: None,
    };
    Operation::new("Response.aread", work)
}

/// The same on a plain thread.
pub fn read_all_blocking(py: Python<'_>, response: &Response, stream: &Arc<Stream>) -> PyResult<Py<PyAny>> {
    let claim = stream.claim()?;
    loop {
        match claim.all_now() {
            Some(body) => return response.keep(py, body?),
            None => blocking::wait(py, claim.wait(Want::All))?,
        }
    }
}

/// What `aiter_bytes`, `aiter_text` and `aiter_lines` give: an asynchronous iterator.
#[pyclass(frozen, module = "aioxide._core")]
#[derive(Debug)]
pub struct AsyncPieces {
    pub from: From,
    pub shape: Arc<Shape>,
    /// What still feeds the request.
    pub upload: Upload,
}

#[pymethods]
impl AsyncPieces {
    fn __aiter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __anext__(&self) -> Operation {
        let read = Read {
            from: self.from.clone(),
            shape: Arc::clone(&self.shape),
            upload: self.upload.clone(),
            wait: None,
        };
        Operation::new("AsyncPieces.__anext__", read)
    }
}

/// What `iter_bytes`, `iter_text` and `iter_lines` give: an iterator that waits on its thread.
#[pyclass(frozen, module = "aioxide._core")]
#[derive(Debug)]
pub struct Pieces {
    pub from: From,
    pub shape: Arc<Shape>,
    pub on: On,
}

#[pymethods]
impl Pieces {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let outcome = match self.from.now(&self.shape) {
            Ok(outcome) => outcome,
            Err(claim) => loop {
                blocking::wait_on(py, self.on, claim.wait(self.shape.want()))?;
                if let Some(outcome) = take(&claim, &self.shape) {
                    break outcome;
                }
            },
        };
        match self.shape.make(py, outcome?.as_ref()) {
            Some(value) => Ok(value),
            None => Err(PyStopIteration::new_err(())),
        }
    }
}
