//! `WebSocket`: a connection as Python sees it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::HeaderMap;
use pyo3::exceptions::{PyStopAsyncIteration, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString, PyTuple};

use super::error::{closed, refused};
use super::gates::{Closing, Receiving, Refusal, Sending, ToClose, ToReceive, ToSend, Wanted};
use super::head;
use super::message::{
    BINARY, CLOSE, CONTINUATION, MOST_CONTROL, Message, NORMAL, Outgoing, PING, PONG, TEXT, may_be_sent,
};
use super::payload::{self, Given, Payload, control};
use super::pinging::Pinging;
use super::shared::Shared;
use super::state::Ping;
use crate::bridge::Operation;
use crate::bridge::ready::Ready;
use crate::error::Error;
use crate::net::headers::Headers;
use crate::net::stream::Ends;
use crate::runtime::{self, Job};
use crate::sync::waits::{self, wake};

/// What was said in the handshake.
#[derive(Debug)]
pub struct Facts {
    /// Without credentials.
    pub url: String,
    /// The path and the query, as sent.
    pub path: String,
    pub request_headers: Arc<HeaderMap>,
    pub response_headers: Arc<HeaderMap>,
    pub subprotocol: Option<String>,
    pub compression: bool,
    pub ends: Ends,
    pub is_server: bool,
}

/// A connection over which both sides send messages.
#[pyclass(frozen, weakref, module = "aioxide")]
#[derive(Debug)]
pub struct WebSocket {
    shared: Arc<Shared>,
    facts: Facts,
    pub(super) receiving: Receiving,
    pub(super) sending: Sending,
    pub(super) closing: Closing,
    /// What drives it; stopped when this is dropped.
    _driver: Job<()>,
}

impl WebSocket {
    pub fn new(shared: Arc<Shared>, facts: Facts, driver: Job<()>) -> Self {
        Self {
            receiving: Receiving(Arc::clone(&shared)),
            sending: Sending(Arc::clone(&shared)),
            closing: Closing(Arc::clone(&shared)),
            shared,
            facts,
            _driver: driver,
        }
    }

    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    fn send_operation(
        slf: &Bound<'_, Self>,
        qualname: &'static str,
        frame: Given,
    ) -> PyResult<Py<Operation>> {
        let door = ToSend(slf.clone().unbind());
        waits::operation(slf.py(), qualname, door, Some(frame), sent)
    }

    fn close_operation(
        slf: &Bound<'_, Self>,
        qualname: &'static str,
        code: u16,
        reason: &str,
    ) -> PyResult<Py<Operation>> {
        let close = checked_close(code, reason)?;
        let door = ToClose(slf.clone().unbind());
        waits::operation(slf.py(), qualname, door, Some(close), closed_now)
    }
}

fn sent(py: Python<'_>, _door: &ToSend, sent: Result<(), Refusal>) -> PyResult<Py<PyAny>> {
    match sent {
        Ok(()) => Ok(py.None()),
        Err(refusal) => Err(refused(py, refusal)),
    }
}

fn closed_now(py: Python<'_>, _door: &ToClose, closed: Result<(), Refusal>) -> PyResult<Py<PyAny>> {
    match closed {
        Ok(()) => Ok(py.None()),
        Err(refusal) => Err(refused(py, refusal)),
    }
}

fn give(py: Python<'_>, _door: &ToReceive, got: Result<Message, Refusal>) -> PyResult<Py<PyAny>> {
    match got {
        Ok(Message::Text(text)) => Ok(PyString::new(py, &text).into_any().unbind()),
        Ok(Message::Binary(bytes) | Message::Ping(bytes) | Message::Pong(bytes)) => {
            Ok(PyBytes::new(py, &bytes).into_any().unbind())
        }
        // Not a message of data, so it is not what was wanted.
        Ok(Message::Close(..)) => Ok(py.None()),
        Err(refusal) => Err(refused(py, refusal)),
    }
}

/// The same for an iteration, which ends where both sides have said that they are done.
fn give_next(py: Python<'_>, door: &ToReceive, got: Result<Message, Refusal>) -> PyResult<Py<PyAny>> {
    match got {
        Err(Refusal::Ended(end)) if end.is_clean() => Err(PyStopAsyncIteration::new_err(())),
        got => give(py, door, got),
    }
}

/// The same as a tuple of opcode, data and, of a close frame, the reason.
fn give_raw(py: Python<'_>, door: &ToReceive, got: Result<Message, Refusal>) -> PyResult<Py<PyAny>> {
    let opcode = match &got {
        Ok(Message::Text(_)) => TEXT,
        Ok(Message::Binary(_)) => BINARY,
        Ok(Message::Ping(_)) => PING,
        Ok(Message::Pong(_)) => PONG,
        Ok(Message::Close(code, reason)) => {
            return Ok((CLOSE, code, reason).into_pyobject(py)?.into_any().unbind());
        }
        Err(_) => CLOSE,
    };
    let data = give(py, door, got)?;
    Ok((opcode, data, py.None()).into_pyobject(py)?.into_any().unbind())
}

