//! The body of a response: collected on tokio, made into Python bytes when somebody asks.

use bytes::Bytes;
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

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
            Body::Whole(bytes) => PyBytes::new(py, bytes),
            Body::Pieces { pieces, length } => concatenate(py, pieces, *length)?,
        };
        *body = Body::Python(made.clone().unbind());
        Ok(made)
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
