//! What an operation is asked for: what it takes, and the object that this becomes.

use bytes::Bytes;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::BodyReader;
use crate::http::body::{Body, Content};
use crate::http::want::Want;
use crate::python::imports;

#[derive(Debug, Clone)]
pub struct Asked {
    pub want: Want,
    pub form: Form,
}

/// What becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Bytes,
    /// Bytes, of this length or an exception.
    Exactly(usize),
    /// Bytes, of at most this length or an exception.
    Until(usize),
    /// With whether a chunk ends with them.
    Chunk,
    /// All bytes that are left.
    All,
    Nothing,
}

/// What was taken.
#[derive(Debug)]
pub enum Taken {
    /// None at the end.
    Piece(Option<Bytes>),
    /// The same, and whether it is the end of a chunk.
    Chunk(Option<Bytes>, bool),
    /// All that was left.
    All(Body),
}

impl Asked {
    pub fn bytes(want: Want) -> Self {
        let form = Form::Bytes;
        Self { want, form }
    }

    /// The object for it.
    pub fn make(&self, py: Python<'_>, reader: &BodyReader, taken: Taken) -> PyResult<Py<PyAny>> {
        let (piece, ends) = match taken {
            Taken::Piece(piece) => (piece.unwrap_or_default(), false),
            Taken::Chunk(piece, ends) => (piece.unwrap_or_default(), ends),
            Taken::All(body) => return Ok(Content::from(body).bytes(py)?.into_any().unbind()),
        };
        match self.form {
            Form::Nothing => return Ok(py.None()),
            Form::Exactly(wanted) if piece.len() < wanted => {
                let partial = PyBytes::new(py, &piece);
                let error = imports::incomplete_read_error(py)?.call1((partial, wanted))?;
                return Err(PyErr::from_value(error));
            }
            Form::Until(limit) if piece.len() > limit => return Err(reader.too_long(py, &piece, limit)),
            _ => {}
        }
        let bytes = PyBytes::new(py, &piece);
        Ok(match self.form {
            Form::Chunk => {
                let ends = ends && reader.chunked && !piece.is_empty();
                (bytes, ends).into_pyobject(py)?.into_any().unbind()
            }
            _ => bytes.into_any().unbind(),
        })
    }
}

impl Taken {
    /// Whether it is what comes after the last.
    pub fn is_end(&self) -> bool {
        match self {
            Self::Piece(piece) | Self::Chunk(piece, _) => piece.as_ref().is_none_or(Bytes::is_empty),
            Self::All(_) => false,
        }
    }
}