pub fn address(end: SocketAddr) -> (String, u16) {
    (end.ip().to_string(), end.port())
}

pub fn checked_close(code: u16, reason: &str) -> PyResult<(u16, String)> {
    if !may_be_sent(code) {
        return Err(Error::value(format!(
            "a close frame cannot have the code {code}: use 1000 to 1003, 1007 to 1014, or 3000 to 4999"
        ))
        .into());
    }
    if reason.len() > MOST_CONTROL - 2 {
        return Err(Error::value(format!(
            "a reason has at most 123 bytes as UTF-8, not {}",
            reason.len()
        ))
        .into());
    }
    Ok((code, reason.to_owned()))
}

#[pymethods]
impl WebSocket {
    /// Sends a message, waiting for room if need be.
    fn send(slf: &Bound<'_, Self>, message: &Bound<'_, PyAny>) -> PyResult<Py<Operation>> {
        let (opcode, payload) = payload::message(message)?;
        let frame = Given {
            opcode,
            last: true,
            payload,
            compress: true,
        };
        Self::send_operation(slf, "WebSocket.send", frame)
    }

    /// Sends one frame as it is told.
    #[pyo3(signature = (opcode, data=None, *, last=true, compress=true))]
    fn send_frame(
        slf: &Bound<'_, Self>,
        opcode: u8,
        data: Option<&Bound<'_, PyAny>>,
        last: bool,
        compress: bool,
    ) -> PyResult<Py<Operation>> {
        let payload = match opcode {
            CONTINUATION | TEXT | BINARY => match data {
                Some(data) => payload::message(data)?.1,
                None => Payload::Own(Bytes::new()),
            },
            PING | PONG if last => Payload::Own(control(data)?),
            PING | PONG => return Err(PyValueError::new_err("a control frame cannot be fragmented")),
            _ => {
                return Err(PyValueError::new_err(format!(
                    "opcode must be 0, 1, 2, 9 or 10, not {opcode}; a close frame is sent by close()"
                )));
            }
        };
        let frame = Given {
            opcode,
            last,
            payload,
            compress,
        };
        Self::send_operation(slf, "WebSocket.send_frame", frame)
    }

    /// The next message: str or bytes.
    fn receive(slf: &Bound<'_, Self>) -> PyResult<Py<Operation>> {
        let door = ToReceive(slf.clone().unbind());
        waits::operation(slf.py(), "WebSocket.receive", door, Wanted::Data, give)
    }

    /// The next message of any kind, as (opcode, data, extra).
    fn receive_message(slf: &Bound<'_, Self>) -> PyResult<Py<Operation>> {
        let door = ToReceive(slf.clone().unbind());
        waits::operation(slf.py(), "WebSocket.receive_message", door, Wanted::All, give_raw)
    }

    fn __aiter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    /// The next message; the iteration ends with a normal closure.
    fn __anext__(slf: &Bound<'_, Self>) -> PyResult<Py<Operation>> {
        let door = ToReceive(slf.clone().unbind());
        waits::operation(slf.py(), "WebSocket.__anext__", door, Wanted::Data, give_next)
    }

    /// Asks the peer for a sign of life; awaiting it gives the seconds that took.
    #[pyo3(signature = (data=None))]
    fn ping(slf: &Bound<'_, Self>, data: Option<&Bound<'_, PyAny>>) -> PyResult<Operation> {
        let payload = match data {
            Some(data) => control(Some(data))?,
            None => Bytes::copy_from_slice(&fastrand::u64(..).to_be_bytes()),
        };
        Ok(Operation::new(
            "WebSocket.ping",
            Pinging::new(slf.clone().unbind(), payload),
        ))
    }

    /// Sends a pong that nobody asked for.
    #[pyo3(signature = (data=None))]
    fn pong(slf: &Bound<'_, Self>, data: Option<&Bound<'_, PyAny>>) -> PyResult<Py<Operation>> {
        let frame = Given {
            opcode: PONG,
            last: true,
            payload: Payload::Own(control(data)?),
            compress: false,
        };
        Self::send_operation(slf, "WebSocket.pong", frame)
    }

    /// Closes the connection, and waits until the peer has answered.
    #[pyo3(signature = (code=1000, reason=""))]
    fn close(slf: &Bound<'_, Self>, code: u16, reason: &str) -> PyResult<Py<Operation>> {
        Self::close_operation(slf, "WebSocket.close", code, reason)
    }

    /// `close()`, as `async with` calls it.
    fn aclose(slf: &Bound<'_, Self>) -> PyResult<Py<Operation>> {
        Self::close_operation(slf, "WebSocket.aclose", NORMAL, "")
    }

