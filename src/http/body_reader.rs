//! A body that is read by operations of one's choice: what is here, so many bytes, up to a separator, all.
//!
//! Invariant: there is one position in a body, the stream's or this reader's, and an operation moves it only
//! when it gives what it took. After a failure every operation raises that same exception.

mod asked;
mod each;
mod taking;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, TRANSFER_ENCODING};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use pyo3::{PyTraverseError, PyVisit};

use self::asked::{Asked, Form};
pub use self::each::BodyPieces;
use self::taking::Taking;
use super::reading::From as Source;
use super::response::{Parts, Response};
use super::upload::left::Upload;
use super::want::{Separator, Want};
use crate::bridge::Operation;
use crate::error::Result;
use crate::python::attached::Attached;

/// What reads the body of a response.
#[pyclass(frozen, weakref, module = "aioxide._core")]
#[derive(Debug)]
pub struct BodyReader {
    source: Source,
    /// What still feeds the request.
    upload: Upload,
    /// It came in chunks.
    chunked: bool,
    /// It came in a coding.
    coded: bool,
    /// Of a body that was here from the start, in bytes: decoded, and as it came.
    lengths: (u64, u64),
    told: Attached<Told>,
}

/// What Python has told it.
#[derive(Default)]
struct Told {
    /// Makes another exception of one of ours.
    translate: Option<Py<PyAny>>,
    /// Makes the exception for a part that is longer than its limit.
    too_long: Option<Py<PyAny>>,
    /// What every operation raises.
    failure: Option<Py<PyAny>>,
    /// Called when everything has come.
    at_end: Vec<Py<PyAny>>,
}

impl BodyReader {
    /// Reads the body of `response`, from where it is read now.
    pub fn of(response: &Response, py: Python<'_>) -> PyResult<Self> {
        Self::of_parts(&response.parts, response.upload(py), py)
    }

    /// The same; `upload` is what still feeds the request.
    pub fn of_parts(parts: &Parts, upload: Upload, py: Python<'_>) -> PyResult<Self> {
        let (source, length) = match parts.content.stream() {
            Some(stream) => (Source::Stream(stream), 0),
            None => {
                let pieces = parts.content.pieces(py)?;
                let length: usize = pieces.iter().map(Bytes::len).sum();
                (Source::whole(pieces), length as u64)
            }
        };
        Ok(Self {
            source,
            upload,
            chunked: parts.headers.contains_key(TRANSFER_ENCODING),
            coded: parts.headers.contains_key(CONTENT_ENCODING),
            lengths: (length, parts.received.load(Ordering::Relaxed)),
            told: Attached::new(Told::default()),
        })
    }

    fn failure(&self, py: Python<'_>) -> Option<PyErr> {
        let failure = self.told.open(py).failure.as_ref()?.clone_ref(py);
        Some(PyErr::from_value(failure.into_bound(py)))
    }

    /// The exception for `error`, by Python's word; `stays`: every operation raises it from now on.
    fn fails(&self, py: Python<'_>, error: PyErr, stays: bool) -> PyErr {
        if let Some(failure) = self.failure(py) {
            return failure;
        }
        let translate = self.told.open(py).translate.as_ref().map(|one| one.clone_ref(py));
        let error = match translate.map(|translate| translate.call1(py, (error.value(py),))) {
            None => error,
            Some(Ok(made)) => PyErr::from_value(made.into_bound(py)),
            Some(Err(failure)) => failure,
        };
        if stays {
            self.fail(py, error.value(py).clone().into_any());
        }
        error
    }

    /// The exception for a part that begins with `part` and is longer than `limit`.
    fn too_long(&self, py: Python<'_>, part: &[u8], limit: usize) -> PyErr {
        const SHOWN: usize = 100;
        let shown = PyBytes::new(py, part.get(..SHOWN).unwrap_or(part));
        let make = self.told.open(py).too_long.as_ref().map(|one| one.clone_ref(py));
        match make.map(|make| make.call1(py, (shown, limit))) {
            None => PyValueError::new_err(format!("there is no separator within {limit} bytes")),
            Some(Ok(made)) => PyErr::from_value(made.into_bound(py)),
            Some(Err(failure)) => failure,
        }
    }

