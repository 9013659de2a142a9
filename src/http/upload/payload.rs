//! What a request sends, as plain data: it may be cloned, sent and dropped by any thread.

use std::sync::Arc;

use bytes::Bytes;

use super::body::Body;
use super::streamed::Streamed;
use crate::error::{Error, Result};

/// The body of a request. A clone is the same body, not another one: what can be sent once is sent once.
#[derive(Debug, Clone, Default)]
pub enum Payload {
    #[default]
    Nothing,
    Whole(Bytes),
    Streamed(Arc<Streamed>),
}

impl Payload {
    /// In bytes; None where only its end will tell.
    pub fn length(&self) -> Option<u64> {
        match self {
            Self::Nothing => Some(0),
            Self::Whole(bytes) => Some(bytes.len() as u64),
            Self::Streamed(streamed) => streamed.length(),
        }
    }

    /// Whether it can be opened from its start: bytes and files always, an iterator only as long as
    /// nothing of it was sent.
    pub fn is_replayable(&self) -> bool {
        match self {
            Self::Nothing | Self::Whole(_) => true,
            Self::Streamed(streamed) => streamed.is_replayable(),
        }
    }

    /// The frames of one attempt. LocalProtocol if it cannot be sent again, or is being sent.
    pub fn open(&self) -> Result<Body> {
        match self {
            Self::Nothing => Ok(Body::whole(Bytes::new())),
            Self::Whole(bytes) => Ok(Body::whole(bytes.clone())),
            Self::Streamed(streamed) => Body::streamed(Arc::clone(streamed)),
        }
    }

    /// Why the last body of it had no end, if that was its own fault: a file that cannot be read, an
    /// iterator that does not keep its promise. Over HTTP/2 hyper does not say so in the error of the
    /// request.
    pub fn failure(&self) -> Option<Error> {
        match self {
            Self::Streamed(streamed) => streamed.failure(),
            Self::Nothing | Self::Whole(_) => None,
        }
    }

    /// Lets go of what it holds: files are closed, who feeds an iterator hears that nobody reads it. For
    /// the end of a request whose description lives on; it cannot be opened after that.
    pub fn close(&self) {
        if let Self::Streamed(streamed) = self {
            streamed.close();
        }
    }

    /// The same body with the length that the caller has promised, where none was known.
    #[must_use]
    pub fn declared(self, length: u64) -> Self {
        match self {
            Self::Streamed(streamed) if streamed.length().is_none() => {
                Self::Streamed(Arc::new(streamed.declared(length)))
            }
            other => other,
        }
    }
}
