//! How a connection's end, and a handshake that came to nothing, become exceptions.

use http::HeaderMap;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use super::gates::Refusal;
use super::message::End;
use crate::net::headers::Headers;
use crate::python::exceptions::raise;

/// `ConnectionClosed`, with the code and the reason.
pub fn closed(py: Python<'_>, end: &End) -> PyErr {
    let made = || {
        let details = PyDict::new(py);
        details.set_item("code", end.code)?;
        details.set_item("reason", &end.reason)?;
        raise(py, "ConnectionClosed", end.in_words(), &details)
    };
    made().unwrap_or_else(|failure| failure)
}

pub fn refused(py: Python<'_>, refusal: Refusal) -> PyErr {
    match refusal {
        Refusal::Ended(end) => closed(py, &end),
        Refusal::Failed(error) => error.into(),
    }
}

/// An answer that makes no WebSocket.
#[derive(Debug)]
pub struct Unwelcome {
    /// The name of the class: `HandshakeRefused` for a status that is not 101.
    pub class: &'static str,
    /// What is wrong with it, as the attribute `kind` says it.
    pub kind: &'static str,
    pub message: String,
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Unwelcome {
    pub fn raise(self, py: Python<'_>) -> PyErr {
        let made = || {
            let details = PyDict::new(py);
            details.set_item("kind", self.kind)?;
            details.set_item("status_code", self.status)?;
            details.set_item("headers", Headers::from(std::sync::Arc::new(self.headers)))?;
            details.set_item("content", PyBytes::new(py, &self.body))?;
            raise(py, self.class, self.message, &details)
        };
        made().unwrap_or_else(|failure| failure)
    }
}
