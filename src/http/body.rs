//! The body of a response: collected on tokio, made into Python bytes when somebody asks.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as _, Frame};
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::decode::Decoder;
use crate::python::bytes::concatenate;

/// A `Content-Length` is believed up to here, for the room made in advance; in bytes.
const MOST_ROOM: u64 = 1024 * 1024;

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

/// Reads `body` to its end, decoding it if there is a decoder.
pub async fn collect(mut body: reqwest::Body, mut decoder: Option<Decoder>) -> Result<Body, Failure> {
    let mut pieces: Vec<Bytes> = Vec::new();
    let mut decoded = Vec::new();
    if decoder.is_none()
        && let Some(length) = body.size_hint().exact()
    {
        // hyper gives pieces of at most some hundred kilobytes.
        pieces.reserve(usize::try_from(length.min(MOST_ROOM) / (64 * 1024)).unwrap_or(0));
    }
    while let Some(frame) = next_frame(&mut body).await {
        let frame = frame.map_err(Failure::Receiving)?;
        let Ok(chunk) = frame.into_data() else {
            // Trailers.
            continue;
        };
        match &mut decoder {
            Some(decoder) => decoder.push(&chunk, &mut decoded).map_err(Failure::Decoding)?,
            None if chunk.is_empty() => {}
            None => pieces.push(chunk),
        }
    }
    if let Some(decoder) = decoder {
        decoder.finish().map_err(Failure::Decoding)?;
        decoded.shrink_to_fit();
        return Ok(Body::Whole(decoded.into()));
    }
    Ok(match pieces.len() {
        0 | 1 => Body::Whole(pieces.pop().unwrap_or_default()),
        _ => Body::Pieces {
            length: pieces.iter().map(Bytes::len).sum(),
            pieces,
        },
    })
}

/// Reads a body that nobody wants, if that is cheaper than a new connection. Errors do not matter.
pub async fn discard(mut body: reqwest::Body) {
    const CHEAP: u64 = 64 * 1024;
    let mut left = CHEAP;
    if body.size_hint().lower() > left {
        return;
    }
    while let Some(Ok(frame)) = next_frame(&mut body).await {
        let length = frame.data_ref().map_or(0, |chunk| chunk.len() as u64);
        match left.checked_sub(length) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

async fn next_frame(body: &mut reqwest::Body) -> Option<Result<Frame<Bytes>, reqwest::Error>> {
    std::future::poll_fn(|cx: &mut Context<'_>| -> Poll<_> { Pin::new(&mut *body).poll_frame(cx) }).await
}

/// Why a body is not to be had.
#[derive(Debug)]
pub enum Failure {
    Receiving(reqwest::Error),
    Decoding(std::io::Error),
}
