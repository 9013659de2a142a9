//! The body of a response: collected on tokio, made into Python bytes when somebody asks.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::stream::Stream;
use crate::error::Error;
use crate::python::bytes::concatenate;

/// A body in the form in which it is now: once Python has it, it is not kept here as well.
///
/// On tokio's side it is never in Python's form.
#[derive(Debug)]
pub enum Body {
    /// In one piece, as most are.
    Whole(Bytes),
    /// In the pieces that came; they are put together in the memory of the Python object, so that a
    /// big body is copied once.
    Pieces {
        pieces: Vec<Bytes>,
        length: usize,
    },
    Python(Py<PyBytes>),
    /// It is still to be read.
    Stream(Arc<Stream>),
}

impl Body {
    pub fn of(mut pieces: Vec<Bytes>) -> Self {
        match pieces.len() {
            0 | 1 => Self::Whole(pieces.pop().unwrap_or_default()),
            _ => Self::Pieces {
                length: pieces.iter().map(Bytes::len).sum(),
                pieces,
            },
        }
    }
}

/// The body of a response object.
#[derive(Debug)]
pub struct Content(Mutex<Body>);

impl From<Body> for Content {
    fn from(body: Body) -> Self {
        Self(Mutex::new(body))
    }
}

impl Content {
    /// The Python object: made at the first call, the same at each.
    pub fn bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        // Making bytes runs no Python code, so nothing comes back here under the lock.
        let mut body = self.0.lock();
        let made = match &*body {
            Body::Python(bytes) => return Ok(bytes.bind(py).clone()),
            Body::Stream(_) => {
                return Err(Error::runtime(
                    "the body of this response has not been read: await response.aread(), or response.read()",
                )
                .into());
            }
            Body::Whole(bytes) => PyBytes::new(py, bytes),
            Body::Pieces { pieces, length } => concatenate(py, pieces, *length)?,
        };
        *body = Body::Python(made.clone().unbind());
        Ok(made)
    }

    /// What it is still to be read from.
    pub fn stream(&self) -> Option<Arc<Stream>> {
        match &*self.0.lock() {
            Body::Stream(stream) => Some(Arc::clone(stream)),
            _ => None,
        }
    }

    /// It was read; what it was read from, if it was not whole before.
    pub fn set(&self, body: Body) -> Option<Arc<Stream>> {
        let before = std::mem::replace(&mut *self.0.lock(), body);
        match before {
            Body::Stream(stream) => Some(stream),
            _ => None,
        }
    }

    /// The bytes, for who takes them in parts.
    pub fn whole(&self, py: Python<'_>) -> PyResult<Bytes> {
        if let Body::Whole(bytes) = &*self.0.lock() {
            return Ok(bytes.clone());
        }
        Ok(Bytes::copy_from_slice(self.bytes(py)?.as_bytes()))
    }

    /// The same, in the pieces that came, as far as they are known.
    pub fn pieces(&self, py: Python<'_>) -> PyResult<Vec<Bytes>> {
        if let Body::Pieces { pieces, .. } = &*self.0.lock() {
            return Ok(pieces.clone());
        }
        Ok(vec![self.whole(py)?])
    }

    /// Reads the bytes where they are.
    pub fn read<T>(&self, py: Python<'_>, read: impl FnOnce(&[u8]) -> T) -> PyResult<T> {
        let whole = match &*self.0.lock() {
            Body::Whole(bytes) => Some(bytes.clone()),
            _ => None,
        };
        match whole {
            Some(bytes) => Ok(read(&bytes)),
            None => Ok(read(self.bytes(py)?.as_bytes())),
        }
    }
}