    /// Calls those who wait for the end, if it has come.
    fn call_at_end(&self, py: Python<'_>) {
        if self.told.open(py).at_end.is_empty() || !self.is_whole() {
            return;
        }
        let waiting = std::mem::take(&mut self.told.open(py).at_end);
        for callback in waiting {
            if let Err(error) = callback.call0(py) {
                error.write_unraisable(py, Some(callback.bind(py)));
            }
        }
    }

    fn ask(slf: &Bound<'_, Self>, name: &'static str, asked: Asked) -> Operation {
        Operation::new(name, Taking::new(slf.clone().unbind(), asked))
    }

    fn each(slf: &Bound<'_, Self>, asked: Asked) -> BodyPieces {
        let reader = slf.clone().unbind();
        BodyPieces { reader, asked }
    }
}

fn up_to(n: Option<usize>) -> Want {
    Want::UpTo(n.unwrap_or(usize::MAX))
}

fn until(separator: &[u8], limit: usize) -> PyResult<Asked> {
    let separator = Separator::new(separator, limit)
        .ok_or_else(|| PyValueError::new_err("Separator should be at least one-byte string"))?;
    Ok(Asked {
        want: Want::Until(Arc::new(separator)),
        form: Form::Until(limit),
    })
}

const CHUNK: Asked = Asked {
    want: Want::Some,
    form: Form::Chunk,
};

#[pymethods]
impl BodyReader {
    #[new]
    fn new(py: Python<'_>, response: &Response) -> PyResult<Self> {
        Self::of(response, py)
    }

    /// Up to `n` bytes of what is here, one at the least unless it is at the end; None: what is here.
    #[pyo3(signature = (n=None))]
    fn some(slf: &Bound<'_, Self>, n: Option<usize>) -> Operation {
        Self::ask(slf, "BodyReader.some", Asked::bytes(up_to(n)))
    }

    /// Exactly `n` bytes; asyncio.IncompleteReadError with what was left if there are fewer.
    fn exactly(slf: &Bound<'_, Self>, n: usize) -> Operation {
        let (want, form) = (Want::Exactly(n), Form::Exactly(n));
        Self::ask(slf, "BodyReader.exactly", Asked { want, form })
    }

    /// Up to and with `separator`, or what is left. What is longer than `limit` is taken, and raises.
    fn until(slf: &Bound<'_, Self>, separator: &[u8], limit: usize) -> PyResult<Operation> {
        Ok(Self::ask(slf, "BodyReader.until", until(separator, limit)?))
    }

    /// A piece, and whether a chunk ends with it, of a body that comes in chunks; b"" and False at the end. Of a body
    /// that is still to come it is known where the client keeps heads as they were written.
    fn chunk(slf: &Bound<'_, Self>) -> Operation {
        Self::ask(slf, "BodyReader.chunk", CHUNK)
    }

    /// All that is left.
    pub fn all(slf: &Bound<'_, Self>) -> Operation {
        let (want, form) = (Want::All, Form::All);
        Self::ask(slf, "BodyReader.all", Asked { want, form })
    }

    /// Waits until everything has come; nothing is taken.
    fn end(slf: &Bound<'_, Self>) -> Operation {
        let (want, form) = (Want::End, Form::Nothing);
        Self::ask(slf, "BodyReader.end", Asked { want, form })
    }

    /// Iterates over `some(n)`.
    #[pyo3(signature = (n=None))]
    fn each_some(slf: &Bound<'_, Self>, n: Option<usize>) -> BodyPieces {
        Self::each(slf, Asked::bytes(up_to(n)))
    }

    /// Iterates over `until(separator, limit)`.
    fn each_until(slf: &Bound<'_, Self>, separator: &[u8], limit: usize) -> PyResult<BodyPieces> {
        Ok(Self::each(slf, until(separator, limit)?))
    }

    /// Iterates over `chunk()`.
    fn each_chunk(slf: &Bound<'_, Self>) -> BodyPieces {
        Self::each(slf, CHUNK)
    }

