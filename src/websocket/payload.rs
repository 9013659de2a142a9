//! What a program gives to be sent: read where it is, and copied only if it has to wait.
//!
//! A `str` and `bytes` do not change, so a frame that goes out at once is written from Python's own memory. Nothing
//! of Python may get into the outbox, which the driver's thread empties: what waits there is a copy.

use bytes::Bytes;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::pybacked::{PyBackedBytes, PyBackedStr};
use pyo3::types::{PyByteArray, PyBytes, PyMemoryView, PyString};

use super::message::{BINARY, MOST_CONTROL, Outgoing, TEXT, weight};
use crate::error::Error;
use crate::python::given::type_name;

#[derive(Debug)]
pub enum Payload {
    Text(PyBackedStr),
    Octets(PyBackedBytes),
    /// A copy already: of what may change.
    Own(Bytes),
}

impl Payload {
    pub fn as_slice(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Octets(octets) => octets,
            Self::Own(bytes) => bytes,
        }
    }

    pub fn into_bytes(self) -> Bytes {
        match self {
            Self::Own(bytes) => bytes,
            other => Bytes::copy_from_slice(other.as_slice()),
        }
    }
}

/// A frame that its sender still has.
#[derive(Debug)]
pub struct Given {
    pub opcode: u8,
    /// Whether it is the last of its message.
    pub last: bool,
    pub payload: Payload,
    pub compress: bool,
}

impl Given {
    pub fn weight(&self) -> usize {
        weight(self.payload.as_slice())
    }

    /// What goes into the outbox.
    pub fn into_outgoing(self) -> Outgoing {
        Outgoing {
            opcode: self.opcode,
            last: self.last,
            payload: self.payload.into_bytes(),
            compress: self.compress,
        }
    }
}

/// A message: text, or anything that has bytes.
pub fn message(given: &Bound<'_, PyAny>) -> PyResult<(u8, Payload)> {
    if let Ok(text) = given.cast::<PyString>() {
        return Ok((TEXT, Payload::Text(text.clone().try_into()?)));
    }
    if let Ok(bytes) = given.cast::<PyBytes>() {
        return Ok((BINARY, Payload::Octets(bytes.clone().into())));
    }
    if let Ok(bytes) = given.cast::<PyByteArray>() {
        return Ok((BINARY, Payload::Own(bytes.to_vec().into())));
    }
    if given.is_instance_of::<PyMemoryView>() {
        let bytes = given.call_method0("tobytes")?;
        return Ok((BINARY, Payload::Octets(bytes.cast::<PyBytes>()?.clone().into())));
    }
    Err(PyTypeError::new_err(format!(
        "a message must be str, bytes, bytearray or memoryview, not {}",
        type_name(given)
    )))
}

/// What a ping or a pong carries: text or bytes, at most 125 of them; None for nothing.
pub fn control(given: Option<&Bound<'_, PyAny>>) -> PyResult<Bytes> {
    let Some(given) = given else {
        return Ok(Bytes::new());
    };
    let (_, payload) = message(given)?;
    let length = payload.as_slice().len();
    if length > MOST_CONTROL {
        let why = format!("a control frame has at most {MOST_CONTROL} bytes, not {length}");
        return Err(Error::value(why).into());
    }
    Ok(payload.into_bytes())
}
