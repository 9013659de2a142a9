//! From a finished handshake to a WebSocket.

use std::sync::Arc;

use bytes::BytesMut;
use pyo3::prelude::*;
use tokio::sync::OwnedSemaphorePermit;

use super::deflate::{Deflater, Inflater};
use super::driver::{Driver, Manners};
use super::extensions::Agreed;
use super::incoming::Incoming;
use super::shared::Shared;
use super::socket::{Facts, WebSocket};
use super::state::Bounds;
use super::wire::Wire;
use crate::net::stream::Stream;
use crate::runtime;

/// What was asked of a connection, whichever side it is on.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    pub manners: Manners,
    pub bounds: Bounds,
    /// How long a message may be that comes, in bytes.
    pub most_message: Option<usize>,
}

/// A stream on which both sides have agreed to be a WebSocket's. Nothing of Python in it.
#[derive(Debug)]
pub struct Opened {
    pub stream: Stream,
    /// A server's answer, if that is still to be sent.
    pub answer: Vec<u8>,
    /// What came behind the handshake.
    pub rest: BytesMut,
    pub facts: Facts,
    pub agreed: Option<Agreed>,
    pub terms: Terms,
    /// Its place among a server's connections, which it gives back at its end.
    pub place: Option<OwnedSemaphorePermit>,
}

impl Opened {
    /// Starts what drives it. On the loop's thread.
    pub fn into_socket(self, py: Python<'_>) -> PyResult<Py<WebSocket>> {
        let is_server = self.facts.is_server;
        let deflater = self.agreed.and_then(|agreed| agreed.ours).map(Deflater::new);
        let inflater = self.agreed.map(|agreed| Inflater::new(agreed.their_takeover));
        let wire = Wire::new(self.stream, self.answer, !is_server, deflater);
        let incoming = Incoming::new(is_server, self.terms.most_message, inflater, self.rest);
        let shared = Shared::new(wire, self.terms.bounds);
        let driver = Driver::new(Arc::clone(&shared), incoming, self.terms.manners);
        let place = self.place;
        let job = runtime::spawn(async move {
            driver.drive().await;
            drop(place);
        })?;
        Py::new(py, WebSocket::new(shared, self.facts, job))
    }
}