    /// Up to `n` bytes of what is here, none if none are; None: what is here.
    #[pyo3(signature = (n=None))]
    fn now<'py>(&self, py: Python<'py>, n: Option<usize>) -> PyResult<Bound<'py, PyBytes>> {
        if let Some(failure) = self.failure(py) {
            return Err(failure);
        }
        let want = up_to(n);
        let found: Result<Option<Bytes>> = match &self.source {
            Source::Whole(rest) => Ok(rest.lock().take_last(&want)),
            Source::Stream(stream) => stream
                .claim()
                .and_then(|claim| claim.now(&want).unwrap_or(Ok(None))),
        };
        let piece = found.map_err(|error| taking::fails(py, self, error))?;
        self.call_at_end(py);
        Ok(PyBytes::new(py, &piece.unwrap_or_default()))
    }

    /// Puts back what was taken.
    fn unread(&self, py: Python<'_>, data: &[u8]) -> PyResult<()> {
        let piece = Bytes::copy_from_slice(data);
        match &self.source {
            Source::Whole(rest) => {
                rest.lock().unread(piece);
                Ok(())
            }
            Source::Stream(stream) => stream
                .unread(piece)
                .map_err(|error| taking::fails(py, self, error)),
        }
    }

    /// Drops what is left of a body that was here from the start: it was read by other means.
    pub fn skip(&self) {
        if let Source::Whole(rest) = &self.source {
            drop(rest.lock().drain());
        }
    }

    /// Whether everything was taken.
    #[getter]
    fn is_drained(&self) -> bool {
        match &self.source {
            Source::Whole(rest) => rest.lock().is_empty(),
            Source::Stream(stream) => stream.is_drained(),
        }
    }

    /// Whether everything has come.
    #[getter]
    fn is_whole(&self) -> bool {
        match &self.source {
            Source::Whole(_) => true,
            Source::Stream(stream) => stream.is_whole(),
        }
    }

    /// How many bytes have come, decoded.
    #[getter]
    fn total(&self) -> u64 {
        match &self.source {
            Source::Whole(_) => self.lengths.0,
            Source::Stream(stream) => stream.decoded(),
        }
    }

    /// How many bytes have come, in the coding they came in; None if that is none.
    #[getter]
    fn total_coded(&self) -> Option<u64> {
        self.coded.then(|| match &self.source {
            Source::Whole(_) => self.lengths.1,
            Source::Stream(stream) => stream.received(),
        })
    }

    /// What every operation raises; None while none does.
    #[getter(failure)]
    fn failure_value(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        let told = self.told.open(py);
        told.failure.as_ref().map(|failure| failure.clone_ref(py))
    }

    /// From now on every operation raises `error`.
    pub fn fail(&self, py: Python<'_>, error: Bound<'_, PyAny>) {
        let mut told = self.told.open(py);
        let before = told.failure.replace(error.unbind());
        // Nothing else will be raised, and what translates often leads back to this reader.
        let translate = told.translate.take();
        let waiting = std::mem::take(&mut told.at_end);
        drop(told);
        drop((before, translate, waiting));
    }

    /// How failures are raised: `translate(error)` gives the exception to raise in its place, and
    /// `too_long(part, limit)` that for a part that is longer than its limit.
    fn raise_by(&self, py: Python<'_>, translate: Option<Py<PyAny>>, too_long: Option<Py<PyAny>>) {
        let mut told = self.told.open(py);
        let before = (
            std::mem::replace(&mut told.translate, translate),
            std::mem::replace(&mut told.too_long, too_long),
        );
        drop(told);
        drop(before);
    }

    /// Calls `callback()` once everything has come: at once, or when a read finds it.
    fn call_when_whole(&self, py: Python<'_>, callback: Py<PyAny>) {
        self.told.open(py).at_end.push(callback);
        self.call_at_end(py);
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        let Some(told) = self.told.seen_by(&visit) else {
            return Ok(());
        };
        let each = [&told.translate, &told.too_long, &told.failure];
        each.into_iter()
            .flatten()
            .chain(&told.at_end)
            .try_for_each(|object| visit.call(object))
    }

    fn __clear__(&self, py: Python<'_>) {
        let told = std::mem::take(&mut *self.told.open(py));
        drop(told);
    }
}