    /// Closes the stream without a word.
    fn abort(&self, py: Python<'_>) -> PyResult<()> {
        wake(py, self.shared.abort("it was aborted on this side")?)
    }

    fn __aenter__(slf: &Bound<'_, Self>) -> PyResult<Py<Ready>> {
        Ready::with(slf.py(), slf.clone().into_any().unbind())
    }

    #[pyo3(signature = (*_exception))]
    fn __aexit__(slf: &Bound<'_, Self>, _exception: &Bound<'_, PyTuple>) -> PyResult<Py<Operation>> {
        Self::close_operation(slf, "WebSocket.__aexit__", NORMAL, "")
    }

    /// Whether it is over, or about to be: nothing can be sent.
    #[getter]
    fn is_closed(&self) -> PyResult<bool> {
        Ok(self.shared.open()?.refusal().is_some())
    }

    /// How many messages came and were not received.
    #[getter]
    fn waiting(&self) -> PyResult<usize> {
        Ok(self.shared.open()?.inbox.len())
    }

    /// How many bytes were sent and are still on this side.
    #[getter]
    fn buffered(&self) -> PyResult<usize> {
        Ok(self.shared.open()?.queued)
    }

    /// The code that it was closed with; None while it is open. 1006 if it broke.
    #[getter]
    fn close_code(&self) -> PyResult<Option<u16>> {
        Ok(self.shared.open()?.end.as_ref().map(|end| end.code))
    }

    #[getter]
    fn close_reason(&self) -> PyResult<Option<String>> {
        Ok(self.shared.open()?.end.as_ref().map(|end| end.reason.clone()))
    }

    /// The exception that a receive would raise by now; None while it is open.
    #[getter]
    fn close_error(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        let end = self.shared.open()?.end.clone();
        Ok(end.map(|end| closed(py, &end).into_value(py).into_any()))
    }

    /// Seconds that the last ping took; None before the first.
    #[getter]
    fn latency(&self) -> PyResult<Option<f64>> {
        Ok(self.shared.open()?.latency)
    }

    /// Which of the subprotocols was agreed on.
    #[getter]
    fn subprotocol(&self) -> Option<&str> {
        self.facts.subprotocol.as_deref()
    }

    /// Whether messages are compressed.
    #[getter]
    fn compression(&self) -> bool {
        self.facts.compression
    }

    #[getter]
    fn url(&self) -> &str {
        &self.facts.url
    }

    #[getter]
    fn path(&self) -> &str {
        &self.facts.path
    }

    /// What is behind the question mark; empty if there is none.
    #[getter]
    fn query(&self) -> &str {
        head::query(&self.facts.path)
    }

    #[getter]
    fn request_headers(&self) -> Headers {
        Headers::from(Arc::clone(&self.facts.request_headers))
    }

    #[getter]
    fn response_headers(&self) -> Headers {
        Headers::from(Arc::clone(&self.facts.response_headers))
    }

    /// What the peer said in the handshake.
    #[getter]
    fn headers(&self) -> Headers {
        match self.facts.is_server {
            true => self.request_headers(),
            false => self.response_headers(),
        }
    }

    /// The address of the peer, or of the proxy, and its port; None where it is not known.
    #[getter]
    fn remote_address(&self) -> Option<(String, u16)> {
        self.facts.ends.remote.map(address)
    }

    #[getter]
    fn local_address(&self) -> Option<(String, u16)> {
        self.facts.ends.local.map(address)
    }

    fn __repr__(&self) -> PyResult<String> {
        let state = self.shared.open()?;
        let how = match (&state.end, &state.closing) {
            (Some(end), _) => format!("closed with {}", end.code),
            (None, Some(_)) => "closing".to_owned(),
            (None, None) => "open".to_owned(),
        };
        // A token may be in the query.
        let (place, _) = self.facts.url.split_once('?').unwrap_or((&self.facts.url, ""));
        Ok(format!("<aioxide.WebSocket [{how}] {place}>"))
    }
}

impl WebSocket {
    /// Sends a ping whose answer the job waits for; the end, if there is one.
    pub(super) fn begin_ping(
        &self,
        payload: Bytes,
    ) -> Result<(Job<Option<f64>>, Option<std::task::Waker>), Refusal> {
        let mut state = self.shared.open()?;
        if let Some(end) = state.refusal() {
            return Err(Refusal::Ended(end));
        }
        let (job, promise) = runtime::promise();
        state.pings.push_back(Ping {
            payload: payload.clone(),
            since: Instant::now(),
            promise: Some(promise),
        });
        state.queue(Outgoing::control(PING, payload));
        Ok((job, state.driver.clone()))
    }
}

impl Drop for WebSocket {
    fn drop(&mut self) {
        if self.shared.is_forked() {
            // The stream is the parent's, and so may be who has its locks.
            std::mem::forget(Arc::clone(&self.shared));
            return;
        }
        self.shared.abandon();
    }
}
