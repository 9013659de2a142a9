//! `HandshakeRequest`: one who has asked for a WebSocket, shown to the program before it is answered.
//!
//! The knock behind it is answered once, by the listener. Dropped unanswered, the stream is closed.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use http::HeaderMap;
use parking_lot::Mutex;
use pyo3::prelude::*;

use super::head;
use super::refusal::Refusal;
use super::socket::{WebSocket, address};
use super::welcome::Knock;
use crate::error::{Error, Result};
use crate::net::headers::Headers;
use crate::net::stream::Ends;
use crate::runtime;

/// A peer that does not read its refusal is not waited for longer than this.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a client asks for, before it is let in.
#[pyclass(frozen, weakref, module = "aioxide")]
#[derive(Debug)]
pub struct HandshakeRequest {
    url: String,
    path: String,
    headers: Arc<HeaderMap>,
    ends: Ends,
    knock: Mutex<Option<Knock>>,
    epoch: u32,
}

impl HandshakeRequest {
    pub fn new(knock: Knock) -> Self {
        Self {
            url: knock.host.url(&knock.asked),
            path: knock.asked.path.clone(),
            headers: Arc::clone(&knock.asked.headers),
            ends: knock.ends,
            knock: Mutex::new(Some(knock)),
            epoch: runtime::epoch(),
        }
    }

    fn take(&self) -> Result<Knock> {
        if self.epoch != runtime::epoch() {
            return Err(Error::runtime(
                "this request came before a fork and belongs to the parent process",
            ));
        }
        let knock = self.knock.lock().take();
        knock.ok_or_else(|| Error::runtime("this request has been answered already"))
    }

    /// Seconds that are left for the handshake; None: there is no limit.
    pub fn time_left(&self) -> Option<f64> {
        let deadline = self.knock.lock().as_ref()?.deadline?;
        Some(deadline.saturating_duration_since(Instant::now()).as_secs_f64())
    }

    /// Lets it in; None if what it asks for is no WebSocket, and it was told so.
    pub fn open(&self, py: Python<'_>) -> PyResult<Option<Py<WebSocket>>> {
        match self.take()?.open() {
            Ok(opened) => opened.into_socket(py).map(Some),
            Err(refused) => {
                let (knock, refusal) = *refused;
                send(knock, refusal)?;
                Ok(None)
            }
        }
    }

    pub fn refuse(&self, refusal: Refusal) -> Result<()> {
        send(self.take()?, refusal)
    }
}

/// Most are taken by the system at once, so that they are out even where the loop ends with this turn.
fn send(knock: Knock, refusal: Refusal) -> Result<()> {
    let mut sending: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(knock.refuse(refusal));
    runtime::within(|| {
        let waker = Waker::noop();
        if sending
            .as_mut()
            .poll(&mut Context::from_waker(waker))
            .is_pending()
        {
            // Nobody waits for it.
            drop(tokio::spawn(tokio::time::timeout(PATIENCE, sending)));
        }
    })
}

#[pymethods]
impl HandshakeRequest {
    #[getter]
    fn url(&self) -> &str {
        &self.url
    }

    #[getter]
    fn path(&self) -> &str {
        &self.path
    }

    /// What is behind the question mark; empty if there is none.
    #[getter]
    fn query(&self) -> &str {
        head::query(&self.path)
    }

    #[getter]
    fn headers(&self) -> Headers {
        Headers::from(Arc::clone(&self.headers))
    }

    /// Those that the client offers, in its order.
    #[getter]
    fn subprotocols(&self) -> Vec<&str> {
        head::tokens(&self.headers, &http::header::SEC_WEBSOCKET_PROTOCOL).collect()
    }

    #[getter]
    fn remote_address(&self) -> Option<(String, u16)> {
        self.ends.remote.map(address)
    }

    #[getter]
    fn local_address(&self) -> Option<(String, u16)> {
        self.ends.local.map(address)
    }

    /// Without the query, which may have a secret in it.
    fn __repr__(&self) -> String {
        let path = self.path.split('?').next().unwrap_or("");
        format!("<aioxide.HandshakeRequest {path}>")
    }
}

impl Drop for HandshakeRequest {
    fn drop(&mut self) {
        if self.epoch != runtime::epoch() {
            // The stream is the parent's.
            std::mem::forget(self.knock.get_mut().take());
        }
    }
}
